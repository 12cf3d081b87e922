/* swiglu.c - y = silu(g) u, silu(g) = g s, s = 1 / (1 + exp(-g)).
 *
 *     du = dy g s          dg = dy u s (1 + g (1 - s))
 */
#include "train/layers.h"

#ifdef TS_TRAIN_F64
void ts_swiglu_forward(const ts_kernels *k, real *y, const real *g, const real *u, size_t n)
{
    ts_real_sigmoid(k, y, g, n);
    for (size_t i = 0; i < n; i++)
        y[i] *= g[i] * u[i];
}
#else
void ts_swiglu_forward(const ts_kernels *k, real *y, const real *g, const real *u, size_t n)
{
    k->swiglu_f32(y, g, u, n);
}
#endif

void ts_swiglu_backward(const ts_kernels *k, real *dg, real *du, const real *dy, const real *g,
                        const real *u, size_t n)
{
    enum { PIECE = 256 };
    real s[PIECE];

    for (size_t begin = 0; begin < n; begin += PIECE) {
        const size_t m = n - begin < PIECE ? n - begin : PIECE;

        ts_real_sigmoid(k, s, g + begin, m);
        for (size_t i = 0; i < m; i++) {
            const real gi = g[begin + i], ui = u[begin + i], d = dy[begin + i] * s[i];

            du[begin + i] = d * gi;
            dg[begin + i] = d * ui * (1 + gi * (1 - s[i]));
        }
    }
}
