/* quant_panel_avx2.h - decode sixteen rows of a superblock into a panel; and
 * where a panel's activations come from and its sums go to.
 */
#ifndef TS_KERNELS_QUANT_PANEL_AVX2_H
#define TS_KERNELS_QUANT_PANEL_AVX2_H

#include "kernels/x86/quant_columns_avx2.h"

#ifdef __AVX2__

/* Has the type one scale per 32 weights (or none), rather than per 16? */
INLINE int has_scale_per_32(quant_id id)
{
    return id == QUANT_q4_k || id == QUANT_q5_k || id == QUANT_iq4_xs;
}

INLINE void panel_floats(quant_id id, ts_panel *p, const uint8_t *const row[16], size_t at,
                         size_t n_blocks)
{
    for (int which = 0; which <= has_min(id); which++)
        for (size_t b = 0; b < n_blocks; b++) {
            const size_t here = at + b * block_bytes(id);
            float *to = which ? p->m[b] : p->d[b];
            _mm256_store_ps(to, scales_of_rows(id, row, here, which));
            _mm256_store_ps(to + 8, scales_of_rows(id, row + 8, here, which));
        }
}

/* Codes of 32 weights of four rows, sixteen bits wide. */
INLINE void store_wide(ts_panel *p, int c, int row, const __m256i low[4], const __m256i high[4])
{
    store_columns(p->codes.s16[16 * c], row, low);
    store_columns(p->codes.s16[16 * c + 8], row, high);
}

INLINE void panel_wide_32(quant_id id, ts_panel *p, const uint8_t *const row[16], size_t at,
                          size_t n_blocks)
{
    for (int r = 0; r < 16; r += 4)
        for (size_t b = 0; b < n_blocks; b++) {
            __m256i low[4], high[4];
            for (int i = 0; i < 4; i++) {
                const __m256i v = codes_32(id, row[r + i] + at + b * block_bytes(id));
                low[i] = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(v));
                high[i] = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(v, 1));
            }
            store_wide(p, (int)b, r, low, high);
        }
}

/* Eight rows of 32 weights: nibbles at `at`, qh as fifth_bits_of_rows() has them. */
INLINE void nibbles_u8(quant_id id, uint8_t (*codes)[16][4], const uint8_t *const row[8], size_t at,
                       __m256i qh, int r)
{
    const __m256i qh_odd = _mm256_srli_epi32(qh, 4);
    __m256i v[4];

    columns_16(v, row, at);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        const __m256i bits = j % 2 ? qh_odd : qh;
        store_256(codes[j][r], code_column(id, v[j], bits, j));
        store_256(codes[j + 4][r], code_column(id, _mm256_srli_epi16(v[j], 4), bits, j + 4));
    }
}

INLINE void panel_u8_32(quant_id id, ts_panel *p, const uint8_t *const row[16], size_t at,
                        size_t n_blocks)
{
    for (size_t b = 0; b < n_blocks; b++, at += block_bytes(id))
        for (int r = 0; r < 16; r += 8) {
            const __m256i qh =
                has_fifth_bits(id) ? fifth_bits_of_rows(id, row + r, at) : _mm256_setzero_si256();
            nibbles_u8(id, p->codes.u8 + 8 * b, row + r, at + nibbles_at(id), qh, r);
        }
}

/* Scales come as pairs of neighbouring groups; a product wants pairs of equals. */
INLINE void panel_equal_pairs(ts_panel *p)
{
    const __m256i first = _mm256_set1_epi64x(0x0504050401000100);
    const __m256i second = _mm256_set1_epi64x(0x0706070603020302);
    const __m256i lane =
        _mm256_setr_epi32(0, 0, 0x08080808, 0x08080808, 0, 0, 0x08080808, 0x08080808);

    for (int j = 7; j >= 0; j--)
        for (int r = 0; r < 16; r += 8) {
            const __m256i v = load_256(p->scale[j][r]);
            store_256(p->scale[2 * j][r], _mm256_shuffle_epi8(v, _mm256_add_epi8(first, lane)));
            store_256(p->scale[2 * j + 1][r],
                      _mm256_shuffle_epi8(v, _mm256_add_epi8(second, lane)));
        }
}

/* Scale times code fits 16 bits: 32 * 127. */
INLINE void panel_wide_iq4_xs(ts_panel *p, const uint8_t *const row[16], size_t at)
{
    for (int r = 0; r < 16; r += 4) {
        int16_t scale[4][16];

        for (int i = 0; i < 4; i++)
            store_256(scale[i], scales_256(QUANT_iq4_xs, row[r + i] + at));
        for (int c = 0; c < 8; c++) {
            __m256i low[4], high[4];
            for (int i = 0; i < 4; i++) {
                const __m256i v = codes_256(QUANT_iq4_xs, row[r + i] + at, c);
                const __m256i s = _mm256_set1_epi16(scale[i][2 * c]);
                low[i] = _mm256_mullo_epi16(_mm256_cvtepi8_epi16(_mm256_castsi256_si128(v)), s);
                high[i] =
                    _mm256_mullo_epi16(_mm256_cvtepi8_epi16(_mm256_extracti128_si256(v, 1)), s);
            }
            store_wide(p, c, r, low, high);
        }
    }
}

/* Chunks of 32 weights that one strip holds: c, then c + chunk_step, ... */
INLINE int chunks_per_strip(quant_id id)
{
    return id == QUANT_q2_k || id == QUANT_q3_k ? 4 : 2;
}

INLINE int first_chunk(quant_id id, int strip)
{
    return id == QUANT_q6_k ? strip / 2 * 4 + strip % 2 : strip * chunks_per_strip(id);
}

