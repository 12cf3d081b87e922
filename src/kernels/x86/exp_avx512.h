/* exp_avx512.h - exp.h, sixteen at a time, operation for operation. */
#ifndef TS_KERNELS_EXP_AVX512_H
#define TS_KERNELS_EXP_AVX512_H

#include "kernels/exp.h"

#ifdef __AVX2__
#include <immintrin.h>

static inline __m512 avx512_exp(__m512 x)
{
    const __m512 one = _mm512_set1_ps(1.0f), magic = _mm512_set1_ps(EXP_ROUND);
    const __m512i bias = _mm512_set1_epi32((int)EXP_ROUND_BITS - 256);
    const __m512i minus_one = _mm512_set1_epi32(-1);

    x = _mm512_min_ps(_mm512_set1_ps(EXP_MAX), x); /* in this order NaN passes */
    x = _mm512_max_ps(_mm512_set1_ps(EXP_MIN), x);
    const __m512 rounded = _mm512_fmadd_ps(x, _mm512_set1_ps(EXP_LOG2E), magic);
    const __m512 n = _mm512_sub_ps(rounded, magic);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(EXP_LN2_HI), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(EXP_LN2_LO), r);

    __m512 q = _mm512_fmadd_ps(_mm512_set1_ps(EXP_Q4), r, _mm512_set1_ps(EXP_Q3));
    q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(EXP_Q2));
    q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(EXP_Q1));
    q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(EXP_Q0));
    q = _mm512_fmadd_ps(q, r, one);
    const __m512 p = _mm512_fmadd_ps(q, r, one);

    const __m512i e = _mm512_sub_epi32(_mm512_castps_si512(rounded), bias);
    const __m512i h = _mm512_srli_epi32(e, 1);
    const __m512i f = _mm512_add_epi32(h, minus_one);
    const __m512i g = _mm512_add_epi32(_mm512_sub_epi32(e, h), minus_one);
    return _mm512_mul_ps(_mm512_mul_ps(p, _mm512_castsi512_ps(_mm512_slli_epi32(f, 23))),
                         _mm512_castsi512_ps(_mm512_slli_epi32(g, 23)));
}

/* 1 + exp(-x) */
static inline __m512 avx512_one_plus_exp_minus(__m512 x)
{
    return _mm512_add_ps(_mm512_set1_ps(1.0f), avx512_exp(_mm512_xor_ps(x, _mm512_set1_ps(-0.0f))));
}

#endif
#endif
