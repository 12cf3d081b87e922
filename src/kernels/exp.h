/* exp.h - our own exponential, the same bits on every machine.
 *
 * n = round(x / ln 2), r = x - n ln 2 (ln 2 in two parts, so |r| <= 0.3467 has
 * no error worth mentioning), then
 *
 *     exp(x) = 2^n (1 + r (1 + r q(r)))
 *
 * with q of degree 4, fitted for the smallest relative error on |r| <= 0.34658
 * by iteratively reweighted least squares, coefficients rounded to float from
 * the lowest up and the rest refitted: 3.2e-9 before rounding, at most 1 ulp
 * after (tests/unit/test_exp.c).  The power of two is applied
 * as two factors, so that results below 2^-126 lose their bits gradually and
 * once: below about -103.97 the result is 0, above 88.7228 it is infinity,
 * without a branch.  NaN stays NaN.
 *
 * The vector versions (x86, arm) do the same operations in the same order.
 */
#ifndef TS_KERNELS_EXP_H
#define TS_KERNELS_EXP_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Beyond these the result is 0 or infinity anyway and n stays within 8 bits. */
#define EXP_MIN -104.0f
#define EXP_MAX 89.0f

#define EXP_LOG2E  0x1.715476p+0f
#define EXP_LN2_HI 0x1.62ep-1f
#define EXP_LN2_LO 0x1.0bfbe8p-15f

/* 1.5 * 2^23: adding it leaves the nearest integer (ties to even) in the low
 * bits of the mantissa. */
#define EXP_ROUND      0x1.8p+23f
#define EXP_ROUND_BITS 0x4b400000u

#define EXP_Q0 0x1.fffffcp-2f
#define EXP_Q1 0x1.555494p-3f
#define EXP_Q2 0x1.5558bep-5f
#define EXP_Q3 0x1.123858p-7f
#define EXP_Q4 0x1.6a3d14p-10f

static inline float exp_bits_to_float(uint32_t bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline float exp_f32(float x)
{
    uint32_t bits;

    x = EXP_MAX < x ? EXP_MAX : x; /* in this order NaN passes */
    x = EXP_MIN > x ? EXP_MIN : x;
    const float rounded = fmaf(x, EXP_LOG2E, EXP_ROUND);
    const float n = rounded - EXP_ROUND;
    float r = fmaf(n, -EXP_LN2_HI, x);
    r = fmaf(n, -EXP_LN2_LO, r);

    float q = fmaf(EXP_Q4, r, EXP_Q3);
    q = fmaf(q, r, EXP_Q2);
    q = fmaf(q, r, EXP_Q1);
    q = fmaf(q, r, EXP_Q0);
    q = fmaf(q, r, 1.0f);
    const float p = fmaf(q, r, 1.0f);

    /* n + 256 as an unsigned number, halved: 2^n = 2^(h - 128) 2^(e - h - 128). */
    memcpy(&bits, &rounded, sizeof bits);
    const uint32_t e = bits - EXP_ROUND_BITS + 256;
    const uint32_t h = e >> 1;
    return p * exp_bits_to_float((h - 1) << 23) * exp_bits_to_float((e - h - 1) << 23);
}

/* 1 / (1 + exp(-x)): 0 at -infinity, 1 at +infinity. */
static inline float exp_sigmoid(float x)
{
    return 1.0f / (1.0f + exp_f32(-x));
}

/* x sigmoid(x); NaN at -infinity (infinity over infinity). */
static inline float exp_silu(float x)
{
    return x / (1.0f + exp_f32(-x));
}

#endif
