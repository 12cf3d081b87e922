/* session.h - what is behind a tiefsee_session. */
#ifndef TS_ENGINE_SESSION_H
#define TS_ENGINE_SESSION_H

#include "engine/sampler.h"
#include "engine/sequence.h"

struct tiefsee_session {
    tiefsee_model *model;
    ts_sequence seq;
    float **pages; /* the table behind seq.kv.page */
    void *cache;   /* the memory behind the pages */
    float *logits; /* (n_vocab) after the last fed token */
    bool has_logits;
    float *hidden;   /* (d_model) what the logits are made of */
    bool is_pending; /* they have not been made yet */
    ts_sampler sampler;
    _Atomic int is_cancelled;
    tiefsee_on_progress *on_progress;
    void *progress_user;
};

static inline bool ts_session_is_cancelled(const tiefsee_session *s)
{
    return atomic_load_explicit(&s->is_cancelled, memory_order_relaxed) != 0;
}

uint64_t ts_session_kv_bytes(const tiefsee_model *m, size_t n_ctx);

#endif
