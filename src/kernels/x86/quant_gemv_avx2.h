/* quant_gemv_avx2.h - few tokens, on the bytes as the file holds them.
 *
 * Eight rows at a time: their integer sums are turned into one vector, so that
 * the float part of quant.def is done once for eight rows.
 */
#ifndef TS_KERNELS_QUANT_GEMV_AVX2_H
#define TS_KERNELS_QUANT_GEMV_AVX2_H

#include "kernels/x86/quant_avx2.h"

#ifdef __AVX2__

/* Up to how many tokens a panel does not pay (measured on Zen3: two tokens cost
 * 1.0 to 1.6 times as much without a panel, but 0.6 to 0.8 where the panel
 * would be wide). */
INLINE size_t few_tokens(quant_id id)
{
    return is_signed(id) ? 3 : 1;
}

/* Sixteen sums of two products. */
INLINE __m256i pair_products(quant_id id, __m256i codes, __m256i x)
{
    if (is_signed(id))
        return _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(x, codes));
    return _mm256_maddubs_epi16(codes, x);
}

/* 16 bits of group 2c + i / 16 of an eight-group half for byte i. */
INLINE __m256i spread_scales(__m256i scales, int c)
{
    const short low = (short)(0x0100 + 0x0404 * (c % 4)), high = (short)(low + 0x0202);
    const __m256i index = _mm256_set_m128i(_mm_set1_epi16(high), _mm_set1_epi16(low));
    const __m256i half =
        c < 4 ? _mm256_permute4x64_epi64(scales, 0x44) : _mm256_permute4x64_epi64(scales, 0xEE);

    return _mm256_shuffle_epi8(half, index);
}

/* Lanes that sum to I and to M of one superblock. */
INLINE void dot_256(quant_id id, const void *w, const int8_t *q, __m256i s, __m256i *products,
                    __m256i *minima)
{
    const __m256i scales = scales_256(id, w);
    __m256i sum = _mm256_setzero_si256();

#pragma GCC unroll 8
    for (int c = 0; c < 8; c++) {
        const __m256i p = pair_products(id, codes_256(id, w, c), load_256(q + 32 * c));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(p, spread_scales(scales, c)));
        KEEP(sum);
    }
    if (has_min(id))
        *minima = _mm256_madd_epi16(minima_256(id, w), s);
    else if (code_offset(id) != 0)
        sum = _mm256_sub_epi32(sum, _mm256_madd_epi16(minima_256(id, w), s));
    *products = sum;
}

INLINE __m256 gemv_256(quant_id id, const uint8_t *const row[8], int n_rows, const int8_t *q,
                       const int16_t *s, const float *dx, size_t n, size_t ahead)
{
    __m256 acc = _mm256_setzero_ps();

    /* The row eight rows below will be next. */
    for (size_t b = 0; b < n / 256; b++) {
        const size_t at = b * block_bytes(id);
        const __m256i sums = load_256(s + 16 * b);
        const __m256 d = _mm256_set1_ps(dx[b]);
        __m256i products[8], minima[8];

        for (int r = 0; r < 8; r++)
            products[r] = minima[r] = _mm256_setzero_si256();
        for (int r = 0; r < n_rows; r++) {
            prefetch(row[r] + at + ahead, block_bytes(id));
            dot_256(id, row[r] + at, q + 256 * b, sums, &products[r], &minima[r]);
        }
        acc = _mm256_fmadd_ps(_mm256_mul_ps(scales_of_rows(id, row, at, 0), d),
                              _mm256_cvtepi32_ps(sum_rows(products)), acc);
        if (has_min(id))
            acc = _mm256_fnmadd_ps(_mm256_mul_ps(scales_of_rows(id, row, at, 1), d),
                                   _mm256_cvtepi32_ps(sum_rows(minima)), acc);
    }
    return acc;
}

INLINE __m256 gemv_32(quant_id id, const uint8_t *const row[8], const int8_t *q, const int16_t *s,
                      const float *dx, size_t n, size_t ahead)
{
    const __m256i one = _mm256_set1_epi16(1);
    __m256 acc = _mm256_setzero_ps();

    for (size_t b = 0; b < n / 32; b++) {
        const size_t at = b * block_bytes(id);
        const __m256 d = _mm256_set1_ps(dx[b]);
        const __m256i x = load_256(q + 32 * b);
        const int sum_x = s[2 * b] + s[2 * b + 1];
        __m256i products[8];

        if (b % 3 == 0)
            for (int r = 0; r < 8; r++)
                prefetch(row[r] + at + ahead, 3 * block_bytes(id));
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++)
            products[r] = _mm256_madd_epi16(pair_products(id, codes_32(id, row[r] + at), x), one);
        __m256i sum = sum_rows(products);
        if (code_offset(id) != 0)
            sum = _mm256_sub_epi32(sum, _mm256_set1_epi32(code_offset(id) * sum_x));
        acc = _mm256_fmadd_ps(_mm256_mul_ps(scales_of_rows(id, row, at, 0), d),
                              _mm256_cvtepi32_ps(sum), acc);
        if (has_min(id))
            acc = _mm256_fmadd_ps(_mm256_mul_ps(scales_of_rows(id, row, at, 1), d),
                                  _mm256_set1_ps((float)sum_x), acc);
    }
    return acc;
}

/* The whole product, token by token; the rows at hand stay in the first-level
 * cache between tokens. */
INLINE void gemv_tokens(quant_id id, size_t block, const quant_product *a)
{
    for (size_t r0 = 0; r0 < a->n_rows; r0 += 8) {
        const size_t n_here = a->n_rows - r0 < 8 ? a->n_rows - r0 : 8;
        const uint8_t *row[8];

        for (size_t r = 0; r < 8; r++)
            row[r] = row_of(a, r0 + r);
        for (size_t t = 0; t < a->n_tokens; t++) {
            const int8_t *q = a->x->q + t * a->x->q_stride;
            const int16_t *s = a->x->s + t * a->x->s_stride;
            const float *d = a->x->d + t * a->x->d_stride;
            const __m256 acc = block == 256
                                   ? gemv_256(id, row, (int)n_here, q, s, d, a->n, 8 * a->w_stride)
                                   : gemv_32(id, row, q, s, d, a->n, 8 * a->w_stride);
            float sums[8];
            _mm256_storeu_ps(sums, acc);
            memcpy(a->y + t * a->y_stride + r0, sums, n_here * sizeof *sums);
        }
    }
}

#endif
#endif
