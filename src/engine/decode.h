/* decode.h - one answer in the making, token by token.
 *
 * The way of a token: logits (narrowed by a constraint) -> sampler -> its bytes ->
 * whole UTF-8 characters -> reasoning and content apart -> content past the stop
 * strings -> the caller.  A session and the scheduler both drive it; nothing
 * here allocates after start.
 */
#ifndef TS_ENGINE_DECODE_H
#define TS_ENGINE_DECODE_H

#include "engine/constraint.h"
#include "engine/model.h"
#include "engine/sampler.h"
#include "engine/stop.h"

typedef struct ts_answer {
    const tiefsee_model *model;
    ts_sampler *sampler;
    ts_constraint constraint; /* borrowed; of the content only */
    uint64_t *excluded;       /* (n_vocab bits); with a constraint only */
    tiefsee_generate_options opt;
    ts_utf8_stream utf8;
    ts_splitter splitter;
    ts_stop stop;
    tiefsee_piece piece; /* of the token at hand */
    tiefsee_token_logprob top[TS_MAX_TOP_LOGPROBS];
    bool was_called;   /* for the token at hand */
    bool is_cancelled; /* the caller wants no more */
    int stop_index;
    tiefsee_finish finish;
    size_t n_generated, n_reasoning;
} ts_answer;

/* opt's pointers must outlive the answer.  excluded: see above, may be NULL
 * without a constraint. */
tiefsee_status ts_answer_start(ts_answer *a, const tiefsee_model *m, ts_sampler *sampler,
                               const tiefsee_generate_options *opt, const ts_constraint *constraint,
                               uint64_t *excluded, tiefsee_error *err) TS_MUST_CHECK;

/* The token behind `context`, for ts_answer_step(); -1: only that can choose it.  Answers
 * may be asked on several threads, each on one. */
int32_t ts_answer_choose(ts_answer *a, const float *logits, const int32_t *context,
                         size_t n_context);

/* Choose the token behind `context`, pass on its text.  chosen: what ts_answer_choose() or
 * ts_answer_sampler() has chosen, so that logits are not read; else -1.
 * True: *token belongs to the context now and the answer goes on; false: it has ended
 * (a->finish), and *token, if it was part of the answer, is not -1. */
bool ts_answer_step(ts_answer *a, const float *logits, int32_t chosen, const int32_t *context,
                    size_t n_context, size_t n_ctx, int32_t *token);

/* What chooses the next token, if nothing but that token is wanted of a step; else NULL. */
ts_sampler *ts_answer_sampler(const ts_answer *a);

/* Pass on what was held back, unless it ended by a stop string or was cancelled. */
void ts_answer_end(ts_answer *a);

#endif
