/* gemm_f32_avx2.c - gemm_f32 in tiles of 3 rows x 2 tokens: 12 accumulators, 2
 * token and 1 row register.  Per half of sixteen lanes 5 loads feed 6 products,
 * so the multipliers (2 a cycle) bind, not the loads (2 a cycle).
 *
 * Rows longer than K_BLOCK are taken in pieces, so that a row block's piece
 * stays in L1 while all tokens of a chunk pass; in between the accumulators
 * rest in memory, which rounds nothing.  Every output is one dot product in
 * sixteen lanes whatever tile it falls into.
 */
#include "kernels/kernels.h"
#include "kernels/x86/lanes_avx2.h"

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

/* gcc 12 would fold the load of a row into each of its products, and 8 loads for
 * 6 products bind (about 65 instead of 80 GF/s on a Zen 3 core). */
#define IN_REGISTER(v) __asm__("" : "+x"(v))

#define MAX_ROWS   4
#define MAX_TOKENS 2
#define K_BLOCK    512

/* Tokens that pass a row block before the next one comes: so many that they stay
 * in half of a 512 KB L2, within these bounds. */
#define CHUNK_FLOATS     65536
#define MIN_CHUNK_TOKENS 16
#define MAX_CHUNK_TOKENS 64

typedef struct operands {
    float *y;
    const float *w, *x;
    size_t y_stride, w_stride, x_stride;
} operands;

/* Lanes 0-7 and 8-15 of a tile. */
typedef struct sums {
    __m256 lo[MAX_ROWS][MAX_TOKENS], hi[MAX_ROWS][MAX_TOKENS];
} sums;

/* rows <= MAX_ROWS and tokens <= MAX_TOKENS are literals at every call, so that
 * all arrays here are registers.  o points at the tile's own corner. */
ALWAYS_INLINE void add_products(__m256 acc[MAX_ROWS][MAX_TOKENS], operands o, size_t rows,
                                size_t tokens, size_t i)
{
    __m256 a[MAX_TOKENS];

    for (size_t t = 0; t < tokens; t++)
        a[t] = _mm256_loadu_ps(o.x + t * o.x_stride + i);
    for (size_t r = 0; r < rows; r++) {
        __m256 b = _mm256_loadu_ps(o.w + r * o.w_stride + i);
        IN_REGISTER(b);
        for (size_t t = 0; t < tokens; t++)
            acc[r][t] = _mm256_fmadd_ps(b, a[t], acc[r][t]);
    }
}

ALWAYS_INLINE void add_masked(__m256 acc[MAX_ROWS][MAX_TOKENS], operands o, size_t rows,
                              size_t tokens, size_t i, __m256i mask)
{
    __m256 a[MAX_TOKENS];

    for (size_t t = 0; t < tokens; t++)
        a[t] = avx2_load_minus_zero(o.x + t * o.x_stride + i, mask);
    for (size_t r = 0; r < rows; r++) {
        const __m256 b = _mm256_maskload_ps(o.w + r * o.w_stride + i, mask);
        for (size_t t = 0; t < tokens; t++)
            acc[r][t] = _mm256_fmadd_ps(b, a[t], acc[r][t]);
    }
}

/* The totals of one token's rows, next to each other. */
ALWAYS_INLINE void store_rows(float *y, __m128 totals, size_t rows)
{
    if (rows == 4) {
        _mm_storeu_ps(y, totals);
    } else if (rows == 3) {
        _mm_storel_pi((__m64 *)(void *)y, totals);
        _mm_store_ss(y + 2, _mm_movehl_ps(totals, totals));
    } else {
        _mm_store_ss(y, totals);
    }
}

ALWAYS_INLINE void finish(const sums *s, operands o, size_t rows, size_t tokens)
{
    for (size_t t = 0; t < tokens; t++) {
        __m256 v[MAX_ROWS];
        for (size_t r = 0; r < MAX_ROWS; r++)
            v[r] = r < rows ? _mm256_add_ps(s->lo[r][t], s->hi[r][t]) : v[0];
        store_rows(o.y + t * o.y_stride, avx2_sum4(v[0], v[1], v[2], v[3]), rows);
    }
}

ALWAYS_INLINE void copy_sums(sums *to, const sums *from, size_t rows, size_t tokens)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < tokens; t++) {
            to->lo[r][t] = from ? from->lo[r][t] : _mm256_setzero_ps();
            to->hi[r][t] = from ? from->hi[r][t] : _mm256_setzero_ps();
        }
}

/* Elements from ... to - 1 of a tile whose rows have n; rest holds the sums of
 * an unfinished tile. */
ALWAYS_INLINE void tile(operands o, size_t rows, size_t tokens, size_t from, size_t to, size_t n,
                        sums *rest)
{
    sums s;
    size_t i = from;

    copy_sums(&s, from > 0 ? rest : NULL, rows, tokens);
    for (; i + 16 <= to; i += 16) {
        add_products(s.lo, o, rows, tokens, i);
        add_products(s.hi, o, rows, tokens, i + 8);
    }
    if (i < to) {
        add_masked(s.lo, o, rows, tokens, i, avx2_first(to - i));
        add_masked(s.hi, o, rows, tokens, i + 8, avx2_second(to - i));
    }
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

void ts_gemm_f32_avx2(float *y, size_t y_stride, const float *w, size_t w_stride, size_t n_rows,
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
