/* latent_avx2.h - what the AVX2 and AVX-512 kernels of latent attention share:
 * rounding, and the floats of a tile of scores.
 */
#ifndef TS_KERNELS_LATENT_AVX2_H
#define TS_KERNELS_LATENT_AVX2_H

#include <math.h>

#include "kernels/latent.h"
#include "kernels/x86/quant_avx2.h"

#ifdef __AVX2__

enum { TILE_Q = 4 }; /* queries or outputs */

INLINE __m256i magnitude(__m256 v)
{
    return _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x7fffffff));
}

/* n is a multiple of eight. */
INLINE uint32_t largest_magnitude(const float *x, size_t n)
{
    __m256i m = _mm256_setzero_si256();

    for (size_t i = 0; i < n; i += 8)
        m = _mm256_max_epi32(m, magnitude(_mm256_loadu_ps(x + i)));
    __m128i h = _mm_max_epi32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    h = _mm_max_epi32(h, _mm_shuffle_epi32(h, _MM_SHUFFLE(1, 0, 3, 2)));
    h = _mm_max_epi32(h, _mm_shuffle_epi32(h, _MM_SHUFFLE(2, 3, 0, 1)));
    return (uint32_t)_mm_cvtsi128_si32(h);
}

/* Sixteen rounded products in 16 bits; 0 where the factor is. */
INLINE __m256i round_16(const float *x, float factor)
{
    const __m256 f = _mm256_set1_ps(factor);
    const __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), f));
    const __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), f));
    const __m256i v = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), _MM_SHUFFLE(3, 1, 2, 0));

    /* 0 times infinity is no number, and so not 0. */
    return factor > 0 ? v : _mm256_setzero_si256();
}

/* Scores of two rows (or one) from lanes 4 * row + query of both sums. */
INLINE void store_scores(float *s, size_t s_stride, __m256i latent, __m256i rope, const float *d,
                         size_t n_q, const int8_t *row, size_t n_rows, const ts_latent *l)
{
    const int8_t *next = n_rows > 1 ? row + l->row_bytes : row;
    const __m256 d_c = _mm256_set_m128(_mm_set1_ps(latent_factor(next, l, 0)),
                                       _mm_set1_ps(latent_factor(row, l, 0)));
    const __m256 d_r = _mm256_set_m128(_mm_set1_ps(latent_factor(next, l, 1)),
                                       _mm_set1_ps(latent_factor(row, l, 1)));
    float of_query[TILE_Q], out[8];

    for (size_t i = 0; i < TILE_Q; i++)
        of_query[i] = d[i < n_q ? i : n_q - 1];
    const __m128 d_q = _mm_loadu_ps(of_query);
    const __m256 v = _mm256_fmadd_ps(d_r, _mm256_cvtepi32_ps(rope),
                                     _mm256_mul_ps(d_c, _mm256_cvtepi32_ps(latent)));
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_set_m128(d_q, d_q), v));
    for (size_t i = 0; i < n_q; i++)
        for (size_t r = 0; r < n_rows; r++)
            s[i * s_stride + r] = out[TILE_Q * r + i];
}

typedef struct weights {
    int16_t u[TILE_Q][TS_LATENT_ROWS];
    float e[TILE_Q];
} weights;

/* Weights of one output; behind the last row zeros. */
INLINE void round_weights(weights *w, size_t i, const float *p, const int8_t *rows, size_t n_rows,
                          const ts_latent *l)
{
    _Alignas(32) float v[TS_LATENT_ROWS] = {0};

    for (size_t r = 0; r < n_rows; r++)
        v[r] = p[r] * latent_factor(rows + r * l->row_bytes, l, 0);
    const float factor =
        q_factor(largest_magnitude(v, TS_LATENT_ROWS), LATENT_WEIGHT_MAX, &w->e[i]);
    for (size_t r = 0; r < TS_LATENT_ROWS; r += 16)
        store_256(w->u[i] + r, round_16(v + r, factor));
}

#endif
#endif
