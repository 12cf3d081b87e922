/* adamw.c - Adam with decoupled weight decay (Loshchilov and Hutter, 1711.05101).
 *
 *     m = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g^2
 *     w = w (1 - lr decay) - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
 */
#include "train/optimizer.h"

void ts_adamw_step(const ts_adamw *a, real *w, const real *dw, real *m, real *v, size_t n)
{
    const real keep = 1 - a->lr * a->decay, rate = a->lr / a->correct1;
    const real root = 1 / REAL_SQRT(a->correct2);

    for (size_t i = 0; i < n; i++) {
        const real g = dw[i] * a->grad_scale;

        m[i] = a->beta1 * m[i] + (1 - a->beta1) * g;
        v[i] = a->beta2 * v[i] + (1 - a->beta2) * (g * g);
        w[i] = w[i] * keep - rate * m[i] / (REAL_SQRT(v[i]) * root + a->eps);
    }
}
