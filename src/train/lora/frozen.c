/* frozen.c - see frozen.h. */
#include "train/lora/frozen.h"

#include <assert.h>
#include <string.h>

#include "models/quantize_row.h"

/* Weights of a tile, as numbers and in panels: 128 KiB each in float, which stays in the
 * second cache beside the rows of a product; and rows of X at a time. */
enum { TILE_WEIGHTS = 32768, ROWS = 96, BACKWARD_STEPS = TILE_WEIGHTS / TS_FROZEN_INPUTS };

/* Columns of W that a forward tile takes: whole blocks of every type. */
enum { FORWARD_STEPS = TILE_WEIGHTS / TS_FROZEN_OUTPUTS };

size_t ts_frozen_scratch_reals(void)
{
    return (size_t)2 * TILE_WEIGHTS;
}

bool ts_frozen_can(const ts_tensor *W)
{
    return ts_dtype_of((uint32_t)W->type).can_compute && W->type != TS_F8_E4M3;
}

#ifndef TS_TRAIN_F64
typedef void widen_kernel(float *y, const void *w, size_t n);

static widen_kernel *kernel_of(const ts_kernels *k, ts_dtype type)
{
    switch (type) {
    case TS_F16: return k->widen_f16;
    case TS_BF16: return k->widen_bf16;
    case TS_Q4_0: return k->widen_q4_0;
    case TS_Q4_1: return k->widen_q4_1;
    case TS_Q5_0: return k->widen_q5_0;
    case TS_Q5_1: return k->widen_q5_1;
    case TS_Q8_0: return k->widen_q8_0;
    case TS_IQ4_NL: return k->widen_iq4_nl;
    case TS_MXFP4: return k->widen_mxfp4;
    case TS_Q2_K: return k->widen_q2_k;
    case TS_Q3_K: return k->widen_q3_k;
    case TS_Q4_K: return k->widen_q4_k;
    case TS_Q5_K: return k->widen_q5_k;
    case TS_Q6_K: return k->widen_q6_k;
    case TS_IQ4_XS: return k->widen_iq4_xs;
    default: return NULL;
    }
}
#endif

/* Columns [column, column + n) of row `row`; whole blocks. */
static void widen(const ts_kernels *k, real *y, const ts_tensor *W, size_t row, size_t column,
                  size_t n)
{
    const ts_dtype_info info = ts_dtype_of((uint32_t)W->type);
    const uint8_t *w =
        (const uint8_t *)W->data + row * W->row_bytes + column / info.block * info.block_bytes;

#ifdef TS_TRAIN_F64
    float part[TS_FROZEN_INPUTS];

    (void)k;
    for (size_t at = 0; at < n; at += TS_FROZEN_INPUTS) {
        const size_t m = n - at < TS_FROZEN_INPUTS ? n - at : TS_FROZEN_INPUTS;

        (void)ts_widen_row(W->type, part, w + at / info.block * info.block_bytes, m);
        for (size_t i = 0; i < m; i++)
            y[at + i] = (real)part[i];
    }
#else
    widen_kernel *kernel = kernel_of(k, W->type);

    if (kernel)
        kernel(y, w, n);
    else
        memcpy(y, w, n * sizeof *y);
#endif
}

/* All rows of A, a few at a time: those stay in the cache while the panels pass. */
static void multiply(const ts_kernels *k, const ts_product *p)
{
    for (size_t r = 0; r < p->n_rows; r += ROWS) {
        ts_product part = *p;

        part.c += r * p->c_stride;
        part.a += r * p->a_row;
        part.n_rows = p->n_rows - r < ROWS ? p->n_rows - r : ROWS;
        ts_product_run(k, &part);
    }
}

/* Outputs [begin, end) of c (+)= columns [at, at + n) of a times the panels. */
static void multiply_piece(const ts_kernels *k, const ts_frozen *f, ts_rows c, ts_rows a, size_t at,
                           const real *panels, size_t n)
{
    multiply(k, &(ts_product){.c = c.v + f->begin,
                              .c_stride = c.stride,
                              .adds = f->adds || at > 0,
                              .a = a.v + at,
                              .a_row = a.stride,
                              .a_step = 1,
                              .b = panels,
                              .b_panel = 16 * n,
                              .n_rows = f->n,
                              .n_columns = f->end - f->begin,
                              .n = n});
}

void ts_frozen_forward(const ts_kernels *k, ts_rows y, ts_rows x, const ts_frozen *f, real *scratch)
{
    const size_t n_in = (size_t)f->W->ne[0], m = f->end - f->begin;
    real *panels = scratch + TILE_WEIGHTS;

    assert(m <= TS_FROZEN_OUTPUTS);
    for (size_t at = 0; at < n_in; at += FORWARD_STEPS) {
        const size_t n = n_in - at < FORWARD_STEPS ? n_in - at : FORWARD_STEPS;

        for (size_t i = 0; i < m; i++)
            widen(k, scratch + i * n, f->W, f->begin + i, at, n);
        ts_pack_columns(panels, (ts_rows){scratch, n}, n, m);
        multiply_piece(k, f, y, x, at, panels, n);
    }
}

void ts_frozen_backward(const ts_kernels *k, ts_rows dx, ts_rows dy, const ts_frozen *f,
                        real *scratch)
{
    const size_t n_out = (size_t)ts_tensor_rows(f->W), m = f->end - f->begin;
    real *panels = scratch + TILE_WEIGHTS;

    assert(m <= TS_FROZEN_INPUTS && f->begin % TS_FROZEN_INPUTS == 0);
    for (size_t at = 0; at < n_out; at += BACKWARD_STEPS) {
        const size_t n = n_out - at < BACKWARD_STEPS ? n_out - at : BACKWARD_STEPS;

        for (size_t i = 0; i < n; i++)
            widen(k, scratch + i * m, f->W, at + i, f->begin, m);
        ts_pack_rows(panels, (ts_rows){scratch, m}, n, m);
        multiply_piece(k, f, dx, dy, at, panels, n);
    }
}

void ts_frozen_row(const ts_kernels *k, real *y, const ts_tensor *W, size_t i)
{
    widen(k, y, W, i, 0, (size_t)W->ne[0]);
}
