/* quantize.h - round weights to the types of a model file.
 *
 * For files, not for the token loop: plain C, the same bits on every machine.  Each
 * group of weights gets the scale (and minimum) of least squared error among a few
 * candidates; the paper form of what is stored is in quant_unpack.h.
 */
#ifndef TS_KERNELS_QUANTIZE_H
#define TS_KERNELS_QUANTIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/tensor.h"

/* F32, F16, BF16 and all types of quant.def. */
bool ts_can_quantize(ts_dtype type);

/* n weights, a whole number of blocks; out has ts_dtype_row_bytes of them.  False: a
 * weight is not finite, or the type is none of the above; out is then undefined. */
bool ts_quantize_row(ts_dtype type, void *out, const float *x, size_t n);

#endif
