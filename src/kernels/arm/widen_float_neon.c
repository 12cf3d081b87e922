/* widen_float_neon.c - widen_f16 and widen_f8_e4m3; see ref/widen_float_ref.c
 * and half.h.  Compilers make the same of bf16's one shift. */
#include "kernels/half.h"
#include "kernels/kernels.h"

#include <arm_neon.h>

static inline void store_f16(float *y, uint16x8_t f16, float factor)
{
    const float32x4_t lo = vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(f16)));
    const float32x4_t hi = vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(f16)));

    vst1q_f32(y, vmulq_n_f32(lo, factor));
    vst1q_f32(y + 4, vmulq_n_f32(hi, factor));
}

void ts_widen_f16_neon(float *y, const void *w, size_t n)
{
    const uint8_t *p = w;
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        store_f16(y + i, vreinterpretq_u16_u8(vld1q_u8(p + 2 * i)), 1.0f);
    for (; i < n; i++) {
        uint16_t h;
        memcpy(&h, p + 2 * i, sizeof h);
        y[i] = half_f16(h);
    }
}

/* Bytes in the upper halves of 16-bit words: the arithmetic shift moves the
 * seven value bits to where binary16 has them, and the sign into two places, of
 * which the upper is kept.  Only seven ones carry into 0x4000 when one is added
 * at their end, and that makes 0x3f80 the NaN 0x7f80. */
static inline uint16x8_t f8_to_f16(uint8x8_t bytes)
{
    const int16x8_t high = vreinterpretq_s16_u16(vshlq_n_u16(vmovl_u8(bytes), 8));
    const uint16x8_t f16 =
        vandq_u16(vreinterpretq_u16_s16(vshrq_n_s16(high, 1)), vdupq_n_u16(0xbf80));
    const uint16x8_t value = vandq_u16(f16, vdupq_n_u16(0x3f80));
    const uint16x8_t carry = vandq_u16(vaddq_u16(value, vdupq_n_u16(0x0080)), vdupq_n_u16(0x4000));

    return vorrq_u16(f16, carry);
}

void ts_widen_f8_e4m3_neon(float *y, const void *w, size_t n)
{
    const uint8_t *p = w;
    size_t i = 0;

    for (; i + 8 <= n; i += 8)
        store_f16(y + i, f8_to_f16(vld1_u8(p + i)), 256.0f);
    for (; i < n; i++)
        y[i] = half_f8_e4m3(p[i]);
}
