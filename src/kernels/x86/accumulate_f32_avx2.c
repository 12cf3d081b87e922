/* accumulate_f32_avx2.c - accumulate_f32 in tiles of 4 q x 16 columns: the z of
 * a tile stay in 8 registers while a chunk of rows passes, so a row costs 2
 * loads and 4 broadcasts for 8 products.
 *
 * Chunks are 16 rows: the strip of 16 columns that a chunk touches is 16 cache
 * lines, which an 8-way L1 holds even if the stride is a power of two, and all
 * q reuse it.  Between chunks z goes through memory, which rounds nothing.
 */
#include "kernels/kernels.h"

#include <immintrin.h>
#include <math.h>

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

#define CHUNK_ROWS 16
#define TILE_Q     4

/* nq <= TILE_Q is a literal at every call. */
ALWAYS_INLINE void tile(float *z, size_t z_stride, const float *p, size_t p_stride, size_t nq,
                        const float *c, size_t c_stride, size_t rows)
{
    __m256 lo[TILE_Q], hi[TILE_Q];

    for (size_t q = 0; q < nq; q++) {
        lo[q] = _mm256_loadu_ps(z + q * z_stride);
        hi[q] = _mm256_loadu_ps(z + q * z_stride + 8);
    }
    for (size_t t = 0; t < rows; t++, c += c_stride) {
        const __m256 c_lo = _mm256_loadu_ps(c), c_hi = _mm256_loadu_ps(c + 8);
        for (size_t q = 0; q < nq; q++) {
            const __m256 weight = _mm256_broadcast_ss(p + q * p_stride + t);
            lo[q] = _mm256_fmadd_ps(weight, c_lo, lo[q]);
            hi[q] = _mm256_fmadd_ps(weight, c_hi, hi[q]);
        }
    }
    for (size_t q = 0; q < nq; q++) {
        _mm256_storeu_ps(z + q * z_stride, lo[q]);
        _mm256_storeu_ps(z + q * z_stride + 8, hi[q]);
    }
}

/* Columns behind the last sixteen. */
static void last_columns(float *z, const float *p, const float *c, size_t c_stride, size_t rows,
                         size_t columns)
{
    for (size_t t = 0; t < rows; t++, c += c_stride)
        for (size_t j = 0; j < columns; j++)
            z[j] = fmaf(p[t], c[j], z[j]);
}

void ts_accumulate_f32_avx2(float *z, size_t z_stride, const float *p, size_t p_stride, size_t n_q,
                            const float *c, size_t c_stride, size_t n_rows, size_t n)
{
    for (size_t t = 0; t < n_rows; t += CHUNK_ROWS) {
        const size_t rows = n_rows - t < CHUNK_ROWS ? n_rows - t : CHUNK_ROWS;
        const float *chunk = c + t * c_stride, *weights = p + t;
        size_t j = 0, q;

        for (; j + 16 <= n; j += 16) {
            for (q = 0; q + TILE_Q <= n_q; q += TILE_Q)
                tile(z + q * z_stride + j, z_stride, weights + q * p_stride, p_stride, TILE_Q,
                     chunk + j, c_stride, rows);
            for (; q < n_q; q++)
                tile(z + q * z_stride + j, 0, weights + q * p_stride, 0, 1, chunk + j, c_stride,
                     rows);
        }
        for (q = 0; j < n && q < n_q; q++)
            last_columns(z + q * z_stride + j, weights + q * p_stride, chunk + j, c_stride, rows,
                         n - j);
    }
}
