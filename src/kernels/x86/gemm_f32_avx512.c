/* gemm_f32_avx512.c - gemm_f32 in tiles of 4 rows x 4 tokens: 16 accumulators,
 * 8 loads for 16 products, which suits both one 512-bit load and product a cycle
 * (Zen 4) and two (server cores).  Blocking as in gemm_f32_avx2.c.
 */
#include "kernels/kernels.h"
#include "kernels/x86/lanes_avx512.h"

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

/* Against gcc folding the load of a row into each of its products. */
#ifndef IN_REGISTER
#define IN_REGISTER(v) __asm__("" : "+v"(v))
#endif

#define MAX_ROWS   8
#define MAX_TOKENS 4
#define K_BLOCK    1024

#define CHUNK_FLOATS     65536
#define MIN_CHUNK_TOKENS 16
#define MAX_CHUNK_TOKENS 64

typedef struct operands {
    float *y;
    const float *w, *x;
    size_t y_stride, w_stride, x_stride;
} operands;

/* rows <= MAX_ROWS and tokens <= MAX_TOKENS are literals at every call, so that
 * all arrays here are registers.  o points at the tile's own corner. */
typedef struct sums {
    __m512 acc[MAX_ROWS][MAX_TOKENS];
} sums;

ALWAYS_INLINE void add_products(sums *s, operands o, size_t rows, size_t tokens, size_t i)
{
    __m512 a[MAX_TOKENS];

    for (size_t t = 0; t < tokens; t++)
        a[t] = _mm512_loadu_ps(o.x + t * o.x_stride + i);
    for (size_t r = 0; r < rows; r++) {
        __m512 b = _mm512_loadu_ps(o.w + r * o.w_stride + i);
        IN_REGISTER(b);
        for (size_t t = 0; t < tokens; t++)
            s->acc[r][t] = _mm512_fmadd_ps(b, a[t], s->acc[r][t]);
    }
}

ALWAYS_INLINE void add_masked(sums *s, operands o, size_t rows, size_t tokens, size_t i,
                              __mmask16 mask)
{
    __m512 a[MAX_TOKENS];

    for (size_t t = 0; t < tokens; t++)
        a[t] = avx512_load_minus_zero(o.x + t * o.x_stride + i, mask);
    for (size_t r = 0; r < rows; r++) {
        const __m512 b = avx512_load_zero(o.w + r * o.w_stride + i, mask);
        for (size_t t = 0; t < tokens; t++)
            s->acc[r][t] = _mm512_fmadd_ps(b, a[t], s->acc[r][t]);
    }
}

/* Four totals of one token next to each other; fewer than four rows are one. */
ALWAYS_INLINE void finish(const sums *s, operands o, size_t rows, size_t tokens)
{
    for (size_t t = 0; t < tokens; t++) {
        float *y = o.y + t * o.y_stride;
        for (size_t r = 0; r + 4 <= rows; r += 4)
            _mm_storeu_ps(y + r,
                          avx2_sum4(avx512_sum8(s->acc[r][t]), avx512_sum8(s->acc[r + 1][t]),
                                    avx512_sum8(s->acc[r + 2][t]), avx512_sum8(s->acc[r + 3][t])));
        if (rows == 1)
            *y = avx512_sum(s->acc[0][t]);
    }
}

ALWAYS_INLINE void copy_sums(sums *to, const sums *from, size_t rows, size_t tokens)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < tokens; t++)
            to->acc[r][t] = from ? from->acc[r][t] : _mm512_setzero_ps();
}

/* Elements from ... to - 1 of a tile whose rows have n; rest holds the sums of
 * an unfinished tile. */
ALWAYS_INLINE void tile(operands o, size_t rows, size_t tokens, size_t from, size_t to, size_t n,
                        sums *rest)
{
    sums s;
    size_t i = from;

    copy_sums(&s, from > 0 ? rest : NULL, rows, tokens);
    for (; i + 16 <= to; i += 16)
        add_products(&s, o, rows, tokens, i);
    if (i < to)
        add_masked(&s, o, rows, tokens, i, avx512_first(to - i));
    if (to < n)
        copy_sums(rest, &s, rows, tokens);
    else
        finish(&s, o, rows, tokens);
}

ALWAYS_INLINE void row_block(operands o, size_t rows, size_t n_tokens, size_t n)
{
    sums rest[MAX_CHUNK_TOKENS / 4];
    size_t from = 0;

    do {
        const size_t to = n - from < K_BLOCK ? n : from + K_BLOCK;
        operands at = o;
        size_t t = 0;

        for (; t + 4 <= n_tokens; t += 4) {
            tile(at, rows, 4, from, to, n, &rest[t / 4]);
            at.x += 4 * at.x_stride;
            at.y += 4 * at.y_stride;
        }
        switch (n_tokens - t) {
        case 3: tile(at, rows, 3, from, to, n, &rest[t / 4]); break;
        case 2: tile(at, rows, 2, from, to, n, &rest[t / 4]); break;
        case 1: tile(at, rows, 1, from, to, n, &rest[t / 4]); break;
        default: break;
        }
        from = to;
    } while (from < n);
}

/* One token: every row is read once, eight at a time; nothing to block for. */
static void one_token(operands o, size_t n_rows, size_t n)
{
    size_t r = 0;

    for (; r + 8 <= n_rows; r += 8, o.w += 8 * o.w_stride, o.y += 8)
        tile(o, 8, 1, 0, n, n, NULL);
    for (; r < n_rows; r++, o.w += o.w_stride, o.y++)
        tile(o, 1, 1, 0, n, n, NULL);
}

static void some_tokens(operands o, size_t n_rows, size_t n_tokens, size_t n)
{
    size_t r = 0;

    for (; r + 4 <= n_rows; r += 4, o.w += 4 * o.w_stride, o.y += 4)
        row_block(o, 4, n_tokens, n);
    for (; r < n_rows; r++, o.w += o.w_stride, o.y++)
        row_block(o, 1, n_tokens, n);
}

void ts_gemm_f32_avx512(float *y, size_t y_stride, const float *w, size_t w_stride, size_t n_rows,
                        const float *x, size_t x_stride, size_t n_tokens, size_t n)
{
    operands o = {y, w, x, y_stride, w_stride, x_stride};
    size_t chunk = n ? CHUNK_FLOATS / n & ~(size_t)3 : MIN_CHUNK_TOKENS;

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
