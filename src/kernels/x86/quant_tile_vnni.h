/* quant_tile_vnni.h - a decoded panel times tiles of four tokens, vpdpbusd on 256 bits.
 *
 * Part of quant_tile_avx2.h for AVX-VNNI: all codes are unsigned bytes, those with a
 * sign moved up by 128, and sums are 32 bits wide from the start.  Eight of them are
 * under way at once, as the instruction takes five cycles and two begin in each.
 */
#ifndef TS_KERNELS_QUANT_TILE_VNNI_H
#define TS_KERNELS_QUANT_TILE_VNNI_H

#include "kernels/x86/quant_panel_avx2.h"

#ifdef __AVX2__

/* sum += n_steps products of four weights of two times eight rows with each token. */
INLINE void byte_products(__m256i sum[2][4], const uint8_t (*codes)[16][4], const int8_t *q,
                          size_t q_stride, int n_steps, int n_tokens)
{
#pragma GCC unroll 8
    for (int k = 0; k < n_steps; k++) {
        const __m256i w0 = load_256(codes[k][0]), w1 = load_256(codes[k][8]);
#pragma GCC unroll 4
        for (int t = 0; t < n_tokens; t++) {
            const __m256i x = broadcast_32(q + (size_t)t * q_stride + 4 * k);
            sum[0][t] = _mm256_dpbusd_avx_epi32(sum[0][t], w0, x);
            sum[1][t] = _mm256_dpbusd_avx_epi32(sum[1][t], w1, x);
        }
    }
}

INLINE void tile_vnni_256(quant_id id, ts_panel *p, const tile_x *x, float (*acc)[16], int n_tokens)
{
    const int n_steps = has_scale_per_32(id) ? 8 : 4;
    __m256i wide[2][4], sum[2][4];

    clear(wide, n_tokens);
    for (int k = 0; k < 64; k += n_steps) {
        /* Pairs of equal 16 bits: the upper one with its sign is the scale. */
        const __m256i scale[2] = {_mm256_srai_epi32(load_256(p->scale[k / n_steps][0]), 16),
                                  _mm256_srai_epi32(load_256(p->scale[k / n_steps][8]), 16)};
        clear(sum, n_tokens);
        byte_products(sum, (const uint8_t(*)[16][4])p->codes.u8 + k, x->q + 4 * k, x->q_stride,
                      n_steps, n_tokens);
#pragma GCC unroll 4
        for (int t = 0; t < n_tokens; t++)
            for (int h = 0; h < 2; h++)
                wide[h][t] = _mm256_add_epi32(wide[h][t], _mm256_mullo_epi32(sum[h][t], scale[h]));
    }
    end_tile_256(id, p, x, acc, wide, n_tokens);
}

INLINE void tile_vnni_32(quant_id id, ts_panel *p, const tile_x *x, float (*acc)[16],
                         size_t n_blocks, int n_tokens)
{
    __m256i sum[2][4];

    for (size_t b = 0; b < n_blocks; b++) {
        int sum_x[4];
#pragma GCC unroll 4
        for (int t = 0; t < n_tokens; t++) {
            const int16_t *s = x->s + (size_t)t * x->s_stride + 2 * b;
            sum_x[t] = s[0] + s[1];
            sum[0][t] = sum[1][t] = _mm256_set1_epi32(-byte_offset(id) * sum_x[t]);
        }
        byte_products(sum, (const uint8_t(*)[16][4])p->codes.u8 + 8 * b, x->q + 32 * b, x->q_stride,
                      8, n_tokens);
#pragma GCC unroll 4
        for (int t = 0; t < n_tokens; t++) {
            const __m256 dx = _mm256_set1_ps(x->d[(size_t)t * x->d_stride + b]);
            for (int h = 0; h < 2; h++) {
                __m256 a = _mm256_load_ps(acc[t] + 8 * h);
                a = add_scaled(a, p->d[b] + 8 * h, dx, sum[h][t], 0);
                if (has_min(id))
                    a = add_scaled(a, p->m[b] + 8 * h, dx, _mm256_set1_epi32(sum_x[t]), 0);
                _mm256_store_ps(acc[t] + 8 * h, a);
            }
        }
    }
}

INLINE void tile(quant_id id, size_t block, ts_panel *p, const tile_x *x, float (*acc)[16],
                 size_t n_blocks, int n_tokens)
{
    if (block == 256)
        tile_vnni_256(id, p, x, acc, n_tokens);
    else
        tile_vnni_32(id, p, x, acc, n_blocks, n_tokens);
}

INLINE void panel_u8_q8_0(ts_panel *p, const uint8_t *const row[16], size_t at, size_t n_blocks)
{
    __m256i v[8];

    for (size_t b = 0; b < n_blocks; b++, at += sizeof(ts_block_q8_0))
        for (int r = 0; r < 16; r += 8) {
            columns_32(v, row + r, at + offsetof(ts_block_q8_0, qs));
#pragma GCC unroll 8
            for (int j = 0; j < 8; j++)
                store_256(p->codes.u8[8 * b + (size_t)j][r],
                          _mm256_xor_si256(v[j], _mm256_set1_epi8(-128)));
        }
}

/* Scales come twice each, so they are pairs of equals as they are. */
INLINE void panel_u8_iq4_xs(ts_panel *p, const uint8_t *const row[16], size_t at)
{
    for (int c = 0; c < 8; c++)
        for (int r = 0; r < 16; r += 8)
            nibbles_u8(QUANT_iq4_xs, p->codes.u8 + 8 * c, row + r,
                       at + offsetof(ts_block_iq4_xs, qs) + 16 * (size_t)c, _mm256_setzero_si256(),
                       r);
    scales_and_minima(QUANT_iq4_xs, p, row, at);
}

INLINE void decode_panel(quant_id id, size_t block, ts_panel *p, const uint8_t *const row[16],
                         size_t k, size_t depth)
{
    const size_t at = k / block * block_bytes(id);

    if (block == 256 && id != QUANT_iq4_xs) {
        panel_u8_256(id, p, row, at);
        return;
    }
    if (id == QUANT_iq4_xs)
        panel_u8_iq4_xs(p, row, at);
    else if (id == QUANT_q8_0)
        panel_u8_q8_0(p, row, at, depth / 32);
    else
        panel_u8_32(id, p, row, at, depth / 32);
    panel_floats(id, p, row, at, depth / block);
}

#endif
#endif
