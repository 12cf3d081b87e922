/* quant_columns_avx512.h - quant_columns_avx2.h for sixteen rows at once, and for
 * all types: a row in every 32-bit lane, codes as unsigned bytes.
 *
 * Scales and minima of a superblock are small beside its codes, so they are taken
 * from the columns of twice eight rows.
 */
#ifndef TS_KERNELS_QUANT_COLUMNS_AVX512_H
#define TS_KERNELS_QUANT_COLUMNS_AVX512_H

#include "kernels/x86/quant_panel_avx2.h"

#ifdef __AVX2__

/* Unrolled, the emulation of these instructions takes minutes to compile. */
#ifdef TS_EMULATED
#define UNROLL(n)
#define KEEP_512(v) ((void)0)
#else
#define PRAGMA(text) _Pragma(#text)
#define UNROLL(n)    PRAGMA(GCC unroll n)
#define KEEP_512(v)  __asm__("" : "+v"(v)) /* as KEEP */
#endif

INLINE __m512i load_512(const void *p)
{
    return _mm512_loadu_si512(p);
}

INLINE __m512i broadcast_512(const void *p)
{
    return _mm512_set1_epi32((int)load_u32(p));
}

INLINE __m512i join(__m256i low, __m256i high)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

INLINE __m512 join_floats(__m256 low, __m256 high)
{
    return _mm512_castsi512_ps(join(_mm256_castps_si256(low), _mm256_castps_si256(high)));
}

/* 32-bit columns of sixteen bytes of sixteen rows. */
INLINE void columns_of_16(__m512i v[4], const uint8_t *const row[16], size_t at)
{
    __m512i a[4];

    UNROLL(4)
    for (int i = 0; i < 4; i++)
        a[i] = join(_mm256_inserti128_si256(_mm256_castsi128_si256(load_128(row[i] + at)),
                                            load_128(row[i + 4] + at), 1),
                    _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(row[i + 8] + at)),
                                            load_128(row[i + 12] + at), 1));
    const __m512i b0 = _mm512_unpacklo_epi32(a[0], a[1]), b1 = _mm512_unpackhi_epi32(a[0], a[1]);
    const __m512i b2 = _mm512_unpacklo_epi32(a[2], a[3]), b3 = _mm512_unpackhi_epi32(a[2], a[3]);
    v[0] = _mm512_unpacklo_epi64(b0, b2);
    v[1] = _mm512_unpackhi_epi64(b0, b2);
    v[2] = _mm512_unpacklo_epi64(b1, b3);
    v[3] = _mm512_unpackhi_epi64(b1, b3);
}

INLINE void columns_of_32(__m512i v[8], const uint8_t *const row[16], size_t at)
{
    columns_of_16(v, row, at);
    columns_of_16(v + 4, row, at + 16);
}

INLINE __m512i look_up_512(__m128i table, __m512i index)
{
    const __m256i twice = _mm256_broadcastsi128_si256(table);

    return _mm512_shuffle_epi8(join(twice, twice), index);
}

/* The codes that four bits stand for. */
INLINE __m512i nibble_codes(quant_id id, __m512i bits)
{
    const __m512i index = _mm512_and_si512(bits, _mm512_set1_epi8(15));

    if (id == QUANT_mxfp4)
        return look_up_512(_mm_add_epi8(_mm_setr_epi8(QUANT_E2M1_VALUES), _mm_set1_epi8(12)),
                           index);
    if (id == QUANT_iq4_nl || id == QUANT_iq4_xs)
        return look_up_512(_mm_xor_si128(_mm_setr_epi8(QUANT_IQ4_VALUES), _mm_set1_epi8(-128)),
                           index);
    return index;
}

/* Sixteen bytes of nibbles: column j has weights 4j ... 4j + 3 of 32. */
INLINE void nibble_columns(__m512i codes[8], quant_id id, const uint8_t *const row[16], size_t at)
{
    __m512i v[4];

    columns_of_16(v, row, at);
    UNROLL(4)
    for (int j = 0; j < 4; j++) {
        codes[j] = nibble_codes(id, v[j]);
        codes[j + 4] = nibble_codes(id, _mm512_srli_epi16(v[j], 4));
    }
}

