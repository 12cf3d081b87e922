/* probe_dotprod.c - the rate of sdot (16 products). */
#include <arm_neon.h>

#include "kernels/probe.h"

#define TEN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)

uint64_t ts_probe_int8_dotprod(size_t n_rounds)
{
#define DECLARE(i) int32x4_t a##i = vdupq_n_s32(i);
#define STEP(i)                   \
    a##i = vdotq_s32(a##i, b, b); \
    __asm__ volatile("" : "+w"(a##i));
    const int8x16_t b = vdupq_n_s8(3);
    TEN(DECLARE)
    for (size_t r = 0; r < n_rounds; r++) {
        TEN(STEP)
    }
#undef DECLARE
#undef STEP
    return (uint64_t)n_rounds * 10 * 16;
}
