/* rows_ref.c - the definitions of rms_norm_f32 and softmax_f32, which reduce a
 * row and then scale it.
 *
 * softmax: the maximum starts at -infinity and passes over NaN, so a NaN or
 * +infinity anywhere, or a row of -infinity only, makes the whole row NaN
 * through the sum.  -infinity among numbers gives exactly 0.
 */
#include "kernels/exp.h"
#include "kernels/kernels.h"
#include "kernels/lanes.h"

void ts_rms_norm_f32_ref(float *y, const float *x, const float *w, size_t n, float eps)
{
    const float r = 1.0f / sqrtf(ts_dot_f32_ref(x, x, n) / (float)n + eps);

    for (size_t i = 0; i < n; i++)
        y[i] = w ? (x[i] * r) * w[i] : x[i] * r;
}

void ts_softmax_f32_ref(float *x, size_t n)
{
    float lane[16] = {0};
    float m = -INFINITY;

    for (size_t i = 0; i < n; i++)
        m = lanes_max(x[i], m);
    for (size_t i = 0; i < n; i++) {
        x[i] = exp_f32(x[i] - m);
        lane[i % 16] += x[i];
    }
    const float scale = 1.0f / lanes_sum(lane);
    for (size_t i = 0; i < n; i++)
        x[i] *= scale;
}
