/* lanes_neon.h - lanes.h in four registers of four lanes. */
#ifndef TS_KERNELS_LANES_NEON_H
#define TS_KERNELS_LANES_NEON_H

#ifdef __ARM_NEON
#include <arm_neon.h>
#include <stddef.h>
#include <string.h>

/* The tree: l with l+8, l+4, l+2, l+1. */
static inline float neon_sum(float32x4_t v0, float32x4_t v1, float32x4_t v2, float32x4_t v3)
{
    const float32x4_t v = vaddq_f32(vaddq_f32(v0, v2), vaddq_f32(v1, v3));
    const float32x2_t s = vadd_f32(vget_low_f32(v), vget_high_f32(v));

    return vget_lane_f32(s, 0) + vget_lane_f32(s, 1);
}

/* The last n < 16 elements of a row, the rest filled up.  With +0 in one operand
 * of a dot product and -0 in the other, the filling leaves every accumulator as
 * it is, -0 included. */
static inline void neon_fill(float out[16], const float *p, size_t n, float filling)
{
    for (size_t l = 0; l < 16; l++)
        out[l] = filling;
    memcpy(out, p, n * sizeof *p);
}

#endif
#endif
