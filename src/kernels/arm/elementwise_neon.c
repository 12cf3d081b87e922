/* elementwise_neon.c - axpy, exp, sigmoid, swiglu, rope; see
 * ref/elementwise_ref.c.  The tails are the reference's own expressions. */
#include "kernels/arm/exp_neon.h"
#include "kernels/kernels.h"

void ts_axpy_f32_neon(float *y, float a, const float *x, size_t n)
{
    const float32x4_t factor = vdupq_n_f32(a);
    size_t i = 0;

    for (; i + 4 <= n; i += 4)
        vst1q_f32(y + i, vfmaq_f32(vld1q_f32(y + i), factor, vld1q_f32(x + i)));
    for (; i < n; i++)
        y[i] = fmaf(a, x[i], y[i]);
}

void ts_exp_f32_neon(float *x, float shift, size_t n)
{
    const float32x4_t s = vdupq_n_f32(shift);
    size_t i = 0;

    for (; i + 4 <= n; i += 4)
        vst1q_f32(x + i, neon_exp(vsubq_f32(vld1q_f32(x + i), s)));
    for (; i < n; i++)
        x[i] = exp_f32(x[i] - shift);
}

void ts_sigmoid_f32_neon(float *y, const float *x, size_t n)
{
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        const float32x4_t below = neon_one_plus_exp_minus(vld1q_f32(x + i));
        vst1q_f32(y + i, vdivq_f32(vdupq_n_f32(1.0f), below));
    }
    for (; i < n; i++)
        y[i] = exp_sigmoid(x[i]);
}

void ts_swiglu_f32_neon(float *y, const float *g, const float *u, size_t n)
{
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        const float32x4_t gate = vld1q_f32(g + i);
        const float32x4_t silu = vdivq_f32(gate, neon_one_plus_exp_minus(gate));
        vst1q_f32(y + i, vmulq_f32(silu, vld1q_f32(u + i)));
    }
    for (; i < n; i++)
        y[i] = exp_silu(g[i]) * u[i];
}

static void rotate(float32x4_t *a, float32x4_t *b, float32x4_t c, float32x4_t s)
{
    const float32x4_t x = *a, y = *b;

    *a = vsubq_f32(vmulq_f32(x, c), vmulq_f32(y, s));
    *b = vaddq_f32(vmulq_f32(x, s), vmulq_f32(y, c));
}

void ts_rope_f32_neon(float *x, const float *cosine, const float *sine, size_t n_pairs,
                      int is_interleaved)
{
    const size_t step = is_interleaved ? 2 : 1, to_b = is_interleaved ? 1 : n_pairs;
    size_t i = 0;

    for (; i + 4 <= n_pairs; i += 4) {
        const float32x4_t c = vld1q_f32(cosine + i), s = vld1q_f32(sine + i);
        if (is_interleaved) {
            float32x4x2_t v = vld2q_f32(x + 2 * i);
            rotate(&v.val[0], &v.val[1], c, s);
            vst2q_f32(x + 2 * i, v);
        } else {
            float32x4_t a = vld1q_f32(x + i), b = vld1q_f32(x + i + n_pairs);
            rotate(&a, &b, c, s);
            vst1q_f32(x + i, a);
            vst1q_f32(x + i + n_pairs, b);
        }
    }
    for (; i < n_pairs; i++) {
        float *pair = x + i * step;
        const float a = pair[0], b = pair[to_b];
        pair[0] = a * cosine[i] - b * sine[i];
        pair[to_b] = a * sine[i] + b * cosine[i];
    }
}
