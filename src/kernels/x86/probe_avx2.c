/* probe_avx2.c - the rate of vpmaddubsw (32 products) and of vfmadd (8). */
#include <immintrin.h>

#include "kernels/probe.h"

/* Ten independent products per round hide the latency of five cycles at two a
 * cycle.  The empty asm keeps the compiler from seeing that they repeat. */
#define TEN(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)

uint64_t ts_probe_int8_avx2(size_t n_rounds)
{
#define DECLARE(i) __m256i a##i = _mm256_set1_epi8(i + 1);
#define STEP(i)                           \
    a##i = _mm256_maddubs_epi16(a##i, b); \
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

uint64_t ts_probe_f32_avx2(size_t n_rounds)
{
#define DECLARE(i) __m256 a##i = _mm256_set1_ps(i);
#define STEP(i)                         \
    a##i = _mm256_fmadd_ps(a##i, b, b); \
    __asm__ volatile("" : "+x"(a##i));
    const __m256 b = _mm256_set1_ps(0.5f);
    TEN(DECLARE)
    for (size_t r = 0; r < n_rounds; r++) {
        TEN(STEP)
    }
#undef DECLARE
#undef STEP
    return (uint64_t)n_rounds * 10 * 8;
}
