/* quant_gemv_avx512.h - one token, on the bytes as the file holds them: sixteen rows
 * by columns (quant_columns_avx512.h), multiplied with VNNI as they come.
 */
#ifndef TS_KERNELS_QUANT_GEMV_AVX512_H
#define TS_KERNELS_QUANT_GEMV_AVX512_H

#include "kernels/x86/quant_tile_avx512.h"

#ifdef __AVX2__

/* sum += the products of 32 weights. */
INLINE __m512i add_columns(__m512i sum, const __m512i codes[8], const int8_t *q)
{
    UNROLL(8)
    for (int j = 0; j < 8; j++)
        sum = _mm512_dpbusd_epi32(sum, codes[j], broadcast_512(q + 4 * j));
    return sum;
}

INLINE __m512 gemv_512_32(quant_id id, const uint8_t *const row[16], const int8_t *q,
                          const int16_t *s, const float *dx, size_t n, size_t ahead)
{
    __m512 acc = _mm512_setzero_ps();

    for (size_t b = 0; b < n / 32; b++) {
        const size_t at = b * block_bytes(id);
        const __m512 x = _mm512_set1_ps(dx[b]);
        const int sum_x = s[2 * b] + s[2 * b + 1];
        __m512i codes[8];

        prefetch(row[0] + ahead + 16 * at, 16 * block_bytes(id));
        columns_of_block_32(codes, id, row, at);
        const __m512i sum =
            add_columns(_mm512_set1_epi32(-byte_offset(id) * sum_x), codes, q + 32 * b);
        acc = _mm512_fmadd_ps(_mm512_mul_ps(floats_of_16(id, row, at, 0), x),
                              _mm512_cvtepi32_ps(sum), acc);
        if (has_min(id))
            acc = _mm512_fmadd_ps(_mm512_mul_ps(floats_of_16(id, row, at, 1), x),
                                  _mm512_set1_ps((float)sum_x), acc);
    }
    return acc;
}

/* sum += the products of half a chunk: codes are split from bytes as they are met. */
INLINE __m512i add_half_chunk(__m512i sum, quant_id id, int c, const __m512i low[4],
                              const __m512i high[4], const int8_t *q)
{
    UNROLL(4)
    for (int j = 0; j < 4; j++)
        sum = _mm512_dpbusd_epi32(
            sum, codes_of_strips_512(id, c, low[j], has_high_strip(id) ? high[j] : low[j]),
            broadcast_512(q + 4 * j));
    return sum;
}

INLINE __m512i add_scaled_sum(__m512i total, __m512i sum, const block_scales *s, int g)
{
    total = _mm512_add_epi32(total, _mm512_mullo_epi32(sum, scale_of_group(s, g)));
    KEEP_512(total);
    return total;
}

/* I of quant.def without its minima. */
INLINE __m512i products_of_block(quant_id id, const uint8_t *const row[16], size_t at,
                                 const int8_t *q, const block_scales *s)
{
    __m512i total = _mm512_setzero_si512(), of_chunk[8], low[4], high[4];

    UNROLL(8)
    for (int c = 0; c < 8; c++)
        of_chunk[c] = _mm512_setzero_si512();
    UNROLL(8)
    for (int i = 0; i < n_strip_steps(id); i++) {
        const strip_step step = strip_step_of(id, i);
        load_strip(id, step, row, at, low, high);
        UNROLL(4)
        for (int k = 0; k < step.n_chunks; k++) {
            const int c = step.first + k * step.chunk_step;
            const int8_t *x = q + 32 * c + 16 * step.part;
            if (has_scale_per_32(id))
                of_chunk[c] = add_half_chunk(of_chunk[c], id, c, low, high, x);
            else
                total = add_scaled_sum(total,
                                       add_half_chunk(_mm512_setzero_si512(), id, c, low, high, x),
                                       s, 2 * c + step.part);
        }
    }
    if (!has_scale_per_32(id))
        return total;
    UNROLL(8)
    for (int c = 0; c < 8; c++)
        total = add_scaled_sum(total, of_chunk[c], s, c);
    return total;
}

INLINE __m512i products_of_iq4_xs(const uint8_t *const row[16], size_t at, const int8_t *q,
                                  const block_scales *s)
{
    __m512i total = _mm512_setzero_si512();

    UNROLL(8)
    for (int c = 0; c < 8; c++) {
        __m512i codes[8];
        nibble_columns(codes, QUANT_iq4_xs, row,
                       at + offsetof(ts_block_iq4_xs, qs) + 16 * (size_t)c);
        total = add_scaled_sum(total, add_columns(_mm512_setzero_si512(), codes, q + 32 * c), s, c);
    }
    return total;
}

INLINE __m512 gemv_512_256(quant_id id, const uint8_t *const row[16], const int8_t *q,
                           const int16_t *s, const float *dx, size_t n, size_t ahead)
{
    __m512 acc = _mm512_setzero_ps();

    for (size_t b = 0; b < n / 256; b++, q += 256, s += 16) {
        const size_t at = b * block_bytes(id);
        const block_scales scales = scales_of_block_256(id, row, at);
        const __m512 d = _mm512_set1_ps(dx[b]);
        const int n_pairs = has_scale_per_32(id) ? 4 : 8;
        __m512i minima = _mm512_setzero_si512();
        int16_t of_32[8];

        prefetch(row[0] + ahead + 16 * at, 16 * block_bytes(id));
        __m512i total = id == QUANT_iq4_xs ? products_of_iq4_xs(row, at, q, &scales)
                                           : products_of_block(id, row, at, q, &scales);
        if (has_scale_per_32(id))
            sums_of_32(of_32, s);
        UNROLL(8)
        for (int j = 0; j < n_pairs; j++)
            minima = _mm512_dpwssd_epi32(minima, pair_of_minima(id, &scales, j),
                                         broadcast_512((has_scale_per_32(id) ? of_32 : s) + 2 * j));
        if (!has_min(id))
            total = _mm512_sub_epi32(total, offset_cost(id, minima));
        acc = _mm512_fmadd_ps(_mm512_mul_ps(scales.d, d), _mm512_cvtepi32_ps(total), acc);
        if (has_min(id))
            acc = _mm512_fnmadd_ps(_mm512_mul_ps(scales.m, d), _mm512_cvtepi32_ps(minima), acc);
    }
    return acc;
}

/* The product with one token. */
INLINE void gemv_512(quant_id id, size_t block, const quant_product *a)
{
    for (size_t r0 = 0; r0 < a->n_rows; r0 += TS_PANEL_ROWS) {
        const ts_q8_rows *x = a->x;
        const uint8_t *row[TS_PANEL_ROWS];
        float sums[TS_PANEL_ROWS];

        for (size_t r = 0; r < TS_PANEL_ROWS; r++)
            row[r] = row_of(a, r0 + r);
        const size_t ahead = TS_PANEL_ROWS * a->w_stride;
        const __m512 acc = block == 256 ? gemv_512_256(id, row, x->q, x->s, x->d, a->n, ahead)
                                        : gemv_512_32(id, row, x->q, x->s, x->d, a->n, ahead);
        _mm512_storeu_ps(sums, acc);
        memcpy(a->y + r0, sums,
               (a->n_rows - r0 < TS_PANEL_ROWS ? a->n_rows - r0 : TS_PANEL_ROWS) * sizeof *sums);
    }
}

#endif
#endif
