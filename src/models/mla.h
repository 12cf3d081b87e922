/* mla.h - multi-head latent attention (DeepSeek-V2 report, section 2.1), shared
 * by V2 and V3.
 *
 *     cQ     compressed query       norm(W_DQ h)            (q_lora) or h itself
 *     cKV    compressed key-value   norm(W_DKV h)           (R)      cached
 *     kR     rotary key, shared by all heads                (d_rope) cached
 *     qC,qR  query per head: content and rotary part        (d_nope), (d_rope)
 *
 * W_UK is absorbed into the query: qC . (W_UK c) = (W_UK^T qC) . c, so heads
 * score against the latent cKV itself and neither keys nor values are ever
 * expanded.  Per token and layer the cache holds R + d_rope numbers.
 */
#ifndef TS_MODELS_MLA_H
#define TS_MODELS_MLA_H

#include "formats/config.h"
#include "models/bind.h"
#include "models/ops.h"

typedef struct ts_mla {
    const ts_tensor *W_DQ;           /* (q_lora, d) or NULL: queries are not compressed */
    const float *q_norm, *b_DQ;      /* (q_lora); the bias may be NULL */
    const ts_tensor *W_UQ;           /* (H (d_nope + d_rope), q_lora or d) */
    const ts_tensor *W_DKV_KR;       /* (R + d_rope, d): W_DKV above W_KR */
    const float *kv_norm, *b_DKV_KR; /* (R); (R + d_rope) or NULL */
    ts_head_weights W_UK, W_UV;      /* per head (d_nope, R), (d_value, R) */
    const ts_tensor *W_O;            /* (d, H d_value) */
    const float *b_O;                /* (d) or NULL */
} ts_mla;

void ts_mla_bind(ts_mla *w, ts_binder *b, const ts_config *m);

/* Attention of normalised hidden states h (n, d) in `layer`; returns (n, d).
 * scale is the softmax scale. */
ts_mat ts_mla_attention(ts_ctx *x, const ts_config *m, const ts_mla *w, size_t layer, float scale,
                        ts_mat h);

/* (d_nope + d_rope)^-1/2 times YaRN's correction. */
float ts_mla_scale(const ts_config *m);

#endif
