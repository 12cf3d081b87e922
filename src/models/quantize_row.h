/* quantize_row.h - between float32 and the types of a file, by their ids.
 *
 * For making files; running them goes through the backends. */
#ifndef TS_MODELS_QUANTIZE_ROW_H
#define TS_MODELS_QUANTIZE_ROW_H

#include "core/tensor.h"

/* F32, F16, BF16 and all types of quant.def. */
bool ts_can_quantize(ts_dtype type);

/* n weights, a whole number of blocks; out has ts_dtype_row_bytes of them.  False: a
 * weight is not finite, or the type is none of the above; out is then undefined. */
bool ts_quantize_row(ts_dtype type, void *out, const float *x, size_t n);

/* Back: n weights of a type that can_compute (core/tensor.h), FP8 without its scales.
 * False: another type. */
bool ts_widen_row(ts_dtype type, float *y, const void *w, size_t n);

#endif
