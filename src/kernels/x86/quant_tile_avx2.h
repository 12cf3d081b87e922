/* quant_tile_avx2.h - many tokens: a decoded panel times tiles of four tokens.
 *
 * Per four weights of k, a tile loads 16 rows of the panel (two registers) and
 * broadcasts each token's four activations.  How many products of vpmaddubsw
 * fit 16 bits before they are widened depends on the largest code:
 *     15 * 127 * 2 * 8 = 30480,  31 * 127 * 2 * 4 = 31496,  63 * 127 * 2 * 2 = 32004.
 * Widening is a vpmaddwd by the group's integer scale, so it costs nothing extra.
 */
#ifndef TS_KERNELS_QUANT_TILE_AVX2_H
#define TS_KERNELS_QUANT_TILE_AVX2_H

#include "kernels/x86/quant_panel_avx2.h"

#ifdef __AVX2__

/* Steps of four weights whose products are added up in 16 bits. */
INLINE int narrow_steps(quant_id id)
{
    switch (id) {
    case QUANT_q4_0:
    case QUANT_q4_1:
    case QUANT_q4_k: return 8;
    case QUANT_q6_k: return 2;
    default: return 4;
    }
}

/* n_steps products of two times eight rows with each token, in 16 bits. */
INLINE void narrow_products(__m256i sum[2][4], const uint8_t (*codes)[16][4], const int8_t *q,
                            size_t q_stride, int n_steps, int n_tokens)
{
#pragma GCC unroll 8
    for (int k = 0; k < n_steps; k++) {
        const __m256i w0 = load_256(codes[k][0]), w1 = load_256(codes[k][8]);
#pragma GCC unroll 4
        for (int t = 0; t < n_tokens; t++) {
            const __m256i x = broadcast_32(q + (size_t)t * q_stride + 4 * k);
            const __m256i p0 = _mm256_maddubs_epi16(w0, x), p1 = _mm256_maddubs_epi16(w1, x);
            sum[0][t] = k == 0 ? p0 : _mm256_add_epi16(sum[0][t], p0);
            sum[1][t] = k == 0 ? p1 : _mm256_add_epi16(sum[1][t], p1);
            KEEP(sum[0][t]);
            KEEP(sum[1][t]);
        }
    }
}

/* wide += narrow * scale, pairs of 16 bits into 32. */
INLINE void widen_products(__m256i wide[2][4], __m256i narrow[2][4], __m256i scale_0,
                           __m256i scale_1, int n_tokens)
{
#pragma GCC unroll 4
    for (int t = 0; t < n_tokens; t++) {
        wide[0][t] = _mm256_add_epi32(wide[0][t], _mm256_madd_epi16(narrow[0][t], scale_0));
        wide[1][t] = _mm256_add_epi32(wide[1][t], _mm256_madd_epi16(narrow[1][t], scale_1));
    }
}

INLINE void clear(__m256i sum[2][4], int n_tokens)
{
    for (int t = 0; t < n_tokens; t++)
        sum[0][t] = sum[1][t] = _mm256_setzero_si256();
}

/* Sums of minima (or offsets times scales) times the sums of activations: of 16
 * each, or of 32 where the minima are. */
INLINE void minima_products(quant_id id, __m256i sum[2][4], const ts_panel *p, const tile_x *x,
                            int n_tokens)
{
    const int n_pairs = has_min_per_32(id) ? 4 : 8;
    const size_t stride = has_min_per_32(id) ? 8 : x->s_stride;
    const int16_t *s = x->s;
    int16_t of_32[4][8];

    if (has_min_per_32(id)) {
        for (int t = 0; t < n_tokens; t++)
            sums_of_32(of_32[t], x->s + (size_t)t * x->s_stride);
        s = of_32[0];
    }
    clear(sum, n_tokens);
    for (int j = 0; j < n_pairs; j++) {
        const __m256i w0 = load_256(p->min[j][0]), w1 = load_256(p->min[j][8]);
#pragma GCC unroll 4
        for (int t = 0; t < n_tokens; t++) {
            const __m256i v = broadcast_32(s + (size_t)t * stride + 2 * j);
            sum[0][t] = _mm256_add_epi32(sum[0][t], _mm256_madd_epi16(w0, v));
            sum[1][t] = _mm256_add_epi32(sum[1][t], _mm256_madd_epi16(w1, v));
            KEEP(sum[0][t]);
            KEEP(sum[1][t]);
        }
    }
}

