/* check_quant.c - checks and timings of the quantised types, all of one text:
 * widen_<type> and gemm_<type>; see check.h.
 */
#include "kernels/check/check.h"
#include "kernels/quant_blocks.h"

#include <string.h>

enum { W, Q, D, S, WANT, GOT, SCRATCH };

/* What a block looks like, and where its halves are (none: n_halves = 0). */
typedef struct layout {
    size_t block, bytes, n_halves, half_at[2];
} layout;

#define ONE_HALF(type, block)               \
    {                                       \
        block, sizeof(ts_block_##type), 1,  \
        {                                   \
            offsetof(ts_block_##type, d), 0 \
        }                                   \
    }
#define TWO_HALVES(type, block, second)                                     \
    {                                                                       \
        block, sizeof(ts_block_##type), 2,                                  \
        {                                                                   \
            offsetof(ts_block_##type, d), offsetof(ts_block_##type, second) \
        }                                                                   \
    }

static const layout layout_q4_0 = ONE_HALF(q4_0, 32);
static const layout layout_q4_1 = TWO_HALVES(q4_1, 32, m);
static const layout layout_q5_0 = ONE_HALF(q5_0, 32);
static const layout layout_q5_1 = TWO_HALVES(q5_1, 32, m);
static const layout layout_q8_0 = ONE_HALF(q8_0, 32);
static const layout layout_iq4_nl = ONE_HALF(iq4_nl, 32);
static const layout layout_mxfp4 = {32, sizeof(ts_block_mxfp4), 0, {0, 0}};
static const layout layout_q2_k = TWO_HALVES(q2_k, 256, dmin);
static const layout layout_q3_k = ONE_HALF(q3_k, 256);
static const layout layout_q4_k = TWO_HALVES(q4_k, 256, dmin);
static const layout layout_q5_k = TWO_HALVES(q5_k, 256, dmin);
static const layout layout_q6_k = ONE_HALF(q6_k, 256);
static const layout layout_iq4_xs = ONE_HALF(iq4_xs, 256);

typedef void widen_function(float *y, const void *w, size_t n);
typedef void gemm_function(float *y, size_t y_stride, const void *w, size_t w_stride, size_t n_rows,
                           const ts_q8_rows *x, size_t n_tokens, size_t n, void *scratch);

/* Random bytes, or one byte everywhere (the ends of every code's range).  The
 * float scales stay below two, or one infinity would be all that is left of a
 * sum; is_wild leaves them as they fall. */
static uint8_t *random_blocks(ts_check *c, const layout *l, size_t n_rows, size_t stride, size_t n,
                              bool is_wild)
{
    static const uint8_t same[] = {0x00, 0xFF, 0x80, 0x7F, 0x88};
    const size_t bytes = n_rows == 0 ? 0 : (n_rows - 1) * stride + n / l->block * l->bytes;
    uint8_t *w = ts_check_bytes(c, W, bytes);

    if (ts_check_random(c, 5) == 0)
        memset(w, same[ts_check_random(c, sizeof same)], bytes);
    if (is_wild)
        return w;
    for (size_t r = 0; r < n_rows; r++)
        for (size_t b = 0; b < n / l->block; b++) {
            uint8_t *p = w + r * stride + b * l->bytes;
            for (size_t h = 0; h < l->n_halves; h++)
                p[l->half_at[h] + 1] &= 0xBF;
            if (l->n_halves == 0)
                p[0] = (uint8_t)(100 + p[0] % 41);
        }
    return w;
}

/* As quantize_q8 makes them; one in five at the ends of the range. */
static ts_q8_rows random_activations(ts_check *c, const layout *l, size_t n_tokens, size_t n)
{
    const ts_q8_rows x = {.q_stride = n + ts_check_random(c, 5),
                          .d_stride = n / l->block + ts_check_random(c, 5),
                          .s_stride = n / 16 + ts_check_random(c, 5)};
    const size_t last = n_tokens == 0 ? 0 : n_tokens - 1;
    int8_t *q = (int8_t *)ts_check_bytes(c, Q, n_tokens == 0 ? 0 : last * x.q_stride + n);
    const float *d = ts_check_moderate(c, D, n_tokens == 0 ? 0 : last * x.d_stride + n / l->block);
    int16_t *s =
        ts_check_output(c, S, n_tokens == 0 ? 0 : (last * x.s_stride + n / 16) * sizeof(int16_t));
    const size_t kind = ts_check_random(c, 10);

    for (size_t t = 0; t < n_tokens; t++)
        for (size_t i = 0; i < n; i++) {
            int8_t *v = &q[t * x.q_stride + i];
            int16_t *sum = &s[t * x.s_stride + i / 16];
            if (*v == -128)
                *v = 0;
            if (kind < 2)
                *v = (kind == 0 || *v > 0) ? 127 : -127;
            *sum = (int16_t)(i % 16 == 0 ? *v : *sum + *v);
        }
    return (ts_q8_rows){.q = q,
                        .d = d,
                        .s = s,
                        .q_stride = x.q_stride,
                        .d_stride = x.d_stride,
                        .s_stride = x.s_stride};
}

static bool check_widen(ts_check *c, const layout *l, widen_function *ref, widen_function *variant)
{
    for (size_t trial = 0; trial < 100; trial++) {
        const size_t n = l->block * ts_check_random(c, 12);
        const uint8_t *w = random_blocks(c, l, 1, 0, n, trial % 2 == 0);
        float *want = ts_check_output(c, WANT, n * sizeof(float));
        float *got = ts_check_output(c, GOT, n * sizeof(float));

        ts_check_case(c, "n=%zu", n);
        ref(want, w, n);
        variant(got, w, n);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

/* Sizes around every limit of the tiles: 4 tokens, 16 rows, 256 weights; now
 * and then more tokens than a panel takes at once. */
static bool check_gemm(ts_check *c, const layout *l, gemm_function *ref, gemm_function *variant)
{
    for (size_t trial = 0; trial < 150; trial++) {
        const bool is_long = trial % 50 == 49;
        const size_t n = l->block * ts_check_random(c, l->block == 32 ? 20 : 4);
        const size_t n_rows = ts_check_random(c, is_long ? 3 : 36);
        const size_t n_tokens = is_long ? 250 + ts_check_random(c, 20) : ts_check_random(c, 14);
        const size_t w_stride = n / l->block * l->bytes + ts_check_random(c, 5);
        const size_t y_stride = n_rows + ts_check_random(c, 5);
        const uint8_t *w = random_blocks(c, l, n_rows, w_stride, n, trial % 10 == 9);
        const ts_q8_rows x = random_activations(c, l, n_tokens, n);
        const size_t y_bytes =
            n_tokens == 0 ? 0 : ((n_tokens - 1) * y_stride + n_rows) * sizeof(float);
        float *want = ts_check_output(c, WANT, y_bytes);
        float *got = ts_check_output(c, GOT, y_bytes);
        void *scratch = ts_check_output(c, SCRATCH, ts_gemm_scratch_bytes(n));

        ts_check_case(c, "rows=%zu tokens=%zu n=%zu strides %zu %zu", n_rows, n_tokens, n, w_stride,
                      y_stride);
        ref(want, y_stride, w, w_stride, n_rows, &x, n_tokens, n, scratch);
        variant(got, y_stride, w, w_stride, n_rows, &x, n_tokens, n, scratch);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

static void bench_widen(ts_check *c, const layout *l, widen_function *widen)
{
    const size_t n = 4096;
    const uint8_t *w = random_blocks(c, l, 1, 0, n, false);
    float *y = ts_check_output(c, GOT, n * sizeof(float));

    c->bytes = (double)(n / l->block * l->bytes + n * sizeof(float));
    while (ts_check_again(c))
        widen(y, w, n);
}

/* A task of the backend in prefill of a few dozen tokens. */
static void bench_gemm(ts_check *c, const layout *l, gemm_function *gemm)
{
    const size_t n = 1536, n_rows = 64, n_tokens = 48, row_bytes = n / l->block * l->bytes;
    const uint8_t *w = random_blocks(c, l, n_rows, row_bytes, n, false);
    const ts_q8_rows x = random_activations(c, l, n_tokens, n);
    float *y = ts_check_output(c, GOT, n_tokens * n_rows * sizeof(float));
    void *scratch = ts_check_output(c, SCRATCH, ts_gemm_scratch_bytes(n));

    c->ops = 2.0 * (double)(n_rows * n_tokens * n);
    while (ts_check_again(c))
        gemm(y, n_rows, w, row_bytes, n_rows, &x, n_tokens, n, scratch);
}

#define QUANT(type, block)                                                                    \
    bool ts_check_widen_##type(ts_check *c, const ts_kernels *ref, const ts_kernels *variant) \
    {                                                                                         \
        return check_widen(c, &layout_##type, ref->widen_##type, variant->widen_##type);      \
    }                                                                                         \
    bool ts_check_gemm_##type(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)  \
    {                                                                                         \
        return check_gemm(c, &layout_##type, ref->gemm_##type, variant->gemm_##type);         \
    }                                                                                         \
    void ts_bench_widen_##type(ts_check *c, const ts_kernels *k)                              \
    {                                                                                         \
        bench_widen(c, &layout_##type, k->widen_##type);                                      \
    }                                                                                         \
    void ts_bench_gemm_##type(ts_check *c, const ts_kernels *k)                               \
    {                                                                                         \
        bench_gemm(c, &layout_##type, k->gemm_##type);                                        \
    }
#include "kernels/quant.def"
#undef QUANT
