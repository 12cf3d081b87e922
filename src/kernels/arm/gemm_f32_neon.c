/* gemm_f32_neon.c - gemm_f32 in tiles of 3 rows x 2 tokens: 24 accumulators, 2
 * token and 1 row register of the 32, and 5 loads for 6 products.  Blocking as in
 * x86/gemm_f32_avx2.c.
 */
#include "kernels/arm/lanes_neon.h"
#include "kernels/kernels.h"

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

#define MAX_ROWS   4
#define MAX_TOKENS 2
#define K_BLOCK    512

#define CHUNK_FLOATS     65536
#define MIN_CHUNK_TOKENS 16
#define MAX_CHUNK_TOKENS 64

typedef struct operands {
    float *y;
    const float *w, *x;
    size_t y_stride, w_stride, x_stride;
} operands;

/* Lanes 4 l ... 4 l + 3 of a tile. */
typedef struct sums {
    float32x4_t quarter[4][MAX_ROWS][MAX_TOKENS];
} sums;

/* rows <= MAX_ROWS and tokens <= MAX_TOKENS are literals at every call, so that
 * all arrays here are registers.  o points at the elements to multiply. */
ALWAYS_INLINE void add_products(sums *s, operands o, size_t rows, size_t tokens)
{
    for (size_t l = 0; l < 4; l++) {
        float32x4_t a[MAX_TOKENS];
        for (size_t t = 0; t < tokens; t++)
            a[t] = vld1q_f32(o.x + t * o.x_stride + 4 * l);
        for (size_t r = 0; r < rows; r++) {
            const float32x4_t b = vld1q_f32(o.w + r * o.w_stride + 4 * l);
            for (size_t t = 0; t < tokens; t++)
                s->quarter[l][r][t] = vfmaq_f32(s->quarter[l][r][t], b, a[t]);
        }
    }
}

/* The last n < 16 elements. */
ALWAYS_INLINE void add_last(sums *s, operands o, size_t rows, size_t tokens, size_t n)
{
    float w[MAX_ROWS][16], x[MAX_TOKENS][16];

    for (size_t r = 0; r < rows; r++)
        neon_fill(w[r], o.w + r * o.w_stride, n, 0.0f);
    for (size_t t = 0; t < tokens; t++)
        neon_fill(x[t], o.x + t * o.x_stride, n, -0.0f);
    o.w = w[0];
    o.x = x[0];
    o.w_stride = o.x_stride = 16;
    add_products(s, o, rows, tokens);
}

ALWAYS_INLINE void copy_sums(sums *to, const sums *from, size_t rows, size_t tokens)
{
    for (size_t l = 0; l < 4; l++)
        for (size_t r = 0; r < rows; r++)
            for (size_t t = 0; t < tokens; t++)
                to->quarter[l][r][t] = from ? from->quarter[l][r][t] : vdupq_n_f32(0);
}

ALWAYS_INLINE void finish(const sums *s, operands o, size_t rows, size_t tokens)
{
    for (size_t t = 0; t < tokens; t++)
        for (size_t r = 0; r < rows; r++)
            o.y[t * o.y_stride + r] = neon_sum(s->quarter[0][r][t], s->quarter[1][r][t],
                                               s->quarter[2][r][t], s->quarter[3][r][t]);
}

/* Elements from ... to - 1 of a tile whose rows have n; rest holds the sums of
 * an unfinished tile. */
ALWAYS_INLINE void tile(operands o, size_t rows, size_t tokens, size_t from, size_t to, size_t n,
                        sums *rest)
{
    sums s;
    size_t i = from;

    copy_sums(&s, from > 0 ? rest : NULL, rows, tokens);
    o.w += from;
    o.x += from;
    for (; i + 16 <= to; i += 16, o.w += 16, o.x += 16)
        add_products(&s, o, rows, tokens);
    if (i < to)
        add_last(&s, o, rows, tokens, to - i);
    if (to < n)
        copy_sums(rest, &s, rows, tokens);
    else
        finish(&s, o, rows, tokens);
}

ALWAYS_INLINE void row_block(operands o, size_t rows, size_t n_tokens, size_t n)
{
    sums rest[MAX_CHUNK_TOKENS / 2];
    size_t from = 0;

    do {
        const size_t to = n - from < K_BLOCK ? n : from + K_BLOCK;
        operands at = o;
        size_t t = 0;

        for (; t + 2 <= n_tokens; t += 2) {
            tile(at, rows, 2, from, to, n, &rest[t / 2]);
            at.x += 2 * at.x_stride;
            at.y += 2 * at.y_stride;
        }
        if (t < n_tokens)
            tile(at, rows, 1, from, to, n, &rest[t / 2]);
        from = to;
    } while (from < n);
}

/* One token: every row is read once, four at a time; nothing to block for. */
static void one_token(operands o, size_t n_rows, size_t n)
{
    size_t r = 0;

    for (; r + 4 <= n_rows; r += 4, o.w += 4 * o.w_stride, o.y += 4)
        tile(o, 4, 1, 0, n, n, NULL);
    for (; r < n_rows; r++, o.w += o.w_stride, o.y++)
        tile(o, 1, 1, 0, n, n, NULL);
}

static void some_tokens(operands o, size_t n_rows, size_t n_tokens, size_t n)
{
    size_t r = 0;

    for (; r + 3 <= n_rows; r += 3, o.w += 3 * o.w_stride, o.y += 3)
        row_block(o, 3, n_tokens, n);
    for (; r < n_rows; r++, o.w += o.w_stride, o.y++)
        row_block(o, 1, n_tokens, n);
}

void ts_gemm_f32_neon(float *y, size_t y_stride, const float *w, size_t w_stride, size_t n_rows,
                      const float *x, size_t x_stride, size_t n_tokens, size_t n)
{
    operands o = {y, w, x, y_stride, w_stride, x_stride};
    size_t chunk = n ? CHUNK_FLOATS / n & ~(size_t)1 : MIN_CHUNK_TOKENS;

    if (n_tokens == 1) {
        one_token(o, n_rows, n);
        return;
    }
    chunk = chunk < MIN_CHUNK_TOKENS ? MIN_CHUNK_TOKENS : chunk;
    chunk = chunk > MAX_CHUNK_TOKENS ? MAX_CHUNK_TOKENS : chunk;
    for (size_t t = 0; t < n_tokens; t += chunk) {
        some_tokens(o, n_rows, n_tokens - t < chunk ? n_tokens - t : chunk, n);
        o.x += chunk * x_stride;
        o.y += chunk * y_stride;
    }
}
