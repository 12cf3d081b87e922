/* panels_f32_avx512.c - panels_f32 in tiles of 12 rows x 16 columns: 12
 * accumulators hide the latency of four cycles at two products a cycle. */
#include <immintrin.h>

#include "kernels/kernels.h"

#define VECTOR      __m512
#define WIDTH       16
#define VECTORS     1
#define MAX_ROWS    12
#define LOAD(p)     _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define SPREAD(p)   _mm512_set1_ps(*(p))
#define ZERO        _mm512_setzero_ps()
#define FMA         _mm512_fmadd_ps
#define KERNEL_NAME ts_panels_f32_avx512
#include "kernels/x86/panels_f32.h"
