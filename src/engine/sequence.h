/* sequence.h - tokens with their cache, and the step that feeds several. */
#ifndef TS_ENGINE_SEQUENCE_H
#define TS_ENGINE_SEQUENCE_H

#include <stdatomic.h>

#include "engine/model.h"

typedef struct ts_sequence {
    size_t n_ctx, n;   /* capacity; tokens in the cache */
    int32_t *tokens;   /* (n_ctx) */
    ts_kv kv;          /* has pages for at least n_ctx tokens, or as many as were fed */
    uint16_t *choices; /* (n_ctx, n_layers, n_active) experts of tokens that were fed; or NULL */
} ts_sequence;

/* One sequence's share of a step: n tokens appended to seq.  Logits of the last
 * n_logits of them (n_logits rows of n_vocab) go to `logits`; if that is NULL,
 * they stay in the model, and rows points to them until its next step.
 *
 * sampler, with n_logits 1: only the token is wanted that this sampler, a plain one,
 * chooses next.  Then `token` may be it, the sampler knows, and nobody has the logits; else
 * token is -1 and they are where they always are. */
typedef struct ts_feed {
    ts_sequence *seq;
    const int32_t *tokens;
    size_t n;
    float *logits;
    size_t n_logits;
    ts_sampler *sampler;
    float *hidden; /* (d_model) or NULL: gets what ts_model_logits() makes logits of */
    const float *rows;
    int32_t token;
} ts_feed;

/* Run one step for several sequences.  The shares together must fit max_batch
 * and max_logits, each its sequence's context.  If *cancel becomes true the step
 * may be given up between two layers: then nothing was appended and the result
 * is false. */
bool ts_model_step(tiefsee_model *m, ts_feed *feeds, size_t n_feeds, const _Atomic int *cancel);

/* The logits that a step with a best token did not give. */
void ts_model_logits(tiefsee_model *m, const float *hidden, float *logits);

#endif
