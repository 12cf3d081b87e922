/* mla.c - see mla.h. */
#include "models/mla.h"

#include <math.h>

#include "models/rope.h"

/* The published code builds the norms of both latents with this constant,
 * whatever rms_norm_eps says. */
static const double LATENT_EPS = 1e-6;

/* GGUF files hold the up-projections of keys and values either together, per
 * head d_nope rows of W_UK above d_value rows of W_UV, as the checkpoints do,
 * or apart, with W_UK transposed (R rows of d_nope). */
static void bind_up_projections(ts_mla *w, ts_binder *b, const ts_config *m)
{
    static const ts_names together = {"blk.%zu.attn_kv_b.weight",
                                      "model.layers.%zu.self_attn.kv_b_proj.weight"};
    static const ts_names keys = {"blk.%zu.attn_k_b.weight", NULL};
    static const ts_names values = {"blk.%zu.attn_v_b.weight", NULL};
    const size_t H = m->n_heads, R = m->kv_lora_rank, both = m->d_nope + m->d_value;

    if (ts_bind_has(b, keys) && ts_bind_has(b, values)) {
        const ts_tensor *K = ts_bind_stack(b, keys, m->d_nope, R, H);
        const ts_tensor *V = ts_bind_stack(b, values, R, m->d_value, H);
        w->W_UK = (ts_head_weights){K, 0, R, R, false};
        w->W_UV = (ts_head_weights){V, 0, m->d_value, m->d_value, false};
        return;
    }
    const ts_tensor *KV = ts_bind_matrix(b, together, R, H * both);
    w->W_UK = (ts_head_weights){KV, 0, both, m->d_nope, true};
    w->W_UV = (ts_head_weights){KV, m->d_nope, both, m->d_value, false};
}

void ts_mla_bind(ts_mla *w, ts_binder *b, const ts_config *m)
{
#define ATTN(gguf, hf) ((ts_names){"blk.%zu." gguf, "model.layers.%zu.self_attn." hf})
    const size_t d = m->d_model, d_q = m->n_heads * (m->d_nope + m->d_rope);
    const size_t d_latent = m->kv_lora_rank + m->d_rope, q_lora = m->q_lora_rank;

    if (q_lora) {
        w->W_DQ = ts_bind_matrix(b, ATTN("attn_q_a.weight", "q_a_proj.weight"), d, q_lora);
        w->b_DQ = ts_bind_optional_vector(b, ATTN("attn_q_a.bias", "q_a_proj.bias"), q_lora);
        w->q_norm = ts_bind_vector(b, ATTN("attn_q_a_norm.weight", "q_a_layernorm.weight"), q_lora);
        w->W_UQ = ts_bind_matrix(b, ATTN("attn_q_b.weight", "q_b_proj.weight"), q_lora, d_q);
    } else {
        w->W_UQ = ts_bind_matrix(b, ATTN("attn_q.weight", "q_proj.weight"), d, d_q);
    }
    w->W_DKV_KR =
        ts_bind_matrix(b, ATTN("attn_kv_a_mqa.weight", "kv_a_proj_with_mqa.weight"), d, d_latent);
    w->b_DKV_KR =
        ts_bind_optional_vector(b, ATTN("attn_kv_a_mqa.bias", "kv_a_proj_with_mqa.bias"), d_latent);
    w->kv_norm =
        ts_bind_vector(b, ATTN("attn_kv_a_norm.weight", "kv_a_layernorm.weight"), m->kv_lora_rank);
    bind_up_projections(w, b, m);
    w->W_O =
        ts_bind_matrix(b, ATTN("attn_output.weight", "o_proj.weight"), m->n_heads * m->d_value, d);
    w->b_O = ts_bind_optional_vector(b, ATTN("attn_output.bias", "o_proj.bias"), d);
#undef ATTN
}

/* Scored rows are [cKV | kR]: queries as [W_UK^T qC | qR]. */
static ts_heads absorbed_queries(ts_ctx *x, const ts_config *m, const ts_mla *w, ts_mat h)
{
    const size_t R = m->kv_lora_rank;
    ts_mat cQ = h;

    if (w->W_DQ)
        cQ = ts_op_rmsnorm(x, ts_op_linear(x, w->W_DQ, w->b_DQ, h), w->q_norm, LATENT_EPS);
    const ts_heads q = ts_heads_of(ts_op_linear(x, w->W_UQ, NULL, cQ), m->n_heads);
    const ts_heads qC = ts_heads_part(q, 0, m->d_nope);
    const ts_heads qR = ts_heads_part(q, m->d_nope, m->d_rope);
    const ts_heads absorbed = ts_heads_new(x, h.n, m->n_heads, R + m->d_rope);

    ts_op_rope(x, qR, m->rope.is_interleaved);
    ts_op_linear_heads(x, ts_heads_part(absorbed, 0, R), &w->W_UK, qC);
    ts_op_copy_heads(x, ts_heads_part(absorbed, R, m->d_rope), qR);
    return absorbed;
}

ts_mat ts_mla_attention(ts_ctx *x, const ts_config *m, const ts_mla *w, size_t layer, float scale,
                        ts_mat h)
{
    const size_t R = m->kv_lora_rank;

    const ts_mat latent = ts_op_linear(x, w->W_DKV_KR, w->b_DKV_KR, h);
    const ts_mat cKV = ts_mat_columns(latent, 0, R), kR = ts_mat_columns(latent, R, m->d_rope);
    ts_op_rmsnorm_to(x, cKV, cKV, w->kv_norm, LATENT_EPS);
    ts_op_rope(x, ts_heads_of(kR, 1), m->rope.is_interleaved);
    ts_op_cache(x, layer, latent);

    const ts_heads q = absorbed_queries(x, m, w, h);
    const ts_heads z = ts_heads_new(x, h.n, m->n_heads, R);
    ts_op_attention(x, &(ts_attention){
                           .batch = x->batch,
                           .layer = layer,
                           .q = q.v,
                           .q_stride = q.stride,
                           .q_head_stride = q.head_stride,
                           .o = z.v,
                           .o_stride = z.stride,
                           .o_head_stride = z.head_stride,
                           .n_heads = m->n_heads,
                           .n_kv_heads = 1,
                           .d_k = R + m->d_rope,
                           .d_v = R,
                           .scale = scale,
                       });
    const ts_heads o = ts_heads_new(x, h.n, m->n_heads, m->d_value);
    ts_op_linear_heads(x, o, &w->W_UV, z);
    return ts_op_linear(x, w->W_O, w->b_O, ts_heads_join(o));
}

float ts_mla_scale(const ts_config *m)
{
    return (float)(ts_rope_softmax_factor(&m->rope) / sqrt((double)(m->d_nope + m->d_rope)));
}
