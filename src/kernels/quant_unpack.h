/* quant_unpack.h - what the bytes of a quantised block mean.
 *
 * Every type is brought into one canonical form: integer codes, integer scales
 * and minima per 16 codes, and one or two floats per block.  The value of
 * weight i of a block is
 *
 *   block 32:   d * q[i]                  and + dmin for types with a minimum
 *   block 256:  (d * scale[i/16]) * q[i]  and - dmin * min[i/16] likewise
 *
 * in float32, with one rounding per operation, as ggml and gguf-py publish it.
 * This is the plain, portable form; the variants decode in registers.
 */
#ifndef TS_KERNELS_QUANT_UNPACK_H
#define TS_KERNELS_QUANT_UNPACK_H

#include <stdint.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/quant_blocks.h"

typedef struct quant_codes {
    int8_t q[256];
    int16_t scale[16], min[16];
    float d, dmin;
} quant_codes;

/* Has the type a minimum, and so a second product in quant.def's sum? */
enum {
    QUANT_HAS_MIN_q4_0 = 0,
    QUANT_HAS_MIN_q4_1 = 1,
    QUANT_HAS_MIN_q5_0 = 0,
    QUANT_HAS_MIN_q5_1 = 1,
    QUANT_HAS_MIN_q8_0 = 0,
    QUANT_HAS_MIN_iq4_nl = 0,
    QUANT_HAS_MIN_mxfp4 = 0,
    QUANT_HAS_MIN_q2_k = 1,
    QUANT_HAS_MIN_q3_k = 0,
    QUANT_HAS_MIN_q4_k = 1,
    QUANT_HAS_MIN_q5_k = 1,
    QUANT_HAS_MIN_q6_k = 0,
    QUANT_HAS_MIN_iq4_xs = 0
};

/* Code books of the file formats (ggml, src/ggml-common.h). */
#define QUANT_IQ4_VALUES -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
/* E2M1, doubled so that it is whole; quant_e8m0() halves the scale. */
#define QUANT_E2M1_VALUES 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12

