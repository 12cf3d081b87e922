/* quant_gemv_vnni.h - few tokens by columns of eight rows, with vpdpbusd on 256 bits.
 *
 * Part of quant_gemv_avx2.h for AVX-VNNI.  The instruction adds four products to a
 * 32-bit lane, so nothing has to be widened and no code is too large: those with a
 * sign are moved up by 128.  Offsets are where a sum starts; scales are 32 bits wide.
 */
#ifndef TS_KERNELS_QUANT_GEMV_VNNI_H
#define TS_KERNELS_QUANT_GEMV_VNNI_H

#include "kernels/x86/quant_panel_avx2.h"

#ifdef __AVX2__

/* What the sum of a group starts with, given the sum of its activations. */
INLINE __m256i start_of_sum(quant_id id, int sum_x)
{
    return byte_offset(id) == 0 ? _mm256_setzero_si256()
                                : _mm256_set1_epi32(-byte_offset(id) * sum_x);
}

/* Byte `which` of every lane with its sign. */
INLINE __m256i signed_byte(__m256i v, int which)
{
    const __m256i lane = _mm256_setr_epi32(0, 0x04000000, 0x08000000, 0x0C000000, 0, 0x04000000,
                                           0x08000000, 0x0C000000);
    const __m256i index =
        _mm256_add_epi32(lane, _mm256_set1_epi32((int)(0x00808080u | (unsigned)which << 24)));

    return _mm256_srai_epi32(_mm256_shuffle_epi8(v, index), 24);
}

INLINE __m256i add_scaled_sum(__m256i total, __m256i sum, __m256i scale)
{
    total = _mm256_add_epi32(total, _mm256_mullo_epi32(sum, scale));
    KEEP(total);
    return total;
}

/* sum += the products of 32 weights, whose nibbles begin at `at`. */
INLINE __m256i add_nibbles(__m256i sum, quant_id id, const uint8_t *const row[8], size_t at,
                           __m256i qh, const int8_t *q)
{
    const __m256i qh_odd = _mm256_srli_epi32(qh, 4);
    __m256i v[4];

    columns_16(v, row, at);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        const __m256i bits = j % 2 ? qh_odd : qh;
        const __m256i a = code_column(id, v[j], bits, j);
        const __m256i b = code_column(id, _mm256_srli_epi16(v[j], 4), bits, j + 4);
        sum = _mm256_dpbusd_avx_epi32(sum, a, broadcast_32(q + 4 * j));
        sum = _mm256_dpbusd_avx_epi32(sum, b, broadcast_32(q + 16 + 4 * j));
    }
    return sum;
}

/* A block of q8_0 row by row: its bytes need no splitting. */
INLINE __m256i products_of_q8_0(const uint8_t *const row[8], size_t at, const int8_t *q)
{
    const __m256i x = load_256(q), up = _mm256_set1_epi8(-128);
    __m256i products[8];

#pragma GCC unroll 8
    for (int r = 0; r < 8; r++)
        products[r] = _mm256_dpbusd_avx_epi32(
            _mm256_setzero_si256(),
            _mm256_xor_si256(load_256(row[r] + at + offsetof(ts_block_q8_0, qs)), up), x);
    return sum_rows(products);
}

INLINE __m256 gemv_vnni_32(quant_id id, const uint8_t *const row[8], const int8_t *q,
                           const int16_t *s, const float *dx, size_t n, size_t ahead)
{
    __m256 acc = _mm256_setzero_ps();

    for (size_t b = 0; b < n / 32; b++) {
        const size_t at = b * block_bytes(id);
        const __m256 x = _mm256_set1_ps(dx[b]);
        const int sum_x = s[2 * b] + s[2 * b + 1];
        __m256i qh = _mm256_setzero_si256(), sum = start_of_sum(id, sum_x);
        __m256 d, m = _mm256_setzero_ps();

        prefetch(row[0] + ahead + 8 * at, 8 * block_bytes(id));
        floats_of_rows(id, row, at, &d, &m, &qh);
        if (id == QUANT_q8_0)
            sum = _mm256_add_epi32(sum, products_of_q8_0(row, at, q + 32 * b));
        else
            sum = add_nibbles(sum, id, row, at + nibbles_at(id), qh, q + 32 * b);
        acc = _mm256_fmadd_ps(_mm256_mul_ps(d, x), _mm256_cvtepi32_ps(sum), acc);
        if (has_min(id))
            acc = _mm256_fmadd_ps(_mm256_mul_ps(m, x), _mm256_set1_ps((float)sum_x), acc);
    }
    return acc;
}

