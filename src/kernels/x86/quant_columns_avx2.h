/* quant_columns_avx2.h - eight rows at once, a row in every 32-bit lane.
 *
 * The file's bytes of eight rows are transposed as columns of 32 bits first and
 * split into codes afterwards.  No sum has to be gathered from lanes, and scales
 * come eight at a time.  Panels store such columns; one token multiplies them as
 * they come.
 */
#ifndef TS_KERNELS_QUANT_COLUMNS_AVX2_H
#define TS_KERNELS_QUANT_COLUMNS_AVX2_H

#include "kernels/x86/quant_avx2.h"

#ifdef __AVX2__

/* --- blocks of 32 --- */

/* 32 bits of eight rows. */
INLINE __m256i words_of_rows(const uint8_t *const row[8], size_t at)
{
    return _mm256_setr_epi32((int)load_u32(row[0] + at), (int)load_u32(row[1] + at),
                             (int)load_u32(row[2] + at), (int)load_u32(row[3] + at),
                             (int)load_u32(row[4] + at), (int)load_u32(row[5] + at),
                             (int)load_u32(row[6] + at), (int)load_u32(row[7] + at));
}

INLINE int has_fifth_bits(quant_id id)
{
    return id == QUANT_q5_0 || id == QUANT_q5_1;
}

/* The fifth bits of eight rows' blocks. */
INLINE __m256i fifth_bits_of_rows(quant_id id, const uint8_t *const row[8], size_t at)
{
    at += id == QUANT_q5_0 ? offsetof(ts_block_q5_0, qh) : offsetof(ts_block_q5_1, qh);
    return words_of_rows(row, at);
}

/* Bits 4j ... 4j + 3 of every lane, as 16 in bytes 0 ... 3.  qh: for odd j moved
 * down by four, so that a bit is 1, 2, 4 or 8 and looks itself up. */
INLINE __m256i fifth_bits_of_column(__m256i qh, int j)
{
    const __m128i table = _mm_setr_epi8(0, 16, 16, 0, 16, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0);
    const __m256i lane = _mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0C0C0C0C, 0, 0x04040404,
                                           0x08080808, 0x0C0C0C0C);
    const __m256i which = _mm256_add_epi8(lane, _mm256_set1_epi32(0x01010101 * (j / 2)));
    const __m256i bit = _mm256_set1_epi32(0x08040201);

    return look_up(table, _mm256_and_si256(_mm256_shuffle_epi8(qh, which), bit));
}

INLINE size_t nibbles_at(quant_id id)
{
    switch (id) {
    case QUANT_q4_0: return offsetof(ts_block_q4_0, qs);
    case QUANT_q4_1: return offsetof(ts_block_q4_1, qs);
    case QUANT_q5_0: return offsetof(ts_block_q5_0, qs);
    case QUANT_q5_1: return offsetof(ts_block_q5_1, qs);
    case QUANT_iq4_nl: return offsetof(ts_block_iq4_nl, qs);
    default: return offsetof(ts_block_mxfp4, qs);
    }
}

/* Unsigned codes of column j, weights 4j ... 4j + 3 of a block of eight rows, from the
 * lower nibbles of v; qh as fifth_bits_of_column() wants it. */
INLINE __m256i code_column(quant_id id, __m256i v, __m256i qh, int j)
{
    const __m128i e2m1_12 = _mm_add_epi8(_mm_setr_epi8(QUANT_E2M1_VALUES), _mm_set1_epi8(12));
    const __m256i codes = _mm256_and_si256(v, _mm256_set1_epi8(15));

    if (id == QUANT_mxfp4)
        return look_up(e2m1_12, codes);
    if (is_signed(id)) /* moved up by 128 */
        return look_up(_mm_xor_si128(_mm_setr_epi8(QUANT_IQ4_VALUES), _mm_set1_epi8(-128)), codes);
    return has_fifth_bits(id) ? _mm256_or_si256(codes, fifth_bits_of_column(qh, j)) : codes;
}

