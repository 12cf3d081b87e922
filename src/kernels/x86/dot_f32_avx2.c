/* dot_f32_avx2.c - see ref/products_ref.c and x86/lanes_avx2.h. */
#include "kernels/kernels.h"
#include "kernels/x86/lanes_avx2.h"

float ts_dot_f32_avx2(const float *a, const float *b, size_t n)
{
    __m256 lo = _mm256_setzero_ps(), hi = _mm256_setzero_ps();
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        lo = _mm256_fmadd_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i), lo);
        hi = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8), _mm256_loadu_ps(b + i + 8), hi);
    }
    if (i < n) {
        const __m256i first = avx2_first(n - i), second = avx2_second(n - i);
        lo = _mm256_fmadd_ps(_mm256_maskload_ps(a + i, first), avx2_load_minus_zero(b + i, first),
                             lo);
        hi = _mm256_fmadd_ps(_mm256_maskload_ps(a + i + 8, second),
                             avx2_load_minus_zero(b + i + 8, second), hi);
    }
    return avx2_sum(lo, hi);
}
