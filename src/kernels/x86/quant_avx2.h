/* quant_avx2.h - decoding of quantised blocks in AVX2 registers.
 *
 * Codes come 32 at a time in the order of the row, unsigned wherever the
 * instruction vpmaddubsw (unsigned times signed bytes) can take them: as stored,
 * with the type's offset still in.  The offset is repaid in integers with the
 * sums of the activations, so nothing is rounded:
 *     sum((u - offset) * x) = sum(u * x) - offset * sum(x).
 *
 * The functions are switches over a constant: inlined, one case remains.
 */
#ifndef TS_KERNELS_QUANT_AVX2_H
#define TS_KERNELS_QUANT_AVX2_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/quant_blocks.h"
#include "kernels/quant_tile.h"
#include "kernels/quant_unpack.h"

#ifdef __AVX2__
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* Holds a sum where it is: gcc 12 reassociates chains of integer vector adds
 * into trees, which need more registers than there are (measured: half the
 * speed of the tiles). */
#define KEEP(v) __asm__("" : "+x"(v))

/* What gemm_<type> is asked for. */
typedef struct quant_product {
    float *y;
    const void *w;
    const ts_q8_rows *x;
    size_t y_stride, w_stride, n_rows, n_tokens, n;
} quant_product;

typedef enum quant_id {
#define QUANT(type, block) QUANT_##type,
#include "kernels/quant.def"
#undef QUANT
} quant_id;

