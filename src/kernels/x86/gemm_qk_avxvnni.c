/* gemm_qk_avxvnni.c - products of the types with superblocks of 256, AVX-VNNI.
 *
 * Few tokens work on the file's bytes, many on decoded panels; the sums of
 * integers are exact and the floats follow quant.def in both, so the limit
 * between them is a matter of speed alone.
 */
#define QUANT_WITH_VNNI
#include "kernels/x86/quant_gemv_avx2.h"
#include "kernels/x86/quant_tile_avx2.h"

#define GEMM_32(type)
#define GEMM_256(type)                                                                           \
    void ts_gemm_##type##_avxvnni(float *y, size_t y_stride, const void *w, size_t w_stride,     \
                                  size_t n_rows, const ts_q8_rows *x, size_t n_tokens, size_t n, \
                                  void *scratch)                                                 \
    {                                                                                            \
        const quant_product a = {y, w, x, y_stride, w_stride, n_rows, n_tokens, n};              \
        if (n_tokens <= few_tokens(QUANT_##type))                                                \
            gemv_tokens(QUANT_##type, &a);                                                       \
        else                                                                                     \
            gemm_panels(QUANT_##type, 256, &a, ts_panel_in(scratch));                            \
    }
#define QUANT(type, block) GEMM_##block(type)
#include "kernels/quant.def"
#undef QUANT
