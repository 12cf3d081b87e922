/* simde_avx512.h - AVX-512 on a machine that has none, for tests only.
 *
 * Included before every other line of an AVX-512 kernel (-include), it maps the
 * intrinsics to SIMDe (Debian's libsimde-dev), and adds those that SIMDe 0.7.4
 * lacks, each from the instruction's own description.  Masked loads touch no
 * byte that the mask leaves out, as the instruction does not fault there.
 */
#ifndef TS_TESTS_SIMDE_AVX512_H
#define TS_TESTS_SIMDE_AVX512_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

#define TS_EMULATED

/* A register cannot be pinned that does not exist. */
#define IN_REGISTER(v) ((void)0)

static inline __m512 shim_mask_loadu_ps(__m512 src, __mmask16 k, const void *p)
{
    float v[16];

    _mm512_storeu_ps(v, src);
    for (int i = 0; i < 16; i++)
        if (k >> i & 1)
            memcpy(v + i, (const char *)p + 4 * i, 4);
    return _mm512_loadu_ps(v);
}
#undef _mm512_mask_loadu_ps
#define _mm512_mask_loadu_ps shim_mask_loadu_ps

static inline __m256i shim_half(__m512i a, int i)
{
    return i ? _mm512_extracti64x4_epi64(a, 1) : _mm512_castsi512_si256(a);
}

static inline __m512i shim_join(__m256i lo, __m256i hi)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(lo), hi, 1);
}

static inline __m512i shim_cvtps_epi32(__m512 a)
{
    float v[16];

    _mm512_storeu_ps(v, a);
    return shim_join(_mm256_cvtps_epi32(_mm256_loadu_ps(v)),
                     _mm256_cvtps_epi32(_mm256_loadu_ps(v + 8)));
}
#undef _mm512_cvtps_epi32
#define _mm512_cvtps_epi32 shim_cvtps_epi32

static inline __m512i shim_srai_epi32(__m512i a, unsigned n)
{
    return shim_join(_mm256_srai_epi32(shim_half(a, 0), (int)n),
                     _mm256_srai_epi32(shim_half(a, 1), (int)n));
}
#undef _mm512_srai_epi32
#define _mm512_srai_epi32 shim_srai_epi32

static inline __m512 shim_cvtepi32_ps(__m512i a)
{
    float v[16];

    _mm256_storeu_ps(v, _mm256_cvtepi32_ps(shim_half(a, 0)));
    _mm256_storeu_ps(v + 8, _mm256_cvtepi32_ps(shim_half(a, 1)));
    return _mm512_loadu_ps(v);
}
#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps shim_cvtepi32_ps

static inline __m128i shim_cvtepi32_epi8(__m512i a)
{
    int32_t v[16];
    int8_t out[16];

    _mm512_storeu_si512(v, a);
    for (int i = 0; i < 16; i++)
        out[i] = (int8_t)(v[i] & 0xff);
    return _mm_loadu_si128((const __m128i *)(const void *)out);
}
#undef _mm512_cvtepi32_epi8
#define _mm512_cvtepi32_epi8 shim_cvtepi32_epi8

static inline __m512 shim_cvtph_ps(__m256i a)
{
    float v[16];

    _mm256_storeu_ps(v, _mm256_cvtph_ps(_mm256_castsi256_si128(a)));
    _mm256_storeu_ps(v + 8, _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)));
    return _mm512_loadu_ps(v);
}
#undef _mm512_cvtph_ps
#define _mm512_cvtph_ps shim_cvtph_ps

static inline __m512i shim_cvtepu16_epi32(__m256i a)
{
    return shim_join(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(a)),
                     _mm256_cvtepu16_epi32(_mm256_extracti128_si256(a, 1)));
}
#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32 shim_cvtepu16_epi32

static inline __m512i shim_cvtepu8_epi16(__m256i a)
{
    return shim_join(_mm256_cvtepu8_epi16(_mm256_castsi256_si128(a)),
                     _mm256_cvtepu8_epi16(_mm256_extracti128_si256(a, 1)));
}
#undef _mm512_cvtepu8_epi16
#define _mm512_cvtepu8_epi16 shim_cvtepu8_epi16

#endif
