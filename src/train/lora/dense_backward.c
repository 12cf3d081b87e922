/* dense_backward.c - a dense layer backwards; see dense_block.h.
 *
 * A matrix of the base and what is learned beside it share their input, so dx is first
 * what comes through the low-rank part and then gets what comes through W. */
#include <string.h>

#include "train/block_parts.h"
#include "train/lora/dense_block.h"

/* dx (+)= what comes through the low-rank part; without one, zeros or nothing. */
static void come_down(const ts_dense_pass *x, ts_target target, real *dx, bool adds, const real *dy,
                      size_t begin, size_t n)
{
    const ts_low_rank_weight *w = &x->w->low[target];
    const ts_tensor *W = x->w->W[target];
    const size_t n_in = (size_t)W->ne[0], n_out = (size_t)ts_tensor_rows(W);

    if (w->A.w)
        ts_low_rank_backward(&x->team->kernels, ts_rows_at(dx, n_in, begin), adds,
                             ts_rows_at(x->m.dt[target], w->A.n_out, begin),
                             ts_rows_at((real *)(uintptr_t)dy, n_out, begin), w, n);
    else if (!adds)
        memset(dx + begin * n_in, 0, n * n_in * sizeof *dx);
}

/* ------------------------------------------------- weights of low-rank parts */

typedef struct weight_loop {
    const ts_dense_pass *x;
    struct {
        ts_target target;
        const real *dy, *in;
    } part[3];
    size_t n_parts;
} weight_loop;

static size_t pieces_of(const ts_weight *w)
{
    return w->w ? (w->n_out + LINEAR_MAX_OUTPUTS - 1) / LINEAR_MAX_OUTPUTS : 0;
}

static ts_rows rows(const real *v, size_t stride)
{
    return (ts_rows){(real *)(uintptr_t)v, stride};
}

/* Item: a piece of the outputs of A or of B of one of the parts. */
static void learn_piece(void *ctx, size_t begin, size_t end, int thread)
{
    const weight_loop *l = ctx;
    const ts_team *team = l->x->team;

    for (size_t item = begin; item < end; item++) {
        size_t i = item, p = 0;
        const ts_low_rank_weight *w;
        bool is_B;

        for (;; p++) {
            w = &l->x->w->low[l->part[p].target];
            const size_t n_A = pieces_of(&w->A), n_B = pieces_of(&w->B);
            is_B = i >= n_A;
            if (i < n_A + n_B)
                break;
            i -= n_A + n_B;
        }
        const ts_target target = l->part[p].target;
        const ts_weight *side = is_B ? &w->B : &w->A;
        const size_t first = (is_B ? i - pieces_of(&w->A) : i) * LINEAR_MAX_OUTPUTS;
        const size_t left = side->n_out - first, rank = w->A.n_out;
        const ts_linear_grad g = {
            .w = side,
            .dy = is_B ? rows(l->part[p].dy, w->B.n_out) : rows(l->x->m.dt[target], rank),
            .x = is_B ? rows(l->x->m.t[target], rank) : rows(l->part[p].in, w->A.n_in),
            .n = l->x->pack->n,
            .begin = first,
            .end = left < LINEAR_MAX_OUTPUTS ? side->n_out : first + LINEAR_MAX_OUTPUTS,
        };
        ts_linear_backward_weight(&team->kernels, &g, ts_team_scratch(team, thread));
    }
}

static void learn(weight_loop *l)
{
    size_t n = 0;

    for (size_t p = 0; p < l->n_parts; p++) {
        const ts_low_rank_weight *w = &l->x->w->low[l->part[p].target];
        n += pieces_of(&w->A) + pieces_of(&w->B);
    }
    ts_pool_loop(l->x->team->pool, n, 1, learn_piece, l);
}

/* ------------------------------------------------------------ feed-forward */

static void back_to_act(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;

    (void)thread;
    come_down(l->x, TS_TARGET_DOWN, l->x->m.dact, false, l->out, begin, end - begin);
}

