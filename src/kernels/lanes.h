/* lanes.h - the sixteen-lane contract of float reductions.
 *
 * Element i belongs to lane i mod 16; each step rounds once; the lanes are then
 * summed as a tree, l with l+8, l+4, l+2, l+1.  One AVX-512, two AVX2 or four
 * NEON registers do exactly this, so every variant returns the same bits.
 *
 * Bits means bits, with one exception: a result that is not a number is any
 * NaN.  Which payload survives depends on the operand order that a compiler
 * picks for a fused multiply-add, and nothing may depend on it. */
#ifndef TS_KERNELS_LANES_H
#define TS_KERNELS_LANES_H

#include <math.h>
#include <stddef.h>

/* The tree alone; lane is destroyed. */
static inline float lanes_sum(float lane[16])
{
    for (size_t half = 8; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

/* Fold elements i..n of a dot product into their lanes, then sum. */
static inline float lanes_finish(float lane[16], const float *a, const float *b, size_t i, size_t n)
{
    for (; i < n; i++)
        lane[i % 16] = fmaf(a[i], b[i], lane[i % 16]);
    return lanes_sum(lane);
}

/* Largest of two, the running one second: x if it is greater, else m.  A NaN in
 * x is passed over (softmax meets it again in exp); this is maxps with the
 * operands in this order. */
static inline float lanes_max(float x, float m)
{
    return x > m ? x : m;
}

#endif
