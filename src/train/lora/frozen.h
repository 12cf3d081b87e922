/* frozen.h - products with a matrix of the base model, as its file has it.
 *
 *     Y (+)= X W^T          dX (+)= dY W          W (n_out, n_in), not learned
 *
 * W is widened a tile at a time where it is needed, so a quantised model stays the size
 * that it is.  Each output is one chain of fused multiply-adds in ascending order, as in
 * linear_layer.c: no cut into columns and no number of threads changes a bit.
 */
#ifndef TS_TRAIN_FROZEN_H
#define TS_TRAIN_FROZEN_H

#include "core/tensor.h"
#include "train/real.h"

/* Columns of Y and of dX that are one piece of work; a piece begins at a multiple. */
enum { TS_FROZEN_OUTPUTS = 64, TS_FROZEN_INPUTS = 256 };

size_t ts_frozen_scratch_reals(void);

/* Can a tensor be used here?  Any type that the models compute with, but FP8. */
bool ts_frozen_can(const ts_tensor *W);

/* n rows of X and Y.  A piece of W's outputs [begin, end) or inputs [begin, end). */
typedef struct ts_frozen {
    const ts_tensor *W;
    size_t n, begin, end;
    bool adds;
} ts_frozen;

void ts_frozen_forward(const ts_kernels *k, ts_rows y, ts_rows x, const ts_frozen *f,
                       real *scratch);
void ts_frozen_backward(const ts_kernels *k, ts_rows dx, ts_rows dy, const ts_frozen *f,
                        real *scratch);

/* Row i of W. */
void ts_frozen_row(const ts_kernels *k, real *y, const ts_tensor *W, size_t i);

#endif