/* Step of a walk through a superblock: sixteen bytes of a strip.  They hold four
 * columns, those of its half `part`, of each of n_chunks chunks: first, first + 2
 * for q6_k, first, first + 1 ... for others. */
typedef struct strip_step {
    int first, part, n_chunks, chunk_step, is_high_new;
} strip_step;

/* Halves outside of strips, so that one load of upper bits serves all its chunks. */
INLINE strip_step strip_step_of(quant_id id, int i)
{
    const int n_chunks = chunks_per_strip(id), n_strips = 8 / n_chunks;
    const int n_high = id == QUANT_q6_k ? 2 : 1, per_high = n_strips / n_high;
    const int strip = i / (2 * per_high) * per_high + i % per_high;

    return (strip_step){.first = first_chunk(id, strip),
                        .part = i / per_high % 2,
                        .n_chunks = n_chunks,
                        .chunk_step = id == QUANT_q6_k ? 2 : 1,
                        .is_high_new = i % per_high == 0};
}

INLINE int n_strip_steps(quant_id id)
{
    return 2 * 8 / chunks_per_strip(id);
}

/* Codes are made byte by byte, so columns of strips give columns of codes. */
INLINE void codes_of_rows(quant_id id, ts_panel *p, const uint8_t *const row[8], size_t at, int r)
{
    const int n_chunks = chunks_per_strip(id), step = id == QUANT_q6_k ? 2 : 1;
    __m256i low[8], high[8];

#pragma GCC unroll 4
    for (int strip = 0; strip < 8 / n_chunks; strip++) {
        const int first = first_chunk(id, strip);
        if (has_high_strip(id) && (strip == 0 || high_strip(id, first) != high_strip(id, 0)))
            columns_32(high, row, at + high_strip(id, first));
        columns_32(low, row, at + low_strip(id, first));
#pragma GCC unroll 4
        for (int i = 0; i < n_chunks; i++) {
            const int c = first + i * step;
#pragma GCC unroll 8
            for (int j = 0; j < 8; j++)
                store_256(p->codes.u8[8 * c + j][r],
                          codes_of_strips(id, c, low[j], has_high_strip(id) ? high[j] : low[j]));
        }
    }
}

INLINE void scales_of_rows_k4(ts_panel *p, const uint8_t *const row[8], size_t at, int r)
{
    const k4_columns c = k4_of_rows(row, at);

#pragma GCC unroll 8
    for (int g = 0; g < 8; g++)
        store_256(p->scale[g][r], two_bytes(c.scale[g / 4], g % 4, g % 4));
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
        store_256(p->min[j][r], two_bytes(c.min[j / 2], j % 2 * 2, j % 2 * 2 + 1));
    _mm256_store_ps(p->d[0] + r, c.d);
    _mm256_store_ps(p->m[0] + r, c.m);
}

/* Types whose scales are not k4's, as pairs of neighbours; minima are per 16 weights. */
INLINE void scales_and_minima(quant_id id, ts_panel *p, const uint8_t *const row[16], size_t at)
{
    for (int r = 0; r < 16; r += 4) {
        __m256i v[4];

        for (int i = 0; i < 4; i++)
            v[i] = scales_256(id, row[r + i] + at);
        store_columns(p->scale, r, v);
        for (int i = 0; i < 4; i++)
            v[i] = minima_256(id, row[r + i] + at);
        store_columns(p->min, r, v);
    }
}

INLINE void panel_u8_256(quant_id id, ts_panel *p, const uint8_t *const row[16], size_t at)
{
    for (int r = 0; r < 16; r += 8)
        codes_of_rows(id, p, row + r, at, r);
    if (!has_min_per_32(id)) {
        scales_and_minima(id, p, row, at);
        panel_equal_pairs(p);
        panel_floats(id, p, row, at, 1);
        return;
    }
    for (int r = 0; r < 16; r += 8)
        scales_of_rows_k4(p, row + r, at, r);
}

/* Where the activations of a tile start. */
typedef struct tile_x {
    const int8_t *q;
    const int16_t *s;
    const float *d;
    size_t q_stride, s_stride, d_stride;
} tile_x;

/* The activations of token t from weight k on. */
INLINE tile_x activations_at(const ts_q8_rows *x, size_t block, size_t t, size_t k)
{
    return (tile_x){.q = x->q + t * x->q_stride + k,
                    .s = x->s + t * x->s_stride + k / 16,
                    .d = x->d + t * x->d_stride + k / block,
                    .q_stride = x->q_stride,
                    .s_stride = x->s_stride,
                    .d_stride = x->d_stride};
}

/* While a panel at weight k is multiplied, as many bytes of the sixteen rows below come
 * from memory, in the order of the file: short pieces of sixteen rows, asked for one
 * panel ahead, came too late. */
INLINE void prefetch_panel(quant_id id, size_t block, const quant_product *a,
                           const uint8_t *const row[16], size_t k)
{
    const size_t bytes = 16 * (TS_PANEL_DEPTH / block) * block_bytes(id);

    prefetch(row[0] + 16 * a->w_stride + k / TS_PANEL_DEPTH * bytes, bytes);
}

INLINE void store_rows(float *y, const float *acc, size_t n)
{
    if (n >= TS_PANEL_ROWS) {
        _mm256_storeu_ps(y, _mm256_load_ps(acc));
        _mm256_storeu_ps(y + 8, _mm256_load_ps(acc + 8));
    } else {
        memcpy(y, acc, n * sizeof *y);
    }
}

#endif
#endif
