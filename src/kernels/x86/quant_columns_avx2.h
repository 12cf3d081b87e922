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

INLINE int has_fifth_bits(quant_id id)
{
    return id == QUANT_q5_0 || id == QUANT_q5_1;
}

/* The fifth bits of eight rows' blocks. */
INLINE __m256i fifth_bits_of_rows(quant_id id, const uint8_t *const row[8], size_t at)
{
    at += id == QUANT_q5_0 ? offsetof(ts_block_q5_0, qh) : offsetof(ts_block_q5_1, qh);
    return _mm256_setr_epi32((int)load_u32(row[0] + at), (int)load_u32(row[1] + at),
                             (int)load_u32(row[2] + at), (int)load_u32(row[3] + at),
                             (int)load_u32(row[4] + at), (int)load_u32(row[5] + at),
                             (int)load_u32(row[6] + at), (int)load_u32(row[7] + at));
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

/* Unsigned codes of a block of eight rows: column j has weights 4j ... 4j + 3. */
INLINE void code_columns(__m256i codes[8], quant_id id, const uint8_t *const row[8], size_t at,
                         __m256i qh)
{
    const __m128i e2m1_12 = _mm_add_epi8(_mm_setr_epi8(QUANT_E2M1_VALUES), _mm_set1_epi8(12));
    const __m256i low = _mm256_set1_epi8(15), qh_odd = _mm256_srli_epi32(qh, 4);
    __m256i v[4];

    columns_16(v, row, at + nibbles_at(id));
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        __m256i a = _mm256_and_si256(v[j], low);
        __m256i b = _mm256_and_si256(_mm256_srli_epi16(v[j], 4), low);
        if (id == QUANT_mxfp4) {
            a = look_up(e2m1_12, a);
            b = look_up(e2m1_12, b);
        }
        if (has_fifth_bits(id)) {
            a = _mm256_or_si256(a, fifth_bits_of_column(j % 2 ? qh_odd : qh, j));
            b = _mm256_or_si256(b, fifth_bits_of_column(j % 2 ? qh_odd : qh, j + 4));
        }
        codes[j] = a;
        codes[j + 4] = b;
    }
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

#endif
#endif