INLINE void columns_of_block_32(__m512i codes[8], quant_id id, const uint8_t *const row[16],
                                size_t at)
{
    if (id == QUANT_q8_0) {
        columns_of_32(codes, row, at + offsetof(ts_block_q8_0, qs));
        UNROLL(8)
        for (int j = 0; j < 8; j++)
            codes[j] = _mm512_xor_si512(codes[j], _mm512_set1_epi8(-128));
        return;
    }
    nibble_columns(codes, id, row, at + nibbles_at(id));
    if (has_fifth_bits(id)) {
        const __m256i low = fifth_bits_of_rows(id, row, at);
        const __m256i high = fifth_bits_of_rows(id, row + 8, at);
        const __m256i low_odd = _mm256_srli_epi32(low, 4), high_odd = _mm256_srli_epi32(high, 4);
        UNROLL(8)
        for (int j = 0; j < 8; j++)
            codes[j] =
                _mm512_or_si512(codes[j], join(fifth_bits_of_column(j % 2 ? low_odd : low, j),
                                               fifth_bits_of_column(j % 2 ? high_odd : high, j)));
    }
}

INLINE __m512i move_bits_512(__m512i v, int from, int to, int mask)
{
    v = from > to ? _mm512_srli_epi16(v, (unsigned)(from - to))
                  : _mm512_slli_epi16(v, (unsigned)(to - from));
    return _mm512_and_si512(v, _mm512_set1_epi8((char)mask));
}

/* codes_of_strips(). */
INLINE __m512i codes_of_strips_512(quant_id id, int c, __m512i low, __m512i high)
{
    switch (id) {
    case QUANT_q2_k: return move_bits_512(low, c % 4 * 2, 0, 3);
    case QUANT_q3_k:
        return _mm512_or_si512(move_bits_512(low, c % 4 * 2, 0, 3), move_bits_512(high, c, 2, 4));
    case QUANT_q4_k: return move_bits_512(low, c % 2 * 4, 0, 15);
    case QUANT_q5_k:
        return _mm512_or_si512(move_bits_512(low, c % 2 * 4, 0, 15), move_bits_512(high, c, 4, 16));
    default:
        return _mm512_or_si512(move_bits_512(low, c % 4 / 2 * 4, 0, 15),
                               move_bits_512(high, c % 4 * 2, 4, 0x30));
    }
}

/* The bytes of a step; high stays as it was where it serves on. */
INLINE void load_strip(quant_id id, strip_step step, const uint8_t *const row[16], size_t at,
                       __m512i low[4], __m512i high[4])
{
    const size_t half = 16 * (size_t)step.part;

    if (has_high_strip(id) && step.is_high_new)
        columns_of_16(high, row, at + high_strip(id, step.first) + half);
    columns_of_16(low, row, at + low_strip(id, step.first) + half);
}

/* Scales and minima of a superblock, four signed bytes in a lane: of group g byte
 * g % 4 of [g / 4]; groups of 32 weights or of 16, as has_scale_per_32() says. */
typedef struct block_scales {
    __m512i scale[4], min[4];
    __m512 d, m;
} block_scales;

INLINE block_scales join_k4(k4_columns a, k4_columns b)
{
    return (block_scales){.scale = {join(a.scale[0], b.scale[0]), join(a.scale[1], b.scale[1])},
                          .min = {join(a.min[0], b.min[0]), join(a.min[1], b.min[1])},
                          .d = join_floats(a.d, b.d),
                          .m = join_floats(a.m, b.m)};
}

INLINE block_scales join_k16(quant_id id, k16_columns a, k16_columns b)
{
    block_scales s = {.d = join_floats(a.d, b.d)};

    UNROLL(4)
    for (int i = 0; i < 4; i++) {
        s.scale[i] = join(a.scale[i], b.scale[i]);
        if (id == QUANT_q2_k)
            s.min[i] = join(a.min[i], b.min[i]);
    }
    if (id == QUANT_q2_k)
        s.m = join_floats(a.m, b.m);
    return s;
}

