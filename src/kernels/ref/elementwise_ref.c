/* elementwise_ref.c - the definitions of the kernels that treat every element
 * (or pair) alone: add, scale, exp, sigmoid, swiglu, rope.
 *
 * Nothing here is fused: products and sums round one by one, as written.
 */
#include "kernels/exp.h"
#include "kernels/kernels.h"

void ts_add_f32_ref(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

void ts_scale_f32_ref(float *y, float a, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a * x[i];
}

void ts_exp_f32_ref(float *x, float shift, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = exp_f32(x[i] - shift);
}

void ts_sigmoid_f32_ref(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = exp_sigmoid(x[i]);
}

void ts_swiglu_f32_ref(float *y, const float *g, const float *u, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = exp_silu(g[i]) * u[i];
}

void ts_rope_f32_ref(float *x, const float *cosine, const float *sine, size_t n_pairs,
                     int is_interleaved)
{
    const size_t step = is_interleaved ? 2 : 1;
    const size_t to_b = is_interleaved ? 1 : n_pairs;

    for (size_t i = 0; i < n_pairs; i++) {
        float *pair = x + i * step;
        const float a = pair[0], b = pair[to_b];
        pair[0] = a * cosine[i] - b * sine[i];
        pair[to_b] = a * sine[i] + b * cosine[i];
    }
}
