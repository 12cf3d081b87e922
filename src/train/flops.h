/* flops.h - how much a pass computes, and how much this machine could. */
#ifndef TS_TRAIN_FLOPS_H
#define TS_TRAIN_FLOPS_H

#include "train/trunk.h"

/* Floating-point operations of matrix products of one forward and backward pass over a
 * micro-batch; what is computed twice (attention on the way back) counts once. */
double ts_flops_of_batch(const ts_network *n, const ts_train_batch *b);

/* Parameters that one token meets in a pass, without the embedding. */
uint64_t ts_flops_active(const ts_network *n);

/* Operations per second of the product kernel in a shape that suits it, on all threads
 * of the team for about a tenth of a second; uses the team's scratch. */
double ts_flops_peak(ts_team *team);

#endif
