/* accumulate_f32_neon.c - accumulate_f32 in tiles of 4 q x 16 columns: the z of a
 * tile stay in 16 registers while rows pass, so a row costs 4 loads and 4
 * broadcasts for 16 products.
 *
 * Chunks and shapes as in x86/accumulate_f32_avx2.c.
 */
#include "kernels/kernels.h"

#include <arm_neon.h>
#include <math.h>

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

#define TILE_Q      4
#define MAX_VECTORS 8 /* in a row of a tile; q x vectors <= 16 */
#define CHUNK_ROWS  8

typedef struct operands {
    float *z;
    const float *p, *c;
    size_t z_stride, p_stride, c_stride;
} operands;

/* n_q and vectors are literals at every call, so that z is in registers. */
ALWAYS_INLINE void tile(operands o, size_t n_q, size_t vectors, size_t rows)
{
    float32x4_t z[TILE_Q][MAX_VECTORS], c[MAX_VECTORS];

    for (size_t q = 0; q < n_q; q++)
        for (size_t v = 0; v < vectors; v++)
            z[q][v] = vld1q_f32(o.z + q * o.z_stride + 4 * v);
    for (size_t t = 0; t < rows; t++, o.c += o.c_stride) {
        for (size_t v = 0; v < vectors; v++)
            c[v] = vld1q_f32(o.c + 4 * v);
        for (size_t q = 0; q < n_q; q++) {
            const float32x4_t weight = vdupq_n_f32(o.p[q * o.p_stride + t]);
            for (size_t v = 0; v < vectors; v++)
                z[q][v] = vfmaq_f32(z[q][v], weight, c[v]);
        }
    }
    for (size_t q = 0; q < n_q; q++)
        for (size_t v = 0; v < vectors; v++)
            vst1q_f32(o.z + q * o.z_stride + 4 * v, z[q][v]);
}

/* Columns behind the last whole vector tile. */
static void last_columns(operands o, size_t n_q, size_t rows, size_t columns)
{
    for (size_t q = 0; q < n_q; q++, o.z += o.z_stride, o.p += o.p_stride)
        for (size_t t = 0; t < rows; t++)
            for (size_t j = 0; j < columns; j++)
                o.z[j] = fmaf(o.p[t], o.c[t * o.c_stride + j], o.z[j]);
}

ALWAYS_INLINE void few_q(operands o, size_t n_q, size_t vectors, size_t rows, size_t n)
{
    for (; n >= 4 * vectors; n -= 4 * vectors, o.z += 4 * vectors, o.c += 4 * vectors)
        tile(o, n_q, vectors, rows);
    for (; n >= 4; n -= 4, o.z += 4, o.c += 4)
        tile(o, n_q, 1, rows);
    last_columns(o, n_q, rows, n);
}

/* One chunk of rows for all q. */
static void chunk(operands o, size_t n_q, size_t rows, size_t n)
{
    for (; n_q >= TILE_Q; n_q -= TILE_Q, o.z += TILE_Q * o.z_stride, o.p += TILE_Q * o.p_stride)
        few_q(o, TILE_Q, 4, rows, n);
    switch (n_q) {
    case 3: few_q(o, 3, 4, rows, n); break;
    case 2: few_q(o, 2, 8, rows, n); break;
    case 1: few_q(o, 1, 8, rows, n); break;
    default: break;
    }
}

void ts_accumulate_f32_neon(float *z, size_t z_stride, const float *p, size_t p_stride, size_t n_q,
                            const float *c, size_t c_stride, size_t n_rows, size_t n)
{
    const size_t step = n_q <= TILE_Q ? n_rows : CHUNK_ROWS;

    for (size_t t = 0; t < n_rows; t += step) {
        const operands o = {z, p + t, c + t * c_stride, z_stride, p_stride, c_stride};
        chunk(o, n_q, n_rows - t < step ? n_rows - t : step, n);
    }
}
