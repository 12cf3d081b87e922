/* dot_f32_avx512.c - see ref/products_ref.c and x86/lanes_avx512.h. */
#include "kernels/kernels.h"
#include "kernels/x86/lanes_avx512.h"

float ts_dot_f32_avx512(const float *a, const float *b, size_t n)
{
    __m512 acc = _mm512_setzero_ps();
    size_t i = 0;

    for (; i + 16 <= n; i += 16)
        acc = _mm512_fmadd_ps(_mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i), acc);
    if (i < n) {
        const __mmask16 mask = avx512_first(n - i);
        acc = _mm512_fmadd_ps(avx512_load_zero(a + i, mask), avx512_load_minus_zero(b + i, mask),
                              acc);
    }
    return avx512_sum(acc);
}
