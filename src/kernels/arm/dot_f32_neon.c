/* dot_f32_neon.c - see ref/products_ref.c and arm/lanes_neon.h. */
#include "kernels/arm/lanes_neon.h"
#include "kernels/kernels.h"

float ts_dot_f32_neon(const float *a, const float *b, size_t n)
{
    float32x4_t v[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
    float last_a[16], last_b[16];
    size_t i = 0;

    for (; i + 16 <= n; i += 16)
        for (size_t l = 0; l < 4; l++)
            v[l] = vfmaq_f32(v[l], vld1q_f32(a + i + 4 * l), vld1q_f32(b + i + 4 * l));
    if (i < n) {
        neon_fill(last_a, a + i, n - i, 0.0f);
        neon_fill(last_b, b + i, n - i, -0.0f);
        for (size_t l = 0; l < 4; l++)
            v[l] = vfmaq_f32(v[l], vld1q_f32(last_a + 4 * l), vld1q_f32(last_b + 4 * l));
    }
    return neon_sum(v[0], v[1], v[2], v[3]);
}