INLINE __m256i load_256(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

INLINE __m128i load_128(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

INLINE void store_128(void *p, __m128i v)
{
    _mm_storeu_si128((__m128i *)p, v);
}

INLINE void store_256(void *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

INLINE uint32_t load_u32(const void *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

INLINE uint64_t load_u64(const void *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* Four bytes, or two halves, in every 32-bit lane. */
INLINE __m256i broadcast_32(const void *p)
{
    return _mm256_set1_epi32((int)load_u32(p));
}

/* What is subtracted from a code; codes with a sign have none. */
INLINE int code_offset(quant_id id)
{
    switch (id) {
    case QUANT_q4_0: return 8;
    case QUANT_q5_0: return 16;
    case QUANT_mxfp4: return 12;
    case QUANT_q3_k: return 4;
    case QUANT_q6_k: return 32;
    default: return 0;
    }
}

/* Codes that need all of int8: vpmaddubsw can take |w| and x with w's sign. */
INLINE int is_signed(quant_id id)
{
    return id == QUANT_q8_0 || id == QUANT_iq4_nl || id == QUANT_iq4_xs;
}

/* What is subtracted from a code when all codes must be unsigned bytes. */
INLINE int byte_offset(quant_id id)
{
    return is_signed(id) ? 128 : code_offset(id);
}

INLINE int has_min(quant_id id)
{
    switch (id) {
#define QUANT(type, block) \
    case QUANT_##type:     \
        return QUANT_HAS_MIN_##type;
#include "kernels/quant.def"
#undef QUANT
    }
    return 0;
}

INLINE size_t block_bytes(quant_id id)
{
    switch (id) {
#define QUANT(type, block) \
    case QUANT_##type:     \
        return sizeof(ts_block_##type);
#include "kernels/quant.def"
#undef QUANT
    }
    return 0;
}

/* --- codes --- */

INLINE __m256i nibbles(const uint8_t qs[16])
{
    const __m128i v = load_128(qs);

    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(v, 4), v), _mm256_set1_epi8(15));
}

/* Bit j of the four bytes, as 16 in byte j. */
INLINE __m256i fifth_bits(const uint8_t qh[4])
{
    const __m256i which = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                           2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    const __m256i v = _mm256_and_si256(_mm256_shuffle_epi8(broadcast_32(qh), which), bit);

    return _mm256_and_si256(_mm256_cmpeq_epi8(v, bit), _mm256_set1_epi8(16));
}

INLINE __m256i look_up(const __m128i table, __m256i index)
{
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), index);
}

INLINE __m256i codes_32(quant_id id, const void *w)
{
    const __m128i iq4 = _mm_setr_epi8(QUANT_IQ4_VALUES);
    const __m128i e2m1_12 = _mm_add_epi8(_mm_setr_epi8(QUANT_E2M1_VALUES), _mm_set1_epi8(12));

    switch (id) {
    case QUANT_q4_0: return nibbles(((const ts_block_q4_0 *)w)->qs);
    case QUANT_q4_1: return nibbles(((const ts_block_q4_1 *)w)->qs);
    case QUANT_q5_0:
        return _mm256_or_si256(nibbles(((const ts_block_q5_0 *)w)->qs),
                               fifth_bits(((const ts_block_q5_0 *)w)->qh));
    case QUANT_q5_1:
        return _mm256_or_si256(nibbles(((const ts_block_q5_1 *)w)->qs),
                               fifth_bits(((const ts_block_q5_1 *)w)->qh));
    case QUANT_q8_0: return load_256(((const ts_block_q8_0 *)w)->qs);
    case QUANT_iq4_nl: return look_up(iq4, nibbles(((const ts_block_iq4_nl *)w)->qs));
    case QUANT_mxfp4: return look_up(e2m1_12, nibbles(((const ts_block_mxfp4 *)w)->qs));
    default: return _mm256_setzero_si256();
    }
}

/* Move bit `from` of every byte to bit `to` and keep `mask`; words are shifted,
 * so mask must not hold bits that come from a neighbour. */
INLINE __m256i move_bits(__m256i v, int from, int to, int mask)
{
    v = from > to ? _mm256_srli_epi16(v, from - to) : _mm256_slli_epi16(v, to - from);
    return _mm256_and_si256(v, _mm256_set1_epi8((char)mask));
}

/* Where the strips of 32 bytes lie that hold weights 32c ... 32c + 31 of a
 * superblock: their lower bits, and their upper ones if these are apart. */
INLINE size_t low_strip(quant_id id, int c)
{
    switch (id) {
    case QUANT_q2_k: return offsetof(ts_block_q2_k, qs) + (size_t)(c / 4 * 32);
    case QUANT_q3_k: return offsetof(ts_block_q3_k, qs) + (size_t)(c / 4 * 32);
    case QUANT_q4_k: return offsetof(ts_block_q4_k, qs) + (size_t)(c / 2 * 32);
    case QUANT_q5_k: return offsetof(ts_block_q5_k, qs) + (size_t)(c / 2 * 32);
    default: return offsetof(ts_block_q6_k, ql) + (size_t)(c / 4 * 64 + c % 2 * 32);
    }
}

INLINE size_t high_strip(quant_id id, int c)
{
    switch (id) {
    case QUANT_q3_k: return offsetof(ts_block_q3_k, hmask);
    case QUANT_q5_k: return offsetof(ts_block_q5_k, qh);
    default: return offsetof(ts_block_q6_k, qh) + (size_t)(c / 4 * 32);
    }
}

INLINE int has_high_strip(quant_id id)
{
    return id == QUANT_q3_k || id == QUANT_q5_k || id == QUANT_q6_k;
}

/* The codes of weights 32c ... 32c + 31, byte by byte from their strips. */
INLINE __m256i codes_of_strips(quant_id id, int c, __m256i low, __m256i high)
{
    switch (id) {
    case QUANT_q2_k: return move_bits(low, c % 4 * 2, 0, 3);
    case QUANT_q3_k:
        return _mm256_or_si256(move_bits(low, c % 4 * 2, 0, 3), move_bits(high, c, 2, 4));
    case QUANT_q4_k: return move_bits(low, c % 2 * 4, 0, 15);
    case QUANT_q5_k:
        return _mm256_or_si256(move_bits(low, c % 2 * 4, 0, 15), move_bits(high, c, 4, 16));
    default:
        return _mm256_or_si256(move_bits(low, c % 4 / 2 * 4, 0, 15),
                               move_bits(high, c % 4 * 2, 4, 0x30));
    }
}

/* Weights 32c ... 32c + 31 of a superblock. */
INLINE __m256i codes_256(quant_id id, const void *w, int c)
{
    const uint8_t *p = w;

    if (id == QUANT_iq4_xs)
        return look_up(_mm_setr_epi8(QUANT_IQ4_VALUES),
                       nibbles(((const ts_block_iq4_xs *)w)->qs + c * 16));
    return codes_of_strips(id, c, load_256(p + low_strip(id, c)),
                           has_high_strip(id) ? load_256(p + high_strip(id, c))
                                              : _mm256_setzero_si256());
}

/* --- integer scales and minima of a superblock, sixteen each --- */

INLINE __m256i twice_each(uint64_t eight_bytes)
{
    const __m128i v = _mm_cvtsi64_si128((long long)eight_bytes);

    return _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(v, v));
}

/* See quant_scales_k4(): four bytes with the six lower bits, and four with
 * nibbles below the two bits that are left over. */
INLINE uint64_t six_bits_k4(uint32_t first, uint32_t nibbles_of_last)
{
    const uint32_t last = (nibbles_of_last & 0x0F0F0F0F) | (first >> 6 & 0x03030303) << 4;

    return (first & 0x3F3F3F3F) | (uint64_t)last << 32;
}

INLINE __m256i scales_q3_k(const uint8_t s[12])
{
    const uint64_t low = load_u64(s);
    const uint32_t high = load_u32(s + 8);
    const uint64_t nibble = 0x0F0F0F0F0F0F0F0F, twos = 0x0303030303030303;
    const uint64_t high_0 = (high | (uint64_t)high << 30) & twos;
    const uint64_t high_1 = (high >> 4 | (uint64_t)(high >> 4) << 30) & twos;
    const __m128i v = _mm_set_epi64x((long long)((low >> 4 & nibble) | high_1 << 4),
                                     (long long)((low & nibble) | high_0 << 4));

    return _mm256_sub_epi16(_mm256_cvtepu8_epi16(v), _mm256_set1_epi16(32));
}

INLINE __m256i scales_iq4_xs(const ts_block_iq4_xs *b)
{
    const uint32_t l = load_u32(b->scales_l);
    const __m128i low = _mm_unpacklo_epi8(_mm_cvtsi32_si128((int)(l & 0x0F0F0F0F)),
                                          _mm_cvtsi32_si128((int)(l >> 4 & 0x0F0F0F0F)));
    const __m256i shift = _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14);
    const __m256i high = _mm256_and_si256(_mm256_srlv_epi32(_mm256_set1_epi32(b->scales_h), shift),
                                          _mm256_set1_epi32(3));
    const __m256i v = _mm256_or_si256(_mm256_cvtepu8_epi32(low), _mm256_slli_epi32(high, 4));

    return _mm256_sub_epi16(_mm256_or_si256(v, _mm256_slli_epi32(v, 16)), _mm256_set1_epi16(32));
}

