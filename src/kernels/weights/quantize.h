/* quantize.h - round weights to the types of a model file.
 *
 * For files, not for the token loop: plain C, the same bits on every machine.  Each
 * group of weights gets the scale (and minimum) of least squared error among a few
 * candidates; the paper form of what is stored is in quant_unpack.h.
 */
#ifndef TS_KERNELS_QUANTIZE_H
#define TS_KERNELS_QUANTIZE_H

#include <stddef.h>

/* n weights, finite all of them, a whole number of blocks. */
#define QUANT(name, block) void ts_quantize_##name(void *out, const float *x, size_t n);
#include "kernels/quant.def"
#undef QUANT

void ts_narrow_f16(void *out, const float *x, size_t n); /* beyond the range: the largest */
void ts_narrow_bf16(void *out, const float *x, size_t n);

#endif
