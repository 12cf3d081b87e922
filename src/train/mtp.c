/* mtp.c - see mtp.h.
 *
 *     e_t = norm(embedding of token t + 1)      n_t = norm(normed output of token t)
 *     h_t = W [e_t | n_t]                        then one layer, a norm, the shared head
 */
#include "train/mtp.h"

#include <string.h>

#include "train/block_parts.h"

static real *reals(ts_carve *c, size_t n, size_t width)
{
    return ts_carve_take(c, n * width, sizeof(real));
}

void ts_mtp_carve(ts_mtp_memory *m, const ts_config *c, size_t n, ts_carve *work)
{
    const size_t d = c->d_model;

    m->embedded = reals(work, n, d);
    m->rstd_e = reals(work, n, 1);
    m->rstd_h = reals(work, n, 1);
    m->joined = reals(work, n, 2 * d);
    m->out = reals(work, n, d);
    m->normed = reals(work, n, d);
    m->rstd = reals(work, n, 1);
    m->d_embedded = reals(work, n, d);
    m->d_joined = reals(work, n, 2 * d);
}

typedef struct mtp_loop {
    ts_trunk *t;
    const ts_train_batch *b;
    real *d_out;
} mtp_loop;

static void join(void *ctx, size_t begin, size_t end, int thread)
{
    const mtp_loop *l = ctx;
    const ts_network *net = &l->t->net;
    const ts_mtp_memory *m = &l->t->mtp;
    const ts_kernels *k = &l->t->team.kernels;
    const size_t n = end - begin, d = net->config.d_model;
    const real eps = (real)net->config.rms_eps;
    const ts_rows embedded = ts_rows_at(m->embedded, d, begin);
    const ts_rows joined = ts_rows_at(m->joined, 2 * d, begin);

    (void)thread;
    ts_embed_forward(embedded, net->embedding, l->b->next + begin, n, d);
    ts_rmsnorm_forward(k, joined, m->rstd_e + begin, embedded, net->enorm.g, n, d, eps);
    ts_rmsnorm_forward(k, (ts_rows){joined.v + d, joined.stride}, m->rstd_h + begin,
                       ts_rows_at(l->t->normed, d, begin), net->hnorm.g, n, d, eps);
    ts_linear_forward(k, ts_rows_at(l->t->block[net->config.n_layers].m.h, d, begin), false, joined,
                      &net->eh_proj, n);
}

static void norm(void *ctx, size_t begin, size_t end, int thread)
{
    const mtp_loop *l = ctx;
    const ts_mtp_memory *m = &l->t->mtp;
    const size_t d = l->t->net.config.d_model;

    (void)thread;
    ts_rmsnorm_forward(&l->t->team.kernels, ts_rows_at(m->normed, d, begin), m->rstd + begin,
                       ts_rows_at(m->out, d, begin), l->t->net.mtp_norm.g, end - begin, d,
                       (real)l->t->net.config.rms_eps);
}

void ts_mtp_forward(ts_trunk *t, ts_pass *x, const ts_train_batch *b)
{
    mtp_loop l = {t, b, NULL};

    ts_pool_loop(t->team.pool, b->pack.n, TILE, join, &l);
    ts_block_forward(x, &t->block[t->net.config.n_layers], t->mtp.out);
    ts_pool_loop(t->team.pool, b->pack.n, TILE, norm, &l);
}

static void unnorm(void *ctx, size_t begin, size_t end, int thread)
{
    const mtp_loop *l = ctx;
    const ts_mtp_memory *m = &l->t->mtp;
    const size_t n = end - begin, d = l->t->net.config.d_model;

    (void)thread;
    memset(l->t->dh + begin * d, 0, n * d * sizeof(real));
    ts_rmsnorm_backward(&l->t->team.kernels, ts_rows_at(l->t->dh, d, begin),
                        ts_rows_at(l->d_out, d, begin), ts_rows_at(m->out, d, begin),
                        l->t->net.mtp_norm.g, m->rstd + begin, n, d);
}

static void unjoin(void *ctx, size_t begin, size_t end, int thread)
{
    const mtp_loop *l = ctx;
    const ts_network *net = &l->t->net;
    const ts_mtp_memory *m = &l->t->mtp;
    const ts_kernels *k = &l->t->team.kernels;
    const size_t n = end - begin, d = net->config.d_model;
    const ts_rows d_joined = ts_rows_at(m->d_joined, 2 * d, begin);

    (void)thread;
    ts_linear_backward(k, d_joined, false, ts_rows_at(l->t->dh, d, begin), &net->eh_proj, n);
    memset(m->d_embedded + begin * d, 0, n * d * sizeof(real));
    ts_rmsnorm_backward(k, ts_rows_at(m->d_embedded, d, begin), d_joined,
                        ts_rows_at(m->embedded, d, begin), net->enorm.g, m->rstd_e + begin, n, d);
    ts_rmsnorm_backward(k, ts_rows_at(l->t->d_normed, d, begin),
                        (ts_rows){d_joined.v + d, d_joined.stride},
                        ts_rows_at(l->t->normed, d, begin), net->hnorm.g, m->rstd_h + begin, n, d);
}

/* Weights by outputs, gains and the table by channels: all in pieces of 64. */
static void unjoin_weights(void *ctx, size_t begin, size_t end, int thread)
{
    const mtp_loop *l = ctx;
    const ts_network *net = &l->t->net;
    const ts_mtp_memory *m = &l->t->mtp;
    const size_t n = l->b->pack.n, d = net->config.d_model;
    const ts_rows d_joined = {m->d_joined, 2 * d};
    const ts_linear_grad g = {&net->eh_proj, {l->t->dh, d}, {m->joined, 2 * d}, n, begin, end};

    ts_linear_backward_weight(&l->t->team.kernels, &g, ts_team_scratch(&l->t->team, thread));
    ts_rmsnorm_backward_gain(net->enorm.dg, d_joined, (ts_rows){m->embedded, d}, m->rstd_e, n,
                             begin, end);
    ts_rmsnorm_backward_gain(net->hnorm.dg, (ts_rows){d_joined.v + d, d_joined.stride},
                             (ts_rows){l->t->normed, d}, m->rstd_h, n, begin, end);
    ts_embed_backward(net->d_embedding, (ts_rows){m->d_embedded, d}, l->b->next, n, d, begin, end);
}

static void unnorm_gain(void *ctx, size_t begin, size_t end, int thread)
{
    const mtp_loop *l = ctx;
    const size_t d = l->t->net.config.d_model;

    (void)thread;
    ts_rmsnorm_backward_gain(l->t->net.mtp_norm.dg, (ts_rows){l->d_out, d},
                             (ts_rows){l->t->mtp.out, d}, l->t->mtp.rstd, l->b->pack.n, begin, end);
}

void ts_mtp_backward(ts_trunk *t, ts_pass *x, const ts_train_batch *b, real *d_out)
{
    mtp_loop l = {t, b, d_out};
    const size_t d = t->net.config.d_model;

    ts_pool_loop(t->team.pool, d, TILE, unnorm_gain, &l);
    ts_pool_loop(t->team.pool, b->pack.n, TILE, unnorm, &l);
    ts_block_backward(x, &t->block[t->net.config.n_layers], t->dh);
    ts_pool_loop(t->team.pool, b->pack.n, TILE, unjoin, &l);
    ts_pool_loop(t->team.pool, d, TILE, unjoin_weights, &l);
}
