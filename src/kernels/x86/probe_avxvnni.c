/* probe_avxvnni.c - the rate of vpdpbusd on 256 bits (32 products). */
#include <immintrin.h>

#include "kernels/probe.h"

/* As in probe_avx2.c. */
#define TEN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)

uint64_t ts_probe_int8_avxvnni(size_t n_rounds)
{
#define DECLARE(i) __m256i a##i = _mm256_set1_epi32(i);
#define STEP(i)                                 \
    a##i = _mm256_dpbusd_avx_epi32(a##i, b, b); \
    __asm__ volatile("" : "+x"(a##i));
    const __m256i b = _mm256_set1_epi8(3);
    TEN(DECLARE)
    for (size_t r = 0; r < n_rounds; r++) {
        TEN(STEP)
    }
#undef DECLARE
#undef STEP
    return (uint64_t)n_rounds * 10 * 32;
}
