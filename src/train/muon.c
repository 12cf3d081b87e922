/* muon.c - momentum, made orthogonal by Newton and Schulz (Jordan et al. 2024; scaled
 * as in Moonlight, 2502.16982, so that AdamW's rates fit).
 *
 *     M = mu M + (1 - mu) G          U = (1 - mu) G + mu M             (Nesterov)
 *     X = U / |U|,  five times:  A = X X^T,  X = a X + (b A + c A A) X
 *     W = W (1 - lr decay) - lr 0.2 sqrt(max(n_in, n_out)) X
 *
 * The smaller side is the side of A: a tall matrix is transposed on the way in and out.
 */
#include <string.h>

#include "train/optimizer.h"

enum { ITERATIONS = 5 };
static const double COEFFICIENTS[3] = {3.4445, -4.7750, 2.0315};

typedef struct buffers {
    real *X, *Y;           /* (rows, columns) */
    real *A, *B;           /* (rows, rows) */
    real *panels, *square; /* of X, of A */
} buffers;

static size_t padded(size_t n)
{
    return (n + 15) / 16 * 16;
}

static size_t lay_out(buffers *b, real *scratch, size_t rows, size_t columns)
{
    const size_t by_columns = ts_packed_reals(columns, rows);
    const size_t by_rows = ts_packed_reals(rows, columns);
    size_t used = 0;
    const struct {
        real **at;
        size_t n;
    } parts[] = {
        {&b->X, rows * columns},
        {&b->Y, rows * columns},
        {&b->A, rows * rows},
        {&b->B, rows * rows},
        {&b->panels, by_columns > by_rows ? by_columns : by_rows},
        {&b->square, ts_packed_reals(rows, rows)},
    };

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (scratch)
            *parts[i].at = scratch + used;
        used += padded(parts[i].n);
    }
    return used;
}

size_t ts_muon_scratch_reals(size_t n_in, size_t n_out)
{
    buffers b;

    return n_in < n_out ? lay_out(&b, NULL, n_in, n_out) : lay_out(&b, NULL, n_out, n_in);
}

static void iterate(const ts_kernels *k, buffers *b, size_t rows, size_t columns)
{
    const real a2 = (real)COEFFICIENTS[1], a3 = (real)COEFFICIENTS[2];
    ts_product p = {.c = b->A,
                    .c_stride = rows,
                    .a = b->X,
                    .a_row = columns,
                    .a_step = 1,
                    .b = b->panels,
                    .b_panel = 16 * columns,
                    .n_rows = rows,
                    .n_columns = rows,
                    .n = columns};

    ts_pack_columns(b->panels, (ts_rows){b->X, columns}, columns, rows);
    ts_product_run(k, &p);
    for (size_t i = 0; i < rows * rows; i++)
        b->B[i] = a2 / a3 * b->A[i];
    ts_pack_rows(b->square, (ts_rows){b->A, rows}, rows, rows);
    p = (ts_product){.c = b->B,
                     .c_stride = rows,
                     .adds = true,
                     .a = b->A,
                     .a_row = rows,
                     .a_step = 1,
                     .b = b->square,
                     .b_panel = 16 * rows,
                     .n_rows = rows,
                     .n_columns = rows,
                     .n = rows};
    ts_product_run(k, &p);
    for (size_t i = 0; i < rows * rows; i++)
        b->B[i] *= a3;
    for (size_t i = 0; i < rows * columns; i++)
        b->Y[i] = (real)COEFFICIENTS[0] * b->X[i];
    ts_pack_rows(b->panels, (ts_rows){b->X, columns}, rows, columns);
    p = (ts_product){.c = b->Y,
                     .c_stride = columns,
                     .adds = true,
                     .a = b->B,
                     .a_row = rows,
                     .a_step = 1,
                     .b = b->panels,
                     .b_panel = 16 * rows,
                     .n_rows = rows,
                     .n_columns = columns,
                     .n = rows};
    ts_product_run(k, &p);
    real *swap = b->X;
    b->X = b->Y;
    b->Y = swap;
}

void ts_muon_step(const ts_kernels *k, const ts_muon *u, real *w, const real *dw, real *m,
                  size_t n_in, size_t n_out, real *scratch)
{
    const bool is_tall = n_out > n_in;
    const size_t rows = is_tall ? n_in : n_out, columns = is_tall ? n_out : n_in;
    const real widest = REAL_SQRT((real)columns) * (real)0.2 * u->lr, keep = 1 - u->lr * u->decay;
    buffers b;

    (void)lay_out(&b, scratch, rows, columns);
    for (size_t r = 0; r < n_out; r++)
        for (size_t i = 0; i < n_in; i++) {
            const size_t at = r * n_in + i;
            const real g = dw[at] * u->grad_scale;

            m[at] = u->momentum * m[at] + (1 - u->momentum) * g;
            b.X[is_tall ? i * n_out + r : at] = (1 - u->momentum) * g + u->momentum * m[at];
        }
    const real norm = REAL_SQRT(ts_real_dot(k, b.X, b.X, rows * columns));
    const real scale = 1 / (norm > (real)1e-7 ? norm : (real)1e-7);
    for (size_t i = 0; i < rows * columns; i++)
        b.X[i] *= scale;
    for (int i = 0; i < ITERATIONS; i++)
        iterate(k, &b, rows, columns);
    for (size_t r = 0; r < n_out; r++)
        for (size_t i = 0; i < n_in; i++) {
            const size_t at = r * n_in + i;
            w[at] = w[at] * keep - widest * b.X[is_tall ? i * n_out + r : at];
        }
}
