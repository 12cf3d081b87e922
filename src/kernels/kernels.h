/* kernels.h - the table of kernels.
 *
 * A kernel takes plain pointers and sizes, allocates nothing, starts no thread
 * and cannot fail.  ts_kernels_select() fills a table from CPU flags; the
 * backend keeps it.  See kernels.def for every kernel's contract.
 */
#ifndef TS_KERNELS_KERNELS_H
#define TS_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Quantised activations of several tokens.  Row t: q + t * q_stride (int8),
 * d + t * d_stride (one per block), s + t * s_stride (one per 16 values). */
typedef struct ts_q8_rows {
    const int8_t *q;
    const float *d;
    const int16_t *s;
    size_t q_stride, d_stride, s_stride;
} ts_q8_rows;

/* C (n_rows, n_columns) = A B for training.  A: element (r, i) at a[r * a_row + i *
 * a_step], so rows or columns may be the contiguous ones.  B (n, n_columns) is packed
 * in panels of 16 columns: element (i, j) at b[j / 16 * b_panel + 16 * i + j % 16];
 * the last panel is as wide as the others, filled with anything finite. */
typedef struct ts_panels {
    float *c;
    const float *a, *b;
    size_t c_stride, a_row, a_step, b_panel;
    size_t n_rows, n_columns, n;
    int adds; /* to what is in C; else C is overwritten */
} ts_panels;

/* Rows of latent attention as integers, see latent.h: n latents, n_rope rotary
 * values; row_bytes is a multiple of four and at least n + 2 n_rope + 8.  n and
 * n_rope are multiples of 16 (TS_LATENT_STEP), n <= 2048, n_rope <= 128. */
typedef struct ts_latent {
    size_t n, n_rope, row_bytes;
} ts_latent;

enum { TS_LATENT_STEP = 16, TS_LATENT_MAX = 2048, TS_LATENT_MAX_ROPE = 128, TS_LATENT_ROWS = 64 };

/* Scratch bytes that any gemm_<quant> call needs for rows of n weights. */
size_t ts_gemm_scratch_bytes(size_t n);

typedef struct ts_kernels {
#define KERNEL(name, result, params) result(*name) params;
#include "kernels/kernels.def"
#undef KERNEL
} ts_kernels;

/* What a variant is called if it exists; variants.def says which do. */
#define KERNEL(name, result, params)   \
    result ts_##name##_ref params;     \
    result ts_##name##_avx2 params;    \
    result ts_##name##_avxvnni params; \
    result ts_##name##_avx512 params;  \
    result ts_##name##_neon params;    \
    result ts_##name##_dotprod params;
#include "kernels/kernels.def"
#undef KERNEL

/* Fill k with the fastest kernels that flags (TS_CPU_*) allow; 0 gives the
 * reference.  Pure: no global state, so a test can hold two tables at once. */
void ts_kernels_select(ts_kernels *k, unsigned cpu_flags);

#endif
