/* attend.c - causal attention of one head over one document.
 *
 *     S = scale Q K^T     P = softmax of the causal part     O = P V
 *
 *     dV = P^T dO         dP = dO V^T     dS = P (dP - rowsum(P dP)) scale
 *     dQ = dS K           dK = dS^T Q
 *
 * K is [k_nope | k_rope]; all heads share k_rope.  Queries come in blocks, with the
 * keys up to the block's end; P is computed again on the way back, from the same
 * products and so with the same bits, instead of being kept.  Documents never see each
 * other: packing several into a batch needs no mask.
 */
#include <string.h>

#include "train/layers.h"

enum { BLOCK = 36 };

/* Per document: K, K and V in both kinds of panels, gradients; per block: the rest. */
typedef struct tables {
    real *K, *K_columns, *K_rows, *V_rows, *V_columns;
    real *dK, *dV;
    real *P, *dP;            /* (BLOCK, stride) */
    size_t stride;           /* n, whole panels */
    real *q_rows, *d_o_rows; /* panels of a block */
} tables;

static size_t whole_panels(size_t n)
{
    return (n + 15) / 16 * 16;
}

static size_t lay_out(tables *t, real *scratch, size_t n, size_t d_key, size_t d_value)
{
    const size_t stride = whole_panels(n);
    size_t used = 0;
    const struct {
        real **at;
        size_t n;
    } parts[] = {
        {&t->K, n * d_key},
        {&t->K_columns, ts_packed_reals(d_key, n)},
        {&t->K_rows, ts_packed_reals(n, d_key)},
        {&t->V_rows, ts_packed_reals(n, d_value)},
        {&t->V_columns, ts_packed_reals(d_value, n)},
        {&t->dK, n * d_key},
        {&t->dV, n * d_value},
        {&t->P, BLOCK * stride},
        {&t->dP, BLOCK * stride},
        {&t->q_rows, ts_packed_reals(BLOCK, d_key)},
        {&t->d_o_rows, ts_packed_reals(BLOCK, d_value)},
    };

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (scratch)
            *parts[i].at = scratch + used;
        used += whole_panels(parts[i].n);
    }
    t->stride = stride;
    return used;
}

size_t ts_attend_scratch_reals(size_t n, size_t d_key, size_t d_value)
{
    tables t;

    return lay_out(&t, NULL, n, d_key, d_value);
}

static void join_keys(const ts_attend *a, real *K)
{
    const size_t d_key = a->d_nope + a->d_rope;

    for (size_t t = 0; t < a->n; t++) {
        memcpy(K + t * d_key, a->k_nope.v + t * a->k_nope.stride, a->d_nope * sizeof *K);
        memcpy(K + t * d_key + a->d_nope, a->k_rope.v + t * a->k_rope.stride,
               a->d_rope * sizeof *K);
    }
}

/* P of queries [begin, begin + m) and the first begin + m keys.  Products fill whole
 * panels; what lies behind the last key is never read. */
static void probabilities(const ts_attend *a, const tables *t, size_t begin, size_t m)
{
    const size_t d_key = a->d_nope + a->d_rope, n_keys = begin + m;

    ts_product_run(a->k, &(ts_product){.c = t->P,
                                       .c_stride = t->stride,
                                       .a = a->q.v + begin * a->q.stride,
                                       .a_row = a->q.stride,
                                       .a_step = 1,
                                       .b = t->K_columns,
                                       .b_panel = 16 * d_key,
                                       .n_rows = m,
                                       .n_columns = whole_panels(n_keys),
                                       .n = d_key});
    for (size_t r = 0; r < m; r++) {
        real *row = t->P + r * t->stride;
        const size_t seen = begin + r + 1;

        for (size_t i = 0; i < seen; i++)
            row[i] *= a->scale;
        ts_real_softmax(a->k, row, seen);
        memset(row + seen, 0, (n_keys - seen) * sizeof *row);
    }
}

void ts_attend_forward(const ts_attend *a, real *scratch)
{
    const size_t d_key = a->d_nope + a->d_rope;
    tables t;

    (void)lay_out(&t, scratch, a->n, d_key, a->d_value);
    join_keys(a, t.K);
    ts_pack_columns(t.K_columns, (ts_rows){t.K, d_key}, d_key, a->n);
    ts_pack_rows(t.V_rows, a->v, a->n, a->d_value);
    for (size_t begin = 0; begin < a->n; begin += BLOCK) {
        const size_t m = a->n - begin < BLOCK ? a->n - begin : BLOCK;

        probabilities(a, &t, begin, m);
        ts_product_run(a->k, &(ts_product){.c = a->o.v + begin * a->o.stride,
                                           .c_stride = a->o.stride,
                                           .a = t.P,
                                           .a_row = t.stride,
                                           .a_step = 1,
                                           .b = t.V_rows,
                                           .b_panel = 16 * a->n,
                                           .n_rows = m,
                                           .n_columns = a->d_value,
                                           .n = begin + m});
    }
}