/* Even and odd scales in turn. */
INLINE block_scales scales_of_iq4_xs(const uint8_t *const row[16], size_t at)
{
    __m256i a[2], b[2];
    __m256 d_a, d_b;

    iq4_xs_of_rows(a, &d_a, row, at);
    iq4_xs_of_rows(b, &d_b, row + 8, at);
    const __m512i even = join(a[0], b[0]), odd = join(a[1], b[1]);
    const __m256i first = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0,
                                           4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    block_scales s = {.d = join_floats(d_a, d_b)};

    /* Bytes 0 and 1 of a lane beside each other, then 2 and 3. */
    const __m512i order = join(first, first);
    const __m512i e = _mm512_shuffle_epi8(even, order), o = _mm512_shuffle_epi8(odd, order);
    const __m512i low = _mm512_unpacklo_epi8(e, o), high = _mm512_unpackhi_epi8(e, o);
    const __m256i back = _mm256_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15, 0,
                                          1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
    const __m512i lanes = join(back, back);
    s.scale[0] = _mm512_shuffle_epi8(low, lanes);
    s.scale[1] = _mm512_shuffle_epi8(high, lanes);
    return s;
}

INLINE block_scales scales_of_block_256(quant_id id, const uint8_t *const row[16], size_t at)
{
    switch (id) {
    case QUANT_q2_k: return join_k16(id, k16_of_q2_k(row, at), k16_of_q2_k(row + 8, at));
    case QUANT_q3_k: return join_k16(id, k16_of_q3_k(row, at), k16_of_q3_k(row + 8, at));
    case QUANT_q4_k:
    case QUANT_q5_k: return join_k4(k4_of_rows(row, at), k4_of_rows(row + 8, at));
    case QUANT_iq4_xs: return scales_of_iq4_xs(row, at);
    default: {
        block_scales s = {
            .d = join_floats(scales_of_rows(id, row, at, 0), scales_of_rows(id, row + 8, at, 0))};
        columns_of_16(s.scale, row, at + offsetof(ts_block_q6_k, scales));
        return s;
    }
    }
}

/* The scale of group g, 32 bits wide. */
INLINE __m512i scale_of_group(const block_scales *s, int g)
{
    const __m256i lane = _mm256_setr_epi32(0, 0x04000000, 0x08000000, 0x0C000000, 0, 0x04000000,
                                           0x08000000, 0x0C000000);
    const __m256i which =
        _mm256_add_epi32(lane, _mm256_set1_epi32((int)(0x00808080u | (unsigned)(g % 4) << 24)));

    return _mm512_srai_epi32(_mm512_shuffle_epi8(s->scale[g / 4], join(which, which)), 24);
}

/* Minima of groups 2j and 2j + 1 as 16 bits each; for types without, their scales,
 * which tell what the codes' offset costs. */
INLINE __m512i pair_of_minima(quant_id id, const block_scales *s, int j)
{
    const __m256i lane = _mm256_setr_epi32(0, 0x04000400, 0x08000800, 0x0C000C00, 0, 0x04000400,
                                           0x08000800, 0x0C000C00);
    const int a = j % 2 * 2;
    const __m256i which = _mm256_add_epi32(
        lane, _mm256_set1_epi32((int)(0x00800080u | (unsigned)a << 8 | (unsigned)(a + 1) << 24)));
    const __m512i v = has_min(id) ? s->min[j / 2] : s->scale[j / 2];

    return _mm512_srai_epi16(_mm512_shuffle_epi8(v, join(which, which)), 8);
}

INLINE __m512 floats_of_16(quant_id id, const uint8_t *const row[16], size_t at, int which)
{
    return join_floats(scales_of_rows(id, row, at, which), scales_of_rows(id, row + 8, at, which));
}

#endif
#endif
