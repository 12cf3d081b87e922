/* quantize_row.h - round weights to a type of a file, by its id. */
#ifndef TS_MODELS_QUANTIZE_ROW_H
#define TS_MODELS_QUANTIZE_ROW_H

#include "core/tensor.h"

/* F32, F16, BF16 and all types of quant.def. */
bool ts_can_quantize(ts_dtype type);

/* n weights, a whole number of blocks; out has ts_dtype_row_bytes of them.  False: a
 * weight is not finite, or the type is none of the above; out is then undefined. */
bool ts_quantize_row(ts_dtype type, void *out, const float *x, size_t n);

#endif
