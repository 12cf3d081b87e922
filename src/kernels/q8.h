/* q8.h - what quantize_q8 does with one block's largest magnitude.
 *
 * The maximum is taken over the bits of |x| as integers: for numbers that is
 * the order of their values, infinity is above them and NaN above infinity, so
 * one integer maximum finds both and no variant can disagree.
 *
 *   below 2^-119     the block counts as zero: d = 0, q = 0.  (127 / max would
 *                    overflow, and d would be subnormal.)
 *   infinity or NaN  q = 0 and d = infinity or NaN, so every product with the
 *                    block is NaN and the fault stays visible.
 *   else             d = max / 127, q = x * (127 / max), ties to even; |q| <= 127.
 */
#ifndef TS_KERNELS_Q8_H
#define TS_KERNELS_Q8_H

#include <stdint.h>
#include <string.h>

#define Q8_TINY_BITS     0x04000000u /* 2^-119 */
#define Q8_INFINITY_BITS 0x7f800000u

/* Set *d = max / most; return the factor of the block, most / max, or 0 if all
 * its q are 0: also where the factor would overflow, for a larger `most`. */
static inline float q_factor(uint32_t max_bits, float most, float *d)
{
    float max;

    memcpy(&max, &max_bits, sizeof max);
    if (max_bits < Q8_TINY_BITS || (max_bits < Q8_INFINITY_BITS && most / max > 0x1p127f)) {
        *d = 0.0f;
        return 0.0f;
    }
    *d = max / most;
    return max_bits >= Q8_INFINITY_BITS ? 0.0f : most / max;
}

static inline float q8_factor(uint32_t max_bits, float *d)
{
    return q_factor(max_bits, 127.0f, d);
}

#endif
