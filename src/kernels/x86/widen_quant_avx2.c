/* widen_quant_avx2.c - float values of quantised weights, AVX2. */
#include "kernels/kernels.h"
#include "kernels/x86/quant_avx2.h"

/* Eight codes as floats; at: 0 ... 3, which eight of the 32. */
INLINE __m256 code_floats(quant_id id, __m256i codes, int at)
{
    const __m256i v = _mm256_sub_epi8(codes, _mm256_set1_epi8((char)code_offset(id)));
    const __m128i half = at < 2 ? _mm256_castsi256_si128(v) : _mm256_extracti128_si256(v, 1);

    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(at % 2 ? _mm_unpackhi_epi64(half, half) : half));
}

INLINE float float_scale(quant_id id, const void *w, int which)
{
    const __m128i bits = _mm_cvtsi32_si128(scale_bits(id, w, which));

    return _mm256_cvtss_f32(scales_of_bits(id, bits));
}

INLINE void widen_32(quant_id id, float *y, const void *w)
{
    const __m256 d = _mm256_set1_ps(float_scale(id, w, 0));
    const __m256 m = _mm256_set1_ps(has_min(id) ? float_scale(id, w, 1) : 0.0f);
    const __m256i codes = codes_32(id, w);

    for (int i = 0; i < 4; i++) {
        const __m256 v = _mm256_mul_ps(d, code_floats(id, codes, i));
        _mm256_storeu_ps(y + 8 * i, has_min(id) ? _mm256_add_ps(v, m) : v);
    }
}

INLINE void widen_256(quant_id id, float *y, const void *w)
{
    const float d = float_scale(id, w, 0);
    const float m = has_min(id) ? float_scale(id, w, 1) : 0.0f;
    int16_t scale[16], min[16];

    store_256(scale, scales_256(id, w));
    store_256(min, minima_256(id, w));
    for (int c = 0; c < 8; c++) {
        const __m256i codes = codes_256(id, w, c);
        for (int i = 0; i < 4; i++) {
            const int g = 2 * c + i / 2;
            const __m256 v =
                _mm256_mul_ps(_mm256_set1_ps(d * (float)scale[g]), code_floats(id, codes, i));
            _mm256_storeu_ps(y + 32 * c + 8 * i,
                             has_min(id) ? _mm256_sub_ps(v, _mm256_set1_ps(m * (float)min[g])) : v);
        }
    }
}

#define QUANT(type, block)                                                    \
    void ts_widen_##type##_avx2(float *y, const void *w, size_t n)            \
    {                                                                         \
        const uint8_t *p = w;                                                 \
        for (size_t i = 0; i < n; i += block, p += block_bytes(QUANT_##type)) \
            widen_##block(QUANT_##type, y + i, p);                            \
    }
#include "kernels/quant.def"
#undef QUANT
