/* probe_avx512.c - the rate of vpdpbusd (64 products) and of vfmadd (16). */
#include <immintrin.h>

#include "kernels/probe.h"

#define TEN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)

uint64_t ts_probe_int8_avx512(size_t n_rounds)
{
#define DECLARE(i) __m512i a##i = _mm512_set1_epi32(i);
#define STEP(i)                             \
    a##i = _mm512_dpbusd_epi32(a##i, b, b); \
    __asm__ volatile("" : "+v"(a##i));
    const __m512i b = _mm512_set1_epi8(3);
    TEN(DECLARE)
    for (size_t r = 0; r < n_rounds; r++) {
        TEN(STEP)
    }
#undef DECLARE
#undef STEP
    return (uint64_t)n_rounds * 10 * 64;
}

uint64_t ts_probe_f32_avx512(size_t n_rounds)
{
#define DECLARE(i) __m512 a##i = _mm512_set1_ps(i);
#define STEP(i)                         \
    a##i = _mm512_fmadd_ps(a##i, b, b); \
    __asm__ volatile("" : "+v"(a##i));
    const __m512 b = _mm512_set1_ps(0.5f);
    TEN(DECLARE)
    for (size_t r = 0; r < n_rounds; r++) {
        TEN(STEP)
    }
#undef DECLARE
#undef STEP
    return (uint64_t)n_rounds * 10 * 16;
}