/* dP = dO V^T, then dS in its place. */
static void score_gradients(const ts_attend *a, const ts_attend_grad *g, const tables *t,
                            size_t begin, size_t m)
{
    const size_t n_keys = begin + m;

    ts_product_run(a->k, &(ts_product){.c = t->dP,
                                       .c_stride = t->stride,
                                       .a = g->d_o.v + begin * g->d_o.stride,
                                       .a_row = g->d_o.stride,
                                       .a_step = 1,
                                       .b = t->V_columns,
                                       .b_panel = 16 * a->d_value,
                                       .n_rows = m,
                                       .n_columns = whole_panels(n_keys),
                                       .n = a->d_value});
    for (size_t r = 0; r < m; r++) {
        const real *p = t->P + r * t->stride;
        real *dp = t->dP + r * t->stride;
        const real mean = ts_real_dot(a->k, p, dp, n_keys);

        for (size_t i = 0; i < n_keys; i++)
            dp[i] = p[i] * (dp[i] - mean) * a->scale;
    }
}

/* y (n_keys, n_columns) += of block^T x, x (m, n_columns) in panels. */
static void add_transposed(const ts_attend *a, const tables *t, real *y, const real *block,
                           const real *panels, size_t n_keys, size_t n_columns, size_t m)
{
    ts_product_run(a->k, &(ts_product){.c = y,
                                       .c_stride = n_columns,
                                       .adds = true,
                                       .a = block,
                                       .a_row = 1,
                                       .a_step = t->stride,
                                       .b = panels,
                                       .b_panel = 16 * m,
                                       .n_rows = n_keys,
                                       .n_columns = n_columns,
                                       .n = m});
}

static void backward_block(const ts_attend *a, const ts_attend_grad *g, const tables *t,
                           size_t begin, size_t m)
{
    const size_t d_key = a->d_nope + a->d_rope;

    probabilities(a, t, begin, m);
    score_gradients(a, g, t, begin, m);
    ts_product_run(a->k, &(ts_product){.c = g->dq.v + begin * g->dq.stride,
                                       .c_stride = g->dq.stride,
                                       .a = t->dP,
                                       .a_row = t->stride,
                                       .a_step = 1,
                                       .b = t->K_rows,
                                       .b_panel = 16 * a->n,
                                       .n_rows = m,
                                       .n_columns = d_key,
                                       .n = begin + m});
    ts_pack_rows(t->q_rows, ts_rows_from(a->q, begin), m, d_key);
    ts_pack_rows(t->d_o_rows, ts_rows_from(g->d_o, begin), m, a->d_value);
    add_transposed(a, t, t->dK, t->dP, t->q_rows, begin + m, d_key, m);
    add_transposed(a, t, t->dV, t->P, t->d_o_rows, begin + m, a->d_value, m);
}

void ts_attend_backward(const ts_attend *a, const ts_attend_grad *g, real *scratch)
{
    const size_t d_key = a->d_nope + a->d_rope;
    tables t;

    (void)lay_out(&t, scratch, a->n, d_key, a->d_value);
    join_keys(a, t.K);
    ts_pack_columns(t.K_columns, (ts_rows){t.K, d_key}, d_key, a->n);
    ts_pack_rows(t.K_rows, (ts_rows){t.K, d_key}, a->n, d_key);
    ts_pack_columns(t.V_columns, a->v, a->d_value, a->n);
    memset(t.dK, 0, a->n * d_key * sizeof *t.dK);
    memset(t.dV, 0, a->n * a->d_value * sizeof *t.dV);
    for (size_t begin = 0; begin < a->n; begin += BLOCK)
        backward_block(a, g, &t, begin, a->n - begin < BLOCK ? a->n - begin : BLOCK);
    for (size_t i = 0; i < a->n; i++) {
        const real *dk = t.dK + i * d_key;

        memcpy(g->dk_nope.v + i * g->dk_nope.stride, dk, a->d_nope * sizeof *dk);
        memcpy(g->dk_rope.v + i * g->dk_rope.stride, dk + a->d_nope, a->d_rope * sizeof *dk);
        memcpy(g->dv.v + i * g->dv.stride, t.dV + i * a->d_value, a->d_value * sizeof *dk);
    }
}