/* Eight halves from the lower (which = 0) or upper 16 bits of every lane. */
INLINE __m256 halves_of_lanes(__m256i v, int which)
{
    const __m256i bits =
        which ? _mm256_srli_epi32(v, 16) : _mm256_and_si256(v, _mm256_set1_epi32(0xFFFF));
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(bits, bits), 0x08);

    return _mm256_cvtph_ps(_mm256_castsi256_si128(packed));
}

/* --- superblocks with scales as in q4_k and q5_k --- */

/* Are the minima per 32 weights, to be met by sums of 32 activations? */
INLINE int has_min_per_32(quant_id id)
{
    return id == QUANT_q4_k || id == QUANT_q5_k;
}

/* A superblock's sums of 16 activations as sums of 32. */
INLINE void sums_of_32(int16_t s[8], const int16_t *of_16)
{
    const __m256i v = _mm256_madd_epi16(load_256(of_16), _mm256_set1_epi16(1));

    store_128(s, _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)));
}

/* Every 32-bit lane: byte a of it as the low 16 bits, byte b as the high ones. */
INLINE __m256i two_bytes(__m256i v, int a, int b)
{
    const int lane = (int)0x80008000 | b << 16 | a;
    const __m256i add = _mm256_setr_epi32(0, 0x00040004, 0x00080008, 0x000C000C, 0, 0x00040004,
                                          0x00080008, 0x000C000C);

    return _mm256_shuffle_epi8(v, _mm256_add_epi32(_mm256_set1_epi32(lane), add));
}

/* Both floats, eight scales and eight minima, four bytes in a lane. */
typedef struct k4_columns {
    __m256i scale[2], min[2];
    __m256 d, m;
} k4_columns;

/* They are the first sixteen bytes of a block. */
INLINE k4_columns k4_of_rows(const uint8_t *const row[8], size_t at)
{
    const __m256i six = _mm256_set1_epi8(63), two = _mm256_set1_epi8(0x30);
    const __m256i four = _mm256_set1_epi8(15);
    k4_columns c;
    __m256i v[4];

    columns_16(v, row, at);
    c.scale[0] = _mm256_and_si256(v[1], six);
    c.min[0] = _mm256_and_si256(v[2], six);
    c.scale[1] = _mm256_or_si256(_mm256_and_si256(v[3], four),
                                 _mm256_and_si256(_mm256_srli_epi16(v[1], 2), two));
    c.min[1] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(v[3], 4), four),
                               _mm256_and_si256(_mm256_srli_epi16(v[2], 2), two));
    c.d = halves_of_lanes(v[0], 0);
    c.m = halves_of_lanes(v[0], 1);
    return c;
}

/* --- superblocks with scales per 16, and the code book of iq4 --- */

/* Every 32-bit lane: byte a of it with its sign as the low 16 bits, byte b as the high ones. */
INLINE __m256i two_signed_bytes(__m256i v, int a, int b)
{
    const __m256i lane = _mm256_set1_epi32((int)(0x00800080u | (unsigned)(a << 8 | b << 24)));
    const __m256i add = _mm256_setr_epi32(0, 0x04000400, 0x08000800, 0x0C000C00, 0, 0x04000400,
                                          0x08000800, 0x0C000C00);

    return _mm256_srai_epi16(_mm256_shuffle_epi8(v, _mm256_add_epi32(lane, add)), 8);
}

/* Sixteen scales and minima, four signed bytes in a lane; minima: q2_k alone. */
typedef struct k16_columns {
    __m256i scale[4], min[4];
    __m256 d, m;
} k16_columns;

INLINE k16_columns k16_of_q2_k(const uint8_t *const row[8], size_t at)
{
    const __m256i floats = words_of_rows(row, at + offsetof(ts_block_q2_k, d));
    const __m256i low = _mm256_set1_epi8(15);
    k16_columns c = {.d = halves_of_lanes(floats, 0), .m = halves_of_lanes(floats, 1)};
    __m256i v[4];

    columns_16(v, row, at + offsetof(ts_block_q2_k, scales));
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        c.scale[i] = _mm256_and_si256(v[i], low);
        c.min[i] = _mm256_and_si256(_mm256_srli_epi16(v[i], 4), low);
    }
    return c;
}

