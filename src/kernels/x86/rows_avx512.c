/* rows_avx512.c - rms_norm_f32 and softmax_f32; see ref/rows_ref.c. */
#include "kernels/kernels.h"
#include "kernels/lanes.h"
#include "kernels/x86/exp_avx512.h"

void ts_rms_norm_f32_avx512(float *y, const float *x, const float *w, size_t n, float eps)
{
    const float r = 1.0f / sqrtf(ts_dot_f32_avx512(x, x, n) / (float)n + eps);
    const __m512 factor = _mm512_set1_ps(r);
    size_t i = 0;

    if (!w) {
        ts_scale_f32_avx512(y, r, x, n);
        return;
    }
    for (; i + 16 <= n; i += 16) {
        const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x + i), factor);
        _mm512_storeu_ps(y + i, _mm512_mul_ps(scaled, _mm512_loadu_ps(w + i)));
    }
    for (; i < n; i++)
        y[i] = (x[i] * r) * w[i];
}

/* The order of a maximum changes only the sign of a zero, which exp does not
 * see: x - m is 0 of either sign. */
static float maximum(const float *x, size_t n)
{
    __m512 m0 = _mm512_set1_ps(-INFINITY), m1 = m0;
    float lane[16], m = -INFINITY;
    size_t i = 0;

    for (; i + 32 <= n; i += 32) {
        m0 = _mm512_max_ps(_mm512_loadu_ps(x + i), m0);
        m1 = _mm512_max_ps(_mm512_loadu_ps(x + i + 16), m1);
    }
    _mm512_storeu_ps(lane, _mm512_max_ps(m0, m1));
    for (size_t l = 0; l < 16; l++)
        m = lanes_max(lane[l], m);
    for (; i < n; i++)
        m = lanes_max(x[i], m);
    return m;
}

void ts_softmax_f32_avx512(float *x, size_t n)
{
    const float m = maximum(x, n);
    const __m512 shift = _mm512_set1_ps(m);
    __m512 sum = _mm512_setzero_ps();
    float lane[16];
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        const __m512 e = avx512_exp(_mm512_sub_ps(_mm512_loadu_ps(x + i), shift));
        sum = _mm512_add_ps(sum, e);
        _mm512_storeu_ps(x + i, e);
    }
    _mm512_storeu_ps(lane, sum);
    for (; i < n; i++) {
        x[i] = exp_f32(x[i] - m);
        lane[i % 16] += x[i];
    }
    ts_scale_f32_avx512(x, 1.0f / lanes_sum(lane), x, n);
}
