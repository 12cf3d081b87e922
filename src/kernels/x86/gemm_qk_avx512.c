/* gemm_qk_avx512.c - products of the types with superblocks of 256, AVX-512 VNNI.
 *
 * One token works on the file's bytes, more on decoded panels; the sums of
 * integers are exact and the floats follow quant.def in both, so the limit
 * between them is a matter of speed alone.
 */
#include "kernels/x86/quant_gemv_avx512.h"

#define GEMM_32(type)
#define GEMM_256(type)                                                                          \
    void ts_gemm_##type##_avx512(float *y, size_t y_stride, const void *w, size_t w_stride,     \
                                 size_t n_rows, const ts_q8_rows *x, size_t n_tokens, size_t n, \
                                 void *scratch)                                                 \
    {                                                                                           \
        const quant_product a = {y, w, x, y_stride, w_stride, n_rows, n_tokens, n};             \
        if (n_tokens == 1)                                                                      \
            gemv_512(QUANT_##type, 256, &a);                                                    \
        else                                                                                    \
            gemm_panels_512(QUANT_##type, 256, &a, ts_panel_in(scratch));                       \
    }
#define QUANT(type, block) GEMM_##block(type)
#include "kernels/quant.def"
#undef QUANT
