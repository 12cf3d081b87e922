/* quantize_q8_avx512.c - quantize_q8 in groups of sixteen; see
 * ref/quantize_q8_ref.c and q8.h. */
#include "kernels/kernels.h"
#include "kernels/q8.h"
#include "kernels/x86/lanes_avx512.h"

static inline __m128i max_halves(__m256i m)
{
    return _mm_max_epu32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
}

static uint32_t largest_magnitude(const float *x, size_t n)
{
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    __m512i m = _mm512_setzero_si512();

    for (size_t i = 0; i < n; i += 16) {
        const __m512 v = avx512_load_zero(x + i, avx512_first(n - i));
        m = _mm512_max_epu32(m, _mm512_and_si512(_mm512_castps_si512(v), magnitude));
    }
    __m128i s =
        max_halves(_mm256_max_epu32(_mm512_castsi512_si256(m), _mm512_extracti64x4_epi64(m, 1)));
    s = _mm_max_epu32(s, _mm_shuffle_epi32(s, _MM_SHUFFLE(1, 0, 3, 2)));
    s = _mm_max_epu32(s, _mm_shuffle_epi32(s, _MM_SHUFFLE(2, 3, 0, 1)));
    return (uint32_t)_mm_cvtsi128_si32(s);
}

/* Sixteen rounded products as bytes. */
static inline __m128i round16(__m512 v, __m512 factor)
{
    return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(v, factor)));
}

/* The bytes as unsigned with 128 added, summed in halves by one instruction. */
static inline int16_t sum16(__m128i q)
{
    const __m128i sums = _mm_sad_epu8(_mm_xor_si128(q, _mm_set1_epi8(-128)), _mm_setzero_si128());

    return (int16_t)(_mm_cvtsi128_si32(sums) + _mm_extract_epi16(sums, 4) - 16 * 128);
}

static void quantize_block(int8_t *q, float *d, int16_t *s, const float *x, size_t n)
{
    const float f = q8_factor(largest_magnitude(x, n), d);
    const __m512 factor = _mm512_set1_ps(f);
    size_t i = 0;

    if (!(f > 0)) {
        memset(q, 0, n);
        memset(s, 0, (n + 15) / 16 * sizeof *s);
        return;
    }
    for (; i + 16 <= n; i += 16) {
        const __m128i rounded = round16(_mm512_loadu_ps(x + i), factor);
        _mm_storeu_si128((__m128i *)(void *)(q + i), rounded);
        *s++ = sum16(rounded);
    }
    if (i < n) {
        int8_t last[16];
        const __m128i rounded = round16(avx512_load_zero(x + i, avx512_first(n - i)), factor);
        _mm_storeu_si128((__m128i *)(void *)last, rounded);
        memcpy(q + i, last, n - i);
        *s = sum16(rounded);
    }
}

void ts_quantize_q8_avx512(int8_t *q, float *d, int16_t *s, const float *x, size_t n, size_t block)
{
    for (size_t i = 0; i < n; i += block)
        quantize_block(q + i, d++, s + i / 16, x + i, n - i < block ? n - i : block);
}
