/* sampler.h - from logits to a token.
 *
 * Order: bias, penalties, temperature, top-k, top-p, min-p; ties go to the
 * lower id.  The draw depends on the seed and the logits only.
 */
#ifndef TS_ENGINE_SAMPLER_H
#define TS_ENGINE_SAMPLER_H

#include "core/error.h"
#include "core/rng.h"
#include "kernels/kernels.h"

enum { TS_MAX_TOP_LOGPROBS = 20, TS_MAX_BIAS = 1024, TS_SAMPLER_BUCKETS = 1024 };

/* Tokens of about the same probability. */
typedef struct ts_sampler_bucket {
    double mass;
    size_t n;
} ts_sampler_bucket;

typedef struct ts_sampler {
    size_t n_vocab, n_listed; /* n_listed: of p */
    tiefsee_sampling opt;
    ts_rng rng;
    float *p;                  /* (n_vocab) working copy: logits, then weights */
    int32_t *ids;              /* (n_vocab) of a bucket */
    ts_sampler_bucket *bucket; /* (TS_SAMPLER_BUCKETS) */
    int32_t *counts;           /* (n_vocab) of generated tokens */
} ts_sampler;

tiefsee_status ts_sampler_open(ts_sampler *s, size_t n_vocab, tiefsee_error *err) TS_MUST_CHECK;
void ts_sampler_close(ts_sampler *s);

/* Begin an answer: checks every option; opt's pointers must outlive the answer. */
tiefsee_status ts_sampler_start(ts_sampler *s, const tiefsee_sampling *opt,
                                tiefsee_error *err) TS_MUST_CHECK;

/* Choose the next token.  undefined: bit set of ids to leave out, or NULL.
 * recent: the context, for the repetition penalty. */
int32_t ts_sampler_next(ts_sampler *s, const ts_kernels *k, const float *logits,
                        const uint64_t *undefined, const int32_t *recent, size_t n_recent);

/* Does the next token depend on the logits and the seed alone, whatever came before? */
bool ts_sampler_is_plain(const ts_sampler *s);

/* Is it always the best one? */
bool ts_sampler_picks_best(const ts_sampler *s);

/* Some tokens, ids ascending, the one with the largest logit among them.  Of any other
 * token exp((logit - largest) / temperature) is at most `each`, and `others` of all of
 * them together, in exact numbers. */
typedef struct ts_listed {
    const int32_t *ids;
    const float *logits;
    size_t n;
    double each, others;
} ts_listed;

/* The token that ts_sampler_next() would choose, for a plain sampler that does not pick
 * the best; -1: the list does not say, and nothing was drawn. */
int32_t ts_sampler_next_of(ts_sampler *s, const ts_kernels *k, const ts_listed *l);

/* The n most likely tokens of the model's own distribution, and the logprob of
 * `token` in it. */
float ts_logprobs(tiefsee_token_logprob *top, size_t n, const float *logits, size_t n_vocab,
                  int32_t token);

/* Largest logit, the lowest id on ties. */
int32_t ts_argmax(const float *logits, size_t n_vocab);

#endif
