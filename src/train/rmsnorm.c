/* rmsnorm.c - forward and backward, one above the other.
 *
 *     r = 1 / sqrt(mean(x^2) + eps)         y_i  = x_i r g_i
 *
 *     dg_i += dy_i x_i r
 *     dx_i += r (dy_i g_i - x_i r^2 mean_j(dy_j g_j x_j))
 *
 * rstd keeps r for the way back.  Rows: n tokens of d channels.
 */
#include "train/layers.h"

void ts_rmsnorm_forward(const ts_kernels *k, ts_rows y, real *rstd, ts_rows x, const real *g,
                        size_t n, size_t d, real eps)
{
    for (size_t t = 0; t < n; t++, x.v += x.stride, y.v += y.stride) {
        const real r = 1 / REAL_SQRT(ts_real_dot(k, x.v, x.v, d) / (real)d + eps);

        rstd[t] = r;
        for (size_t i = 0; i < d; i++)
            y.v[i] = x.v[i] * r * g[i];
    }
}

void ts_rmsnorm_backward(const ts_kernels *k, ts_rows dx, ts_rows dy, ts_rows x, const real *g,
                         const real *rstd, size_t n, size_t d)
{
    enum { CHANNELS = 128 };
    real dyg[CHANNELS];

    for (size_t t = 0; t < n; t++, x.v += x.stride, dx.v += dx.stride, dy.v += dy.stride) {
        const real r = rstd[t];
        real m = 0;

        for (size_t i = 0; i < d; i += CHANNELS) {
            const size_t c = d - i < CHANNELS ? d - i : CHANNELS;
            for (size_t j = 0; j < c; j++)
                dyg[j] = dy.v[i + j] * g[i + j];
            m += ts_real_dot(k, dyg, x.v + i, c);
        }
        m *= r * r / (real)d;
        for (size_t i = 0; i < d; i++)
            dx.v[i] += r * (dy.v[i] * g[i] - x.v[i] * m);
    }
}

void ts_rmsnorm_backward_gain(real *dg, ts_rows dy, ts_rows x, const real *rstd, size_t n,
                              size_t begin, size_t end)
{
    for (size_t t = 0; t < n; t++, x.v += x.stride, dy.v += dy.stride)
        for (size_t i = begin; i < end; i++)
            dg[i] += dy.v[i] * x.v[i] * rstd[t];
}
