/* low_rank.h - what is learned beside a frozen matrix (arXiv:2106.09685).
 *
 *     t = s A x          y += B t          s = alpha / r
 *
 *     dt = s B^T dy      dx += A^T dt      dB += dy^T t      dA += dt^T x
 */
#ifndef TS_TRAIN_LOW_RANK_H
#define TS_TRAIN_LOW_RANK_H

#include "train/layers.h"

typedef struct ts_low_rank_weight {
    ts_weight A, B; /* (r, n_in), (n_out, r); A.w NULL: nothing is learned here */
    real scale;
} ts_low_rank_weight;

/* t (n, r) is what backward needs again.  down: t from x; up: y from t. */
void ts_low_rank_down(const ts_kernels *k, ts_rows t, ts_rows x, const ts_low_rank_weight *w,
                      size_t n);
void ts_low_rank_up(const ts_kernels *k, ts_rows y, ts_rows t, const ts_low_rank_weight *w,
                    size_t n);

/* dx is added to, or overwritten.  Weights: ts_linear_backward_weight with B, dy, t and
 * with A, dt, x. */
void ts_low_rank_backward(const ts_kernels *k, ts_rows dx, bool adds, ts_rows dt, ts_rows dy,
                          const ts_low_rank_weight *w, size_t n);

#endif
