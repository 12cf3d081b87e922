/* rows_neon.c - rms_norm_f32 and softmax_f32; see ref/rows_ref.c. */
#include "kernels/arm/exp_neon.h"
#include "kernels/kernels.h"
#include "kernels/lanes.h"

void ts_rms_norm_f32_neon(float *y, const float *x, const float *w, size_t n, float eps)
{
    const float r = 1.0f / sqrtf(ts_dot_f32_neon(x, x, n) / (float)n + eps);
    const float32x4_t factor = vdupq_n_f32(r);
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        const float32x4_t scaled = vmulq_f32(vld1q_f32(x + i), factor);
        vst1q_f32(y + i, w ? vmulq_f32(scaled, vld1q_f32(w + i)) : scaled);
    }
    for (; i < n; i++)
        y[i] = w ? (x[i] * r) * w[i] : x[i] * r;
}

/* The order of a maximum changes only the sign of a zero, which exp does not
 * see: x - m is 0 of either sign. */
static float maximum(const float *x, size_t n)
{
    float32x4_t m0 = vdupq_n_f32(-INFINITY), m1 = m0;
    float lane[4], m = -INFINITY;
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        m0 = neon_greater(vld1q_f32(x + i), m0);
        m1 = neon_greater(vld1q_f32(x + i + 4), m1);
    }
    vst1q_f32(lane, neon_greater(m0, m1));
    for (size_t l = 0; l < 4; l++)
        m = lanes_max(lane[l], m);
    for (; i < n; i++)
        m = lanes_max(x[i], m);
    return m;
}

void ts_softmax_f32_neon(float *x, size_t n)
{
    const float m = maximum(x, n);
    const float32x4_t shift = vdupq_n_f32(m);
    float32x4_t sum[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    float lane[16];
    size_t i = 0;

    for (; i + 16 <= n; i += 16)
        for (size_t l = 0; l < 4; l++) {
            const float32x4_t e = neon_exp(vsubq_f32(vld1q_f32(x + i + 4 * l), shift));
            sum[l] = vaddq_f32(sum[l], e);
            vst1q_f32(x + i + 4 * l, e);
        }
    for (size_t l = 0; l < 4; l++)
        vst1q_f32(lane + 4 * l, sum[l]);
    for (; i < n; i++) {
        x[i] = exp_f32(x[i] - m);
        lane[i % 16] += x[i];
    }
    const float scale = 1.0f / lanes_sum(lane);
    for (i = 0; i < n; i++)
        x[i] *= scale;
}
