/* quant_fit.c - see quant_fit.h.
 *
 * With the codes q fixed the best scale is sum(x q) / sum(q q), so the search is over
 * codes: those that rounding gives for a few scales around the one that just fits the
 * largest weight.  What a scale leaves of the squared error falls with
 * sum(x q)^2 / sum(q q), which is what is compared.
 */
#include "kernels/weights/quant_fit.h"

#include <math.h>
#include <stddef.h>

enum { N_TRIES = 9, ALL_TRIES = 2 * (2 * N_TRIES + 1) }; /* to either side; of both ends */
static const float STEP = 0.02f;                         /* of the scale, between two tries */

int ts_quant_nearest(const quant_codebook *book, float v)
{
    if (!book->levels) {
        v = v < (float)book->lo ? (float)book->lo : v > (float)book->hi ? (float)book->hi : v;
        /* The unit in the last place of 1.5 * 2^23 is 1: ties to even, without a call. */
        return (int)(v + 0x1.8p23f - 0x1.8p23f);
    }
    int best = 0;
    for (int i = 1; i < 16; i++)
        if (fabsf(v - (float)book->levels[i]) < fabsf(v - (float)book->levels[best]))
            best = i;
    return book->levels[best];
}

typedef struct best_scale {
    float d, gain;
} best_scale;

static void keep_better(best_scale *best, float xq, float qq)
{
    if (qq > 0 && xq * xq > best->gain * qq)
        *best = (best_scale){xq / qq, xq * xq / qq};
}

static void try_scale(best_scale *best, const float *x, int n, const quant_codebook *book,
                      float inverse)
{
    float xq = 0, qq = 0;

    for (int i = 0; i < n; i++) {
        const float q = (float)ts_quant_nearest(book, inverse * x[i]);
        xq += x[i] * q;
        qq += q * q;
    }
    keep_better(best, xq, qq);
}

/* try_scale() for all scales at once, each with its own sums in the same order; the codes
 * are whole numbers, so the compiler can keep them in vectors of floats. */
static void try_scales(best_scale *best, const float *x, int n, const quant_codebook *book,
                       const float *inverse)
{
    const float lo = (float)book->lo, hi = (float)book->hi;
    float xq[ALL_TRIES] = {0}, qq[ALL_TRIES] = {0};

    for (int i = 0; i < n; i++)
        for (int t = 0; t < ALL_TRIES; t++) {
            const float v = inverse[t] * x[i], low = v < lo ? lo : v, q0 = low > hi ? hi : low;
            const float q = q0 + 0x1.8p23f - 0x1.8p23f;
            xq[t] += x[i] * q;
            qq[t] += q * q;
        }
    for (int t = 0; t < ALL_TRIES; t++)
        keep_better(best, xq[t], qq[t]);
}

float ts_quant_fit_scale(const float *x, int n, const quant_codebook *book)
{
    best_scale best = {0, 0};
    float largest = 0; /* with its sign */
    float inverse[ALL_TRIES];

    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(largest))
            largest = x[i];
    if (!(fabsf(largest) > 1e-30f)) /* the inverse must be finite */
        return 0;
    for (int k = 0; k <= 2 * N_TRIES; k++) {
        const float stretch = 1 + STEP * (float)(k - N_TRIES);
        inverse[2 * k] = stretch * (float)book->lo / largest;
        inverse[2 * k + 1] = stretch * (float)book->hi / largest;
    }
    if (!book->levels)
        try_scales(&best, x, n, book, inverse);
    for (int t = 0; book->levels && t < ALL_TRIES; t++)
        try_scale(&best, x, n, book, inverse[t]);
    return best.d;
}

typedef struct best_affine {
    float d, m, error;
} best_affine;

/* The line through (q, x): x ~ d q - m. */
static void try_affine(best_affine *best, const float *x, int n, int hi, float inverse, float low,
                       int keeps_sign)
{
    const quant_codebook book = {0, hi, NULL};
    float sum_x = 0, sum_q = 0, xq = 0, qq = 0, error = 0;

    for (int i = 0; i < n; i++) {
        const float q = (float)ts_quant_nearest(&book, inverse * (x[i] - low));
        sum_x += x[i];
        sum_q += q;
        xq += x[i] * q;
        qq += q * q;
    }
    const float det = (float)n * qq - sum_q * sum_q;
    if (!(det > 0))
        return;
    float d = ((float)n * xq - sum_x * sum_q) / det;
    float m = -(qq * sum_x - sum_q * xq) / det;
    if (keeps_sign && m < 0) {
        m = 0;
        d = xq / qq;
    }
    if (!(d > 0))
        return;
    for (int i = 0; i < n; i++) {
        const float q = (float)ts_quant_nearest(&book, (x[i] + m) / d);
        const float e = d * q - m - x[i];
        error += e * e;
    }
    if (best->error < 0 || error < best->error)
        *best = (best_affine){d, m, error};
}

void ts_quant_fit_affine(float *d, float *m, const float *x, int n, int hi, int keeps_sign)
{
    float low = x[0], high = x[0];

    for (int i = 1; i < n; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
    }
    if (keeps_sign)
        low = fminf(low, 0);
    *d = 0;
    *m = -low;
    if (!(high - low > 1e-30f))
        return;
    best_affine best = {0, 0, -1};
    for (int k = -N_TRIES; k <= N_TRIES; k++)
        try_affine(&best, x, n, hi, (1 + STEP * (float)k) * (float)hi / (high - low), low,
                   keeps_sign);
    if (best.error >= 0) {
        *d = best.d;
        *m = best.m;
    }
}
