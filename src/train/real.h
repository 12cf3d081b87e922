/* real.h - the number that layers compute with.
 *
 * The trainer runs in float on the kernels of this machine.  The same sources are
 * compiled once more with TS_TRAIN_F64 for the tests, in double on plain loops: there
 * a gradient can be compared with central differences to nine digits, so that a
 * wrong factor cannot hide behind rounding.
 */
#ifndef TS_TRAIN_REAL_H
#define TS_TRAIN_REAL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

#ifdef TS_TRAIN_F64
typedef double real;
#define REAL_SQRT sqrt
#define REAL_EXP  exp
#define REAL_LOG  log

/* See ts_panels in kernels.h. */
typedef struct ts_product {
    real *c;
    const real *a, *b;
    size_t c_stride, a_row, a_step, b_panel;
    size_t n_rows, n_columns, n;
    int adds;
} ts_product;
#else
typedef float real;
#define REAL_SQRT sqrtf
#define REAL_EXP  expf
#define REAL_LOG  logf
typedef ts_panels ts_product;
#endif

/* Rows at a stride. */
typedef struct ts_rows {
    real *v;
    size_t stride;
} ts_rows;

static inline ts_rows ts_rows_from(ts_rows r, size_t row)
{
    return (ts_rows){r.v + row * r.stride, r.stride};
}

/* c (+)= a b; cuts n so that panels stay in L1. */
void ts_product_run(const ts_kernels *k, const ts_product *p);

/* Reals that B (n, n_columns) takes in panels. */
size_t ts_packed_reals(size_t n, size_t n_columns);

/* B(i, j) = x.v[i * x.stride + j], or x.v[j * x.stride + i]. */
void ts_pack_rows(real *panels, ts_rows x, size_t n, size_t n_columns);
void ts_pack_columns(real *panels, ts_rows x, size_t n, size_t n_columns);

/* to[j * to_stride + i] = x(i, j) for n rows of x. */
void ts_turn(real *to, size_t to_stride, ts_rows x, size_t n, size_t n_columns);

/* As the kernels of these names. */
real ts_real_dot(const ts_kernels *k, const real *a, const real *b, size_t n);
void ts_real_axpy(const ts_kernels *k, real *y, real a, const real *x, size_t n);
void ts_real_add(const ts_kernels *k, real *y, const real *x, size_t n);
void ts_real_sigmoid(const ts_kernels *k, real *y, const real *x, size_t n);
void ts_real_softmax(const ts_kernels *k, real *x, size_t n);

#endif
