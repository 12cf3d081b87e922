/* quant_neon.h - decoding of quantised blocks in NEON registers.
 *
 * Codes come 32 at a time in the order of the row, with their sign: the dot
 * products of ARMv8.2 take signed bytes.  The functions are switches over a
 * constant: inlined, one case remains.
 */
#ifndef TS_KERNELS_QUANT_NEON_H
#define TS_KERNELS_QUANT_NEON_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/quant_unpack.h"

#ifdef __ARM_NEON
#include <arm_neon.h>

#define INLINE static inline __attribute__((always_inline))

typedef enum quant_id {
#define QUANT(type, block) QUANT_##type,
#include "kernels/quant.def"
#undef QUANT
} quant_id;

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

typedef struct codes_32 {
    int8x16_t half[2];
} codes_32;

INLINE codes_32 nibbles(const uint8_t qs[16])
{
    const uint8x16_t v = vld1q_u8(qs);

    return (codes_32){
        {vreinterpretq_s8_u8(vandq_u8(v, vdupq_n_u8(15))), vreinterpretq_s8_u8(vshrq_n_u8(v, 4))}};
}

INLINE codes_32 minus(codes_32 c, int offset)
{
    for (int i = 0; i < 2; i++)
        c.half[i] = vsubq_s8(c.half[i], vdupq_n_s8((int8_t)offset));
    return c;
}

INLINE codes_32 look_up(const int8_t table[16], codes_32 index)
{
    const int8x16_t t = vld1q_s8(table);

    for (int i = 0; i < 2; i++)
        index.half[i] = vqtbl1q_s8(t, vreinterpretq_u8_s8(index.half[i]));
    return index;
}

/* Bit j of the four bytes, as 16 in byte j. */
INLINE codes_32 with_fifth_bits(codes_32 c, const uint8_t qh[4])
{
    static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vld1q_u8(bits);

    for (int i = 0; i < 2; i++) {
        const uint8x16_t v = vcombine_u8(vdup_n_u8(qh[2 * i]), vdup_n_u8(qh[2 * i + 1]));
        const uint8x16_t high = vandq_u8(vtstq_u8(v, bit), vdupq_n_u8(16));
        c.half[i] = vorrq_s8(c.half[i], vreinterpretq_s8_u8(high));
    }
    return c;
}

INLINE codes_32 decode_32(quant_id id, const void *w)
{
    static const int8_t iq4[16] = {QUANT_IQ4_VALUES}, e2m1[16] = {QUANT_E2M1_VALUES};

    switch (id) {
    case QUANT_q4_0: return minus(nibbles(((const ts_block_q4_0 *)w)->qs), 8);
    case QUANT_q4_1: return nibbles(((const ts_block_q4_1 *)w)->qs);
    case QUANT_q5_0: {
        const ts_block_q5_0 *b = w;
        return minus(with_fifth_bits(nibbles(b->qs), b->qh), 16);
    }
    case QUANT_q5_1: {
        const ts_block_q5_1 *b = w;
        return with_fifth_bits(nibbles(b->qs), b->qh);
    }
    case QUANT_q8_0: {
        const ts_block_q8_0 *b = w;
        return (codes_32){{vld1q_s8(b->qs), vld1q_s8(b->qs + 16)}};
    }
    case QUANT_iq4_nl: return look_up(iq4, nibbles(((const ts_block_iq4_nl *)w)->qs));
    default: return look_up(e2m1, nibbles(((const ts_block_mxfp4 *)w)->qs));
    }
}

/* Move bit `from` of every byte to bit `to` and keep `mask`. */
INLINE uint8x16_t move_bits(const uint8_t *p, int from, int to, int mask)
{
    const uint8x16_t v = vshlq_u8(vld1q_u8(p), vdupq_n_s8((int8_t)(to - from)));

    return vandq_u8(v, vdupq_n_u8((uint8_t)mask));
}

/* Sixteen of the weights 32c ... 32c + 31 of a superblock: the half at 16i. */
INLINE int8x16_t decode_256_half(quant_id id, const void *w, int c, int i)
{
    uint8x16_t v;

    switch (id) {
    case QUANT_q2_k:
        v = move_bits(((const ts_block_q2_k *)w)->qs + c / 4 * 32 + 16 * i, c % 4 * 2, 0, 3);
        break;
    case QUANT_q3_k: {
        const ts_block_q3_k *b = w;
        v = vorrq_u8(move_bits(b->qs + c / 4 * 32 + 16 * i, c % 4 * 2, 0, 3),
                     move_bits(b->hmask + 16 * i, c, 2, 4));
        return vsubq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(4));
    }
    case QUANT_q4_k:
        v = move_bits(((const ts_block_q4_k *)w)->qs + c / 2 * 32 + 16 * i, c % 2 * 4, 0, 15);
        break;
    case QUANT_q5_k: {
        const ts_block_q5_k *b = w;
        v = vorrq_u8(move_bits(b->qs + c / 2 * 32 + 16 * i, c % 2 * 4, 0, 15),
                     move_bits(b->qh + 16 * i, c, 4, 16));
        break;
    }
    default: {
        const ts_block_q6_k *b = w;
        v = vorrq_u8(move_bits(b->ql + c / 4 * 64 + c % 2 * 32 + 16 * i, c % 4 / 2 * 4, 0, 15),
                     move_bits(b->qh + c / 4 * 32 + 16 * i, c % 4 * 2, 4, 0x30));
        return vsubq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(32));
    }
    }
    return vreinterpretq_s8_u8(v);
}

INLINE codes_32 decode_256(quant_id id, const void *w, int c)
{
    static const int8_t iq4[16] = {QUANT_IQ4_VALUES};

    if (id == QUANT_iq4_xs)
        return look_up(iq4, nibbles(((const ts_block_iq4_xs *)w)->qs + 16 * c));
    return (codes_32){{decode_256_half(id, w, c, 0), decode_256_half(id, w, c, 1)}};
}

INLINE void scales_256(quant_id id, quant_codes *c, const void *w)
{
    switch (id) {
    case QUANT_q2_k: quant_scales_q2_k(c, w); break;
    case QUANT_q3_k: quant_scales_q3_k(c, w); break;
    case QUANT_q4_k: quant_scales_q4_k(c, w); break;
    case QUANT_q5_k: quant_scales_q5_k(c, w); break;
    case QUANT_q6_k: quant_scales_q6_k(c, w); break;
    default: quant_scales_iq4_xs(c, w); break;
    }
}

/* The scale (which = 0) or minimum of a block of 32. */
INLINE float scale_32(quant_id id, const void *w, int which)
{
    switch (id) {
    case QUANT_q4_0: return half_f16(((const ts_block_q4_0 *)w)->d);
    case QUANT_q4_1: {
        const ts_block_q4_1 *b = w;
        return half_f16(which ? b->m : b->d);
    }
    case QUANT_q5_0: return half_f16(((const ts_block_q5_0 *)w)->d);
    case QUANT_q5_1: {
        const ts_block_q5_1 *b = w;
        return half_f16(which ? b->m : b->d);
    }
    case QUANT_q8_0: return half_f16(((const ts_block_q8_0 *)w)->d);
    case QUANT_iq4_nl: return half_f16(((const ts_block_iq4_nl *)w)->d);
    default: return quant_e8m0(((const ts_block_mxfp4 *)w)->e);
    }
}

#endif
#endif
