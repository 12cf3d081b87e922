/* widen_float_avx512.c - widen_f16, widen_bf16, widen_f8_e4m3; see
 * ref/widen_float_ref.c and half.h. */
#include "kernels/half.h"
#include "kernels/kernels.h"

#include <immintrin.h>

static inline __m256i load32(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline uint16_t load_u16(const uint8_t *p)
{
    uint16_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

void ts_widen_f16_avx512(float *y, const void *w, size_t n)
{
    const uint8_t *p = w;
    size_t i = 0;

    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(y + i, _mm512_cvtph_ps(load32(p + 2 * i)));
    for (; i < n; i++)
        y[i] = half_f16(load_u16(p + 2 * i));
}

void ts_widen_bf16_avx512(float *y, const void *w, size_t n)
{
    const uint8_t *p = w;
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        const __m512i bits = _mm512_slli_epi32(_mm512_cvtepu16_epi32(load32(p + 2 * i)), 16);
        _mm512_storeu_ps(y + i, _mm512_castsi512_ps(bits));
    }
    for (; i < n; i++)
        y[i] = half_bf16(load_u16(p + 2 * i));
}

/* Bytes in the upper halves of 16-bit words: the arithmetic shift moves the
 * seven value bits to where binary16 has them, and the sign into two places, of
 * which the upper is kept.  Only seven ones carry into 0x4000 when one is added
 * at their end, and that makes 0x3f80 the NaN 0x7f80. */
static inline __m512i f8_to_f16(__m256i bytes)
{
    const __m512i high = _mm512_slli_epi16(_mm512_cvtepu8_epi16(bytes), 8);
    const __m512i f16 =
        _mm512_and_si512(_mm512_srai_epi16(high, 1), _mm512_set1_epi16((short)0xbf80));
    const __m512i value = _mm512_and_si512(f16, _mm512_set1_epi16(0x3f80));
    const __m512i carry = _mm512_and_si512(_mm512_add_epi16(value, _mm512_set1_epi16(0x0080)),
                                           _mm512_set1_epi16(0x4000));

    return _mm512_or_si512(f16, carry);
}

void ts_widen_f8_e4m3_avx512(float *y, const void *w, size_t n)
{
    const __m512 factor = _mm512_set1_ps(256.0f);
    const uint8_t *p = w;
    size_t i = 0;

    for (; i + 32 <= n; i += 32) {
        const __m512i f16 = f8_to_f16(load32(p + i));
        const __m512 lo = _mm512_cvtph_ps(_mm512_castsi512_si256(f16));
        const __m512 hi = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(f16, 1));
        _mm512_storeu_ps(y + i, _mm512_mul_ps(lo, factor));
        _mm512_storeu_ps(y + i + 16, _mm512_mul_ps(hi, factor));
    }
    for (; i < n; i++)
        y[i] = half_f8_e4m3(p[i]);
}