/* Scales of a superblock as signed bytes: of group g byte g % 4 of [g / 4]; of iq4_xs
 * byte c / 2 of [c % 2].  Minima, where there are any, likewise. */
typedef struct scale_bytes {
    __m256i scale[4], min[4];
    __m256 d, m;
} scale_bytes;

INLINE scale_bytes scale_bytes_of(quant_id id, const uint8_t *const row[8], size_t at)
{
    scale_bytes s;

    if (has_min_per_32(id)) {
        const k4_columns k = k4_of_rows(row, at);
        return (scale_bytes){
            .scale = {k.scale[0], k.scale[1]}, .min = {k.min[0], k.min[1]}, .d = k.d, .m = k.m};
    }
    if (id == QUANT_iq4_xs) {
        iq4_xs_of_rows(s.scale, &s.d, row, at);
        return s;
    }
    if (id == QUANT_q6_k) {
        columns_16(s.scale, row, at + offsetof(ts_block_q6_k, scales));
        s.d = scales_of_rows(id, row, at, 0);
        return s;
    }
    const k16_columns k = id == QUANT_q2_k ? k16_of_q2_k(row, at) : k16_of_q3_k(row, at);
    s = (scale_bytes){.scale = {k.scale[0], k.scale[1], k.scale[2], k.scale[3]}, .d = k.d};
    if (id == QUANT_q2_k) {
        s.m = k.m;
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            s.min[i] = k.min[i];
    }
    return s;
}

/* sum += the products of half a chunk. */
INLINE __m256i add_half_chunk(__m256i sum, quant_id id, int c, const __m256i low[4],
                              const __m256i high[4], const int8_t *q)
{
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
        sum = _mm256_dpbusd_avx_epi32(
            sum, codes_of_strips(id, c, low[j], has_high_strip(id) ? high[j] : low[j]),
            broadcast_32(q + 4 * j));
    return sum;
}

/* Superblocks without upper bits and with scales per 32: both halves of a strip in turn. */
INLINE __m256i products_of_q4_k_vnni(const scale_bytes *s, const uint8_t *const row[8], size_t at,
                                     const int8_t *q)
{
    __m256i total = _mm256_setzero_si256(), low[4];

#pragma GCC unroll 4
    for (int c = 0; c < 8; c += 2) {
        __m256i even = _mm256_setzero_si256(), odd = even;
#pragma GCC unroll 2
        for (int part = 0; part < 2; part++) {
            const int8_t *x = q + 32 * c + 16 * part;
            columns_16(low, row, at + low_strip(QUANT_q4_k, c) + 16 * (size_t)part);
            even = add_half_chunk(even, QUANT_q4_k, c, low, low, x);
            odd = add_half_chunk(odd, QUANT_q4_k, c + 1, low, low, x + 32);
        }
        total = add_scaled_sum(total, even, signed_byte(s->scale[c / 4], c % 4));
        total = add_scaled_sum(total, odd, signed_byte(s->scale[c / 4], c % 4 + 1));
    }
    return total;
}