INLINE __m256i scales_256(quant_id id, const void *w)
{
    switch (id) {
    case QUANT_q2_k:
        return _mm256_cvtepu8_epi16(
            _mm_and_si128(load_128(((const ts_block_q2_k *)w)->scales), _mm_set1_epi8(15)));
    case QUANT_q3_k: return scales_q3_k(((const ts_block_q3_k *)w)->scales);
    case QUANT_q4_k: {
        const uint8_t *s = ((const ts_block_q4_k *)w)->scales;
        return twice_each(six_bits_k4(load_u32(s), load_u32(s + 8)));
    }
    case QUANT_q5_k: {
        const uint8_t *s = ((const ts_block_q5_k *)w)->scales;
        return twice_each(six_bits_k4(load_u32(s), load_u32(s + 8)));
    }
    case QUANT_q6_k: return _mm256_cvtepi8_epi16(load_128(((const ts_block_q6_k *)w)->scales));
    case QUANT_iq4_xs: return scales_iq4_xs(w);
    default: return _mm256_setzero_si256();
    }
}

/* Minima; for types without, what the offset of unsigned bytes costs: offset * scale. */
INLINE __m256i minima_256(quant_id id, const void *w)
{
    switch (id) {
    case QUANT_q2_k:
        return _mm256_cvtepu8_epi16(_mm_and_si128(
            _mm_srli_epi16(load_128(((const ts_block_q2_k *)w)->scales), 4), _mm_set1_epi8(15)));
    case QUANT_q4_k: {
        const uint8_t *s = ((const ts_block_q4_k *)w)->scales;
        return twice_each(six_bits_k4(load_u32(s + 4), load_u32(s + 8) >> 4));
    }
    case QUANT_q5_k: {
        const uint8_t *s = ((const ts_block_q5_k *)w)->scales;
        return twice_each(six_bits_k4(load_u32(s + 4), load_u32(s + 8) >> 4));
    }
    default:
        return _mm256_mullo_epi16(scales_256(id, w), _mm256_set1_epi16((short)byte_offset(id)));
    }
}

