/* quant_pack.h - the canonical form of a block as bytes: quant_unpack.h, backwards.
 *
 * Codes and scales must be in the range of the type.  d and dmin are rounded to what
 * the block stores.
 */
#ifndef TS_KERNELS_QUANT_PACK_H
#define TS_KERNELS_QUANT_PACK_H

#include "kernels/quant_unpack.h"

static inline void quant_pack_nibbles(uint8_t *qs, const int8_t *q, int n_bytes, int offset)
{
    for (int j = 0; j < n_bytes; j++)
        qs[j] = (uint8_t)((q[j] + offset) & 15) | (uint8_t)(((q[j + n_bytes] + offset) & 15) << 4);
}

static inline void quant_pack_fifth_bits(uint8_t qh[4], const int8_t *q, int offset)
{
    memset(qh, 0, 4);
    for (int j = 0; j < 32; j++)
        qh[j / 8] |= (uint8_t)(((q[j] + offset) >> 4 & 1) << j % 8);
}

static inline void quant_pack_q4_0(void *w, const quant_codes *c)
{
    ts_block_q4_0 *b = w;

    b->d = half_to_f16(c->d);
    quant_pack_nibbles(b->qs, c->q, 16, 8);
}

static inline void quant_pack_q4_1(void *w, const quant_codes *c)
{
    ts_block_q4_1 *b = w;

    b->d = half_to_f16(c->d);
    b->m = half_to_f16(c->dmin);
    quant_pack_nibbles(b->qs, c->q, 16, 0);
}

static inline void quant_pack_q5_0(void *w, const quant_codes *c)
{
    ts_block_q5_0 *b = w;

    b->d = half_to_f16(c->d);
    quant_pack_nibbles(b->qs, c->q, 16, 16);
    quant_pack_fifth_bits(b->qh, c->q, 16);
}

static inline void quant_pack_q5_1(void *w, const quant_codes *c)
{
    ts_block_q5_1 *b = w;

    b->d = half_to_f16(c->d);
    b->m = half_to_f16(c->dmin);
    quant_pack_nibbles(b->qs, c->q, 16, 0);
    quant_pack_fifth_bits(b->qh, c->q, 0);
}

static inline void quant_pack_q8_0(void *w, const quant_codes *c)
{
    ts_block_q8_0 *b = w;

    b->d = half_to_f16(c->d);
    memcpy(b->qs, c->q, sizeof b->qs);
}

/* Values of a code book back to their places in it. */
static inline void quant_places(int8_t *out, const int8_t *q, int n, const int8_t values[16])
{
    for (int i = 0; i < n; i++)
        for (int8_t j = 15; j >= 0; j--)
            if (values[j] == q[i])
                out[i] = j;
}

static inline void quant_pack_iq4_nl(void *w, const quant_codes *c)
{
    static const int8_t values[16] = {QUANT_IQ4_VALUES};
    ts_block_iq4_nl *b = w;
    int8_t place[32] = {0};

    b->d = half_to_f16(c->d);
    quant_places(place, c->q, 32, values);
    quant_pack_nibbles(b->qs, place, 16, 0);
}

static inline void quant_pack_mxfp4(void *w, const quant_codes *c)
{
    static const int8_t values[16] = {QUANT_E2M1_VALUES};
    ts_block_mxfp4 *b = w;
    int8_t place[32] = {0};
    uint8_t e = 0;

    while (e < 254 && quant_e8m0(e) < c->d)
        e++;
    b->e = e;
    quant_places(place, c->q, 32, values);
    quant_pack_nibbles(b->qs, place, 16, 0);
}

/* The inverse of quant_two_bits. */
static inline void quant_pack_two_bits(uint8_t qs[64], const int8_t *q, int offset)
{
    memset(qs, 0, 64);
    for (int i = 0; i < 256; i++)
        qs[32 * (i / 128) + i % 32] |= (uint8_t)(((q[i] + offset) & 3) << 2 * (i / 32 % 4));
}

static inline void quant_pack_q2_k(void *w, const quant_codes *c)
{
    ts_block_q2_k *b = w;

    b->d = half_to_f16(c->d);
    b->dmin = half_to_f16(c->dmin);
    for (int g = 0; g < 16; g++)
        b->scales[g] = (uint8_t)(c->scale[g] | c->min[g] << 4);
    quant_pack_two_bits(b->qs, c->q, 0);
}