/* acc = fma(d * dx, sum, acc), with a minus sign where minima are subtracted. */
INLINE __m256 add_scaled(__m256 acc, const float d[8], __m256 dx, __m256i sum, int is_subtracted)
{
    const __m256 dd = _mm256_mul_ps(_mm256_load_ps(d), dx), f = _mm256_cvtepi32_ps(sum);

    return is_subtracted ? _mm256_fnmadd_ps(dd, f, acc) : _mm256_fmadd_ps(dd, f, acc);
}

/* acc of a superblock from its products, less its minima or what its offset costs. */
INLINE void end_tile_256(quant_id id, const ts_panel *p, const tile_x *x, float (*acc)[16],
                         __m256i wide[2][4], int n_tokens)
{
    __m256i minima[2][4];

    minima_products(id, minima, p, x, n_tokens);
    for (int t = 0; t < n_tokens; t++) {
        const __m256 dx = _mm256_set1_ps(x->d[(size_t)t * x->d_stride]);
        for (int h = 0; h < 2; h++) {
            __m256 a = _mm256_load_ps(acc[t] + 8 * h);
            if (!has_min(id))
                wide[h][t] = _mm256_sub_epi32(wide[h][t], minima[h][t]);
            a = add_scaled(a, p->d[0] + 8 * h, dx, wide[h][t], 0);
            if (has_min(id))
                a = add_scaled(a, p->m[0] + 8 * h, dx, minima[h][t], 1);
            _mm256_store_ps(acc[t] + 8 * h, a);
        }
    }
}

/* Superblocks with unsigned codes. */
INLINE void tile_u8_256(quant_id id, ts_panel *p, const tile_x *x, float (*acc)[16], int n_tokens)
{
    const int n_steps = narrow_steps(id);
    __m256i wide[2][4], narrow[2][4];

    clear(wide, n_tokens);
    for (int c = 0; c < 8; c++)
        for (int part = 0; part < 8; part += n_steps) {
            const int group = has_scale_per_32(id) ? c : 2 * c + part / 4;
            narrow_products(narrow, (const uint8_t(*)[16][4])p->codes.u8 + 8 * c + part,
                            x->q + 32 * c + 4 * part, x->q_stride, n_steps, n_tokens);
            widen_products(wide, narrow, load_256(p->scale[group][0]), load_256(p->scale[group][8]),
                           n_tokens);
        }
    end_tile_256(id, p, x, acc, wide, n_tokens);
}

/* Blocks of 32 with unsigned codes. */
INLINE void tile_u8_32(quant_id id, ts_panel *p, const tile_x *x, float (*acc)[16], size_t n_blocks,
                       int n_tokens)
{
    const __m256i one = _mm256_set1_epi16(1);
    const __m256i offset = _mm256_set1_epi16((short)-code_offset(id));
    const int n_steps = narrow_steps(id);
    __m256i narrow[2][4], first[2][4];

    for (size_t b = 0; b < n_blocks; b++) {
        for (int part = 0; part < 8; part += n_steps) {
            narrow_products(narrow, (const uint8_t(*)[16][4])p->codes.u8 + 8 * b + part,
                            x->q + 32 * b + 4 * part, x->q_stride, n_steps, n_tokens);
            for (int t = 0; part == 0 && n_steps == 4 && t < n_tokens; t++) {
                first[0][t] = _mm256_madd_epi16(narrow[0][t], one);
                first[1][t] = _mm256_madd_epi16(narrow[1][t], one);
            }
        }
#pragma GCC unroll 4
        for (int t = 0; t < n_tokens; t++) {
            const __m256i s = broadcast_32(x->s + (size_t)t * x->s_stride + 2 * b);
            const __m256 dx = _mm256_set1_ps(x->d[(size_t)t * x->d_stride + b]);
            const __m256i repaid = _mm256_madd_epi16(s, offset);
            const __m256i sum_x = _mm256_madd_epi16(s, one);
            for (int h = 0; h < 2; h++) {
                __m256i sum = _mm256_madd_epi16(narrow[h][t], one);
                if (n_steps == 4)
                    sum = _mm256_add_epi32(sum, first[h][t]);
                if (code_offset(id) != 0)
                    sum = _mm256_add_epi32(sum, repaid);
                __m256 a = _mm256_load_ps(acc[t] + 8 * h);
                a = add_scaled(a, p->d[b] + 8 * h, dx, sum, 0);
                if (has_min(id))
                    a = add_scaled(a, p->m[b] + 8 * h, dx, sum_x, 0);
                _mm256_store_ps(acc[t] + 8 * h, a);
            }
        }
    }
}