static void back_to_u2(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_dense_memory *m = &l->x->m;
    const size_t F = l->x->config->d_ff, n = end - begin, at = begin * F;

    (void)thread;
    ts_swiglu_backward(&l->x->team->kernels, m->dg + at, m->dup + at, m->dact + at, m->g + at,
                       m->up + at, n * F);
    come_down(l->x, TS_TARGET_GATE, m->du, false, m->dg, begin, n);
    come_down(l->x, TS_TARGET_UP, m->du, true, m->dup, begin, n);
}

/* dh becomes that of h2; then the way into the attention begins. */
static void back_to_o(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_dense_pass *x = l->x;
    const size_t d = x->config->d_model, n = end - begin;

    (void)thread;
    ts_rmsnorm_backward(&x->team->kernels, ts_rows_at(l->out, d, begin),
                        ts_rows_at(x->m.du, d, begin), ts_rows_at(x->m.h2, d, begin),
                        x->w->ffn_norm, x->m.rstd_u2 + begin, n, d);
    come_down(x, TS_TARGET_O, x->m.d_o, false, l->out, begin, n);
}

static void feed_forward(ts_dense_pass *x, real *dh)
{
    const ts_dense_memory *m = &x->m;
    const size_t d = x->config->d_model, F = x->config->d_ff;
    ts_dense_loop l = {.x = x,
                       .out = dh,
                       .product = {{TS_TARGET_DOWN, {m->dact, F}, {dh, d}, true}},
                       .n_products = 1};
    ts_dense_loop in = {.x = x,
                        .product = {{TS_TARGET_GATE, {m->du, d}, {m->dg, F}, true},
                                    {TS_TARGET_UP, {m->du, d}, {m->dup, F}, true}},
                        .n_products = 2};

    ts_dense_tiles(&l, back_to_act);
    ts_dense_products_backward(&l);
    learn(&(weight_loop){x, {{TS_TARGET_DOWN, dh, m->act}}, 1});
    ts_dense_tiles(&l, back_to_u2);
    ts_dense_products_backward(&in);
    learn(&(weight_loop){x, {{TS_TARGET_GATE, m->dg, m->u2}, {TS_TARGET_UP, m->dup, m->u2}}, 2});
}

/* --------------------------------------------------------------- attention */

static void unattend(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_dense_memory *m = &l->x->m;
    const size_t H = l->x->config->n_heads, dh = l->x->config->d_head;

    for (size_t item = begin; item < end; item++) {
        size_t first;
        const ts_attend a = ts_dense_attend(l->x, item, &first);
        const size_t at = (first * H + item % H) * dh;
        const ts_rows dk = {m->dk_heads + at, H * dh};
        const ts_attend_grad g = {.dq = {m->dq + at, H * dh},
                                  .dk_nope = dk,
                                  .dk_rope = dk,
                                  .dv = {m->dv_heads + at, H * dh},
                                  .d_o = {m->d_o + at, H * dh}};
        ts_attend_backward(&a, &g, ts_team_scratch(l->x->team, thread));
    }
}

/* dx (n, G, dh) of rows from those of a group's query heads. */
static void sum_group(const ts_dense_pass *x, real *dx, const real *heads, size_t begin, size_t n)
{
    const size_t H = x->config->n_heads, G = x->config->n_kv_heads, dh = x->config->d_head;

    for (size_t t = begin; t < begin + n; t++)
        for (size_t h = 0; h < H; h++) {
            real *to = dx + (t * G + h / (H / G)) * dh;
            const real *from = heads + (t * H + h) * dh;

            if (h % (H / G) == 0)
                memcpy(to, from, dh * sizeof *to);
            else
                ts_real_add(&x->team->kernels, to, from, dh);
        }
}

