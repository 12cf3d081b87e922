/* trunk.c - see trunk.h. */
#include "train/trunk.h"

#include <assert.h>
#include <string.h>

#include "models/rope.h"
#include "train/block_parts.h"
#include "train/mtp.h"

/* Rows of the head at a time: their logits stay in L3; and rows of one piece. */
enum { HEAD_ROWS = 240, HEAD_TILE = 24, HEAD_OUTPUTS = LINEAR_MAX_OUTPUTS };

static real *reals(ts_carve *c, size_t n, size_t width)
{
    return ts_carve_take(c, n * width, sizeof(real));
}

void ts_trunk_carve(ts_trunk *t, ts_trunk_sizes sizes, ts_carve *state, ts_carve *work)
{
    const ts_config *c = &t->net.config;
    const size_t T = sizes.max_tokens, d = c->d_model, n_blocks = c->n_layers + t->net.has_mtp;
    ts_block counted = {0};

    t->sizes = sizes;
    ts_network_carve(&t->net, state, work);
    t->block = ts_carve_take(work, n_blocks, sizeof *t->block);
    t->load = ts_carve_take(work, (c->n_layers + 1) * c->n_experts, sizeof *t->load);
    for (size_t l = 0; l < n_blocks; l++) {
        ts_block *b = t->block ? &t->block[l] : &counted;
        const bool is_moe = ts_network_has_experts(c, l);

        *b = (ts_block){.config = c, .w = t->net.block ? &t->net.block[l] : NULL};
        b->load = t->load ? t->load + l * c->n_experts : NULL;
        ts_block_carve(&b->m, c, is_moe, T, work);
    }
    ts_block_gradients_carve(&t->gradients, c, T, work);
    t->tasks = ts_carve_take(work, 1, ts_block_task_bytes(c));
    t->n_pairs = c->d_rope / 2;
    t->cosine = ts_carve_take(work, sizes.longest_doc * t->n_pairs, sizeof *t->cosine);
    t->sine = ts_carve_take(work, sizes.longest_doc * t->n_pairs, sizeof *t->sine);
    t->out = reals(work, T, d);
    t->normed = reals(work, T, d);
    t->rstd = reals(work, T, 1);
    t->d_normed = reals(work, T, d);
    t->dh = reals(work, T, d);
    t->rows = reals(work, HEAD_ROWS, d);
    t->d_rows = reals(work, HEAD_ROWS, d);
    t->logits = reals(work, HEAD_ROWS, c->n_vocab);
    t->ratio = t->has_teacher ? reals(work, HEAD_ROWS, c->n_vocab) : NULL;
    t->loss = ts_carve_take(work, T, sizeof *t->loss);
    t->told = ts_carve_take(work, T, sizeof *t->told);
    if (t->net.has_mtp)
        ts_mtp_carve(&t->mtp, c, T, work);
    t->team.scratch_reals = (ts_block_scratch_reals(c, sizes.longest_doc) + 15) / 16 * 16;
    t->team.scratch = reals(work, (size_t)sizes.n_threads, t->team.scratch_reals);
}

void ts_trunk_prepare(ts_trunk *t)
{
    float frequency[TS_MAX_HEAD_DIM / 2];

    ts_rope_frequencies(frequency, &t->net.config.rope, NULL);
    for (size_t p = 0; p < t->sizes.longest_doc; p++)
        ts_rope_angles(t->cosine + p * t->n_pairs, t->sine + p * t->n_pairs, frequency, t->n_pairs,
                       (uint32_t)p, 1);
    memset(t->load, 0, (t->net.config.n_layers + 1) * t->net.config.n_experts * sizeof *t->load);
}

static void pack_some(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_trunk *t = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++)
        ts_weight_pack(t->net.weight[i]);
}

void ts_trunk_pack_weights(ts_trunk *t)
{
    ts_pool_loop(t->team.pool, t->net.n_weights, 1, pack_some, t);
}

