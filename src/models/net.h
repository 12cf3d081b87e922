/* net.h - a model's weights and its forward pass over a batch.
 *
 * A generation is a ts_net_class: how it binds its tensors and what one layer
 * does to the residual stream.  Embedding, final norm and head are the same for
 * all and live in net.c.
 */
#ifndef TS_MODELS_NET_H
#define TS_MODELS_NET_H

#include <stdatomic.h>

#include "formats/modelfile.h"
#include "models/bind.h"
#include "models/ops.h"

typedef struct ts_net ts_net;

typedef struct ts_net_class {
    /* Bind all layers; returns what `layer` gets as weights, one array. */
    void *(*bind)(ts_binder *b, const ts_config *m);
    /* h (n, d): the residual stream, changed in place. */
    void (*layer)(ts_ctx *x, const ts_net *net, size_t l, ts_mat h);
    /* Floats that one token leaves in the cache of one layer. */
    size_t (*kv_row_floats)(const ts_config *m);
} ts_net_class;

extern const ts_net_class ts_net_deepseek_v2, ts_net_deepseek_v3, ts_net_dense;

struct ts_net {
    ts_config config;
    const ts_net_class *class;
    ts_arena *arena, *adapters; /* adapters: NULL without (dense.h) */
    void *layers;
    const ts_tensor *embedding; /* (V, d) */
    const ts_tensor *head;      /* (V, d) */
    const float *final_norm;    /* (d) */
    float *rope_frequency;      /* (n_pairs) */
    float rope_amplitude, attention_scale;
    size_t n_pairs, max_width;
    uint64_t adapter_bytes; /* of the copies beside the file's weights */
    bool packs_cache;       /* see ts_net_pack_cache() */
};

/* Binds every tensor; the modelfile must outlive the net. */
tiefsee_status ts_net_open(ts_net **out, const ts_modelfile *f, tiefsee_error *err) TS_MUST_CHECK;
void ts_net_close(ts_net *net);

/* Scratch bytes of a forward pass over T tokens that asks for n_logits rows:
 * found by running it dry. */
size_t ts_net_scratch_bytes(const ts_net *net, size_t T, size_t n_logits);

/* What a step costs: multiply-adds of every token with weights, and those that rows of
 * logits take on top (attention over the context is not counted); bytes of weights that
 * one decoded token reads, its logits included. */
typedef struct ts_net_cost {
    uint64_t weight_bytes, macs_per_token, macs_per_logits;
} ts_net_cost;

ts_net_cost ts_net_cost_of(const ts_net *net);

/* From now on cached rows are integers (kernels/latent.h), a third of the bytes,
 * if the model's attention allows it; before any cache is made. */
void ts_net_pack_cache(ts_net *net);

size_t ts_net_kv_row_floats(const ts_net *net); /* words of four bytes, packed or not */
ts_kv ts_net_kv(const ts_net *net, float *const *page, size_t n_pages);

/* One forward pass.  logits: n_logits rows of n_vocab floats, for the batch's
 * tokens want[0..n_logits), ascending.  hidden: if not NULL, rows of d_model floats
 * that the output matrix would meet, instead of logits.  scratch as planned above. */
typedef struct ts_forward {
    const ts_batch *batch;
    const uint32_t *want;
    size_t n_logits;
    float *logits, *hidden;
    const _Atomic int *cancel; /* give up between layers when it becomes true; NULL: never */
    int32_t
        *choices; /* (n_layers, n tokens, n_active): experts, in layers that have them; or NULL */
} ts_forward;

/* False if it was given up; then logits are not filled in. */
bool ts_net_forward(const ts_net *net, ts_backend *b, void *scratch, size_t scratch_bytes,
                    const ts_forward *f);

#endif
