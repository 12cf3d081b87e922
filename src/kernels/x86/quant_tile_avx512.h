/* quant_tile_avx512.h - a decoded panel times tiles of eight tokens, with VNNI.
 *
 * A register is sixteen rows; vpdpbusd adds four products to each.  All codes
 * are unsigned bytes here, those with a sign moved up by 128: the instruction
 * does not saturate.  A group's sum is multiplied by its integer scale and
 * offsets are repaid with the sums of the activations, exactly.
 */
#ifndef TS_KERNELS_QUANT_TILE_AVX512_H
#define TS_KERNELS_QUANT_TILE_AVX512_H

#include "kernels/x86/quant_columns_avx512.h"

#ifdef __AVX2__

enum { TILE_TOKENS = 8 };

/* sum[t] += the products of n_steps times four weights. */
INLINE void byte_products(__m512i sum[TILE_TOKENS], const uint8_t (*codes)[16][4], const int8_t *q,
                          size_t q_stride, int n_steps, int n_tokens)
{
    UNROLL(8)
    for (int k = 0; k < n_steps; k++) {
        const __m512i w = load_512(codes[k]);
        UNROLL(8)
        for (int t = 0; t < n_tokens; t++)
            sum[t] =
                _mm512_dpbusd_epi32(sum[t], w, broadcast_512(q + (size_t)t * q_stride + 4 * k));
    }
}

/* acc[t][r] = fma(d[r] * dx[t], sum, acc), subtracted where the minima are. */
INLINE void add_scaled_512(float (*acc)[16], const float d[16], const float *dx, size_t dx_stride,
                           const __m512i sum[TILE_TOKENS], int n_tokens, int is_subtracted)
{
    const __m512 dw = _mm512_loadu_ps(d);

    UNROLL(8)
    for (int t = 0; t < n_tokens; t++) {
        const __m512 dd = _mm512_mul_ps(dw, _mm512_set1_ps(dx[(size_t)t * dx_stride]));
        const __m512 f = _mm512_cvtepi32_ps(sum[t]), a = _mm512_loadu_ps(acc[t]);
        _mm512_storeu_ps(acc[t],
                         is_subtracted ? _mm512_fnmadd_ps(dd, f, a) : _mm512_fmadd_ps(dd, f, a));
    }
}

/* byte_offset() is a power of two where there are no minima. */
INLINE __m512i offset_cost(quant_id id, __m512i sum_of_scales)
{
    return _mm512_slli_epi32(sum_of_scales, id == QUANT_q3_k ? 2 : id == QUANT_q6_k ? 5 : 7);
}

INLINE void tile_512_256(quant_id id, ts_panel *p, const tile_x *x, float (*acc)[16], int n_tokens)
{
    const int n_steps = has_scale_per_32(id) ? 8 : 4;
    __m512i total[TILE_TOKENS], minima[TILE_TOKENS];

    for (int t = 0; t < n_tokens; t++)
        total[t] = minima[t] = _mm512_setzero_si512();
    for (int k = 0; k < 64; k += n_steps) {
        const __m512i scale = load_512(p->scale[k / n_steps]); /* 32 bits wide here */
        __m512i sum[TILE_TOKENS];
        for (int t = 0; t < n_tokens; t++)
            sum[t] = _mm512_setzero_si512();
        byte_products(sum, (const uint8_t(*)[16][4])p->codes.u8 + k, x->q + 4 * k, x->q_stride,
                      n_steps, n_tokens);
        for (int t = 0; t < n_tokens; t++)
            total[t] = _mm512_add_epi32(total[t], _mm512_mullo_epi32(sum[t], scale));
    }
    int16_t of_32[TILE_TOKENS][8];
    for (int t = 0; has_scale_per_32(id) && t < n_tokens; t++)
        sums_of_32(of_32[t], x->s + (size_t)t * x->s_stride);
    for (int j = 0; j < (has_scale_per_32(id) ? 4 : 8); j++)
        for (int t = 0; t < n_tokens; t++) {
            const int16_t *s = has_scale_per_32(id) ? of_32[t] : x->s + (size_t)t * x->s_stride;
            minima[t] =
                _mm512_dpwssd_epi32(minima[t], load_512(p->min[j]), broadcast_512(s + 2 * j));
        }
    if (!has_min(id))
        for (int t = 0; t < n_tokens; t++)
            total[t] = _mm512_sub_epi32(total[t], offset_cost(id, minima[t]));
    add_scaled_512(acc, p->d[0], x->d, x->d_stride, total, n_tokens, 0);
    if (has_min(id))
        add_scaled_512(acc, p->m[0], x->d, x->d_stride, minima, n_tokens, 1);
}

INLINE void tile_512_32(quant_id id, ts_panel *p, const tile_x *x, float (*acc)[16],
                        size_t n_blocks, int n_tokens)
{
    __m512i sum[TILE_TOKENS];

    for (size_t b = 0; b < n_blocks; b++) {
        const int16_t *s = x->s + 2 * b;
        for (int t = 0; t < n_tokens; t++, s += x->s_stride)
            sum[t] = _mm512_set1_epi32(-byte_offset(id) * (s[0] + s[1]));
        byte_products(sum, (const uint8_t(*)[16][4])p->codes.u8 + 8 * b, x->q + 32 * b, x->q_stride,
                      8, n_tokens);
        add_scaled_512(acc, p->d[b], x->d + b, x->d_stride, sum, n_tokens, 0);
        if (has_min(id)) {
            s = x->s + 2 * b;
            for (int t = 0; t < n_tokens; t++, s += x->s_stride)
                sum[t] = _mm512_set1_epi32(s[0] + s[1]);
            add_scaled_512(acc, p->m[b], x->d + b, x->d_stride, sum, n_tokens, 0);
        }
    }
}

