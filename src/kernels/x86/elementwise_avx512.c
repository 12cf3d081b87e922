/* elementwise_avx512.c - axpy, add, scale, exp, sigmoid, swiglu; see
 * ref/elementwise_ref.c.  The tails are the reference's own expressions. */
#include "kernels/kernels.h"
#include "kernels/x86/exp_avx512.h"

void ts_axpy_f32_avx512(float *y, float a, const float *x, size_t n)
{
    const __m512 factor = _mm512_set1_ps(a);
    size_t i = 0;

    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(y + i,
                         _mm512_fmadd_ps(factor, _mm512_loadu_ps(x + i), _mm512_loadu_ps(y + i)));
    for (; i < n; i++)
        y[i] = fmaf(a, x[i], y[i]);
}

void ts_add_f32_avx512(float *y, const float *x, size_t n)
{
    size_t i = 0;

    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(y + i, _mm512_add_ps(_mm512_loadu_ps(y + i), _mm512_loadu_ps(x + i)));
    for (; i < n; i++)
        y[i] += x[i];
}

void ts_scale_f32_avx512(float *y, float a, const float *x, size_t n)
{
    const __m512 factor = _mm512_set1_ps(a);
    size_t i = 0;

    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(y + i, _mm512_mul_ps(factor, _mm512_loadu_ps(x + i)));
    for (; i < n; i++)
        y[i] = a * x[i];
}

void ts_exp_f32_avx512(float *x, float shift, size_t n)
{
    const __m512 s = _mm512_set1_ps(shift);
    size_t i = 0;

    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(x + i, avx512_exp(_mm512_sub_ps(_mm512_loadu_ps(x + i), s)));
    for (; i < n; i++)
        x[i] = exp_f32(x[i] - shift);
}

void ts_sigmoid_f32_avx512(float *y, const float *x, size_t n)
{
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        const __m512 below = avx512_one_plus_exp_minus(_mm512_loadu_ps(x + i));
        _mm512_storeu_ps(y + i, _mm512_div_ps(_mm512_set1_ps(1.0f), below));
    }
    for (; i < n; i++)
        y[i] = exp_sigmoid(x[i]);
}

void ts_swiglu_f32_avx512(float *y, const float *g, const float *u, size_t n)
{
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        const __m512 gate = _mm512_loadu_ps(g + i);
        const __m512 silu = _mm512_div_ps(gate, avx512_one_plus_exp_minus(gate));
        _mm512_storeu_ps(y + i, _mm512_mul_ps(silu, _mm512_loadu_ps(u + i)));
    }
    for (; i < n; i++)
        y[i] = exp_silu(g[i]) * u[i];
}