static inline void quant_pack_q3_k(void *w, const quant_codes *c)
{
    ts_block_q3_k *b = w;

    b->d = half_to_f16(c->d);
    memset(b->scales, 0, sizeof b->scales);
    for (int g = 0; g < 16; g++) {
        const int s = c->scale[g] + 32;
        b->scales[g % 8] |= (uint8_t)((s & 15) << (g < 8 ? 0 : 4));
        b->scales[8 + g % 4] |= (uint8_t)((s >> 4 & 3) << 2 * (g / 4));
    }
    quant_pack_two_bits(b->qs, c->q, 4);
    memset(b->hmask, 0, sizeof b->hmask);
    for (int i = 0; i < 256; i++)
        b->hmask[i % 32] |= (uint8_t)((c->q[i] >= 0) << i / 32);
}

static inline void quant_pack_scales_k4(uint8_t s[12], const quant_codes *c)
{
    for (int j = 0; j < 4; j++) {
        const int scale = c->scale[8 + 2 * j], min = c->min[8 + 2 * j];
        s[j] = (uint8_t)(c->scale[2 * j] | scale >> 4 << 6);
        s[4 + j] = (uint8_t)(c->min[2 * j] | min >> 4 << 6);
        s[8 + j] = (uint8_t)((scale & 15) | (min & 15) << 4);
    }
}

static inline void quant_pack_q4_k(void *w, const quant_codes *c)
{
    ts_block_q4_k *b = w;

    b->d = half_to_f16(c->d);
    b->dmin = half_to_f16(c->dmin);
    quant_pack_scales_k4(b->scales, c);
    for (int chunk = 0; chunk < 4; chunk++)
        quant_pack_nibbles(b->qs + 32 * chunk, c->q + 64 * chunk, 32, 0);
}

static inline void quant_pack_q5_k(void *w, const quant_codes *c)
{
    ts_block_q5_k *b = w;

    b->d = half_to_f16(c->d);
    b->dmin = half_to_f16(c->dmin);
    quant_pack_scales_k4(b->scales, c);
    for (int chunk = 0; chunk < 4; chunk++)
        quant_pack_nibbles(b->qs + 32 * chunk, c->q + 64 * chunk, 32, 0);
    memset(b->qh, 0, sizeof b->qh);
    for (int i = 0; i < 256; i++)
        b->qh[i % 32] |= (uint8_t)((c->q[i] >> 4 & 1) << i / 32);
}

static inline void quant_pack_q6_k(void *w, const quant_codes *c)
{
    ts_block_q6_k *b = w;

    b->d = half_to_f16(c->d);
    for (int g = 0; g < 16; g++)
        b->scales[g] = (int8_t)c->scale[g];
    memset(b->ql, 0, sizeof b->ql);
    memset(b->qh, 0, sizeof b->qh);
    for (int i = 0; i < 256; i++) {
        const int half = i / 128;
        const int plane = i / 32 % 4;
        const int code = c->q[i] + 32;
        b->ql[64 * half + i % 64] |= (uint8_t)((code & 15) << (plane < 2 ? 0 : 4));
        b->qh[32 * half + i % 32] |= (uint8_t)((code >> 4) << 2 * plane);
    }
}

static inline void quant_pack_iq4_xs(void *w, const quant_codes *c)
{
    static const int8_t values[16] = {QUANT_IQ4_VALUES};
    ts_block_iq4_xs *b = w;
    int8_t place[256] = {0};
    unsigned high = 0;

    b->d = half_to_f16(c->d);
    memset(b->scales_l, 0, sizeof b->scales_l);
    for (int g = 0; g < 16; g += 2) {
        const int s = c->scale[g] + 32;
        b->scales_l[g / 4] |= (uint8_t)((s & 15) << 4 * (g / 2 % 2));
        high |= (unsigned)(s >> 4) << g;
    }
    b->scales_h = (uint16_t)high;
    quant_places(place, c->q, 256, values);
    for (int chunk = 0; chunk < 8; chunk++)
        quant_pack_nibbles(b->qs + 16 * chunk, place + 32 * chunk, 16, 0);
}

#endif
