/* latent_neon.h - rounding of latent attention in NEON registers; see latent.h. */
#ifndef TS_KERNELS_LATENT_NEON_H
#define TS_KERNELS_LATENT_NEON_H

#include <math.h>

#include "kernels/latent.h"

#ifdef __ARM_NEON
#include <arm_neon.h>

/* n is a multiple of four. */
static inline uint32_t largest_of_floats(const float *x, size_t n)
{
    uint32x4_t m = vdupq_n_u32(0);

    for (size_t i = 0; i < n; i += 4)
        m = vmaxq_u32(m, vreinterpretq_u32_f32(vabsq_f32(vld1q_f32(x + i))));
    return vmaxvq_u32(m);
}

/* Eight rounded products in 16 bits; 0 where the factor is. */
static inline int16x8_t round_8(const float *x, float factor)
{
    const int32x4_t a = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x), factor));
    const int32x4_t b = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4), factor));

    /* 0 times infinity is no number; it would be 0 here too, but that is luck. */
    return factor > 0 ? vcombine_s16(vmovn_s32(a), vmovn_s32(b)) : vdupq_n_s16(0);
}

#endif
#endif
