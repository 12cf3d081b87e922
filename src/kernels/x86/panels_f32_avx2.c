/* panels_f32_avx2.c - panels_f32 in tiles of 6 rows x 16 columns: 12 accumulators,
 * 2 registers of B and 1 of A.  Per step 2 loads and 6 broadcasts feed 12 products,
 * so the multipliers (2 a cycle) bind. */
#include <immintrin.h>

#include "kernels/kernels.h"

#define VECTOR      __m256
#define WIDTH       8
#define VECTORS     2
#define MAX_ROWS    6
#define LOAD(p)     _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define SPREAD(p)   _mm256_broadcast_ss(p)
#define ZERO        _mm256_setzero_ps()
#define FMA         _mm256_fmadd_ps
#define KERNEL_NAME ts_panels_f32_avx2
#include "kernels/x86/panels_f32.h"
