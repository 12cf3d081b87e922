/* ops.h - the words in which model files are written.
 *
 * A ts_mat is n rows (tokens) of d floats; a ts_heads is n tokens of H vectors.
 * Every op returns fresh memory from the step's scratch and none can fail:
 * shapes were checked when the weights were bound, and the scratch was measured
 * by a dry run - the same code with no backend, which only adds up sizes.
 */
#ifndef TS_MODELS_OPS_H
#define TS_MODELS_OPS_H

#include <assert.h>
#include <string.h>

#include "backends/backend.h"
#include "backends/profile.h"

typedef struct ts_ctx {
    ts_backend *b; /* NULL: dry run */
    const ts_batch *batch;
    uint8_t *base; /* scratch */
    size_t used, peak, cap;
    const float *cosine, *sine; /* (n tokens, n_pairs) of this batch's positions */
    int32_t *choices; /* (n tokens, n_active) where the layer's experts are to be told, or NULL */
    uint64_t weight_bytes, macs; /* weights read once, multiply-adds with them */
} ts_ctx;

typedef struct ts_mat {
    float *v;
    size_t n, d, stride;
} ts_mat;

typedef struct ts_heads {
    float *v;
    size_t n, H, d, stride, head_stride;
} ts_heads;

static inline void *ts_ctx_take(ts_ctx *x, size_t bytes)
{
    const size_t at = x->used;

    x->used += (bytes + 63) / 64 * 64;
    x->peak = x->used > x->peak ? x->used : x->peak;
    assert(!x->b || x->used <= x->cap);
    return x->b ? x->base + at : NULL;
}

static inline ts_mat ts_mat_new(ts_ctx *x, size_t n, size_t d)
{
    return (ts_mat){ts_ctx_take(x, n * d * sizeof(float)), n, d, d};
}

/* Columns [first, first + d) of m. */
static inline ts_mat ts_mat_columns(ts_mat m, size_t first, size_t d)
{
    assert(first + d <= m.d);
    return (ts_mat){m.v ? m.v + first : NULL, m.n, d, m.stride};
}

static inline ts_heads ts_heads_new(ts_ctx *x, size_t n, size_t H, size_t d)
{
    return (ts_heads){ts_ctx_take(x, n * H * d * sizeof(float)), n, H, d, H * d, d};
}

/* The rows of m as H vectors each. */
static inline ts_heads ts_heads_of(ts_mat m, size_t H)
{
    assert(m.d % H == 0);
    return (ts_heads){m.v, m.n, H, m.d / H, m.stride, m.d / H};
}

/* Elements [first, first + d) of every vector. */
static inline ts_heads ts_heads_part(ts_heads h, size_t first, size_t d)
{
    assert(first + d <= h.d);
    h.v = h.v ? h.v + first : NULL;
    h.d = d;
    return h;
}

/* The vectors of a token side by side; they must be contiguous. */
static inline ts_mat ts_heads_join(ts_heads h)
{
    assert(h.head_stride == h.d);
    return (ts_mat){h.v, h.n, h.H * h.d, h.stride};
}

/* Note what a step reads and multiplies (see ts_net_cost_of). */
static inline void ts_ctx_count(ts_ctx *x, uint64_t bytes, uint64_t macs)
{
    x->weight_bytes += bytes;
    x->macs += macs;
}

/* W x (+ bias, may be NULL), to where y lies. */
static inline void ts_op_linear_to(ts_ctx *x, float *y, const ts_tensor *W, const float *bias,
                                   ts_mat in)
{
    assert(in.d == W->ne[0]);
    ts_ctx_count(x, W->bytes, W->ne[0] * ts_tensor_rows(W) * in.n);
    if (x->b)
        TS_RUN(x, linear, W->type, W->ne[0] * ts_tensor_rows(W) * in.n, y, W, bias, in.v, in.stride,
               in.n);
}

/* W x (+ bias, may be NULL). */
static inline ts_mat ts_op_linear(ts_ctx *x, const ts_tensor *W, const float *bias, ts_mat in)
{
    const ts_mat y = ts_mat_new(x, in.n, (size_t)ts_tensor_rows(W));

    ts_op_linear_to(x, y.v, W, bias, in);
    return y;
}