INLINE void add_tile(float (*acc)[16], const float d[16], const float *dx, size_t dx_stride,
                     __m256i sum[2][4], int n_tokens)
{
#pragma GCC unroll 4
    for (int t = 0; t < n_tokens; t++) {
        const __m256 v = _mm256_set1_ps(dx[(size_t)t * dx_stride]);
        for (int h = 0; h < 2; h++)
            _mm256_store_ps(acc[t] + 8 * h,
                            add_scaled(_mm256_load_ps(acc[t] + 8 * h), d + 8 * h, v, sum[h][t], 0));
    }
}

/* Codes with a sign: both sides in 16 bits. */
INLINE void tile_s16(quant_id id, ts_panel *p, const tile_x *x, float (*acc)[16], size_t n_blocks,
                     int n_tokens)
{
    __m256i wide[2][4];

    for (int t = 0; t < n_tokens; t++)
        for (size_t i = 0; i < 32 * n_blocks; i += 16)
            store_256((p->x[t] + i),
                      _mm256_cvtepi8_epi16(load_128(x->q + (size_t)t * x->q_stride + i)));
    clear(wide, n_tokens);
    for (size_t b = 0; b < n_blocks; b++) {
        for (size_t k = 16 * b; k < 16 * (b + 1); k++) {
            const __m256i w0 = load_256(p->codes.s16[k][0]), w1 = load_256(p->codes.s16[k][8]);
#pragma GCC unroll 4
            for (int t = 0; t < n_tokens; t++) {
                const __m256i v = broadcast_32(p->x[t] + 2 * k);
                wide[0][t] = _mm256_add_epi32(wide[0][t], _mm256_madd_epi16(w0, v));
                wide[1][t] = _mm256_add_epi32(wide[1][t], _mm256_madd_epi16(w1, v));
                KEEP(wide[0][t]);
                KEEP(wide[1][t]);
            }
        }
        if (id != QUANT_iq4_xs) {
            add_tile(acc, p->d[b], x->d + b, x->d_stride, wide, n_tokens);
            clear(wide, n_tokens);
        }
    }
    if (id == QUANT_iq4_xs)
        add_tile(acc, p->d[0], x->d, x->d_stride, wide, n_tokens);
}

/* With QUANT_WITH_VNNI: quant_tile_vnni.h has the tiles and how panels are decoded. */
#ifdef QUANT_WITH_VNNI
#include "kernels/x86/quant_tile_vnni.h"
#else
/* Codes with a sign are decoded wide here, the others as bytes. */
INLINE void decode_panel(quant_id id, size_t block, ts_panel *p, const uint8_t *const row[16],
                         size_t k, size_t depth)
{
    const size_t at = k / block * block_bytes(id);

    if (block == 256 && id != QUANT_iq4_xs) {
        panel_u8_256(id, p, row, at);
        return;
    }
    if (id == QUANT_iq4_xs)
        panel_wide_iq4_xs(p, row, at);
    else if (is_signed(id))
        panel_wide_32(id, p, row, at, depth / 32);
    else
        panel_u8_32(id, p, row, at, depth / 32);
    panel_floats(id, p, row, at, depth / block);
}

INLINE void tile(quant_id id, size_t block, ts_panel *p, const tile_x *x, float (*acc)[16],
                 size_t n_blocks, int n_tokens)
{
    if (is_signed(id))
        tile_s16(id, p, x, acc, n_blocks, n_tokens);
    else if (block == 256)
        tile_u8_256(id, p, x, acc, n_tokens);
    else
        tile_u8_32(id, p, x, acc, n_blocks, n_tokens);
}

#endif

/* One panel with n_tokens tokens; x: where the first of them is. */
INLINE void panel_tokens(quant_id id, size_t block, ts_panel *p, tile_x x, size_t n_tokens,
                         size_t n_blocks)
{
    for (size_t t = 0, step; t < n_tokens; t += step) {
        step = n_tokens - t >= 4 ? 4 : n_tokens - t >= 2 ? 2 : 1;
        if (step == 4)
            tile(id, block, p, &x, p->acc + t, n_blocks, 4);
        else if (step == 2)
            tile(id, block, p, &x, p->acc + t, n_blocks, 2);
        else
            tile(id, block, p, &x, p->acc + t, n_blocks, 1);
        x.q += step * x.q_stride;
        x.s += step * x.s_stride;
        x.d += step * x.d_stride;
    }
}

INLINE void gemm_panels(quant_id id, size_t block, const quant_product *a, ts_panel *p)
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
                decode_panel(id, block, p, row, k, depth);
                prefetch_panel(id, block, a, row, k);
                panel_tokens(id, block, p, activations_at(a->x, block, t0, k), n_here, depth / 32);
            }
            for (size_t t = 0; t < n_here; t++)
                store_rows(a->y + (t0 + t) * a->y_stride + r0, p->acc[t], a->n_rows - r0);
        }
}

#endif
#endif
