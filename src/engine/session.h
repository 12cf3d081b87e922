/* session.h - what is behind a tiefsee_session, and the step that feeds several. */
#ifndef TS_ENGINE_SESSION_H
#define TS_ENGINE_SESSION_H

#include <stdatomic.h>

#include "core/rng.h"
#include "engine/model.h"
#include "engine/sampler.h"

struct tiefsee_session {
    tiefsee_model *model;
    size_t n_ctx, n; /* capacity; tokens in the cache */
    int32_t *tokens; /* (n_ctx) */
    ts_kv kv;
    float **pages; /* the table behind kv.page */
    void *cache;   /* the memory behind the pages */
    float *logits; /* (n_vocab) after the last fed token */
    bool has_logits;
    ts_sampler sampler;
    _Atomic int is_cancelled;
    tiefsee_on_progress *on_progress;
    void *progress_user;
};

/* One sequence's share of a step: n tokens appended to s; logits of the last
 * n_logits of them go to `logits` (n_logits rows of n_vocab). */
typedef struct ts_feed {
    tiefsee_session *s;
    const int32_t *tokens;
    size_t n;
    float *logits;
    size_t n_logits;
} ts_feed;

/* Run one step for several sequences.  The shares together must fit max_batch
 * and max_logits, each its session's context. */
void ts_model_step(tiefsee_model *m, const ts_feed *feeds, size_t n_feeds);

uint64_t ts_session_kv_bytes(const tiefsee_model *m, size_t n_ctx);

#endif
