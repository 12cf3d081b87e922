/* ref.c - see ref.h.
 *
 * Each function is what ops.def says, in the plainest loops that say it; only
 * the arithmetic inside a row comes from the reference kernels, which define
 * the order of float sums.
 */
#include "backends/ref/ref.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backends/router.h"
#include "backends/span.h"
#include "core/alloc.h"
#include "kernels/kernels.h"

typedef struct ref {
    ts_backend base;
    ts_kernels k;
    bool precise;
} ref;

static ref *ref_of(ts_backend *b)
{
    return (ref *)b; /* base is the first member */
}

/* The reference may stop the program when memory is out: it only runs in tests. */
static void *take(size_t bytes)
{
    void *p = ts_alloc(bytes);

    assert(p);
    return p;
}

typedef void widen_fn(float *y, const void *w, size_t n);
typedef void gemm_fn(float *y, size_t y_stride, const void *w, size_t w_stride, size_t n_rows,
                     const ts_q8_rows *x, size_t n_tokens, size_t n, void *scratch);

static widen_fn *widen_of(const ref *r, ts_dtype type)
{
    switch (type) {
    case TS_F16: return r->k.widen_f16;
    case TS_BF16: return r->k.widen_bf16;
    case TS_F8_E4M3: return r->k.widen_f8_e4m3;
    case TS_Q4_0: return r->k.widen_q4_0;
    case TS_Q4_1: return r->k.widen_q4_1;
    case TS_Q5_0: return r->k.widen_q5_0;
    case TS_Q5_1: return r->k.widen_q5_1;
    case TS_Q8_0: return r->k.widen_q8_0;
    case TS_IQ4_NL: return r->k.widen_iq4_nl;
    case TS_MXFP4: return r->k.widen_mxfp4;
    case TS_Q2_K: return r->k.widen_q2_k;
    case TS_Q3_K: return r->k.widen_q3_k;
    case TS_Q4_K: return r->k.widen_q4_k;
    case TS_Q5_K: return r->k.widen_q5_k;
    case TS_Q6_K: return r->k.widen_q6_k;
    case TS_IQ4_XS: return r->k.widen_iq4_xs;
    default: return NULL;
    }
}

static gemm_fn *gemm_of(const ref *r, ts_dtype type)
{
    switch (type) {
    case TS_Q4_0: return r->k.gemm_q4_0;
    case TS_Q4_1: return r->k.gemm_q4_1;
    case TS_Q5_0: return r->k.gemm_q5_0;
    case TS_Q5_1: return r->k.gemm_q5_1;
    case TS_Q8_0: return r->k.gemm_q8_0;
    case TS_IQ4_NL: return r->k.gemm_iq4_nl;
    case TS_MXFP4: return r->k.gemm_mxfp4;
    case TS_Q2_K: return r->k.gemm_q2_k;
    case TS_Q3_K: return r->k.gemm_q3_k;
    case TS_Q4_K: return r->k.gemm_q4_k;
    case TS_Q5_K: return r->k.gemm_q5_k;
    case TS_Q6_K: return r->k.gemm_q6_k;
    case TS_IQ4_XS: return r->k.gemm_iq4_xs;
    default: return NULL;
    }
}

static void widen_row(const ref *r, float *y, const ts_tensor *W, size_t row)
{
    const size_t n = (size_t)W->ne[0];
    const uint8_t *w = (const uint8_t *)W->data + row * W->row_bytes;

    if (W->type == TS_F32)
        memcpy(y, w, n * sizeof *y);
    else
        widen_of(r, W->type)(y, w, n);
    if (W->scale)
        for (size_t i = 0; i < n; i++)
            y[i] *= W->scale[row / 128 * ((n + 127) / 128) + i / 128];
}