/* dv becomes that of what was before the heads' norms. */
static void unnorm_heads(const ts_dense_pass *x, real *dv, real *d_raw, const real *raw,
                         const real *rstd, const real *g, size_t n_heads, size_t begin, size_t n)
{
    const size_t dh = x->config->d_head, at = begin * n_heads, all = n * n_heads * dh;

    memset(d_raw + at * dh, 0, all * sizeof *d_raw);
    ts_rmsnorm_backward(&x->team->kernels, ts_rows_at(d_raw, dh, at), ts_rows_at(dv, dh, at),
                        ts_rows_at((real *)(uintptr_t)raw, dh, at), g, rstd + at, n * n_heads, dh);
    memcpy(dv + at * dh, d_raw + at * dh, all * sizeof *d_raw);
}

static void back_to_u(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_dense_pass *x = l->x;
    const ts_dense_memory *m = &x->m;
    const size_t H = x->config->n_heads, G = x->config->n_kv_heads, dh = x->config->d_head;
    const size_t n = end - begin;
    ts_rotary rotary = x->rotary;

    (void)thread;
    rotary.position += begin;
    sum_group(x, m->dk, m->dk_heads, begin, n);
    sum_group(x, m->dv, m->dv_heads, begin, n);
    ts_rotary_backward(ts_rows_at(m->dq, H * dh, begin), H, dh, &rotary, n);
    ts_rotary_backward(ts_rows_at(m->dk, G * dh, begin), G, dh, &rotary, n);
    if (x->w->q_norm) {
        unnorm_heads(x, m->dq, m->dq_raw, m->q_raw, m->rstd_q, x->w->q_norm, H, begin, n);
        unnorm_heads(x, m->dk, m->dk_raw, m->k_raw, m->rstd_k, x->w->k_norm, G, begin, n);
    }
    come_down(x, TS_TARGET_Q, m->du, false, m->dq, begin, n);
    come_down(x, TS_TARGET_K, m->du, true, m->dk, begin, n);
    come_down(x, TS_TARGET_V, m->du, true, m->dv, begin, n);
}

static void back_to_h(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_dense_pass *x = l->x;
    const size_t d = x->config->d_model;

    (void)thread;
    ts_rmsnorm_backward(&x->team->kernels, ts_rows_at(l->out, d, begin),
                        ts_rows_at(x->m.du, d, begin),
                        ts_rows_at((real *)(uintptr_t)x->h, d, begin), x->w->attn_norm,
                        x->m.rstd_u + begin, end - begin, d);
}

static void attention(ts_dense_pass *x, real *dh)
{
    const ts_config *c = x->config;
    const ts_dense_memory *m = &x->m;
    const size_t d = c->d_model, d_q = c->n_heads * c->d_head, d_kv = c->n_kv_heads * c->d_head;
    const ts_rows du = {m->du, d};
    ts_dense_loop l = {.x = x,
                       .out = dh,
                       .product = {{TS_TARGET_O, {m->d_o, d_q}, {dh, d}, true}},
                       .n_products = 1};
    ts_dense_loop in = {.x = x,
                        .product = {{TS_TARGET_Q, du, {m->dq, d_q}, true},
                                    {TS_TARGET_K, du, {m->dk, d_kv}, true},
                                    {TS_TARGET_V, du, {m->dv, d_kv}, true}},
                        .n_products = 3};

    ts_dense_tiles(&l, back_to_o);
    ts_dense_products_backward(&l);
    learn(&(weight_loop){x, {{TS_TARGET_O, dh, m->o}}, 1});
    ts_pool_loop(x->team->pool, x->pack->n_docs * c->n_heads, 1, unattend, &l);
    ts_dense_tiles(&l, back_to_u);
    ts_dense_products_backward(&in);
    learn(&(weight_loop){
        x,
        {{TS_TARGET_Q, m->dq, m->u}, {TS_TARGET_K, m->dk, m->u}, {TS_TARGET_V, m->dv, m->u}},
        3});
    ts_dense_tiles(&l, back_to_h);
}

void ts_dense_backward(ts_dense_pass *x, real *dh)
{
    feed_forward(x, dh);
    attention(x, dh);
}
