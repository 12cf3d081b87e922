/* rows_avx2.c - rms_norm_f32 and softmax_f32; see ref/rows_ref.c. */
#include "kernels/kernels.h"
#include "kernels/lanes.h"
#include "kernels/x86/exp_avx2.h"

void ts_rms_norm_f32_avx2(float *y, const float *x, const float *w, size_t n, float eps)
{
    const float r = 1.0f / sqrtf(ts_dot_f32_avx2(x, x, n) / (float)n + eps);
    const __m256 factor = _mm256_set1_ps(r);
    size_t i = 0;

    if (!w) {
        ts_scale_f32_avx2(y, r, x, n);
        return;
    }
    for (; i + 8 <= n; i += 8) {
        const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x + i), factor);
        _mm256_storeu_ps(y + i, _mm256_mul_ps(scaled, _mm256_loadu_ps(w + i)));
    }
    for (; i < n; i++)
        y[i] = (x[i] * r) * w[i];
}

/* The order of a maximum changes only the sign of a zero, which exp does not
 * see: x - m is 0 of either sign. */
static float maximum(const float *x, size_t n)
{
    __m256 m0 = _mm256_set1_ps(-INFINITY), m1 = m0, m2 = m0, m3 = m0;
    float lane[8], m = -INFINITY;
    size_t i = 0;

    for (; i + 32 <= n; i += 32) {
        m0 = _mm256_max_ps(_mm256_loadu_ps(x + i), m0);
        m1 = _mm256_max_ps(_mm256_loadu_ps(x + i + 8), m1);
        m2 = _mm256_max_ps(_mm256_loadu_ps(x + i + 16), m2);
        m3 = _mm256_max_ps(_mm256_loadu_ps(x + i + 24), m3);
    }
    for (; i + 8 <= n; i += 8)
        m0 = _mm256_max_ps(_mm256_loadu_ps(x + i), m0);
    _mm256_storeu_ps(lane, _mm256_max_ps(_mm256_max_ps(m0, m1), _mm256_max_ps(m2, m3)));
    for (size_t l = 0; l < 8; l++)
        m = lanes_max(lane[l], m);
    for (; i < n; i++)
        m = lanes_max(x[i], m);
    return m;
}

void ts_softmax_f32_avx2(float *x, size_t n)
{
    const float m = maximum(x, n);
    const __m256 shift = _mm256_set1_ps(m);
    __m256 lo = _mm256_setzero_ps(), hi = _mm256_setzero_ps();
    float lane[16];
    size_t i = 0;

    for (; i + 16 <= n; i += 16) {
        const __m256 e0 = avx2_exp(_mm256_sub_ps(_mm256_loadu_ps(x + i), shift));
        const __m256 e1 = avx2_exp(_mm256_sub_ps(_mm256_loadu_ps(x + i + 8), shift));
        lo = _mm256_add_ps(lo, e0);
        hi = _mm256_add_ps(hi, e1);
        _mm256_storeu_ps(x + i, e0);
        _mm256_storeu_ps(x + i + 8, e1);
    }
    _mm256_storeu_ps(lane, lo);
    _mm256_storeu_ps(lane + 8, hi);
    for (; i < n; i++) {
        x[i] = exp_f32(x[i] - m);
        lane[i % 16] += x[i];
    }
    ts_scale_f32_avx2(x, 1.0f / lanes_sum(lane), x, n);
}
