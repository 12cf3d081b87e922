/* linear_layer.c - y = W x for n tokens; W (n_out, n_in).
 *
 *     Y = X W^T          dX += dY W          dW += dY^T X
 *
 * Each output of each product is one chain of fused multiply-adds in ascending
 * order, so no tiling and no number of threads changes a bit.
 */
#include "train/layers.h"

#include <assert.h>

/* Tokens at a time for dW: X in panels, dY transposed.  Read in place, a column of dY
 * would take a cache line and often a page per token. */
enum { TOKENS = 256, STRIDE = TOKENS + 16 };

size_t ts_weight_packed_reals(size_t n_in, size_t n_out)
{
    return ts_packed_reals(n_in, n_out) + ts_packed_reals(n_out, n_in);
}

void ts_weight_pack(const ts_weight *w)
{
    const ts_rows W = {w->w, w->n_in};

    ts_pack_columns(w->forward, W, w->n_in, w->n_out);
    ts_pack_rows(w->backward, W, w->n_out, w->n_in);
}

void ts_linear_forward(const ts_kernels *k, ts_rows y, bool adds, ts_rows x, const ts_weight *w,
                       size_t n)
{
    ts_product_run(k, &(ts_product){.c = y.v,
                                    .c_stride = y.stride,
                                    .adds = adds,
                                    .a = x.v,
                                    .a_row = x.stride,
                                    .a_step = 1,
                                    .b = w->forward,
                                    .b_panel = 16 * w->n_in,
                                    .n_rows = n,
                                    .n_columns = w->n_out,
                                    .n = w->n_in});
}

void ts_linear_backward(const ts_kernels *k, ts_rows dx, bool adds, ts_rows dy, const ts_weight *w,
                        size_t n)
{
    ts_product_run(k, &(ts_product){.c = dx.v,
                                    .c_stride = dx.stride,
                                    .adds = adds,
                                    .a = dy.v,
                                    .a_row = dy.stride,
                                    .a_step = 1,
                                    .b = w->backward,
                                    .b_panel = 16 * w->n_out,
                                    .n_rows = n,
                                    .n_columns = w->n_in,
                                    .n = w->n_out});
}

size_t ts_linear_scratch_reals(size_t n_in)
{
    return ts_packed_reals(TOKENS, n_in) + LINEAR_MAX_OUTPUTS * STRIDE;
}

void ts_linear_backward_weight(const ts_kernels *k, const ts_linear_grad *g, real *scratch)
{
    const size_t n_in = g->w->n_in;
    real *turned = scratch + ts_packed_reals(TOKENS, n_in);

    assert(g->end - g->begin <= LINEAR_MAX_OUTPUTS);
    for (size_t t = 0; t < g->n; t += TOKENS) {
        const size_t n = g->n - t < TOKENS ? g->n - t : TOKENS;
        const ts_rows dy = ts_rows_from(g->dy, t);

        ts_pack_rows(scratch, ts_rows_from(g->x, t), n, n_in);
        ts_turn(turned, STRIDE, (ts_rows){dy.v + g->begin, dy.stride}, n, g->end - g->begin);
        ts_product_run(k, &(ts_product){.c = g->w->dw + g->begin * n_in,
                                        .c_stride = n_in,
                                        .adds = true,
                                        .a = turned,
                                        .a_row = STRIDE,
                                        .a_step = 1,
                                        .b = scratch,
                                        .b_panel = 16 * n,
                                        .n_rows = g->end - g->begin,
                                        .n_columns = n_in,
                                        .n = n});
    }
}
