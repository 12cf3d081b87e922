/* widen_float_avx2.c - widen_f16, widen_bf16, widen_f8_e4m3; see
 * ref/widen_float_ref.c and half.h. */
#include "kernels/half.h"
#include "kernels/kernels.h"

#include <immintrin.h>

static inline __m128i load16(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline uint16_t load_u16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

void ts_widen_f16_avx2(float *y, const void *w, size_t n)
{
    const uint8_t *p = w;
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_cvtph_ps(load16(p + 2 * i)));
    for (; i < n; i++)
        y[i] = half_f16(load_u16(p + 2 * i));
}

void ts_widen_bf16_avx2(float *y, const void *w, size_t n)
{
    const uint8_t *p = w;
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        const __m256i bits = _mm256_slli_epi32(_mm256_cvtepu16_epi32(load16(p + 2 * i)), 16);
        _mm256_storeu_ps(y + i, _mm256_castsi256_ps(bits));
    }
    for (; i < n; i++)
        y[i] = half_bf16(load_u16(p + 2 * i));
}

/* Bytes in the upper halves of 16-bit words: the arithmetic shift moves the
 * seven value bits to where binary16 has them, and the sign into two places, of
 * which the upper is kept.  NaN becomes the binary16 NaN 0x7f80. */
static inline __m256i f8_to_f16(__m128i bytes)
{
    const __m256i high = _mm256_slli_epi16(_mm256_cvtepu8_epi16(bytes), 8);
    const __m256i f16 =
        _mm256_and_si256(_mm256_srai_epi16(high, 1), _mm256_set1_epi16((short)0xbf80));
    const __m256i is_nan = _mm256_cmpeq_epi16(_mm256_and_si256(f16, _mm256_set1_epi16(0x3f80)),
                                              _mm256_set1_epi16(0x3f80));

    return _mm256_or_si256(f16, _mm256_and_si256(is_nan, _mm256_set1_epi16(0x7f80)));
}

void ts_widen_f8_e4m3_avx2(float *y, const void *w, size_t n)
{
    const __m256 factor = _mm256_set1_ps(256.0f);
    const uint8_t *p = w;
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        const __m256i f16 = f8_to_f16(load16(p + i));
        const __m256 lo = _mm256_cvtph_ps(_mm256_castsi256_si128(f16));
        const __m256 hi = _mm256_cvtph_ps(_mm256_extracti128_si256(f16, 1));
        _mm256_storeu_ps(y + i, _mm256_mul_ps(lo, factor));
        _mm256_storeu_ps(y + i + 8, _mm256_mul_ps(hi, factor));
    }
    for (; i < n; i++)
        y[i] = half_f8_e4m3(p[i]);
}