/* I of quant.def without its minima. */
INLINE __m256i products_of_block(quant_id id, const scale_bytes *s, const uint8_t *const row[8],
                                 size_t at, const int8_t *q, const int16_t *sums)
{
    __m256i total = _mm256_setzero_si256(), low[4], high[4];

    if (id == QUANT_q4_k)
        return products_of_q4_k_vnni(s, row, at, q);
    if (id == QUANT_iq4_xs) {
#pragma GCC unroll 8
        for (int c = 0; c < 8; c++) {
            const __m256i start = start_of_sum(id, sums[2 * c] + sums[2 * c + 1]);
            const size_t nibbles = at + offsetof(ts_block_iq4_xs, qs) + 16 * (size_t)c;
            const __m256i sum = add_nibbles(start, id, row, nibbles, start, q + 32 * c);
            total = add_scaled_sum(total, sum, signed_byte(s->scale[c % 2], c / 2));
        }
        return total;
    }
#pragma GCC unroll 8
    for (int i = 0; i < n_strip_steps(id); i++) {
        const strip_step step = strip_step_of(id, i);
        const size_t half = 16 * (size_t)step.part;
        if (has_high_strip(id) && step.is_high_new)
            columns_16(high, row, at + high_strip(id, step.first) + half);
        columns_16(low, row, at + low_strip(id, step.first) + half);
#pragma GCC unroll 4
        for (int k = 0; k < step.n_chunks; k++) {
            const int c = step.first + k * step.chunk_step, half_group = 2 * c + step.part;
            const int g = has_scale_per_32(id) ? c : half_group;
            const __m256i sum = add_half_chunk(start_of_sum(id, sums[half_group]), id, c, low, high,
                                               q + 32 * c + 16 * step.part);
            total = add_scaled_sum(total, sum, signed_byte(s->scale[g / 4], g % 4));
        }
    }
    return total;
}

/* M of quant.def. */
INLINE __m256i minima_of_block(quant_id id, const scale_bytes *k, const int16_t *s)
{
    const int n_pairs = has_min_per_32(id) ? 4 : 8;
    __m256i sum = _mm256_setzero_si256();
    int16_t of_32[8];

    if (has_min_per_32(id)) {
        sums_of_32(of_32, s);
        s = of_32;
    }
#pragma GCC unroll 8
    for (int j = 0; j < n_pairs; j++)
        sum = _mm256_add_epi32(sum,
                               _mm256_madd_epi16(two_bytes(k->min[j / 2], j % 2 * 2, j % 2 * 2 + 1),
                                                 broadcast_32(s + 2 * j)));
    return sum;
}

INLINE __m256 gemv_vnni_256(quant_id id, const uint8_t *const row[8], const int8_t *q,
                            const int16_t *s, const float *dx, size_t n, size_t ahead)
{
    __m256 acc = _mm256_setzero_ps();

    for (size_t b = 0; b < n / 256; b++, q += 256, s += 16) {
        const size_t at = b * block_bytes(id);
        const scale_bytes scales = scale_bytes_of(id, row, at);
        const __m256 x = _mm256_set1_ps(dx[b]);

        prefetch(row[0] + ahead + 8 * at, 8 * block_bytes(id));
        const __m256i sum = products_of_block(id, &scales, row, at, q, s);
        acc = _mm256_fmadd_ps(_mm256_mul_ps(scales.d, x), _mm256_cvtepi32_ps(sum), acc);
        if (has_min(id))
            acc = _mm256_fnmadd_ps(_mm256_mul_ps(scales.m, x),
                                   _mm256_cvtepi32_ps(minima_of_block(id, &scales, s)), acc);
    }
    return acc;
}

INLINE __m256 gemv_rows(quant_id id, const uint8_t *const row[8], int n_rows, const int8_t *q,
                        const int16_t *s, const float *d, size_t n, size_t ahead)
{
    (void)n_rows;
    switch (id) {
#define ROWS_32  gemv_vnni_32
#define ROWS_256 gemv_vnni_256
#define QUANT(type, block) \
    case QUANT_##type:     \
        return ROWS_##block(id, row, q, s, d, n, ahead);
#include "kernels/quant.def"
#undef QUANT
    }
    return _mm256_setzero_ps();
}

#endif
#endif
