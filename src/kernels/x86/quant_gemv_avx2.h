/* quant_gemv_avx2.h - few tokens, on the bytes as the file holds them.
 *
 * Eight rows at a time, so that the float part of quant.def is done once for
 * them: types of nibbles by columns (quant_columns_avx2.h), a row in each lane;
 * the others row by row, whose sums are then turned into one vector.
 */
#ifndef TS_KERNELS_QUANT_GEMV_AVX2_H
#define TS_KERNELS_QUANT_GEMV_AVX2_H

#include "kernels/x86/quant_columns_avx2.h"

#ifdef __AVX2__

/* Up to how many tokens a panel does not pay (measured on Zen3: two tokens cost
 * 1.0 to 1.6 times as much without a panel, but 0.6 to 0.8 where the panel
 * would be wide). */
INLINE size_t few_tokens(quant_id id)
{
#ifdef QUANT_WITH_VNNI
    (void)id;
    return 1;
#else
    return is_signed(id) ? 3 : 1;
#endif
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

/* Lanes that sum to I of one superblock of q6_k. */
INLINE __m256i dot_q6_k(const void *w, const int8_t *q, __m256i s)
{
    const __m256i scales = scales_256(QUANT_q6_k, w);
    __m256i sum = _mm256_setzero_si256();

#pragma GCC unroll 8
    for (int c = 0; c < 8; c++) {
        const __m256i p =
            _mm256_maddubs_epi16(codes_256(QUANT_q6_k, w, c), load_256(q + (size_t)32 * c));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(p, spread_scales(scales, c)));
        KEEP(sum);
    }
    return _mm256_sub_epi32(sum, _mm256_madd_epi16(minima_256(QUANT_q6_k, w), s));
}

INLINE __m256 gemv_q6_k(const uint8_t *const row[8], int n_rows, const int8_t *q, const int16_t *s,
                        const float *dx, size_t n, size_t ahead)
{
    __m256 acc = _mm256_setzero_ps();

    /* The row eight rows below will be next. */
    for (size_t b = 0; b < n / 256; b++) {
        const size_t at = b * sizeof(ts_block_q6_k);
        const __m256i sums = load_256(s + 16 * b);
        const __m256 d = _mm256_set1_ps(dx[b]);
        __m256i products[8];

        for (int r = 0; r < 8; r++)
            products[r] = _mm256_setzero_si256();
        for (int r = 0; r < n_rows; r++) {
            prefetch(row[r] + at + ahead, sizeof(ts_block_q6_k));
            products[r] = dot_q6_k(row[r] + at, q + 256 * b, sums);
        }
        acc = _mm256_fmadd_ps(_mm256_mul_ps(scales_of_rows(QUANT_q6_k, row, at, 0), d),
                              _mm256_cvtepi32_ps(sum_rows(products)), acc);
    }
    return acc;
}

/* Codes with a sign: their size times x with their sign. */
INLINE __m256 gemv_q8_0(const uint8_t *const row[8], const int8_t *q, const float *dx, size_t n,
                        size_t ahead)
{
    const __m256i one = _mm256_set1_epi16(1);
    __m256 acc = _mm256_setzero_ps();

    for (size_t b = 0; b < n / 32; b++) {
        const size_t at = b * sizeof(ts_block_q8_0);
        const __m256 d = _mm256_set1_ps(dx[b]);
        const __m256i x = load_256(q + 32 * b);
        __m256i products[8];

        if (b % 3 == 0)
            for (int r = 0; r < 8; r++)
                prefetch(row[r] + at + ahead, 3 * sizeof(ts_block_q8_0));
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++) {
            const __m256i codes = codes_32(QUANT_q8_0, row[r] + at);
            products[r] = _mm256_madd_epi16(
                _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(x, codes)), one);
        }
        acc = _mm256_fmadd_ps(_mm256_mul_ps(scales_of_rows(QUANT_q8_0, row, at, 0), d),
                              _mm256_cvtepi32_ps(sum_rows(products)), acc);
    }
    return acc;
}

/* --- by columns: types whose codes are unsigned bytes made of nibbles --- */

/* Products of the 32 weights of a block of eight rows, twice in every lane.  The
 * products of eight columns fit 16 bits if codes are below 16, of four if not. */
