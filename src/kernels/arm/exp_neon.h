/* exp_neon.h - exp.h, four at a time, operation for operation. */
#ifndef TS_KERNELS_EXP_NEON_H
#define TS_KERNELS_EXP_NEON_H

#include "kernels/exp.h"

#ifdef __ARM_NEON
#include <arm_neon.h>

/* a if it is greater, else b; not vmaxq, which treats NaN differently. */
static inline float32x4_t neon_greater(float32x4_t a, float32x4_t b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static inline float32x4_t neon_exp(float32x4_t x)
{
    const float32x4_t one = vdupq_n_f32(1.0f), magic = vdupq_n_f32(EXP_ROUND);
    const float32x4_t max = vdupq_n_f32(EXP_MAX);

    x = vbslq_f32(vcltq_f32(max, x), max, x); /* in this order NaN passes */
    x = neon_greater(vdupq_n_f32(EXP_MIN), x);
    const float32x4_t rounded = vfmaq_f32(magic, x, vdupq_n_f32(EXP_LOG2E));
    const float32x4_t n = vsubq_f32(rounded, magic);
    float32x4_t r = vfmsq_f32(x, n, vdupq_n_f32(EXP_LN2_HI));
    r = vfmsq_f32(r, n, vdupq_n_f32(EXP_LN2_LO));

    float32x4_t q = vfmaq_f32(vdupq_n_f32(EXP_Q3), vdupq_n_f32(EXP_Q4), r);
    q = vfmaq_f32(vdupq_n_f32(EXP_Q2), q, r);
    q = vfmaq_f32(vdupq_n_f32(EXP_Q1), q, r);
    q = vfmaq_f32(vdupq_n_f32(EXP_Q0), q, r);
    q = vfmaq_f32(one, q, r);
    const float32x4_t p = vfmaq_f32(one, q, r);

    const uint32x4_t e =
        vsubq_u32(vreinterpretq_u32_f32(rounded), vdupq_n_u32(EXP_ROUND_BITS - 256));
    const uint32x4_t h = vshrq_n_u32(e, 1);
    const uint32x4_t f = vsubq_u32(h, vdupq_n_u32(1));
    const uint32x4_t g = vsubq_u32(vsubq_u32(e, h), vdupq_n_u32(1));
    return vmulq_f32(vmulq_f32(p, vreinterpretq_f32_u32(vshlq_n_u32(f, 23))),
                     vreinterpretq_f32_u32(vshlq_n_u32(g, 23)));
}

/* 1 + exp(-x) */
static inline float32x4_t neon_one_plus_exp_minus(float32x4_t x)
{
    return vaddq_f32(vdupq_n_f32(1.0f), neon_exp(vnegq_f32(x)));
}

#endif
#endif