/* --- float scales --- */

/* The bits of a block's scale (which = 0) or minimum (1) as they are stored. */
INLINE uint16_t scale_bits(quant_id id, const void *w, int which)
{
    switch (id) {
    case QUANT_q4_0: return ((const ts_block_q4_0 *)w)->d;
    case QUANT_q4_1: return which ? ((const ts_block_q4_1 *)w)->m : ((const ts_block_q4_1 *)w)->d;
    case QUANT_q5_0: return ((const ts_block_q5_0 *)w)->d;
    case QUANT_q5_1: return which ? ((const ts_block_q5_1 *)w)->m : ((const ts_block_q5_1 *)w)->d;
    case QUANT_q8_0: return ((const ts_block_q8_0 *)w)->d;
    case QUANT_iq4_nl: return ((const ts_block_iq4_nl *)w)->d;
    case QUANT_mxfp4: return ((const ts_block_mxfp4 *)w)->e;
    case QUANT_q2_k:
        return which ? ((const ts_block_q2_k *)w)->dmin : ((const ts_block_q2_k *)w)->d;
    case QUANT_q3_k: return ((const ts_block_q3_k *)w)->d;
    case QUANT_q4_k:
        return which ? ((const ts_block_q4_k *)w)->dmin : ((const ts_block_q4_k *)w)->d;
    case QUANT_q5_k:
        return which ? ((const ts_block_q5_k *)w)->dmin : ((const ts_block_q5_k *)w)->d;
    case QUANT_q6_k: return ((const ts_block_q6_k *)w)->d;
    case QUANT_iq4_xs: return ((const ts_block_iq4_xs *)w)->d;
    }
    return 0;
}

/* Eight scales from their bits; mxfp4: half of 2^(e - 127), see quant_e8m0(). */
INLINE __m256 scales_of_bits(quant_id id, __m128i bits)
{
    if (id == QUANT_mxfp4) {
        const __m256i e = _mm256_cvtepu16_epi32(bits), one = _mm256_set1_epi32(1);
        const __m256i normal = _mm256_slli_epi32(_mm256_sub_epi32(e, one), 23);
        const __m256i tiny = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
        return _mm256_castsi256_ps(_mm256_blendv_epi8(tiny, normal, _mm256_cmpgt_epi32(e, one)));
    }
    return _mm256_cvtph_ps(bits);
}

/* Of eight rows, of their blocks at `at`. */
INLINE __m256 scales_of_rows(quant_id id, const uint8_t *const row[8], size_t at, int which)
{
    __m128i bits = _mm_cvtsi32_si128(scale_bits(id, row[0] + at, which));

    /* Through memory the wide load would wait for eight narrow stores. */
    bits = _mm_insert_epi16(bits, scale_bits(id, row[1] + at, which), 1);
    bits = _mm_insert_epi16(bits, scale_bits(id, row[2] + at, which), 2);
    bits = _mm_insert_epi16(bits, scale_bits(id, row[3] + at, which), 3);
    bits = _mm_insert_epi16(bits, scale_bits(id, row[4] + at, which), 4);
    bits = _mm_insert_epi16(bits, scale_bits(id, row[5] + at, which), 5);
    bits = _mm_insert_epi16(bits, scale_bits(id, row[6] + at, which), 6);
    bits = _mm_insert_epi16(bits, scale_bits(id, row[7] + at, which), 7);
    return scales_of_bits(id, bits);
}

