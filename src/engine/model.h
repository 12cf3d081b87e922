/* model.h - what is behind a tiefsee_model: file, weights, tokenizer, backend. */
#ifndef TS_ENGINE_MODEL_H
#define TS_ENGINE_MODEL_H

#include "core/thread.h"
#include "engine/head.h"
#include "formats/encoding.h"
#include "kernels/kernels.h"
#include "models/net.h"

enum { TS_MAX_STOP_TOKENS = 4, TS_MAX_CALL_MARKERS = 9 };

struct tiefsee_model {
    ts_modelfile *file;
    ts_bpe *bpe;                   /* NULL: the file has no tokenizer, or a damaged one */
    tiefsee_error tokenizer_error; /* what is wrong with it */
    ts_net *net;                   /* NULL: opened for its metadata only */
    ts_backend *backend;
    ts_kernels k; /* the sampler's */
    ts_encoding encoding;
    int32_t stop_token[TS_MAX_STOP_TOKENS]; /* end of an answer */
    size_t n_stop_tokens;
    int32_t think_begin, think_end;           /* -1: none */
    int32_t call_marker[TS_MAX_CALL_MARKERS]; /* of tool calls and what tools answer */
    size_t n_call_markers;
    uint64_t *undefined; /* bit i: id i has no token and is never sampled; NULL: none */

    unsigned cpu_flags;
    int n_threads;
    bool is_integer; /* most weights are quantised */
    char weight_types[128];
    uint64_t n_parameters, weight_bytes;
    uint64_t adapter; /* hash of the adapter's bytes; 0: none */

    /* A step of up to max_batch tokens; one at a time. */
    ts_lock *lock;
    size_t max_batch, max_logits, scratch_bytes;
    void *scratch;
    int32_t *id;
    uint32_t *pos, *want;
    ts_kv **kv;
    float *step_logits; /* (max_logits, n_vocab); steps of several sessions only */
    int32_t *choices;   /* (n_layers, max_batch, n_active), see ts_model_tell_experts(); or NULL */
    ts_head *head;      /* NULL: tokens are chosen by all logits */
    float *hidden;      /* (max_logits, d_model) with head: what the last step left */
    int32_t *chosen;    /* (max_logits) */
    ts_sampler **samplers;
};

/* From now on sequences with room for them are told which experts their tokens chose. */
tiefsee_status ts_model_tell_experts(tiefsee_model *m, tiefsee_error *err) TS_MUST_CHECK;

/* Scratch of the whole model: the net's, the backend's and the step's tables. */
uint64_t ts_model_scratch_bytes(const tiefsee_model *m);

#endif
