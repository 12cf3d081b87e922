/* half.h - the narrow float formats, one value at a time, exactly. */
#ifndef TS_KERNELS_HALF_H
#define TS_KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

static inline float half_from_bits(uint32_t bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

/* IEEE binary16. */
static inline float half_f16(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    const uint32_t exponent = h & 0x7c00u;
    const uint32_t rest = (uint32_t)(h & 0x7fffu) << 13;

    if (exponent == 0x7c00u)
        return half_from_bits(sign | 0x7f800000u | rest);
    if (exponent == 0) {
        const float v = (float)(h & 0x3ffu) * 0x1p-24f;
        return sign ? -v : v;
    }
    return half_from_bits(sign | (rest + (112u << 23)));
}

/* To the nearest, ties to even; beyond the range to the largest (65504), for weights
 * must stay numbers.  NaN is not asked for. */
static inline uint16_t half_to_f16(float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude >= 0x477ff000u) /* 65520: would round to infinity */
        return sign | 0x7bffu;
    if (magnitude < 0x38800000u) { /* 2^-14: a multiple of 2^-24 */
        /* Adding 1.5 * 2^-1 leaves exactly those bits, rounded by the hardware. */
        float f;
        memcpy(&f, &magnitude, sizeof f);
        f += 0.75f;
        memcpy(&bits, &f, sizeof bits);
        return (uint16_t)(sign | (bits & 0x7ffu));
    }
    const uint32_t odd = magnitude >> 13 & 1;
    return (uint16_t)(sign | (magnitude - (112u << 23) + 0xfffu + odd) >> 13);
}

/* To the nearest, ties to even. */
static inline uint16_t half_to_bf16(float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

/* The upper half of a binary32. */
static inline float half_bf16(uint16_t h)
{
    return half_from_bits((uint32_t)h << 16);
}

/* FP8 e4m3 as PyTorch's float8_e4m3fn: bias 7, no infinity, 0x7f and 0xff are
 * NaN, the largest value is 448.  The seven lower bits are a binary16 with
 * bias 15, moved down three places: times 2^8. */
static inline float half_f8_e4m3(uint8_t b)
{
    if ((b & 0x7fu) == 0x7fu)
        return half_from_bits((uint32_t)b << 24 | 0x7fc00000u);
    return half_f16((uint16_t)((b & 0x80u) << 8 | (b & 0x7fu) << 7)) * 256.0f;
}

#endif
