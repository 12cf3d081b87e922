/* dense_forward.c - a dense layer forwards; see dense_block.h. */
#include <string.h>

#include "train/block_parts.h"
#include "train/lora/dense_block.h"

/* t of a target from rows [begin, end) of x. */
static void go_down(const ts_dense_pass *x, ts_target target, const real *from, size_t begin,
                    size_t n)
{
    const ts_low_rank_weight *w = &x->w->low[target];

    if (w->A.w)
        ts_low_rank_down(&x->team->kernels, ts_rows_at(x->m.t[target], w->A.n_out, begin),
                         ts_rows_at((real *)(uintptr_t)from, w->A.n_in, begin), w, n);
}

/* y += B t + bias */
static void come_up(const ts_dense_pass *x, ts_target target, real *y, size_t begin, size_t n)
{
    const ts_low_rank_weight *w = &x->w->low[target];
    const size_t n_out = (size_t)ts_tensor_rows(x->w->W[target]);

    if (w->A.w)
        ts_low_rank_up(&x->team->kernels, ts_rows_at(y, n_out, begin),
                       ts_rows_at(x->m.t[target], w->A.n_out, begin), w, n);
    for (size_t t = begin; x->w->bias[target] && t < begin + n; t++)
        ts_real_add(&x->team->kernels, y + t * n_out, x->w->bias[target], n_out);
}

static void norm_input(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_dense_pass *x = l->x;
    const size_t d = x->config->d_model, n = end - begin;

    (void)thread;
    ts_rmsnorm_forward(&x->team->kernels, ts_rows_at(x->m.u, d, begin), x->m.rstd_u + begin,
                       ts_rows_at((real *)(uintptr_t)x->h, d, begin), x->w->attn_norm, n, d,
                       (real)x->config->rms_eps);
    go_down(x, TS_TARGET_Q, x->m.u, begin, n);
    go_down(x, TS_TARGET_K, x->m.u, begin, n);
    go_down(x, TS_TARGET_V, x->m.u, begin, n);
}

/* Every head's own norm, in place; raw keeps what was there. */
static void norm_heads(const ts_dense_pass *x, real *v, real *raw, real *rstd, const real *g,
                       size_t n_heads, size_t begin, size_t n)
{
    const size_t dh = x->config->d_head, at = begin * n_heads;

    memcpy(raw + at * dh, v + at * dh, n * n_heads * dh * sizeof *v);
    ts_rmsnorm_forward(&x->team->kernels, ts_rows_at(v, dh, at), rstd + at, ts_rows_at(raw, dh, at),
                       g, n * n_heads, dh, (real)x->config->rms_eps);
}

static void turn_heads(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_dense_pass *x = l->x;
    const ts_dense_memory *m = &x->m;
    const size_t H = x->config->n_heads, G = x->config->n_kv_heads, dh = x->config->d_head;
    const size_t n = end - begin;
    ts_rotary rotary = x->rotary;

    (void)thread;
    rotary.position += begin;
    come_up(x, TS_TARGET_Q, m->q, begin, n);
    come_up(x, TS_TARGET_K, m->k, begin, n);
    come_up(x, TS_TARGET_V, m->v, begin, n);
    if (x->w->q_norm) {
        norm_heads(x, m->q, m->q_raw, m->rstd_q, x->w->q_norm, H, begin, n);
        norm_heads(x, m->k, m->k_raw, m->rstd_k, x->w->k_norm, G, begin, n);
    }
    ts_rotary_forward(ts_rows_at(m->q, H * dh, begin), H, dh, &rotary, n);
    ts_rotary_forward(ts_rows_at(m->k, G * dh, begin), G, dh, &rotary, n);
}

static void attend(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;

    for (size_t item = begin; item < end; item++) {
        size_t first;
        const ts_attend a = ts_dense_attend(l->x, item, &first);
        ts_attend_forward(&a, ts_team_scratch(l->x->team, thread));
    }
}

static void begin_output(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_dense_pass *x = l->x;
    const size_t d = x->config->d_model, n = end - begin;

    (void)thread;
    go_down(x, TS_TARGET_O, x->m.o, begin, n);
    memcpy(x->m.h2 + begin * d, x->h + begin * d, n * d * sizeof(real));
}

static void norm_middle(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_dense_pass *x = l->x;
    const size_t d = x->config->d_model, n = end - begin;

    (void)thread;
    come_up(x, TS_TARGET_O, x->m.h2, begin, n);
    ts_rmsnorm_forward(&x->team->kernels, ts_rows_at(x->m.u2, d, begin), x->m.rstd_u2 + begin,
                       ts_rows_at(x->m.h2, d, begin), x->w->ffn_norm, n, d,
                       (real)x->config->rms_eps);
    go_down(x, TS_TARGET_GATE, x->m.u2, begin, n);
    go_down(x, TS_TARGET_UP, x->m.u2, begin, n);
}

static void activate(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_dense_pass *x = l->x;
    const ts_dense_memory *m = &x->m;
    const size_t d = x->config->d_model, F = x->config->d_ff, n = end - begin;

    (void)thread;
    come_up(x, TS_TARGET_GATE, m->g, begin, n);
    come_up(x, TS_TARGET_UP, m->up, begin, n);
    ts_swiglu_forward(&x->team->kernels, m->act + begin * F, m->g + begin * F, m->up + begin * F,
                      n * F);
    go_down(x, TS_TARGET_DOWN, m->act, begin, n);
    if (l->out)
        memcpy(l->out + begin * d, m->h2 + begin * d, n * d * sizeof(real));
}

static void end_output(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;

    (void)thread;
    come_up(l->x, TS_TARGET_DOWN, l->out, begin, end - begin);
}

void ts_dense_forward(ts_dense_pass *x, real *out)
{
    const ts_config *c = x->config;
    const ts_dense_memory *m = &x->m;
    const size_t d = c->d_model, d_q = c->n_heads * c->d_head, d_kv = c->n_kv_heads * c->d_head;
    const ts_rows u = {m->u, d}, u2 = {m->u2, d};
    ts_dense_loop l = {.x = x,
                       .out = out,
                       .product = {{TS_TARGET_Q, {m->q, d_q}, u, false},
                                   {TS_TARGET_K, {m->k, d_kv}, u, false},
                                   {TS_TARGET_V, {m->v, d_kv}, u, false}},
                       .n_products = 3};
    ts_dense_loop o = {
        .x = x, .product = {{TS_TARGET_O, {m->h2, d}, {m->o, d_q}, true}}, .n_products = 1};
    ts_dense_loop ff = {.x = x,
                        .product = {{TS_TARGET_GATE, {m->g, c->d_ff}, u2, false},
                                    {TS_TARGET_UP, {m->up, c->d_ff}, u2, false}},
                        .n_products = 2};
    ts_dense_loop down = {
        .x = x, .product = {{TS_TARGET_DOWN, {out, d}, {m->act, c->d_ff}, true}}, .n_products = 1};

    ts_dense_tiles(&l, norm_input);
    ts_dense_products_forward(&l);
    ts_dense_tiles(&l, turn_heads);
    ts_pool_loop(x->team->pool, x->pack->n_docs * c->n_heads, 1, attend, &l);
    ts_dense_tiles(&l, begin_output);
    ts_dense_products_forward(&o);
    ts_dense_tiles(&l, norm_middle);
    ts_dense_products_forward(&ff);
    ts_dense_tiles(&l, activate);
    if (!out)
        return;
    ts_dense_products_forward(&down);
    ts_dense_tiles(&l, end_output);
}