INLINE __m256i block_products(quant_id id, const uint8_t *const row[8], size_t at, __m256i qh,
                              const int8_t *q)
{
    const __m256i one = _mm256_set1_epi16(1), qh_odd = _mm256_srli_epi32(qh, 4);
    __m256i v[4], first = _mm256_setzero_si256(), last = first;

    columns_16(v, row, at + nibbles_at(id));
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        const __m256i bits = j % 2 ? qh_odd : qh;
        const __m256i a = code_column(id, v[j], bits, j);
        const __m256i b = code_column(id, _mm256_srli_epi16(v[j], 4), bits, j + 4);
        first = _mm256_add_epi16(first, _mm256_maddubs_epi16(a, broadcast_32(q + 4 * j)));
        KEEP(first);
        last = _mm256_add_epi16(last, _mm256_maddubs_epi16(b, broadcast_32(q + 16 + 4 * j)));
        KEEP(last);
    }
    if (id == QUANT_q4_0 || id == QUANT_q4_1)
        return _mm256_madd_epi16(_mm256_add_epi16(first, last), one);
    return _mm256_add_epi32(_mm256_madd_epi16(first, one), _mm256_madd_epi16(last, one));
}

/* Sixteen bytes of a strip of q2_k or q3_k in eight rows are sixteen weights in each
 * of four chunks; 2 c + part is the group of chunk c. */
INLINE __m256i strip_products(quant_id id, const __m256i low[4], const __m256i high[4],
                              const int8_t *q, const __m256i scale[4], int strip, int part)
{
    __m256i sum = _mm256_setzero_si256();

#pragma GCC unroll 4
    for (int c = 4 * strip; c < 4 * strip + 4; c++) {
        const int byte = c % 2 * 2 + part;
        const __m256i of_group = two_signed_bytes(scale[c / 2], byte, byte);
        __m256i narrow = _mm256_setzero_si256();
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            const __m256i codes = codes_of_strips(id, c, low[j], high[j]);
            const __m256i p =
                _mm256_maddubs_epi16(codes, broadcast_32(q + 32 * c + 16 * part + 4 * j));
            narrow = j == 0 ? p : _mm256_add_epi16(narrow, p);
            KEEP(narrow);
        }
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(narrow, of_group));
        KEEP(sum);
    }
    return sum;
}

/* I of q4_k: the products of the eight columns of a chunk fit 16 bits. */
INLINE __m256i products_of_q4_k(const k4_columns *k4, const uint8_t *const row[8], size_t at,
                                const int8_t *q)
{
    __m256i sum = _mm256_setzero_si256(), low[4];

#pragma GCC unroll 4
    for (int c = 0; c < 8; c += 2) {
        __m256i even = _mm256_setzero_si256(), odd = even;
#pragma GCC unroll 2
        for (int part = 0; part < 2; part++) {
            const int8_t *x = q + 32 * c + 16 * part;
            columns_16(low, row, at + low_strip(QUANT_q4_k, c) + 16 * (size_t)part);
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                const __m256i a = codes_of_strips(QUANT_q4_k, c, low[j], low[j]);
                const __m256i b = codes_of_strips(QUANT_q4_k, c + 1, low[j], low[j]);
                even = _mm256_add_epi16(even, _mm256_maddubs_epi16(a, broadcast_32(x + 4 * j)));
                KEEP(even);
                odd = _mm256_add_epi16(odd, _mm256_maddubs_epi16(b, broadcast_32(x + 32 + 4 * j)));
                KEEP(odd);
            }
        }
        sum = _mm256_add_epi32(sum,
                               _mm256_madd_epi16(even, two_bytes(k4->scale[c / 4], c % 4, c % 4)));
        sum = _mm256_add_epi32(
            sum, _mm256_madd_epi16(odd, two_bytes(k4->scale[c / 4], c % 4 + 1, c % 4 + 1)));
        KEEP(sum);
    }
    return sum;
}

/* I of q5_k: four columns at a time fit, so half of all chunks is done before the
 * other, and upper bits are transposed once. */
INLINE __m256i products_of_q5_k(const k4_columns *k4, const uint8_t *const row[8], size_t at,
                                const int8_t *q)
{
    __m256i sum = _mm256_setzero_si256(), low[4], high[4];

#pragma GCC unroll 2
    for (int part = 0; part < 2; part++) {
        columns_16(high, row, at + high_strip(QUANT_q5_k, 0) + 16 * (size_t)part);
#pragma GCC unroll 8
        for (int c = 0; c < 8; c++) {
            const int8_t *x = q + 32 * c + 16 * part;
            __m256i narrow = _mm256_setzero_si256();
            if (c % 2 == 0)
                columns_16(low, row, at + low_strip(QUANT_q5_k, c) + 16 * (size_t)part);
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                const __m256i codes = codes_of_strips(QUANT_q5_k, c, low[j], high[j]);
                narrow =
                    _mm256_add_epi16(narrow, _mm256_maddubs_epi16(codes, broadcast_32(x + 4 * j)));
                KEEP(narrow);
            }
            sum = _mm256_add_epi32(
                sum, _mm256_madd_epi16(narrow, two_bytes(k4->scale[c / 4], c % 4, c % 4)));
            KEEP(sum);
        }
    }
    return sum;
}

