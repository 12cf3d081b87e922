/* lanes_avx512.h - lanes.h in one register. */
#ifndef TS_KERNELS_LANES_AVX512_H
#define TS_KERNELS_LANES_AVX512_H

#include "kernels/x86/lanes_avx2.h"

#ifdef __AVX2__

/* The first n of sixteen lanes; n > 16 counts as 16. */
static inline __mmask16 avx512_first(size_t n)
{
    return (__mmask16)(n < 16 ? (1u << n) - 1 : 0xffff);
}

/* The masked tail of a dot product: -0 beside +0 makes a product of -0, which
 * leaves the accumulator as it is, -0 included. */
static inline __m512 avx512_load_zero(const float *p, __mmask16 mask)
{
    return _mm512_mask_loadu_ps(_mm512_setzero_ps(), mask, p);
}

static inline __m512 avx512_load_minus_zero(const float *p, __mmask16 mask)
{
    return _mm512_mask_loadu_ps(_mm512_set1_ps(-0.0f), mask, p);
}

/* The first step of the tree: lanes l + l+8. */
static inline __m256 avx512_sum8(__m512 v)
{
    const __m256d hi = _mm512_extractf64x4_pd(_mm512_castps_pd(v), 1);

    return _mm256_add_ps(_mm512_castps512_ps256(v), _mm256_castpd_ps(hi));
}

/* The whole tree. */
static inline float avx512_sum(__m512 v)
{
    return avx2_sum8(avx512_sum8(v));
}

#endif
#endif
