/* quantize_q8_avx2.c - quantize_q8 in groups of sixteen; see
 * ref/quantize_q8_ref.c and q8.h. */
#include "kernels/kernels.h"
#include "kernels/q8.h"
#include "kernels/x86/lanes_avx2.h"

static inline __m256i magnitude(__m256 v)
{
    return _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x7fffffff));
}

static uint32_t largest_magnitude(const float *x, size_t n)
{
    __m256i m0 = _mm256_setzero_si256(), m1 = m0;
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        m0 = _mm256_max_epi32(m0, magnitude(_mm256_loadu_ps(x + i)));
        m1 = _mm256_max_epi32(m1, magnitude(_mm256_loadu_ps(x + i + 8)));
    }
    if (i < n) {
        m0 = _mm256_max_epi32(m0, magnitude(_mm256_maskload_ps(x + i, avx2_first(n - i))));
        m1 = _mm256_max_epi32(m1, magnitude(_mm256_maskload_ps(x + i + 8, avx2_second(n - i))));
    }
    m0 = _mm256_max_epi32(m0, m1);
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(m0), _mm256_extracti128_si256(m0, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, _MM_SHUFFLE(1, 0, 3, 2)));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, _MM_SHUFFLE(2, 3, 0, 1)));
    return (uint32_t)_mm_cvtsi128_si32(m);
}

/* Sixteen rounded products as bytes. */
static inline __m128i round16(__m256 a, __m256 b, __m256 factor)
{
    const __m256i ia = _mm256_cvtps_epi32(_mm256_mul_ps(a, factor));
    const __m256i ib = _mm256_cvtps_epi32(_mm256_mul_ps(b, factor));
    /* a0-3 b0-3 | a4-7 b4-7, then in order */
    const __m256i words =
        _mm256_permute4x64_epi64(_mm256_packs_epi32(ia, ib), _MM_SHUFFLE(3, 1, 2, 0));

    return _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
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
    const __m256 factor = _mm256_set1_ps(f);
    size_t i = 0;

    if (!(f > 0)) {
        memset(q, 0, n);
        memset(s, 0, (n + 15) / 16 * sizeof *s);
        return;
    }
    for (; i + 16 <= n; i += 16) {
        const __m128i rounded = round16(_mm256_loadu_ps(x + i), _mm256_loadu_ps(x + i + 8), factor);
        _mm_storeu_si128((__m128i *)(void *)(q + i), rounded);
        *s++ = sum16(rounded);
    }
    if (i < n) {
        int8_t last[16];
        const __m256 a = _mm256_maskload_ps(x + i, avx2_first(n - i));
        const __m256 b = _mm256_maskload_ps(x + i + 8, avx2_second(n - i));
        const __m128i rounded = round16(a, b, factor);
        _mm_storeu_si128((__m128i *)(void *)last, rounded);
        memcpy(q + i, last, n - i);
        *s = sum16(rounded);
    }
}

void ts_quantize_q8_avx2(int8_t *q, float *d, int16_t *s, const float *x, size_t n, size_t block)
{
    for (size_t i = 0; i < n; i += block)
        quantize_block(q + i, d++, s + i / 16, x + i, n - i < block ? n - i : block);
}
