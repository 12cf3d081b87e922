/* deepseek_v3.c - DeepSeek-V3 and the models that share its shape (R1, V3.1).
 *
 * Names follow section 2.1 of the technical report (arXiv:2412.19437):
 *
 *     h   residual stream of a token                     (d)
 *     u   normalised input of a sub-layer                (d)
 *     s_i affinity of expert i: sigmoid(u . e_i)
 *     b_i bias of expert i: steers which experts are chosen, never how much the
 *         chosen ones weigh (balancing without an auxiliary loss)
 *
 * Attention is MLA (mla.h).  The router keeps the best groups (the sum of the
 * two best s_i + b_i of each), then the best experts of those; the weights are
 * the chosen s_i divided by their sum, times routed_scaling_factor.
 */
#include "models/mla.h"
#include "models/moe.h"
#include "models/net.h"

typedef struct v3_layer {
    const float *attn_norm, *ffn_norm; /* (d) */
    ts_mla attn;
    ts_mlp dense; /* the first layers */
    ts_moe moe;   /* the others */
    bool is_moe;
} v3_layer;

static void *bind(ts_binder *b, const ts_config *m)
{
    v3_layer *layers = ts_bind_alloc(b, m->n_layers, sizeof *layers);

    for (size_t l = 0; layers && l < m->n_layers && b->status == TIEFSEE_OK; l++) {
        v3_layer *w = &layers[l];
        b->layer = l;
        w->is_moe = ts_moe_is_in_layer(m, l);
        w->attn_norm = ts_bind_vector(
            b, (ts_names){"blk.%zu.attn_norm.weight", "model.layers.%zu.input_layernorm.weight"},
            m->d_model);
        w->ffn_norm = ts_bind_vector(b,
                                     (ts_names){"blk.%zu.ffn_norm.weight",
                                                "model.layers.%zu.post_attention_layernorm.weight"},
                                     m->d_model);
        ts_mla_bind(&w->attn, b, m);
        if (w->is_moe)
            ts_moe_bind(&w->moe, b, m, true);
        else
            ts_mlp_bind_dense(&w->dense, b, m->d_model, m->d_ff);
    }
    return layers;
}

static ts_router router(const ts_config *m)
{
    return (ts_router){
        .scoring = TS_SCORE_SIGMOID,
        .group_rule = m->n_groups > 1 ? TS_GROUP_TOP2 : TS_GROUP_NONE,
        .n_groups = m->n_groups,
        .n_top_groups = m->n_top_groups,
        .normalise = m->norm_topk,
        .scale = (float)m->route_scale,
    };
}

static void layer(ts_ctx *x, const ts_net *net, size_t l, ts_mat h)
{
    const ts_config *m = &net->config;
    const v3_layer *w = (const v3_layer *)net->layers + l;

    ts_op_add(x, h,
              ts_mla_attention(x, m, &w->attn, l, net->attention_scale,
                               ts_op_rmsnorm(x, h, w->attn_norm, m->rms_eps)));

    const ts_mat u = ts_op_rmsnorm(x, h, w->ffn_norm, m->rms_eps);
    ts_op_add(x, h,
              w->is_moe ? ts_moe_forward(x, m, &w->moe, router(m), u)
                        : ts_mlp_forward(x, &w->dense, u));
}

static size_t kv_row_floats(const ts_config *m)
{
    return m->kv_lora_rank + m->d_rope;
}

const ts_net_class ts_net_deepseek_v3 = {
    .bind = bind, .layer = layer, .kv_row_floats = kv_row_floats};