/* One row of W times one x, as the weight type wants it. */
static float product(const ref *r, const ts_tensor *W, size_t row, const float *x)
{
    const size_t n = (size_t)W->ne[0];
    const ts_dtype_info info = ts_dtype_of(W->type);
    float y;

    if (!info.is_quantized || r->precise) {
        float *w = take(n * sizeof *w);
        widen_row(r, w, W, row);
        y = r->k.dot_f32(w, x, n);
        ts_free(w);
        return y;
    }
    int8_t *q = take(n);
    float *d = take((n / info.block + 1) * sizeof *d);
    int16_t *s = take((n / 16 + 1) * sizeof *s);
    void *scratch = take(ts_gemm_scratch_bytes(n));
    r->k.quantize_q8(q, d, s, x, n, info.block);
    gemm_of(r, W->type)(&y, 1, (const uint8_t *)W->data + row * W->row_bytes, (size_t)W->row_bytes,
                        1, &(ts_q8_rows){q, d, s, n, n / info.block, n / 16}, 1, n, scratch);
    ts_free(q);
    ts_free(d);
    ts_free(s);
    ts_free(scratch);
    return y;
}

static void ref_cast(ts_backend *b, float *y, const ts_tensor *W, size_t first, size_t n_rows)
{
    for (size_t r = 0; r < n_rows; r++)
        widen_row(ref_of(b), y + r * W->ne[0], W, first + r);
}

static void ref_gather_rows(ts_backend *b, float *y, const ts_tensor *W, const int32_t *id,
                            size_t T)
{
    for (size_t t = 0; t < T; t++) {
        memset(y + t * W->ne[0], 0, (size_t)W->ne[0] * sizeof *y);
        if (id[t] >= 0 && (uint64_t)id[t] < W->ne[1])
            widen_row(ref_of(b), y + t * W->ne[0], W, (size_t)id[t]);
    }
}

static ts_latent latent_of(const ts_kv *kv)
{
    return (ts_latent){kv->n_latent, kv->n_rope, kv->row_floats * sizeof(float)};
}

static void ref_scatter_rows(ts_backend *b, const ts_batch *batch, size_t layer, const float *x)
{
    for (size_t t = 0; t < batch->n; t++) {
        const ts_kv *kv = batch->kv[t];
        const ts_latent l = latent_of(kv);
        float *row = ts_kv_row(kv, layer, batch->pos[t]);

        if (kv->n_latent)
            ref_of(b)->k.latent_pack(row, x + t * ts_kv_width(kv), &l);
        else
            memcpy(row, x + t * kv->row_floats, kv->row_floats * sizeof *x);
    }
}

static void ref_linear(ts_backend *b, float *y, const ts_tensor *W, const float *bias,
                       const float *x, size_t x_stride, size_t T)
{
    const size_t n_out = (size_t)ts_tensor_rows(W);

    for (size_t t = 0; t < T; t++)
        for (size_t r = 0; r < n_out; r++) {
            const float v = product(ref_of(b), W, r, x + t * x_stride);
            y[t * n_out + r] = bias ? v + bias[r] : v;
        }
}

static void ref_linear_heads(ts_backend *b, const ts_linear_heads *a)
{
    const ref *k = ref_of(b);
    const size_t n = (size_t)a->w.W->ne[0];
    float *w = take(n * sizeof *w);

    for (size_t t = 0; t < a->T; t++)
        for (size_t h = 0; h < a->n_heads; h++) {
            const float *x = a->x + t * a->x_stride + h * a->x_head_stride;
            float *y = a->y + t * a->y_stride + h * a->y_head_stride;
            if (a->w.is_transposed)
                memset(y, 0, n * sizeof *y);
            for (size_t r = 0; r < a->w.n_rows; r++) {
                widen_row(k, w, a->w.W, a->w.first_row + h * a->w.rows_per_head + r);
                if (a->w.is_transposed)
                    k->k.axpy_f32(y, x[r], w, n);
                else
                    y[r] = k->k.dot_f32(w, x, n);
            }
        }
    ts_free(w);
}

