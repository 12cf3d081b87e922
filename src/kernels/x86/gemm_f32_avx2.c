/* gemm_f32_avx2.c - gemm_f32 in tiles of 3 rows x 2 tokens: 12 accumulators, 2
 * token and 1 row register.  Per half of sixteen lanes 5 loads feed 6 products,
 * so the multipliers (2 a cycle) bind, not the loads (2 a cycle).
 *
 * Every output is one dot product in sixteen lanes whatever tile it falls into.
 */
#include "kernels/kernels.h"
#include "kernels/x86/lanes_avx2.h"

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

#define MAX_ROWS   4
#define MAX_TOKENS 2

/* Tokens that are multiplied with a row block before the next one comes: so
 * many that they stay in half of a 512 KB L2, and never fewer than these. */
#define CHUNK_FLOATS     65536
#define MIN_CHUNK_TOKENS 16

/* rows <= MAX_ROWS and tokens <= MAX_TOKENS are literals at every call, so that
 * all arrays here are registers. */
ALWAYS_INLINE void add_products(__m256 acc[MAX_ROWS][MAX_TOKENS], const float *w, size_t w_stride,
                                size_t rows, const float *x, size_t x_stride, size_t tokens)
{
    __m256 a[MAX_TOKENS];

    for (size_t t = 0; t < tokens; t++)
        a[t] = _mm256_loadu_ps(x + t * x_stride);
    for (size_t r = 0; r < rows; r++) {
        const __m256 b = _mm256_loadu_ps(w + r * w_stride);
        for (size_t t = 0; t < tokens; t++)
            acc[r][t] = _mm256_fmadd_ps(b, a[t], acc[r][t]);
    }
}

ALWAYS_INLINE void add_masked(__m256 acc[MAX_ROWS][MAX_TOKENS], const float *w, size_t w_stride,
                              size_t rows, const float *x, size_t x_stride, size_t tokens,
                              __m256i mask)
{
    __m256 a[MAX_TOKENS];

    for (size_t t = 0; t < tokens; t++)
        a[t] = avx2_load_minus_zero(x + t * x_stride, mask);
    for (size_t r = 0; r < rows; r++) {
        const __m256 b = _mm256_maskload_ps(w + r * w_stride, mask);
        for (size_t t = 0; t < tokens; t++)
            acc[r][t] = _mm256_fmadd_ps(b, a[t], acc[r][t]);
    }
}

/* The sums of one token's rows, next to each other. */
ALWAYS_INLINE void store_rows(float *y, __m128 sums, size_t rows)
{
    if (rows == 4) {
        _mm_storeu_ps(y, sums);
    } else if (rows == 3) {
        _mm_storel_pi((__m64 *)(void *)y, sums);
        _mm_store_ss(y + 2, _mm_movehl_ps(sums, sums));
    } else {
        _mm_store_ss(y, sums);
    }
}

ALWAYS_INLINE void tile(float *y, size_t y_stride, const float *w, size_t w_stride, size_t rows,
                        const float *x, size_t x_stride, size_t tokens, size_t n)
{
    __m256 lo[MAX_ROWS][MAX_TOKENS], hi[MAX_ROWS][MAX_TOKENS];
    size_t i = 0;

    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < tokens; t++)
            lo[r][t] = hi[r][t] = _mm256_setzero_ps();
    for (; i + 16 <= n; i += 16) {
        add_products(lo, w + i, w_stride, rows, x + i, x_stride, tokens);
        add_products(hi, w + i + 8, w_stride, rows, x + i + 8, x_stride, tokens);
    }
    if (i < n) {
        add_masked(lo, w + i, w_stride, rows, x + i, x_stride, tokens, avx2_first(n - i));
        add_masked(hi, w + i + 8, w_stride, rows, x + i + 8, x_stride, tokens, avx2_second(n - i));
    }
    for (size_t t = 0; t < tokens; t++) {
        __m256 v[MAX_ROWS];
        for (size_t r = 0; r < MAX_ROWS; r++)
            v[r] = r < rows ? _mm256_add_ps(lo[r][t], hi[r][t]) : v[0];
        store_rows(y + t * y_stride, avx2_sum4(v[0], v[1], v[2], v[3]), rows);
    }
}

ALWAYS_INLINE void row_block(float *y, size_t y_stride, const float *w, size_t w_stride,
                             size_t rows, const float *x, size_t x_stride, size_t n_tokens,
                             size_t n)
{
    size_t t = 0;

    for (; t + 2 <= n_tokens; t += 2)
        tile(y + t * y_stride, y_stride, w, w_stride, rows, x + t * x_stride, x_stride, 2, n);
    if (t < n_tokens)
        tile(y + t * y_stride, y_stride, w, w_stride, rows, x + t * x_stride, x_stride, 1, n);
}

/* One token needs one register less: four rows at once. */
static void one_token(float *y, const float *w, size_t w_stride, size_t n_rows, const float *x,
                      size_t n)
{
    size_t r = 0;

    for (; r + 4 <= n_rows; r += 4)
        tile(y + r, 0, w + r * w_stride, w_stride, 4, x, 0, 1, n);
    for (; r < n_rows; r++)
        tile(y + r, 0, w + r * w_stride, w_stride, 1, x, 0, 1, n);
}

void ts_gemm_f32_avx2(float *y, size_t y_stride, const float *w, size_t w_stride, size_t n_rows,
                      const float *x, size_t x_stride, size_t n_tokens, size_t n)
{
    size_t chunk = n ? CHUNK_FLOATS / n : n_tokens;

    if (n_tokens == 1) {
        one_token(y, w, w_stride, n_rows, x, n);
        return;
    }
    chunk = (chunk < MIN_CHUNK_TOKENS ? MIN_CHUNK_TOKENS : chunk) & ~(size_t)1;
    for (size_t t = 0; t < n_tokens; t += chunk) {
        const size_t tokens = n_tokens - t < chunk ? n_tokens - t : chunk;
        float *out = y + t * y_stride;
        const float *in = x + t * x_stride;
        size_t r = 0;

        for (; r + 3 <= n_rows; r += 3)
            row_block(out + r, y_stride, w + r * w_stride, w_stride, 3, in, x_stride, tokens, n);
        for (; r < n_rows; r++)
            row_block(out + r, y_stride, w + r * w_stride, w_stride, 1, in, x_stride, tokens, n);
    }
}
