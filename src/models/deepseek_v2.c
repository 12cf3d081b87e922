/* deepseek_v2.c - DeepSeek-V2, V2.5, Coder-V2 and their Lite forms.
 *
 * Names follow section 2.1 of the technical report (arXiv:2405.04434):
 *
 *     h   residual stream of a token                     (d)
 *     u   normalised input of a sub-layer                (d)
 *     s_i affinity of expert i: softmax over all experts of u . e_i
 *
 * Attention is MLA (mla.h).  Of the routed experts, the V2 router first keeps
 * the best groups (a group is as good as its best expert), then the best
 * experts of those; Lite has one group.  Chosen affinities are used as they are
 * (norm_topk_prob false) times routed_scaling_factor.
 */
#include "models/mla.h"
#include "models/moe.h"
#include "models/net.h"

typedef struct v2_layer {
    const float *attn_norm, *ffn_norm; /* (d) */
    ts_mla attn;
    ts_mlp dense; /* the first layers */
    ts_moe moe;   /* the others */
    bool is_moe;
} v2_layer;

static void *bind(ts_binder *b, const ts_config *m)
{
    v2_layer *layers = ts_bind_alloc(b, m->n_layers, sizeof *layers);

    for (size_t l = 0; layers && l < m->n_layers && b->status == TIEFSEE_OK; l++) {
        v2_layer *w = &layers[l];
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
            ts_moe_bind(&w->moe, b, m, false);
        else
            ts_mlp_bind_dense(&w->dense, b, m->d_model, m->d_ff);
    }
    return layers;
}

static ts_router router(const ts_config *m)
{
    return (ts_router){
        .scoring = TS_SCORE_SOFTMAX,
        .group_rule = m->n_groups > 1 ? TS_GROUP_MAX : TS_GROUP_NONE,
        .n_groups = m->n_groups,
        .n_top_groups = m->n_top_groups,
        .normalise = m->norm_topk,
        .scale = (float)m->route_scale,
    };
}

static void layer(ts_ctx *x, const ts_net *net, size_t l, ts_mat h)
{
    const ts_config *m = &net->config;
    const v2_layer *w = (const v2_layer *)net->layers + l;

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

const ts_net_class ts_net_deepseek_v2 = {
    .bind = bind, .layer = layer, .kv_row_floats = kv_row_floats};
