/* exp_avx2.h - exp.h, eight at a time, operation for operation. */
#ifndef TS_KERNELS_EXP_AVX2_H
#define TS_KERNELS_EXP_AVX2_H

#include "kernels/exp.h"

#ifdef __AVX2__
#include <immintrin.h>

static inline __m256 avx2_exp(__m256 x)
{
    const __m256 one = _mm256_set1_ps(1.0f), magic = _mm256_set1_ps(EXP_ROUND);
    const __m256i bias = _mm256_set1_epi32((int)EXP_ROUND_BITS - 256);
    const __m256i minus_one = _mm256_set1_epi32(-1);

    x = _mm256_min_ps(_mm256_set1_ps(EXP_MAX), x); /* in this order NaN passes */
    x = _mm256_max_ps(_mm256_set1_ps(EXP_MIN), x);
    const __m256 rounded = _mm256_fmadd_ps(x, _mm256_set1_ps(EXP_LOG2E), magic);
    const __m256 n = _mm256_sub_ps(rounded, magic);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(EXP_LN2_HI), x);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(EXP_LN2_LO), r);

    __m256 q = _mm256_fmadd_ps(_mm256_set1_ps(EXP_Q4), r, _mm256_set1_ps(EXP_Q3));
    q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(EXP_Q2));
    q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(EXP_Q1));
    q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(EXP_Q0));
    q = _mm256_fmadd_ps(q, r, one);
    const __m256 p = _mm256_fmadd_ps(q, r, one);

    const __m256i e = _mm256_sub_epi32(_mm256_castps_si256(rounded), bias);
    const __m256i h = _mm256_srli_epi32(e, 1);
    const __m256i f = _mm256_add_epi32(h, minus_one);
    const __m256i g = _mm256_add_epi32(_mm256_sub_epi32(e, h), minus_one);
    return _mm256_mul_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(f, 23))),
                         _mm256_castsi256_ps(_mm256_slli_epi32(g, 23)));
}

/* 1 + exp(-x) */
static inline __m256 avx2_one_plus_exp_minus(__m256 x)
{
    return _mm256_add_ps(_mm256_set1_ps(1.0f), avx2_exp(_mm256_xor_ps(x, _mm256_set1_ps(-0.0f))));
}

#endif
#endif
