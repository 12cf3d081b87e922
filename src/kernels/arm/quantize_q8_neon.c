/* quantize_q8_neon.c - quantize_q8 in groups of sixteen; see
 * ref/quantize_q8_ref.c and q8.h. */
#include "kernels/arm/lanes_neon.h"
#include "kernels/kernels.h"
#include "kernels/q8.h"

static uint32_t largest_magnitude(const float *x, size_t n)
{
    const uint32x4_t magnitude = vdupq_n_u32(0x7fffffffu);
    uint32x4_t m = vdupq_n_u32(0);
    size_t i = 0;

    for (; i + 4 <= n; i += 4)
        m = vmaxq_u32(m, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(x + i)), magnitude));
    uint32_t max = vmaxvq_u32(m);
    for (; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffffu;
        max = bits > max ? bits : max;
    }
    return max;
}

/* Four rounded products. */
static inline int16x4_t round4(const float *x, float factor)
{
    return vmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x), factor)));
}

static inline int8x16_t round16(const float *x, float factor)
{
    const int16x8_t lo = vcombine_s16(round4(x, factor), round4(x + 4, factor));
    const int16x8_t hi = vcombine_s16(round4(x + 8, factor), round4(x + 12, factor));

    return vcombine_s8(vmovn_s16(lo), vmovn_s16(hi));
}

static void quantize_block(int8_t *q, float *d, int16_t *s, const float *x, size_t n)
{
    const float factor = q8_factor(largest_magnitude(x, n), d);
    size_t i = 0;

    if (!(factor > 0)) {
        memset(q, 0, n);
        memset(s, 0, (n + 15) / 16 * sizeof *s);
        return;
    }
    for (; i + 16 <= n; i += 16) {
        const int8x16_t rounded = round16(x + i, factor);
        vst1q_s8(q + i, rounded);
        *s++ = vaddlvq_s8(rounded);
    }
    if (i < n) {
        float last[16];
        int8_t bytes[16];
        neon_fill(last, x + i, n - i, 0.0f);
        const int8x16_t rounded = round16(last, factor);
        vst1q_s8(bytes, rounded);
        memcpy(q + i, bytes, n - i);
        *s = vaddlvq_s8(rounded);
    }
}

void ts_quantize_q8_neon(int8_t *q, float *d, int16_t *s, const float *x, size_t n, size_t block)
{
    for (size_t i = 0; i < n; i += block)
        quantize_block(q + i, d++, s + i / 16, x + i, n - i < block ? n - i : block);
}
