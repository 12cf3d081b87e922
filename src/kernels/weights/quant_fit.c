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

enum { N_TRIES = 9 };            /* to either side */
static const float STEP = 0.02f; /* of the scale, between two tries */

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

static void try_scale(best_scale *best, const float *x, int n, const quant_codebook *book,
                      float inverse)
{
    float xq = 0, qq = 0;

    for (int i = 0; i < n; i++) {
        const float q = (float)ts_quant_nearest(book, inverse * x[i]);
        xq += x[i] * q;
        qq += q * q;
    }
    if (qq > 0 && xq * xq > best->gain * qq)
        *best = (best_scale){xq / qq, xq * xq / qq};
}

float ts_quant_fit_scale(const float *x, int n, const quant_codebook *book)
{
    best_scale best = {0, 0};
    float largest = 0; /* with its sign */

    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(largest))
            largest = x[i];
    if (!(fabsf(largest) > 1e-30f)) /* the inverse must be finite */
        return 0;
    for (int k = -N_TRIES; k <= N_TRIES; k++) {
        const float stretch = 1 + STEP * (float)k;
        try_scale(&best, x, n, book, stretch * (float)book->lo / largest);
        try_scale(&best, x, n, book, stretch * (float)book->hi / largest);
    }
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
