/* quant_fit.h - scale and minimum of a group of weights, by least squares. */
#ifndef TS_KERNELS_QUANT_FIT_H
#define TS_KERNELS_QUANT_FIT_H

#include <stdint.h>

/* Codes a group may have: every integer in [lo, hi], or, if levels is not NULL, the
 * sixteen ascending levels (lo and hi are the outermost). */
typedef struct quant_codebook {
    int lo, hi;
    const int8_t *levels;
} quant_codebook;

/* The code nearest to v. */
int ts_quant_nearest(const quant_codebook *book, float v);

/* x[i] ~ d * q[i].  0 if all weights are 0. */
float ts_quant_fit_scale(const float *x, int n, const quant_codebook *book);

/* x[i] ~ d * q[i] - m with q in [0, hi] and d >= 0; m >= 0 if keeps_sign. */
void ts_quant_fit_affine(float *d, float *m, const float *x, int n, int hi, int keeps_sign);

#endif
