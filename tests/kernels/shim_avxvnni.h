/* shim_avxvnni.h - AVX-VNNI on a machine that has none, for tests only.
 *
 * Included before every other line of an AVX-VNNI kernel (-include).  vpdpbusd from
 * its description: to each 32-bit lane are added four products of an unsigned byte of
 * the first operand and a signed one of the second, modulo 2^32, without saturation.
 */
#ifndef TS_TESTS_SHIM_AVXVNNI_H
#define TS_TESTS_SHIM_AVXVNNI_H

#include <immintrin.h>

static inline __m256i shim_dpbusd(__m256i sum, __m256i u, __m256i s)
{
    const __m256i one = _mm256_set1_epi16(1), low = _mm256_set1_epi16(255);
    const __m256i even =
        _mm256_mullo_epi16(_mm256_and_si256(u, low), _mm256_srai_epi16(_mm256_slli_epi16(s, 8), 8));
    const __m256i odd = _mm256_mullo_epi16(_mm256_srli_epi16(u, 8), _mm256_srai_epi16(s, 8));

    /* 255 * -128 fits 16 bits, two of them do not. */
    return _mm256_add_epi32(
        sum, _mm256_add_epi32(_mm256_madd_epi16(even, one), _mm256_madd_epi16(odd, one)));
}
#define _mm256_dpbusd_avx_epi32 shim_dpbusd

#endif