static void ref_add(ts_backend *b, float *y, const float *x, size_t n)
{
    (void)b;
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void ref_rms_norm(ts_backend *b, float *y, size_t y_stride, const float *x, size_t x_stride,
                         const float *w, size_t n_rows, size_t d, float eps)
{
    for (size_t r = 0; r < n_rows; r++)
        ref_of(b)->k.rms_norm_f32(y + r * y_stride, x + r * x_stride, w, d, eps);
}

static void ref_rope(ts_backend *b, const ts_rope *a)
{
    for (size_t t = 0; t < a->T; t++)
        for (size_t h = 0; h < a->n_heads; h++)
            ref_of(b)->k.rope_f32(a->x + t * a->stride + h * a->head_stride,
                                  a->cosine + t * a->n_pairs, a->sine + t * a->n_pairs, a->n_pairs,
                                  a->is_interleaved);
}

static void ref_swiglu(ts_backend *b, float *y, const float *g, const float *u, size_t n)
{
    ref_of(b)->k.swiglu_f32(y, g, u, n);
}

/* One head of a token over the rows [first, first + n) of a span, packed ones: scores
 * row by row, values page by page. */
static ts_span_sum attend_packed(const ref *k, const ts_attention *a, size_t t, size_t h,
                                 size_t first, size_t n, float *z)
{
    const ts_kv *kv = a->batch->kv[t];
    const ts_latent l = latent_of(kv);
    float s[TS_SPAN], d;
    int16_t *q = take(a->d_k * sizeof *q);

    k->k.latent_query(q, &d, a->q + t * a->q_stride + h * a->q_head_stride, a->scale, &l);
    for (size_t r = 0; r < n; r++)
        k->k.latent_scores(s + r, 1, q, &d, 1, ts_kv_row(kv, a->layer, first + r), 1, &l);
    const ts_span_sum sum = ts_span_softmax(&k->k, s, n);
    for (size_t r = 0; r < n; r += TS_KV_PAGE)
        k->k.latent_values(z, a->d_v, s + r, n, 1, ts_kv_row(kv, a->layer, first + r),
                           n - r < TS_KV_PAGE ? n - r : TS_KV_PAGE, &l);
    ts_free(q);
    return sum;
}

static ts_span_sum attend_floats(const ref *k, const ts_attention *a, size_t t, size_t h,
                                 size_t first, size_t n, float *z)
{
    const ts_kv *kv = a->batch->kv[t];
    const size_t g = h / (a->n_heads / a->n_kv_heads);
    const float *q = a->q + t * a->q_stride + h * a->q_head_stride;
    float s[TS_SPAN];

    for (size_t r = 0; r < n; r++)
        s[r] =
            k->k.dot_f32(ts_kv_row(kv, a->layer, first + r) + g * a->k_step, q, a->d_k) * a->scale;
    const ts_span_sum sum = ts_span_softmax(&k->k, s, n);
    for (size_t r = 0; r < n; r++)
        k->k.axpy_f32(z, s[r], ts_kv_row(kv, a->layer, first + r) + a->v_base + g * a->v_step,
                      a->d_v);
    return sum;
}

static void ref_attention(ts_backend *b, const ts_attention *a)
{
    float *z = take(a->d_v * sizeof *z);

    for (size_t t = 0; t < a->batch->n; t++)
        for (size_t h = 0; h < a->n_heads; h++) {
            const size_t n_rows = (size_t)a->batch->pos[t] + 1;
            float *o = a->o + t * a->o_stride + h * a->o_head_stride;
            ts_span_sum joined = {0};

            for (size_t first = 0; first < n_rows; first += TS_SPAN) {
                const size_t n = n_rows - first < TS_SPAN ? n_rows - first : TS_SPAN;
                float *to = first == 0 ? o : z;
                memset(to, 0, a->d_v * sizeof *to);
                const ts_span_sum sum = a->batch->kv[t]->n_latent
                                            ? attend_packed(ref_of(b), a, t, h, first, n, to)
                                            : attend_floats(ref_of(b), a, t, h, first, n, to);
                if (first == 0)
                    joined = sum;
                else
                    ts_span_join(&ref_of(b)->k, &joined, o, sum, z, a->d_v);
            }
        }
    ts_free(z);
}

static void ref_router_topk(ts_backend *b, const ts_router *a)
{
    const size_t n = a->n_experts;
    float *s = take((3 * n + a->n_groups) * sizeof *s);

    for (size_t t = 0; t < a->T; t++) {
        memcpy(s, a->z + t * n, n * sizeof *s);
        if (a->scoring == TS_SCORE_SIGMOID)
            ref_of(b)->k.sigmoid_f32(s, s, n);
        else
            ref_of(b)->k.softmax_f32(s, n);
        ts_router_choose(a, t, s, s + n);
    }
    ts_free(s);
}

static void ref_moe_plan(ts_backend *b, ts_moe_plan *plan, const int32_t *id, size_t T)
{
    (void)b;
    ts_moe_plan_sort(plan, id, T);
}

/* Expert and token of pair p. */
static void pair_of(const ts_experts *a, size_t p, size_t *e, size_t *t)
{
    *e = 0;
    *t = p;
    if (!a->plan)
        return;
    while ((size_t)a->plan->offset[*e + 1] <= p)
        ++*e;
    *t = (size_t)a->plan->token[p];
}

/* The hidden rows stay floats here. */
static void ref_experts_hidden(ts_backend *b, const ts_experts *a)
{
    const size_t F = (size_t)a->gate->ne[1];

    for (size_t p = 0, e, t; p < ts_experts_pairs(a); p++)
        for (size_t r = 0; r < F; r++) {
            pair_of(a, p, &e, &t);
            const float *x = a->x + t * a->x_stride;
            const float g = product(ref_of(b), &a->gate[e], r, x);
            const float u = product(ref_of(b), &a->up[e], r, x);
            ref_of(b)->k.swiglu_f32(a->hidden + p * F + r, &g, &u, 1);
        }
}

static void ref_experts_out(ts_backend *b, const ts_experts *a)
{
    const size_t F = (size_t)a->down->ne[0], d = (size_t)a->down->ne[1];

    for (size_t p = 0, e, t; p < ts_experts_pairs(a); p++)
        for (size_t r = 0; r < d; r++) {
            pair_of(a, p, &e, &t);
            a->y[p * d + r] = product(ref_of(b), &a->down[e], r, a->hidden + p * F);
        }
}

static void ref_moe_combine(ts_backend *b, float *y, const ts_moe_plan *plan, const float *rows,
                            const int32_t *id, const float *weight, size_t T, size_t d)
{
    for (size_t t = 0; t < T; t++)
        for (size_t e = 0; e < plan->n_experts; e++)
            for (size_t j = 0; j < plan->n_active; j++) {
                const size_t i = t * plan->n_active + j;
                if ((size_t)id[i] == e)
                    ref_of(b)->k.axpy_f32(y + t * d, weight[i], rows + (size_t)plan->place[i] * d,
                                          d);
            }
}

static void close_ref(ts_backend *b)
{
    ts_free(ref_of(b));
}

tiefsee_status ts_ref_open(ts_backend **out, bool precise, tiefsee_error *err)
{
    static const ts_ops ops = {
#define OP(name, params) .name = ref_##name,
#include "backends/ops.def"
#undef OP
    };

    *out = NULL;
    ref *r = ts_alloc_zero(1, sizeof *r);
    if (!r)
        return ts_fail_nomem(err, sizeof *r, "the reference backend");
    r->base = (ts_backend){.op = &ops, .name = "ref", .packs_latents = true, .close = close_ref};
    r->precise = precise;
    ts_kernels_select(&r->k, 0);
    *out = &r->base;
    return TIEFSEE_OK;
}