/* Half of the E8M0 scale e, 2^(e - 128). */
static inline float quant_e8m0(uint8_t e)
{
    return half_from_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

static inline void quant_nibbles(int8_t *q, const uint8_t *qs, int n_bytes)
{
    for (int j = 0; j < n_bytes; j++) {
        q[j] = qs[j] & 15;
        q[j + n_bytes] = qs[j] >> 4;
    }
}

static inline void quant_unpack_q4_0(quant_codes *c, const void *w)
{
    const ts_block_q4_0 *b = w;

    c->d = half_f16(b->d);
    quant_nibbles(c->q, b->qs, 16);
    for (int j = 0; j < 32; j++)
        c->q[j] = (int8_t)(c->q[j] - 8);
}

static inline void quant_unpack_q4_1(quant_codes *c, const void *w)
{
    const ts_block_q4_1 *b = w;

    c->d = half_f16(b->d);
    c->dmin = half_f16(b->m);
    quant_nibbles(c->q, b->qs, 16);
}

/* offset: 16 for q5_0, 0 for q5_1. */
static inline void quant_fifth_bits(int8_t *q, const uint8_t qh[4], int offset)
{
    for (int j = 0; j < 32; j++)
        q[j] = (int8_t)((q[j] | (qh[j / 8] >> j % 8 & 1) << 4) - offset);
}

static inline void quant_unpack_q5_0(quant_codes *c, const void *w)
{
    const ts_block_q5_0 *b = w;

    c->d = half_f16(b->d);
    quant_nibbles(c->q, b->qs, 16);
    quant_fifth_bits(c->q, b->qh, 16);
}

static inline void quant_unpack_q5_1(quant_codes *c, const void *w)
{
    const ts_block_q5_1 *b = w;

    c->d = half_f16(b->d);
    c->dmin = half_f16(b->m);
    quant_nibbles(c->q, b->qs, 16);
    quant_fifth_bits(c->q, b->qh, 0);
}

static inline void quant_unpack_q8_0(quant_codes *c, const void *w)
{
    const ts_block_q8_0 *b = w;

    c->d = half_f16(b->d);
    memcpy(c->q, b->qs, sizeof b->qs);
}

static inline void quant_look_up(int8_t *q, const int8_t values[16], int n)
{
    for (int j = 0; j < n; j++)
        q[j] = values[q[j]];
}

static inline void quant_unpack_iq4_nl(quant_codes *c, const void *w)
{
    static const int8_t values[16] = {QUANT_IQ4_VALUES};
    const ts_block_iq4_nl *b = w;

    c->d = half_f16(b->d);
    quant_nibbles(c->q, b->qs, 16);
    quant_look_up(c->q, values, 32);
}

static inline void quant_unpack_mxfp4(quant_codes *c, const void *w)
{
    static const int8_t values[16] = {QUANT_E2M1_VALUES};
    const ts_block_mxfp4 *b = w;

    c->d = quant_e8m0(b->e);
    quant_nibbles(c->q, b->qs, 16);
    quant_look_up(c->q, values, 32);
}

/* Two bits of code i, i / 128 = half, i / 32 % 4 = plane, i % 32 = byte. */
static inline int8_t quant_two_bits(const uint8_t qs[64], int i)
{
    return qs[32 * (i / 128) + i % 32] >> 2 * (i / 32 % 4) & 3;
}

/* quant_scales_<type>: all but the codes of a superblock. */
static inline void quant_scales_q2_k(quant_codes *c, const void *w)
{
    const ts_block_q2_k *b = w;

    c->d = half_f16(b->d);
    c->dmin = half_f16(b->dmin);
    for (int g = 0; g < 16; g++) {
        c->scale[g] = b->scales[g] & 15;
        c->min[g] = b->scales[g] >> 4;
    }
}

static inline void quant_unpack_q2_k(quant_codes *c, const void *w)
{
    const ts_block_q2_k *b = w;

    quant_scales_q2_k(c, w);
    for (int i = 0; i < 256; i++)
        c->q[i] = quant_two_bits(b->qs, i);
}

static inline void quant_scales_q3_k(quant_codes *c, const void *w)
{
    const ts_block_q3_k *b = w;

    c->d = half_f16(b->d);
    for (int g = 0; g < 16; g++) {
        const int low = b->scales[g % 8] >> (g < 8 ? 0 : 4) & 15;
        const int high = b->scales[8 + g % 4] >> 2 * (g / 4) & 3;
        c->scale[g] = (int16_t)((low | high << 4) - 32);
    }
}

static inline void quant_unpack_q3_k(quant_codes *c, const void *w)
{
    const ts_block_q3_k *b = w;

    quant_scales_q3_k(c, w);
    for (int i = 0; i < 256; i++) {
        const int has_high_bit = b->hmask[i % 32] >> i / 32 & 1;
        c->q[i] = (int8_t)(quant_two_bits(b->qs, i) - (has_high_bit ? 0 : 4));
    }
}

/* Eight six-bit scales and minima in twelve bytes: s[0..3] and s[4..7] hold the
 * first four of each; s[8..11] the low nibbles of the others, whose upper bits
 * are the top bits of s[0..7]. */
static inline void quant_scales_k4(quant_codes *c, const uint8_t s[12])
{
    for (int j = 0; j < 4; j++) {
        const int scale = (s[8 + j] & 15) | s[j] >> 6 << 4;
        const int min = s[8 + j] >> 4 | s[4 + j] >> 6 << 4;
        for (int i = 0; i < 2; i++) {
            c->scale[2 * j + i] = s[j] & 63;
            c->min[2 * j + i] = s[4 + j] & 63;
            c->scale[8 + 2 * j + i] = (int16_t)scale;
            c->min[8 + 2 * j + i] = (int16_t)min;
        }
    }
}

static inline void quant_scales_q4_k(quant_codes *c, const void *w)
{
    const ts_block_q4_k *b = w;

    c->d = half_f16(b->d);
    c->dmin = half_f16(b->dmin);
    quant_scales_k4(c, b->scales);
}

static inline void quant_unpack_q4_k(quant_codes *c, const void *w)
{
    const ts_block_q4_k *b = w;

    quant_scales_q4_k(c, w);
    for (int chunk = 0; chunk < 4; chunk++)
        quant_nibbles(c->q + 64 * chunk, b->qs + 32 * chunk, 32);
}

static inline void quant_scales_q5_k(quant_codes *c, const void *w)
{
    const ts_block_q5_k *b = w;

    c->d = half_f16(b->d);
    c->dmin = half_f16(b->dmin);
    quant_scales_k4(c, b->scales);
}

static inline void quant_unpack_q5_k(quant_codes *c, const void *w)
{
    const ts_block_q5_k *b = w;

    quant_scales_q5_k(c, w);
    for (int chunk = 0; chunk < 4; chunk++)
        quant_nibbles(c->q + 64 * chunk, b->qs + 32 * chunk, 32);
    for (int i = 0; i < 256; i++)
        c->q[i] = (int8_t)(c->q[i] | (b->qh[i % 32] >> i / 32 & 1) << 4);
}

static inline void quant_scales_q6_k(quant_codes *c, const void *w)
{
    const ts_block_q6_k *b = w;

    c->d = half_f16(b->d);
    for (int g = 0; g < 16; g++)
        c->scale[g] = b->scales[g];
}

static inline void quant_unpack_q6_k(quant_codes *c, const void *w)
{
    const ts_block_q6_k *b = w;

    quant_scales_q6_k(c, w);
    for (int i = 0; i < 256; i++) {
        const int half = i / 128;
        const int plane = i / 32 % 4;
        const int low = b->ql[64 * half + i % 64] >> (plane < 2 ? 0 : 4) & 15;
        const int high = b->qh[32 * half + i % 32] >> 2 * plane & 3;
        c->q[i] = (int8_t)((low | high << 4) - 32);
    }
}

static inline void quant_scales_iq4_xs(quant_codes *c, const void *w)
{
    const ts_block_iq4_xs *b = w;

    c->d = half_f16(b->d);
    for (int g = 0; g < 16; g++) {
        const int low = b->scales_l[g / 4] >> 4 * (g / 2 % 2) & 15;
        const int high = b->scales_h >> 2 * (g / 2) & 3;
        c->scale[g] = (int16_t)((low | high << 4) - 32);
    }
}

static inline void quant_unpack_iq4_xs(quant_codes *c, const void *w)
{
    static const int8_t values[16] = {QUANT_IQ4_VALUES};
    const ts_block_iq4_xs *b = w;

    quant_scales_iq4_xs(c, w);
    for (int chunk = 0; chunk < 8; chunk++)
        quant_nibbles(c->q + 32 * chunk, b->qs + 16 * chunk, 16);
    quant_look_up(c->q, values, 256);
}

#endif