INLINE void tile_512(quant_id id, size_t block, ts_panel *p, const tile_x *x, float (*acc)[16],
                     size_t n_blocks, int n_tokens)
{
    if (block == 256)
        tile_512_256(id, p, x, acc, n_tokens);
    else
        tile_512_32(id, p, x, acc, n_blocks, n_tokens);
}

INLINE void panel_tokens_512(quant_id id, size_t block, ts_panel *p, tile_x x, size_t n_tokens,
                             size_t n_blocks)
{
    for (size_t t = 0, step; t < n_tokens; t += step) {
        step = n_tokens - t >= 8 ? 8 : n_tokens - t >= 4 ? 4 : n_tokens - t >= 2 ? 2 : 1;
        if (step == 8)
            tile_512(id, block, p, &x, p->acc + t, n_blocks, 8);
        else if (step == 4)
            tile_512(id, block, p, &x, p->acc + t, n_blocks, 4);
        else if (step == 2)
            tile_512(id, block, p, &x, p->acc + t, n_blocks, 2);
        else
            tile_512(id, block, p, &x, p->acc + t, n_blocks, 1);
        x.q += step * x.q_stride;
        x.s += step * x.s_stride;
        x.d += step * x.d_stride;
    }
}

INLINE void store_codes_512(ts_panel *p, int c, const __m512i codes[8])
{
    UNROLL(8)
    for (int j = 0; j < 8; j++)
        _mm512_storeu_si512(p->codes.u8[8 * c + j], codes[j]);
}

INLINE void panel_512_32(quant_id id, ts_panel *p, const uint8_t *const row[16], size_t at,
                         size_t n_blocks)
{
    for (size_t b = 0; b < n_blocks; b++, at += block_bytes(id)) {
        __m512i codes[8];
        columns_of_block_32(codes, id, row, at);
        store_codes_512(p, (int)b, codes);
        _mm512_storeu_ps(p->d[b], floats_of_16(id, row, at, 0));
        if (has_min(id))
            _mm512_storeu_ps(p->m[b], floats_of_16(id, row, at, 1));
    }
}

INLINE void panel_strips_512(quant_id id, ts_panel *p, const uint8_t *const row[16], size_t at)
{
    __m512i low[4], high[4];

    UNROLL(8)
    for (int i = 0; i < n_strip_steps(id); i++) {
        const strip_step step = strip_step_of(id, i);
        load_strip(id, step, row, at, low, high);
        UNROLL(4)
        for (int k = 0; k < step.n_chunks; k++) {
            const int c = step.first + k * step.chunk_step;
            UNROLL(4)
            for (int j = 0; j < 4; j++)
                _mm512_storeu_si512(
                    p->codes.u8[8 * c + 4 * step.part + j],
                    codes_of_strips_512(id, c, low[j], has_high_strip(id) ? high[j] : low[j]));
        }
    }
}

INLINE void panel_512_256(quant_id id, ts_panel *p, const uint8_t *const row[16], size_t at)
{
    const block_scales s = scales_of_block_256(id, row, at);
    const int n_groups = has_scale_per_32(id) ? 8 : 16;

    if (id == QUANT_iq4_xs)
        for (int c = 0; c < 8; c++) {
            __m512i codes[8];
            nibble_columns(codes, id, row, at + offsetof(ts_block_iq4_xs, qs) + 16 * (size_t)c);
            store_codes_512(p, c, codes);
        }
    else
        panel_strips_512(id, p, row, at);
    UNROLL(16)
    for (int g = 0; g < n_groups; g++)
        _mm512_storeu_si512(p->scale[g], scale_of_group(&s, g));
    UNROLL(8)
    for (int j = 0; j < n_groups / 2; j++)
        _mm512_storeu_si512(p->min[j], pair_of_minima(id, &s, j));
    _mm512_storeu_ps(p->d[0], s.d);
    if (has_min(id))
        _mm512_storeu_ps(p->m[0], s.m);
}

INLINE void gemm_panels_512(quant_id id, size_t block, const quant_product *a, ts_panel *p)
{
    for (size_t t0 = 0; t0 < a->n_tokens; t0 += TS_PANEL_TOKENS)
        for (size_t r0 = 0; r0 < a->n_rows; r0 += TS_PANEL_ROWS) {
            const size_t left = a->n_tokens - t0;
            const size_t n_here = left < TS_PANEL_TOKENS ? left : TS_PANEL_TOKENS;
            const uint8_t *row[TS_PANEL_ROWS];

            for (size_t r = 0; r < TS_PANEL_ROWS; r++)
                row[r] = row_of(a, r0 + r);
            memset(p->acc, 0, n_here * sizeof *p->acc);
            for (size_t k = 0; k < a->n; k += TS_PANEL_DEPTH) {
                const size_t depth = a->n - k < TS_PANEL_DEPTH ? a->n - k : TS_PANEL_DEPTH;
                const size_t at = k / block * block_bytes(id);
                if (block == 256)
                    panel_512_256(id, p, row, at);
                else
                    panel_512_32(id, p, row, at, depth / 32);
                prefetch_panel(id, block, a, row, k);
                panel_tokens_512(id, block, p, activations_at(a->x, block, t0, k), n_here,
                                 depth / 32);
            }
            for (size_t t = 0; t < n_here; t++)
                store_rows(a->y + (t0 + t) * a->y_stride + r0, p->acc[t], a->n_rows - r0);
        }
}

#endif
#endif
