/* moe.h - DeepSeekMoE feed-forward (DeepSeek-V2 report, section 2.1.3; V3
 * report, section 2.1.2): routed experts beside shared ones. */
#ifndef TS_MODELS_MOE_H
#define TS_MODELS_MOE_H

#include "formats/config.h"
#include "models/bind.h"
#include "models/ops.h"

/* down(silu(gate u) * (up u)) */
typedef struct ts_mlp {
    const ts_tensor *gate, *up, *down;   /* (F, d), (F, d), (d, F) */
    const float *b_gate, *b_up, *b_down; /* may be NULL */
} ts_mlp;

/* Bind "<prefix>gate", "<prefix>up", "<prefix>down" of both spellings. */
void ts_mlp_bind_dense(ts_mlp *w, ts_binder *b, size_t d, size_t d_ff);
void ts_mlp_bind_shared(ts_mlp *w, ts_binder *b, size_t d, size_t d_ff);
ts_mat ts_mlp_forward(ts_ctx *x, const ts_mlp *w, ts_mat u);

typedef struct ts_moe {
    const ts_tensor *W_gate;           /* (E, d): centroids e_i of the router */
    const float *bias;                 /* (E) b_i, selection only; NULL in V2 */
    const ts_tensor *gate, *up, *down; /* (E) matrices each */
    ts_mlp shared;                     /* gate is NULL if there is none */
} ts_moe;

void ts_moe_bind(ts_moe *w, ts_binder *b, const ts_config *m, bool has_bias);

/* The router's rule; z, id, weight and T are filled in by ts_moe_forward. */
ts_mat ts_moe_forward(ts_ctx *x, const ts_config *m, const ts_moe *w, ts_router rule, ts_mat u);

/* Does layer l have experts? */
bool ts_moe_is_in_layer(const ts_config *m, size_t l);

#endif
