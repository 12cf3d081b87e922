/* lanes_avx2.h - lanes.h in two registers: lanes 0-7 (lo) and 8-15 (hi). */
#ifndef TS_KERNELS_LANES_AVX2_H
#define TS_KERNELS_LANES_AVX2_H

#ifdef __AVX2__
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* All ones in the first n of eight lanes; n > 8 counts as 8. */
static inline __m256i avx2_first(size_t n)
{
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

    return _mm256_loadu_si256((const __m256i *)(const void *)(ones + 8 - (n < 8 ? n : 8)));
}

/* As avx2_first() for elements 8 ... n - 1 of a tail. */
static inline __m256i avx2_second(size_t n)
{
    return avx2_first(n > 8 ? n - 8 : 0);
}

/* Loads that put -0 where the mask is off: with +0 on the other side the fused
 * product is -0, which leaves every accumulator as it is, -0 included. */
static inline __m256 avx2_load_minus_zero(const float *p, __m256i mask)
{
    const __m256 minus_zero = _mm256_set1_ps(-0.0f);

    return _mm256_or_ps(_mm256_maskload_ps(p, mask),
                        _mm256_andnot_ps(_mm256_castsi256_ps(mask), minus_zero));
}

/* The rest of the tree when l and l+8 are already added. */
static inline float avx2_sum8(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* The tree of one accumulator pair. */
static inline float avx2_sum(__m256 lo, __m256 hi)
{
    return avx2_sum8(_mm256_add_ps(lo, hi));
}

/* The tree of four accumulators whose halves are already added: a, b, c, d in
 * lanes 0-3 of the result, by the same additions. */
static inline __m128 avx2_sum4(__m256 a, __m256 b, __m256 c, __m256 d)
{
    const __m256 ab =
        _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
    const __m256 cd =
        _mm256_add_ps(_mm256_permute2f128_ps(c, d, 0x20), _mm256_permute2f128_ps(c, d, 0x31));
    /* a0 a1 c0 c1 | b0 b1 d0 d1  and  a2 a3 c2 c3 | b2 b3 d2 d3 */
    const __m256 s = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, _MM_SHUFFLE(1, 0, 1, 0)),
                                   _mm256_shuffle_ps(ab, cd, _MM_SHUFFLE(3, 2, 3, 2)));
    const __m256 t = _mm256_add_ps(s, _mm256_permute_ps(s, _MM_SHUFFLE(2, 3, 0, 1)));

    /* a a c c | b b d d */
    return _mm_blend_ps(_mm256_castps256_ps128(t), _mm256_extractf128_ps(t, 1), 0xa);
}

#endif
#endif