/* --- sums and panels --- */

/* Lane r of the result is the sum of all lanes of v[r]. */
INLINE __m256i sum_rows(const __m256i v[8])
{
    __m256i a[4];

    for (int i = 0; i < 4; i++)
        a[i] = _mm256_add_epi32(_mm256_unpacklo_epi32(v[2 * i], v[2 * i + 1]),
                                _mm256_unpackhi_epi32(v[2 * i], v[2 * i + 1]));
    const __m256i b0 =
        _mm256_add_epi32(_mm256_unpacklo_epi64(a[0], a[1]), _mm256_unpackhi_epi64(a[0], a[1]));
    const __m256i b1 =
        _mm256_add_epi32(_mm256_unpacklo_epi64(a[2], a[3]), _mm256_unpackhi_epi64(a[2], a[3]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(b0, b1, 0x20),
                            _mm256_permute2x128_si256(b0, b1, 0x31));
}

/* 32-bit columns of sixteen bytes of eight rows: lane r of v[j] is column j of row r. */
INLINE void columns_16(__m256i v[4], const uint8_t *const row[8], size_t at)
{
    __m256i a[4];

    for (int i = 0; i < 4; i++)
        a[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(row[i] + at)),
                                       load_128(row[i + 4] + at), 1);
    const __m256i b0 = _mm256_unpacklo_epi32(a[0], a[1]), b1 = _mm256_unpackhi_epi32(a[0], a[1]);
    const __m256i b2 = _mm256_unpacklo_epi32(a[2], a[3]), b3 = _mm256_unpackhi_epi32(a[2], a[3]);
    v[0] = _mm256_unpacklo_epi64(b0, b2);
    v[1] = _mm256_unpackhi_epi64(b0, b2);
    v[2] = _mm256_unpacklo_epi64(b1, b3);
    v[3] = _mm256_unpackhi_epi64(b1, b3);
}

INLINE void columns_32(__m256i v[8], const uint8_t *const row[8], size_t at)
{
    columns_16(v, row, at);
    columns_16(v + 4, row, at + 16);
}

/* Eight 32-bit columns of four rows into a panel's [8][16] of 32 bits, at row. */
INLINE void store_columns(void *panel, int row, const __m256i v[4])
{
    uint8_t *p = (uint8_t *)panel + 4 * row;
    const __m256i a0 = _mm256_unpacklo_epi32(v[0], v[1]), a1 = _mm256_unpackhi_epi32(v[0], v[1]);
    const __m256i a2 = _mm256_unpacklo_epi32(v[2], v[3]), a3 = _mm256_unpackhi_epi32(v[2], v[3]);
    const __m256i c[4] = {_mm256_unpacklo_epi64(a0, a2), _mm256_unpackhi_epi64(a0, a2),
                          _mm256_unpacklo_epi64(a1, a3), _mm256_unpackhi_epi64(a1, a3)};

    for (int i = 0; i < 4; i++) {
        store_128(p + 64 * i, _mm256_castsi256_si128(c[i]));
        store_128(p + 64 * (i + 4), _mm256_extracti128_si256(c[i], 1));
    }
}

/* Rows of a call beyond its last stand for the last one; they are not stored. */
INLINE const uint8_t *row_of(const quant_product *a, size_t row)
{
    return (const uint8_t *)a->w + (row < a->n_rows ? row : a->n_rows - 1) * a->w_stride;
}

/* Ask for bytes that will be read soon: the hardware does not follow many short
 * rows at once.  A prefetch never faults, so they need not be there. */
INLINE void prefetch(const uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        _mm_prefetch((const char *)p + i, _MM_HINT_T0);
}

#endif
#endif