INLINE __m256 gemv_k4(quant_id id, const uint8_t *const row[8], const int8_t *q, const int16_t *s,
                      const float *dx, size_t n, size_t ahead)
{
    __m256 acc = _mm256_setzero_ps();

    for (size_t b = 0; b < n / 256; b++, q += 256, s += 16) {
        const size_t at = b * block_bytes(id);
        const k4_columns k4 = k4_of_rows(row, at);
        const __m256 d = _mm256_set1_ps(dx[b]);
        __m256i minima = _mm256_setzero_si256();
        int16_t of_32[8];

        /* The eight rows below, in the order of the file. */
        prefetch(row[0] + ahead + 8 * at, 8 * block_bytes(id));
        sums_of_32(of_32, s);
        const __m256i sum = id == QUANT_q5_k ? products_of_q5_k(&k4, row, at, q)
                                             : products_of_q4_k(&k4, row, at, q);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            minima = _mm256_add_epi32(
                minima, _mm256_madd_epi16(two_bytes(k4.min[j / 2], j % 2 * 2, j % 2 * 2 + 1),
                                          broadcast_32(of_32 + 2 * j)));
        acc = _mm256_fmadd_ps(_mm256_mul_ps(k4.d, d), _mm256_cvtepi32_ps(sum), acc);
        acc = _mm256_fnmadd_ps(_mm256_mul_ps(k4.m, d), _mm256_cvtepi32_ps(minima), acc);
    }
    return acc;
}

/* Both floats and the fifth bits, where a block begins with them. */
INLINE void floats_of_rows(quant_id id, const uint8_t *const row[8], size_t at, __m256 *d,
                           __m256 *m, __m256i *qh)
{
    __m256i v[4];

    if (id == QUANT_q5_0) {
        columns_16(v, row, at);
        *d = halves_of_lanes(v[0], 0);
        *qh = _mm256_or_si256(_mm256_srli_epi32(v[0], 16), _mm256_slli_epi32(v[1], 16));
    } else if (id == QUANT_q5_1) {
        columns_16(v, row, at);
        *d = halves_of_lanes(v[0], 0);
        *m = halves_of_lanes(v[0], 1);
        *qh = v[1];
    } else {
        *d = scales_of_rows(id, row, at, 0);
        if (has_min(id))
            *m = scales_of_rows(id, row, at, 1);
    }
}

INLINE __m256 gemv_columns_32(quant_id id, const uint8_t *const row[8], const int8_t *q,
                              const int16_t *s, const float *dx, size_t n, size_t ahead)
{
    __m256 acc = _mm256_setzero_ps();

    for (size_t b = 0; b < n / 32; b++) {
        const size_t at = b * block_bytes(id);
        const __m256 x = _mm256_set1_ps(dx[b]);
        const int sum_x = s[2 * b] + s[2 * b + 1];
        __m256i qh = _mm256_setzero_si256();
        __m256 d, m = _mm256_setzero_ps();

        prefetch(row[0] + ahead + 8 * at, 8 * block_bytes(id));
        floats_of_rows(id, row, at, &d, &m, &qh);
        __m256i sum = block_products(id, row, at, qh, q + 32 * b);
        if (code_offset(id) != 0)
            sum = _mm256_sub_epi32(sum, _mm256_set1_epi32(code_offset(id) * sum_x));
        acc = _mm256_fmadd_ps(_mm256_mul_ps(d, x), _mm256_cvtepi32_ps(sum), acc);
        if (has_min(id))
            acc = _mm256_fmadd_ps(_mm256_mul_ps(m, x), _mm256_set1_ps((float)sum_x), acc);
    }
    return acc;
}