void ts_trunk_clear_gradients(ts_trunk *t)
{
    memset(t->net.grad, 0, t->net.n_reals * sizeof *t->net.grad);
}

/* A loop over a batch; the fields that a body does not need are zero. */
typedef struct trunk_loop {
    ts_trunk *t;
    const ts_train_batch *b;
    const real *from; /* head: normed outputs */
    real *to;         /* head: their gradients */
    const uint32_t *row, *target;
    const real *weight; /* head: of each row, or NULL */
    ts_trunk *teacher;  /* head: whose distribution is learned, or NULL */
    real *score;        /* head: log p of each row, or NULL */
    bool is_clipped;    /* head: rows are the batch's with clip */
    size_t first, n;    /* head: the rows in hand */
    real scale;
} trunk_loop;

static void embed(void *ctx, size_t begin, size_t end, int thread)
{
    const trunk_loop *l = ctx;
    const size_t d = l->t->net.config.d_model;

    (void)thread;
    ts_embed_forward(ts_rows_at(l->t->block[0].m.h, d, begin), l->t->net.embedding,
                     l->b->pack.token + begin, end - begin, d);
}

static void norm(void *ctx, size_t begin, size_t end, int thread)
{
    const trunk_loop *l = ctx;
    const ts_trunk *t = l->t;
    const size_t d = t->net.config.d_model;

    (void)thread;
    ts_rmsnorm_forward(&t->team.kernels, ts_rows_at(t->normed, d, begin), t->rstd + begin,
                       ts_rows_at(t->out, d, begin), t->net.final_norm.g, end - begin, d,
                       (real)t->net.config.rms_eps);
}

static ts_pass pass_of(ts_trunk *t, const ts_train_batch *b)
{
    return (ts_pass){
        .team = &t->team,
        .pack = &b->pack,
        .rotary = {t->cosine, t->sine, b->pack.position, t->n_pairs},
        .g = &t->gradients,
        .keeps_routing = t->keeps_routing,
        .tasks = t->tasks,
    };
}

void ts_trunk_forward(ts_trunk *t, const ts_train_batch *b)
{
    const size_t n_layers = t->net.config.n_layers;
    ts_pass x = pass_of(t, b);
    trunk_loop l = {.t = t, .b = b};

    ts_pool_loop(t->team.pool, b->pack.n, TILE, embed, &l);
    for (size_t i = 0; i < n_layers; i++)
        ts_block_forward(&x, &t->block[i], i + 1 < n_layers ? t->block[i + 1].m.h : t->out);
    ts_pool_loop(t->team.pool, b->pack.n, TILE, norm, &l);
    if (t->net.has_mtp)
        ts_mtp_forward(t, &x, b);
}

void ts_trunk_logits(ts_trunk *t, size_t row, real *out)
{
    const size_t d = t->net.config.d_model;

    ts_linear_forward(&t->team.kernels, (ts_rows){out, t->net.config.n_vocab}, false,
                      ts_rows_at(t->normed, d, row), &t->net.head, 1);
}

/* ------------------------------------------------------------------- head */

/* Outputs of rows [begin, end) of the piece, one behind the other, and their logits. */
static void rows_to_logits(ts_trunk *t, const trunk_loop *l, const real *from, size_t begin,
                           size_t end)
{
    const size_t d = t->net.config.d_model;
    const ts_rows x = ts_rows_at(t->rows, d, begin);

    for (size_t i = 0; i < end - begin; i++)
        memcpy(x.v + i * d, from + l->row[l->first + begin + i] * d, d * sizeof(real));
    ts_linear_forward(&t->team.kernels, ts_rows_at(t->logits, t->net.config.n_vocab, begin), false,
                      x, &t->net.head, end - begin);
}

/* The loss of row i of the piece; its logits become gradients. */
static real row_loss(const trunk_loop *l, size_t i, real scale)
{
    const ts_trunk *t = l->t;
    const size_t V = t->net.config.n_vocab;

    if (l->teacher)
        return ts_kl(&t->team.kernels, t->logits + i * V, l->teacher->logits + i * V,
                     t->ratio + i * V, V, scale);
    return ts_xent(&t->team.kernels, t->logits + i * V, V, l->target[l->first + i], scale);
}