/* Low nibbles and two high bits of four scales, minus 32. */
INLINE __m256i six_bits_q3_k(__m256i nibble, __m256i two_bits)
{
    return _mm256_sub_epi8(_mm256_or_si256(nibble, two_bits), _mm256_set1_epi8(32));
}

/* Scales and the float are the last 14 bytes of a block; 16 are loaded. */
INLINE k16_columns k16_of_q3_k(const uint8_t *const row[8], size_t at)
{
    const __m256i low = _mm256_set1_epi8(15), two = _mm256_set1_epi8(0x30);
    __m256i v[4], s[3];

    columns_16(v, row, at + sizeof(ts_block_q3_k) - 16);
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++)
        s[i] = _mm256_or_si256(_mm256_srli_epi32(v[i], 16), _mm256_slli_epi32(v[i + 1], 16));
    return (k16_columns){
        .scale = {six_bits_q3_k(_mm256_and_si256(s[0], low),
                                _mm256_and_si256(_mm256_slli_epi16(s[2], 4), two)),
                  six_bits_q3_k(_mm256_and_si256(s[1], low),
                                _mm256_and_si256(_mm256_slli_epi16(s[2], 2), two)),
                  six_bits_q3_k(_mm256_and_si256(_mm256_srli_epi16(s[0], 4), low),
                                _mm256_and_si256(s[2], two)),
                  six_bits_q3_k(_mm256_and_si256(_mm256_srli_epi16(s[1], 4), low),
                                _mm256_and_si256(_mm256_srli_epi16(s[2], 2), two))},
        .d = halves_of_lanes(v[3], 1)};
}

/* Eight scales of iq4_xs: [0] has the even ones, [1] the odd ones, signed bytes. */
INLINE void iq4_xs_of_rows(__m256i scale[2], __m256 *d, const uint8_t *const row[8], size_t at)
{
    const __m256i low = _mm256_set1_epi8(15), two = _mm256_set1_epi8(0x30);
    const __m256i half = words_of_rows(row, at), nibbles = words_of_rows(row, at + 4);
    __m256i t = _mm256_srli_epi32(half, 16);

    /* Nibble k of the upper half in byte k. */
    t = _mm256_and_si256(_mm256_or_si256(t, _mm256_slli_epi32(t, 8)),
                         _mm256_set1_epi32(0x00FF00FF));
    t = _mm256_and_si256(_mm256_or_si256(t, _mm256_slli_epi32(t, 4)), low);
    scale[0] = six_bits_q3_k(_mm256_and_si256(nibbles, low),
                             _mm256_and_si256(_mm256_slli_epi16(t, 4), two));
    scale[1] = six_bits_q3_k(_mm256_and_si256(_mm256_srli_epi16(nibbles, 4), low),
                             _mm256_and_si256(_mm256_slli_epi16(t, 2), two));
    *d = halves_of_lanes(half, 0);
}

/* Products of 32 weights (16 bytes of nibbles) of eight rows times scale, twice in
 * every lane.  One product fills 16 bits. */
INLINE __m256i iq4_products(const uint8_t *const row[8], size_t at, const int8_t *q, __m256i scale)
{
    const __m128i values = _mm_setr_epi8(QUANT_IQ4_VALUES), sizes = _mm_abs_epi8(values);
    const __m256i low = _mm256_set1_epi8(15);
    __m256i v[4], sum = _mm256_setzero_si256();

    columns_16(v, row, at);
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
        const __m256i bits = j < 4 ? v[j] : _mm256_srli_epi16(v[j % 4], 4);
        const __m256i index = _mm256_and_si256(bits, low);
        const __m256i x = _mm256_sign_epi8(broadcast_32(q + 4 * j), look_up(values, index));
        const __m256i p = _mm256_maddubs_epi16(look_up(sizes, index), x);
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(p, scale));
    }
    return sum;
}

#endif
#endif