/* out_h = W_h in_h (or W_h^T in_h), written where out lies. */
static inline void ts_op_linear_heads(ts_ctx *x, ts_heads out, const ts_head_weights *w,
                                      ts_heads in)
{
    assert(out.H == in.H && out.n == in.n);
    assert(in.d == (w->is_transposed ? w->n_rows : w->W->ne[0]));
    assert(out.d == (w->is_transposed ? w->W->ne[0] : w->n_rows));
    ts_ctx_count(x, w->W->row_bytes * w->n_rows * in.H, w->W->ne[0] * w->n_rows * in.H * in.n);
    if (x->b)
        TS_RUN(x, linear_heads, w->W->type, w->W->ne[0] * w->n_rows * in.H * in.n,
               (&(ts_linear_heads){out.v, in.v, out.stride, out.head_stride, in.stride,
                                   in.head_stride, *w, in.H, in.n}));
}

static inline void ts_op_rmsnorm_to(ts_ctx *x, ts_mat out, ts_mat in, const float *w, double eps)
{
    assert(out.n == in.n && out.d == in.d);
    if (x->b)
        TS_RUN(x, rms_norm, TS_F32, 0, out.v, out.stride, in.v, in.stride, w, in.n, in.d,
               (float)eps);
}

static inline ts_mat ts_op_rmsnorm(ts_ctx *x, ts_mat in, const float *w, double eps)
{
    const ts_mat y = ts_mat_new(x, in.n, in.d);

    ts_op_rmsnorm_to(x, y, in, w, eps);
    return y;
}

/* Every vector of every token normalised in place, one weight for all heads. */
static inline void ts_op_rmsnorm_heads(ts_ctx *x, ts_heads h, const float *w, double eps)
{
    assert(h.stride == h.H * h.head_stride);
    if (x->b)
        TS_RUN(x, rms_norm, TS_F32, 0, h.v, h.head_stride, h.v, h.head_stride, w, h.n * h.H, h.d,
               (float)eps);
}

/* Rotate in place by the angles of the batch's positions. */
static inline void ts_op_rope(ts_ctx *x, ts_heads h, bool is_interleaved)
{
    if (x->b)
        TS_RUN(x, rope, TS_F32, 0,
               (&(ts_rope){h.v, h.stride, h.head_stride, h.H, h.n, h.d / 2, x->cosine, x->sine,
                           is_interleaved}));
}

/* out = in, vector by vector. */
static inline void ts_op_copy_heads(ts_ctx *x, ts_heads out, ts_heads in)
{
    assert(out.n == in.n && out.H == in.H && out.d == in.d);
    for (size_t t = 0; x->b && t < in.n; t++)
        for (size_t h = 0; h < in.H; h++)
            memcpy(out.v + t * out.stride + h * out.head_stride,
                   in.v + t * in.stride + h * in.head_stride, in.d * sizeof *in.v);
}

/* Append one row per token to the cache of this layer. */
static inline void ts_op_cache(ts_ctx *x, size_t layer, ts_mat rows)
{
    if (x->b) {
        assert(rows.stride == rows.d && rows.d == ts_kv_width(x->batch->kv[0]));
        TS_RUN(x, scatter_rows, TS_F32, 0, x->batch, layer, rows.v);
    }
}

static inline void ts_op_attention(ts_ctx *x, const ts_attention *a)
{
    if (x->b)
        TS_RUN(x, attention, TS_F32, 0, a);
}

/* h += r */
static inline void ts_op_add(ts_ctx *x, ts_mat h, ts_mat r)
{
    assert(h.n == r.n && h.d == r.d && h.stride == h.d && r.stride == r.d);
    if (x->b)
        TS_RUN(x, add, TS_F32, 0, h.v, r.v, h.n * h.d);
}

/* silu(g) * u */
static inline ts_mat ts_op_swiglu(ts_ctx *x, ts_mat g, ts_mat u)
{
    const ts_mat y = ts_mat_new(x, g.n, g.d);

    if (x->b)
        TS_RUN(x, swiglu, TS_F32, 0, y.v, g.v, u.v, g.n * g.d);
    return y;
}

#endif