/* The same of a row of an answer that older weights gave. */
static real clipped_loss(const trunk_loop *l, size_t i)
{
    const ts_trunk *t = l->t;
    const ts_train_batch *b = l->b;
    const size_t V = t->net.config.n_vocab, at = l->first + i;
    const ts_clip_row row = {b->clip, b->weight[at] * l->scale, b->old[at], b->reference[at]};

    return ts_clip(&t->team.kernels, t->logits + i * V, V, l->target[at], &row, &t->told[at]);
}

/* Rows [begin, end) of the piece: logits, losses, gradients of logits and rows. */
static void head_rows(void *ctx, size_t begin, size_t end, int thread)
{
    const trunk_loop *l = ctx;
    ts_trunk *t = l->t;
    const ts_kernels *k = &t->team.kernels;
    const size_t n = end - begin, d = t->net.config.d_model, V = t->net.config.n_vocab;
    const ts_rows dx = ts_rows_at(t->d_rows, d, begin), logits = ts_rows_at(t->logits, V, begin);

    (void)thread;
    rows_to_logits(t, l, l->from, begin, end);
    if (l->teacher)
        rows_to_logits(l->teacher, l, l->teacher->normed, begin, end);
    for (size_t i = begin; i < end; i++) {
        const real weight = l->weight ? l->weight[l->first + i] : 1;

        if (l->is_clipped) {
            t->loss[l->first + i] = (double)clipped_loss(l, i);
            continue;
        }
        t->loss[l->first + i] =
            (double)(weight * row_loss(l, i, l->weight ? l->scale * weight : l->scale));
    }
    ts_linear_backward(k, dx, false, logits, &t->net.head, n);
    for (size_t i = 0; i < n; i++)
        memcpy(l->to + l->row[l->first + begin + i] * d, dx.v + i * d, d * sizeof(real));
}

/* log p of rows [begin, end) of the piece. */
static void score_rows(void *ctx, size_t begin, size_t end, int thread)
{
    const trunk_loop *l = ctx;
    ts_trunk *t = l->t;
    const size_t V = t->net.config.n_vocab;

    (void)thread;
    rows_to_logits(t, l, l->from, begin, end);
    for (size_t i = begin; i < end; i++)
        l->score[l->first + i] =
            -ts_xent(&t->team.kernels, t->logits + i * V, V, l->target[l->first + i], 0);
}

void ts_trunk_score(ts_trunk *t, const ts_train_batch *b, real *out)
{
    trunk_loop l = {
        .t = t, .b = b, .from = t->normed, .row = b->row, .target = b->target, .score = out};

    for (l.first = 0; l.first < b->n_learned; l.first += l.n) {
        l.n = b->n_learned - l.first < HEAD_ROWS ? b->n_learned - l.first : HEAD_ROWS;
        ts_pool_loop(t->team.pool, l.n, HEAD_TILE, score_rows, &l);
    }
}

static void head_weights(void *ctx, size_t begin, size_t end, int thread)
{
    const trunk_loop *l = ctx;
    const ts_trunk *t = l->t;
    const ts_linear_grad g = {&t->net.head,
                              {t->logits, t->net.config.n_vocab},
                              {t->rows, t->net.config.d_model},
                              l->n,
                              begin,
                              end};

    ts_linear_backward_weight(&t->team.kernels, &g, ts_team_scratch(&t->team, thread));
}

