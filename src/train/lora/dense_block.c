/* dense_block.c - memory and loops of a layer; see dense_block.h. */
#include "train/lora/dense_block.h"

#include "train/block_parts.h"
#include "train/lora/frozen.h"

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

void ts_dense_carve(ts_dense_memory *m, const ts_config *c, size_t rank, size_t max_tokens,
                    ts_carve *work)
{
    const size_t d = c->d_model, H = c->n_heads, G = c->n_kv_heads, F = c->d_ff;
    const size_t d_q = H * c->d_head, d_kv = G * c->d_head;
    const bool has_norms = c->arch == TS_ARCH_QWEN3;
    const struct {
        real **at;
        size_t width;
    } parts[] = {{&m->u, d},          {&m->rstd_u, 1},     {&m->q, d_q},      {&m->k, d_kv},
                 {&m->v, d_kv},       {&m->o, d_q},        {&m->h2, d},       {&m->u2, d},
                 {&m->rstd_u2, 1},    {&m->g, F},          {&m->up, F},       {&m->act, F},
                 {&m->du, d},         {&m->dq, d_q},       {&m->dk, d_kv},    {&m->dv, d_kv},
                 {&m->dk_heads, d_q}, {&m->dv_heads, d_q}, {&m->d_o, d_q},    {&m->dg, F},
                 {&m->dup, F},        {&m->dact, F},       {&m->q_raw, d_q},  {&m->k_raw, d_kv},
                 {&m->rstd_q, H},     {&m->rstd_k, G},     {&m->dq_raw, d_q}, {&m->dk_raw, d_kv}};
    const size_t n = TS_COUNT(parts) - (has_norms ? 0 : 6);

    for (size_t i = 0; i < n; i++)
        *parts[i].at = ts_carve_take(work, max_tokens * parts[i].width, sizeof(real));
    for (size_t t = 0; t < TS_N_TARGETS; t++) {
        m->t[t] = ts_carve_take(work, max_tokens * rank, sizeof(real));
        m->dt[t] = ts_carve_take(work, max_tokens * rank, sizeof(real));
    }
}

size_t ts_dense_scratch_reals(const ts_config *c, size_t rank, size_t longest_doc)
{
    const size_t of_base = larger(larger(c->d_model, c->d_ff), c->n_heads * c->d_head);
    const size_t widest = larger(of_base, rank); /* A may be wider than its matrix */
    const size_t n = larger(ts_attend_scratch_reals(longest_doc, c->d_head, c->d_head),
                            ts_linear_scratch_reals(widest));

    return larger(n, ts_frozen_scratch_reals());
}

void ts_dense_tiles(ts_dense_loop *l, ts_loop_body *body)
{
    ts_pool_loop(l->x->team->pool, l->x->pack->n, TILE, body, l);
}

static size_t pieces(size_t n, size_t size)
{
    return (n + size - 1) / size;
}

static void forward_piece(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_team *team = l->x->team;

    for (size_t item = begin; item < end; item++) {
        size_t i = item, p = 0;

        for (;; p++) {
            const size_t n =
                pieces((size_t)ts_tensor_rows(l->x->w->W[l->product[p].target]), TS_FROZEN_OUTPUTS);
            if (i < n)
                break;
            i -= n;
        }
        const ts_tensor *W = l->x->w->W[l->product[p].target];
        const size_t first = i * TS_FROZEN_OUTPUTS, n_out = (size_t)ts_tensor_rows(W);
        ts_frozen_forward(&team->kernels, l->product[p].to, l->product[p].from,
                          &(ts_frozen){.W = W,
                                       .n = l->x->pack->n,
                                       .begin = first,
                                       .end = n_out - first < TS_FROZEN_OUTPUTS
                                                  ? n_out
                                                  : first + TS_FROZEN_OUTPUTS,
                                       .adds = l->product[p].adds},
                          ts_team_scratch(team, thread));
    }
}

void ts_dense_products_forward(ts_dense_loop *l)
{
    size_t n = 0;

    for (size_t p = 0; p < l->n_products; p++)
        n += pieces((size_t)ts_tensor_rows(l->x->w->W[l->product[p].target]), TS_FROZEN_OUTPUTS);
    ts_pool_loop(l->x->team->pool, n, 1, forward_piece, l);
}

static void backward_piece(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_loop *l = ctx;
    const ts_team *team = l->x->team;

    for (size_t p = 0; p < l->n_products; p++)
        ts_frozen_backward(&team->kernels, l->product[p].to, l->product[p].from,
                           &(ts_frozen){.W = l->x->w->W[l->product[p].target],
                                        .n = l->x->pack->n,
                                        .begin = begin,
                                        .end = end,
                                        .adds = l->product[p].adds},
                           ts_team_scratch(team, thread));
}

void ts_dense_products_backward(ts_dense_loop *l)
{
    const size_t n_in = (size_t)l->x->w->W[l->product[0].target]->ne[0];

    ts_pool_loop(l->x->team->pool, n_in, TS_FROZEN_INPUTS, backward_piece, l);
}

ts_attend ts_dense_attend(const ts_dense_pass *x, size_t item, size_t *first)
{
    const ts_config *c = x->config;
    const size_t H = c->n_heads, G = c->n_kv_heads, dh = c->d_head;
    const size_t h = item % H, group = h / (H / G), begin = x->pack->begin[item / H];
    const ts_rows k = {x->m.k + (begin * G + group) * dh, G * dh};

    *first = begin;
    return (ts_attend){
        .k = &x->team->kernels,
        .q = {x->m.q + (begin * H + h) * dh, H * dh},
        .k_nope = k,
        .k_rope = k, /* no part of it is */
        .v = {x->m.v + (begin * G + group) * dh, G * dh},
        .o = {x->m.o + (begin * H + h) * dh, H * dh},
        .n = x->pack->begin[item / H + 1] - begin,
        .d_nope = dh,
        .d_rope = 0,
        .d_value = dh,
        .scale = x->attention_scale,
    };
}
