/* latent_ref.c - the definition of the kernels of latent attention on integers;
 * latent.h has the formulas.  Plain loops that a compiler can turn into vectors.
 */
#include <math.h>

#include "kernels/latent.h"

static uint32_t largest_magnitude(const float *x, size_t n)
{
    uint32_t max = 0;

    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffffu;
        max = bits > max ? bits : max;
    }
    return max;
}

/* Round to nearest even, |v| < 2^22; see quantize_q8_ref.c. */
static float rounded(float v)
{
    return (v + 0x1.8p+23f) - 0x1.8p+23f;
}

void ts_latent_pack_ref(void *row, const float *x, const ts_latent *l)
{
    int8_t *c = row;
    int16_t *r = (int16_t *)(void *)(c + l->n);
    float d;

    const float factor = q_factor(largest_magnitude(x, l->n), LATENT_MAX, &d);
    for (size_t i = 0; i < l->n; i++)
        c[i] = factor > 0 ? (int8_t)rounded(x[i] * factor) : 0;
    latent_set_factor(row, l, 0, d);
    x += l->n;
    const float factor_rope = q_factor(largest_magnitude(x, l->n_rope), LATENT_ROPE_MAX, &d);
    for (size_t i = 0; i < l->n_rope; i++)
        r[i] = factor_rope > 0 ? (int16_t)rounded(x[i] * factor_rope) : 0;
    latent_set_factor(row, l, 1, d);
}

void ts_latent_query_ref(int16_t *q, float *d, const float *x, float scale, const ts_latent *l)
{
    const size_t n = l->n + l->n_rope;
    float step;

    const float factor = q_factor(largest_magnitude(x, n), LATENT_QUERY_MAX, &step);
    for (size_t i = 0; i < n; i++)
        q[i] = factor > 0 ? (int16_t)rounded(x[i] * factor) : 0;
    *d = step * scale;
}

void ts_latent_scores_ref(float *s, size_t s_stride, const int16_t *q, const float *d, size_t n_q,
                          const void *rows, size_t n_rows, const ts_latent *l)
{
    for (size_t row = 0; row < n_rows; row++) {
        const int8_t *c = (const int8_t *)rows + row * l->row_bytes;
        const int16_t *r = latent_rope(c, l);
        const float d_c = latent_factor(c, l, 0), d_r = latent_factor(c, l, 1);

        for (size_t i = 0; i < n_q; i++) {
            const int16_t *v = q + i * (l->n + l->n_rope);
            int32_t latent = 0, rope = 0;
            for (size_t j = 0; j < l->n; j++)
                latent += v[j] * c[j];
            for (size_t j = 0; j < l->n_rope; j++)
                rope += v[l->n + j] * r[j];
            s[i * s_stride + row] = d[i] * fmaf(d_r, (float)rope, d_c * (float)latent);
        }
    }
}

void ts_latent_values_ref(float *z, size_t z_stride, const float *p, size_t p_stride, size_t n_q,
                          const void *rows, size_t n_rows, const ts_latent *l)
{
    enum { COLUMNS = 64 };

    for (size_t i = 0; i < n_q; i++, z += z_stride, p += p_stride) {
        float w[TS_LATENT_ROWS], e;
        int32_t u[TS_LATENT_ROWS];

        for (size_t row = 0; row < n_rows; row++)
            w[row] = p[row] * latent_factor((const int8_t *)rows + row * l->row_bytes, l, 0);
        const float factor = q_factor(largest_magnitude(w, n_rows), LATENT_WEIGHT_MAX, &e);
        for (size_t row = 0; row < n_rows; row++)
            u[row] = factor > 0 ? (int32_t)rounded(w[row] * factor) : 0;
        for (size_t j0 = 0; j0 < l->n; j0 += COLUMNS) {
            const size_t n = l->n - j0 < COLUMNS ? l->n - j0 : COLUMNS;
            int32_t sum[COLUMNS] = {0};
            for (size_t row = 0; row < n_rows; row++) {
                const int8_t *c = (const int8_t *)rows + row * l->row_bytes + j0;
                for (size_t j = 0; j < n; j++)
                    sum[j] += u[row] * c[j];
            }
            for (size_t j = 0; j < n; j++)
                z[j0 + j] = fmaf(e, (float)sum[j], z[j0 + j]);
        }
    }
}