/* Sum of the losses; l->to is filled in, zero where nothing is learned. */
static double head(trunk_loop *l, size_t n_rows)
{
    ts_trunk *t = l->t;
    double sum = 0;

    memset(l->to, 0, l->b->pack.n * t->net.config.d_model * sizeof(real));
    for (l->first = 0; l->first < n_rows; l->first += l->n) {
        l->n = n_rows - l->first < HEAD_ROWS ? n_rows - l->first : HEAD_ROWS;
        ts_pool_loop(t->team.pool, l->n, HEAD_TILE, head_rows, l);
        ts_pool_loop(t->team.pool, t->net.config.n_vocab, HEAD_OUTPUTS, head_weights, l);
    }
    for (size_t i = 0; i < n_rows; i++)
        sum += t->loss[i];
    return sum;
}

/* --------------------------------------------------------------- backward */

static void unnorm(void *ctx, size_t begin, size_t end, int thread)
{
    const trunk_loop *l = ctx;
    const ts_trunk *t = l->t;
    const size_t n = end - begin, d = t->net.config.d_model;

    (void)thread;
    memset(t->dh + begin * d, 0, n * d * sizeof(real));
    ts_rmsnorm_backward(&t->team.kernels, ts_rows_at(t->dh, d, begin),
                        ts_rows_at(t->d_normed, d, begin), ts_rows_at(t->out, d, begin),
                        t->net.final_norm.g, t->rstd + begin, n, d);
}

static void unnorm_gain(void *ctx, size_t begin, size_t end, int thread)
{
    const trunk_loop *l = ctx;
    const ts_trunk *t = l->t;
    const size_t d = t->net.config.d_model;

    (void)thread;
    ts_rmsnorm_backward_gain(t->net.final_norm.dg, (ts_rows){t->d_normed, d}, (ts_rows){t->out, d},
                             t->rstd, l->b->pack.n, begin, end);
}

static void unembed(void *ctx, size_t begin, size_t end, int thread)
{
    const trunk_loop *l = ctx;
    const ts_trunk *t = l->t;
    const size_t d = t->net.config.d_model;

    (void)thread;
    ts_embed_backward(t->net.d_embedding, (ts_rows){t->dh, d}, l->b->pack.token, l->b->pack.n, d,
                      begin, end);
}

ts_trunk_loss ts_trunk_backward(ts_trunk *t, const ts_train_batch *b, ts_trunk_scales scales)
{
    const size_t d = t->net.config.d_model;
    ts_pass x = pass_of(t, b);
    trunk_loop l = {.t = t,
                    .b = b,
                    .from = t->normed,
                    .to = t->d_normed,
                    .row = b->row,
                    .target = b->target,
                    .weight = b->weight,
                    .teacher = b->is_taught ? t->teacher : NULL,
                    .is_clipped = b->clip != NULL,
                    .scale = scales.main};
    ts_trunk_loss loss = {0};

    assert(!b->is_taught || (t->teacher && t->ratio));
    if (b->is_taught)
        ts_trunk_forward(t->teacher, b);
    x.balance = scales.balance;
    loss.main = head(&l, b->n_learned);
    for (size_t i = 0; b->clip && i < b->n_learned; i++) {
        loss.clipped += t->told[i].is_clipped;
        loss.divergence += (double)t->told[i].divergence;
    }
    if (t->net.has_mtp && scales.mtp != 0) {
        /* d_embedded is free until the gradient of the last norm has been used. */
        real *d_out = t->mtp.d_embedded;
        trunk_loop ahead = {.t = t,
                            .b = b,
                            .from = t->mtp.normed,
                            .to = d_out,
                            .row = b->ahead_row,
                            .target = b->ahead_target,
                            .scale = scales.mtp};

        loss.mtp = head(&ahead, b->n_ahead);
        ts_mtp_backward(t, &x, b, d_out);
    }
    ts_pool_loop(t->team.pool, d, TILE, unnorm_gain, &l);
    ts_pool_loop(t->team.pool, b->pack.n, TILE, unnorm, &l);
    for (size_t i = t->net.config.n_layers; i-- > 0;)
        ts_block_backward(&x, &t->block[i], t->dh);
    ts_pool_loop(t->team.pool, d, TILE, unembed, &l);
    loss.balance = (double)x.balance_loss;
    return loss;
}
