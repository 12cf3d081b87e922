/* dense.c - the dense models that R1 was distilled into: Qwen2 and Qwen2.5
 * (biases on q, k, v), Qwen3 (RMSNorm on every query and key head before the
 * rotation), Llama 3 (its own frequency scaling, see rope.c).
 *
 * Grouped-query attention: H query heads share G key-value heads.  A cached row
 * is [k_1 .. k_G | v_1 .. v_G], keys already rotated.
 */
#include "models/dense.h"

static void bind_attention(ts_dense_layer *w, ts_binder *b, const ts_config *m)
{
#define ATTN(gguf, hf) ((ts_names){"blk.%zu." gguf, "model.layers.%zu.self_attn." hf})
    const size_t d = m->d_model, d_q = m->n_heads * m->d_head, d_kv = m->n_kv_heads * m->d_head;

    w->W_Q = ts_bind_matrix(b, ATTN("attn_q.weight", "q_proj.weight"), d, d_q);
    w->W_K = ts_bind_matrix(b, ATTN("attn_k.weight", "k_proj.weight"), d, d_kv);
    w->W_V = ts_bind_matrix(b, ATTN("attn_v.weight", "v_proj.weight"), d, d_kv);
    w->W_O = ts_bind_matrix(b, ATTN("attn_output.weight", "o_proj.weight"), d_q, d);
    if (m->arch == TS_ARCH_QWEN2) {
        w->b_Q = ts_bind_vector(b, ATTN("attn_q.bias", "q_proj.bias"), d_q);
        w->b_K = ts_bind_vector(b, ATTN("attn_k.bias", "k_proj.bias"), d_kv);
        w->b_V = ts_bind_vector(b, ATTN("attn_v.bias", "v_proj.bias"), d_kv);
    } else {
        w->b_Q = ts_bind_optional_vector(b, ATTN("attn_q.bias", "q_proj.bias"), d_q);
        w->b_K = ts_bind_optional_vector(b, ATTN("attn_k.bias", "k_proj.bias"), d_kv);
        w->b_V = ts_bind_optional_vector(b, ATTN("attn_v.bias", "v_proj.bias"), d_kv);
    }
    w->b_O = ts_bind_optional_vector(b, ATTN("attn_output.bias", "o_proj.bias"), d);
    if (m->arch == TS_ARCH_QWEN3) {
        w->q_norm = ts_bind_vector(b, ATTN("attn_q_norm.weight", "q_norm.weight"), m->d_head);
        w->k_norm = ts_bind_vector(b, ATTN("attn_k_norm.weight", "k_norm.weight"), m->d_head);
    }
#undef ATTN
}

static void *bind(ts_binder *b, const ts_config *m)
{
    ts_dense_layer *layers = ts_bind_alloc(b, m->n_layers, sizeof *layers);

    for (size_t l = 0; layers && l < m->n_layers && b->status == TIEFSEE_OK; l++) {
        ts_dense_layer *w = &layers[l];
        b->layer = l;
        w->attn_norm = ts_bind_vector(
            b, (ts_names){"blk.%zu.attn_norm.weight", "model.layers.%zu.input_layernorm.weight"},
            m->d_model);
        w->ffn_norm = ts_bind_vector(b,
                                     (ts_names){"blk.%zu.ffn_norm.weight",
                                                "model.layers.%zu.post_attention_layernorm.weight"},
                                     m->d_model);
        bind_attention(w, b, m);
        ts_mlp_bind_dense(&w->mlp, b, m->d_model, m->d_ff);
    }
    return layers;
}

/* W x + b, and what the adapter adds: B (A x), B scaled. */
static ts_mat linear(ts_ctx *x, const ts_tensor *W, const float *bias, const ts_low_rank *a,
                     ts_mat in)
{
    const ts_mat y = ts_op_linear(x, W, bias, in);

    if (a->A)
        ts_op_add(x, y, ts_op_linear(x, a->B, NULL, ts_op_linear(x, a->A, NULL, in)));
    return y;
}

static ts_mat attention(ts_ctx *x, const ts_net *net, const ts_dense_layer *w, size_t l, ts_mat u)
{
    const ts_config *m = &net->config;
    const ts_low_rank *a = w->adapter;
    const size_t dh = m->d_head, d_kv = m->n_kv_heads * dh;
    const ts_heads q = ts_heads_of(linear(x, w->W_Q, w->b_Q, &a[TS_TARGET_Q], u), m->n_heads);
    const ts_heads k = ts_heads_of(linear(x, w->W_K, w->b_K, &a[TS_TARGET_K], u), m->n_kv_heads);
    const ts_heads v = ts_heads_of(linear(x, w->W_V, w->b_V, &a[TS_TARGET_V], u), m->n_kv_heads);

    if (w->q_norm) {
        ts_op_rmsnorm_heads(x, q, w->q_norm, m->rms_eps);
        ts_op_rmsnorm_heads(x, k, w->k_norm, m->rms_eps);
    }
    ts_op_rope(x, ts_heads_part(q, 0, m->rope.n_dims), m->rope.is_interleaved);
    ts_op_rope(x, ts_heads_part(k, 0, m->rope.n_dims), m->rope.is_interleaved);

    const ts_mat row = ts_mat_new(x, u.n, 2 * d_kv);
    ts_op_copy_heads(x, ts_heads_of(ts_mat_columns(row, 0, d_kv), m->n_kv_heads), k);
    ts_op_copy_heads(x, ts_heads_of(ts_mat_columns(row, d_kv, d_kv), m->n_kv_heads), v);
    ts_op_cache(x, l, row);

    const ts_heads o = ts_heads_new(x, u.n, m->n_heads, dh);
    ts_op_attention(x, &(ts_attention){
                           .batch = x->batch,
                           .layer = l,
                           .q = q.v,
                           .q_stride = q.stride,
                           .q_head_stride = q.head_stride,
                           .o = o.v,
                           .o_stride = o.stride,
                           .o_head_stride = o.head_stride,
                           .n_heads = m->n_heads,
                           .n_kv_heads = m->n_kv_heads,
                           .d_k = dh,
                           .d_v = dh,
                           .k_step = dh,
                           .v_base = d_kv,
                           .v_step = dh,
                           .scale = net->attention_scale,
                       });
    return linear(x, w->W_O, w->b_O, &a[TS_TARGET_O], ts_heads_join(o));
}

static ts_mat feed_forward(ts_ctx *x, const ts_dense_layer *w, ts_mat u)
{
    const ts_low_rank *a = w->adapter;
    const ts_mat g = linear(x, w->mlp.gate, w->mlp.b_gate, &a[TS_TARGET_GATE], u);
    const ts_mat v = linear(x, w->mlp.up, w->mlp.b_up, &a[TS_TARGET_UP], u);

    return linear(x, w->mlp.down, w->mlp.b_down, &a[TS_TARGET_DOWN], ts_op_swiglu(x, g, v));
}

static void layer(ts_ctx *x, const ts_net *net, size_t l, ts_mat h)
{
    const ts_config *m = &net->config;
    const ts_dense_layer *w = (const ts_dense_layer *)net->layers + l;

    ts_op_add(x, h, attention(x, net, w, l, ts_op_rmsnorm(x, h, w->attn_norm, m->rms_eps)));
    ts_op_add(x, h, feed_forward(x, w, ts_op_rmsnorm(x, h, w->ffn_norm, m->rms_eps)));
}

static size_t kv_row_floats(const ts_config *m)
{
    return (size_t)2 * m->n_kv_heads * m->d_head;
}

const ts_net_class ts_net_dense = {.bind = bind, .layer = layer, .kv_row_floats = kv_row_floats};