/* q2_k and q3_k. */
INLINE __m256 gemv_k16(quant_id id, const uint8_t *const row[8], const int8_t *q, const int16_t *s,
                       const float *dx, size_t n, size_t ahead)
{
    __m256 acc = _mm256_setzero_ps();

    for (size_t b = 0; b < n / 256; b++, q += 256, s += 16) {
        const size_t at = b * block_bytes(id);
        const k16_columns k = id == QUANT_q2_k ? k16_of_q2_k(row, at) : k16_of_q3_k(row, at);
        const __m256 d = _mm256_set1_ps(dx[b]);
        __m256i sum = _mm256_setzero_si256(), minima = sum, low[4], high[4];

        prefetch(row[0] + ahead + 8 * at, 8 * block_bytes(id));
#pragma GCC unroll 2
        for (int part = 0; part < 2; part++) {
            if (has_high_strip(id))
                columns_16(high, row, at + high_strip(id, 0) + 16 * (size_t)part);
#pragma GCC unroll 2
            for (int strip = 0; strip < 2; strip++) {
                columns_16(low, row, at + low_strip(id, 4 * strip) + 16 * (size_t)part);
                sum = _mm256_add_epi32(sum, strip_products(id, low, has_high_strip(id) ? high : low,
                                                           q, k.scale, strip, part));
            }
        }
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) {
            const __m256i m = id == QUANT_q2_k ? k.min[j / 2] : k.scale[j / 2];
            minima = _mm256_add_epi32(
                minima, _mm256_madd_epi16(two_signed_bytes(m, j % 2 * 2, j % 2 * 2 + 1),
                                          broadcast_32(s + 2 * j)));
        }
        if (id == QUANT_q3_k)
            sum = _mm256_sub_epi32(sum, _mm256_slli_epi32(minima, 2)); /* its offset is 4 */
        acc = _mm256_fmadd_ps(_mm256_mul_ps(k.d, d), _mm256_cvtepi32_ps(sum), acc);
        if (id == QUANT_q2_k)
            acc = _mm256_fnmadd_ps(_mm256_mul_ps(k.m, d), _mm256_cvtepi32_ps(minima), acc);
    }
    return acc;
}

INLINE __m256 gemv_iq4(quant_id id, const uint8_t *const row[8], const int8_t *q, const float *dx,
                       size_t n, size_t ahead)
{
    const __m256i one = _mm256_set1_epi16(1);
    const size_t block = id == QUANT_iq4_xs ? 256 : 32;
    __m256 acc = _mm256_setzero_ps();

    for (size_t b = 0; b < n / block; b++, q += block) {
        const size_t at = b * block_bytes(id);
        __m256i scale[2], sum;
        __m256 d;

        prefetch(row[0] + ahead + 8 * at, 8 * block_bytes(id));
        if (id == QUANT_iq4_xs) {
            iq4_xs_of_rows(scale, &d, row, at);
            sum = _mm256_setzero_si256();
#pragma GCC unroll 2
            for (int c = 0; c < 8; c++)
                sum = _mm256_add_epi32(
                    sum, iq4_products(row, at + offsetof(ts_block_iq4_xs, qs) + 16 * (size_t)c,
                                      q + 32 * c, two_signed_bytes(scale[c % 2], c / 2, c / 2)));
        } else {
            d = scales_of_rows(id, row, at, 0);
            sum = iq4_products(row, at + nibbles_at(id), q, one);
        }
        acc =
            _mm256_fmadd_ps(_mm256_mul_ps(d, _mm256_set1_ps(dx[b])), _mm256_cvtepi32_ps(sum), acc);
    }
    return acc;
}

#ifdef QUANT_WITH_VNNI
#include "kernels/x86/quant_gemv_vnni.h"
#else
INLINE __m256 gemv_rows(quant_id id, const uint8_t *const row[8], int n_rows, const int8_t *q,
                        const int16_t *s, const float *d, size_t n, size_t ahead)
{
    if (has_min_per_32(id))
        return gemv_k4(id, row, q, s, d, n, ahead);
    if (id == QUANT_q2_k || id == QUANT_q3_k)
        return gemv_k16(id, row, q, s, d, n, ahead);
    if (id == QUANT_iq4_nl || id == QUANT_iq4_xs)
        return gemv_iq4(id, row, q, d, n, ahead);
    if (id == QUANT_q6_k)
        return gemv_q6_k(row, n_rows, q, s, d, n, ahead);
    if (id == QUANT_q8_0)
        return gemv_q8_0(row, q, d, n, ahead);
    return gemv_columns_32(id, row, q, s, d, n, ahead);
}
#endif

/* The whole product, token by token; the rows at hand stay in the first-level
 * cache between tokens. */
INLINE void gemv_tokens(quant_id id, const quant_product *a)
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
            const __m256 acc = gemv_rows(id, row, (int)n_here, q, s, d, a->n, 8 * a->w_stride);
            float sums[8];
            _mm256_storeu_ps(sums, acc);
            memcpy(a->y + t * a->y_stride + r0, sums, n_here * sizeof *sums);
        }
    }
}

#endif
#endif
