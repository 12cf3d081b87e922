/* dense_net.c - see dense_net.h. */
#include "train/lora/dense_net.h"

#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "models/rope.h"
#include "train/block_parts.h"
#include "train/lora/frozen.h"

/* Bytes of logits at a time, and what they may be in rows. */
enum { LOGIT_BYTES = 64 << 20, MIN_ROWS = 16, MAX_ROWS = 256 };

/* ------------------------------------------------------------------ weights */

tiefsee_status ts_dense_check(const ts_net *net, tiefsee_error *err)
{
    const ts_dense_layer *w = ts_net_dense_layers(net);

    if (!w)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "only Qwen2, Qwen3 and Llama models can be fine-tuned");
    bool is_good = ts_frozen_can(net->embedding) && ts_frozen_can(net->head);
    for (size_t l = 0; l < net->config.n_layers; l++)
        for (int t = 0; t < TS_N_TARGETS; t++)
            is_good = is_good && ts_frozen_can(ts_dense_matrix(&w[l], (ts_target)t));
    if (!is_good)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "weights in FP8 cannot be fine-tuned (tiefsee quantize makes q8_0)");
    return TIEFSEE_OK;
}

static real *reals(ts_carve *c, size_t n, size_t width)
{
    return ts_carve_take(c, n * width, sizeof(real));
}

/* A vector of the base as reals; counted, and on the second way copied. */
static const real *copy(ts_carve *work, const float *from, size_t n)
{
    real *to = from ? reals(work, n, 1) : NULL;

    for (size_t i = 0; to && i < n; i++)
        to[i] = (real)from[i];
    return to;
}

static void take_bases(ts_dense_weights *w, const ts_config *c, const ts_dense_layer *from,
                       ts_carve *work)
{
    const float *const bias[TS_N_TARGETS] = {from->b_Q,       from->b_K,        from->b_V,
                                             from->b_O,       from->mlp.b_gate, from->mlp.b_up,
                                             from->mlp.b_down};

    w->attn_norm = copy(work, from->attn_norm, c->d_model);
    w->ffn_norm = copy(work, from->ffn_norm, c->d_model);
    w->q_norm = copy(work, from->q_norm, c->d_head);
    w->k_norm = copy(work, from->k_norm, c->d_head);
    for (size_t t = 0; t < TS_N_TARGETS; t++) {
        w->W[t] = ts_dense_matrix(from, (ts_target)t);
        w->bias[t] = copy(work, bias[t], (size_t)ts_tensor_rows(w->W[t]));
    }
}

/* One side of a pair; value and grad are NULL while counting. */
static ts_weight take_side(ts_dense_net *n, size_t *at, size_t n_in, size_t n_out, ts_carve *work)
{
    ts_weight w = {.n_in = n_in, .n_out = n_out};

    w.forward = reals(work, ts_packed_reals(n_in, n_out), 1);
    w.backward = reals(work, ts_packed_reals(n_out, n_in), 1);
    if (n->value) {
        w.w = n->value + *at;
        w.dw = n->grad + *at;
    }
    *at += n_in * n_out;
    return w;
}

static void take_pairs(ts_dense_net *n, ts_dense_weights *w, size_t *at, ts_carve *work)
{
    const size_t r = n->sizes.rank;

    for (size_t t = 0; t < TS_N_TARGETS; t++) {
        const size_t n_in = (size_t)w->W[t]->ne[0], n_out = (size_t)ts_tensor_rows(w->W[t]);

        w->low[t] = (ts_low_rank_weight){.scale = n->sizes.scale};
        if (!(n->sizes.targets >> t & 1))
            continue;
        w->low[t].A = take_side(n, at, n_in, r, work);
        w->low[t].B = take_side(n, at, r, n_out, work);
    }
}

static size_t count_reals(const ts_dense_net *n)
{
    const ts_dense_layer *w = ts_net_dense_layers(n->net);
    size_t sum = 0;

    for (size_t l = 0; l < n->net->config.n_layers; l++)
        for (size_t t = 0; t < TS_N_TARGETS; t++) {
            const ts_tensor *W = ts_dense_matrix(&w[l], (ts_target)t);
            if (n->sizes.targets >> t & 1)
                sum += (size_t)(W->ne[0] + ts_tensor_rows(W)) * n->sizes.rank;
        }
    return sum;
}

void ts_dense_net_carve(ts_dense_net *n, ts_dense_sizes sizes, ts_carve *state, ts_carve *work)
{
    const ts_config *c = &n->net->config;
    const ts_dense_layer *from = ts_net_dense_layers(n->net);
    const size_t T = sizes.max_tokens, d = c->d_model, V = c->n_vocab;
    ts_dense_weights counted;
    size_t at = 0;

    n->sizes = sizes;
    n->n_reals = count_reals(n);
    n->value = reals(state, n->n_reals, 1);
    n->grad = reals(work, n->n_reals, 1);
    n->layer = ts_carve_take(work, c->n_layers, sizeof *n->layer);
    n->final_norm = (real *)(uintptr_t)copy(work, n->net->final_norm, d);
    for (size_t l = 0; l < c->n_layers; l++) {
        ts_dense_weights *w = n->layer ? &n->layer[l] : &counted;
        take_bases(w, c, &from[l], work);
        take_pairs(n, w, &at, work);
    }
    n->cosine = ts_carve_take(work, sizes.longest_doc * n->net->n_pairs, sizeof *n->cosine);
    n->sine = ts_carve_take(work, sizes.longest_doc * n->net->n_pairs, sizeof *n->sine);
    n->h = reals(work, (c->n_layers + 1) * T, d);
    n->dh = reals(work, T, d);
    ts_dense_carve(&n->memory, c, sizes.rank, T, work);
    n->head_rows = (size_t)LOGIT_BYTES / (V * sizeof(real));
    n->head_rows = n->head_rows < MIN_ROWS   ? MIN_ROWS
                   : n->head_rows > MAX_ROWS ? MAX_ROWS
                                             : n->head_rows;
    n->rows = reals(work, n->head_rows, d);
    n->d_rows = reals(work, n->head_rows, d);
    n->rstd = reals(work, n->head_rows, 1);
    n->logits = reals(work, n->head_rows, V);
    n->loss = ts_carve_take(work, n->head_rows, sizeof *n->loss);
    n->team.scratch_reals = ts_dense_scratch_reals(c, sizes.rank, sizes.longest_doc);
    n->team.scratch = reals(work, (size_t)sizes.n_threads * n->team.scratch_reals, 1);
}

void ts_dense_net_prepare(ts_dense_net *n)
{
    const size_t n_pairs = n->net->n_pairs;

    for (size_t i = 0; i < n->sizes.longest_doc; i++)
        ts_rope_angles(n->cosine + i * n_pairs, n->sine + i * n_pairs, n->net->rope_frequency,
                       n_pairs, (uint32_t)i, n->net->rope_amplitude);
}

void ts_dense_net_init(ts_dense_net *n, uint64_t seed)
{
    ts_rng rng;

    ts_rng_seed(&rng, seed);
    memset(n->value, 0, n->n_reals * sizeof *n->value);
    for (size_t l = 0; l < n->net->config.n_layers; l++)
        for (size_t t = 0; t < TS_N_TARGETS; t++) {
            const ts_weight *A = &n->layer[l].low[t].A;
            const double bound = A->w ? 1 / sqrt((double)A->n_in) : 0;

            for (size_t i = 0; A->w && i < A->n_in * A->n_out; i++)
                A->w[i] = (real)(bound * (2 * ts_rng_unit(&rng) - 1));
        }
}

static void pack_pairs(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_dense_net *n = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const ts_low_rank_weight *w = &n->layer[i / TS_N_TARGETS].low[i % TS_N_TARGETS];
        if (!w->A.w)
            continue;
        ts_weight_pack(&w->A);
        ts_weight_pack(&w->B);
    }
}

void ts_dense_net_pack(ts_dense_net *n)
{
    ts_pool_loop(n->team.pool, n->net->config.n_layers * TS_N_TARGETS, 1, pack_pairs, n);
}

void ts_dense_net_clear_gradients(ts_dense_net *n)
{
    memset(n->grad, 0, n->n_reals * sizeof *n->grad);
}

/* ------------------------------------------------------------------- forward */

typedef struct net_loop {
    ts_dense_net *n;
    const ts_train_batch *b;
    size_t first, rows; /* of the piece of the head */
    real scale;
    bool learns;
} net_loop;

static real *input_of(const ts_dense_net *n, size_t layer)
{
    return n->h + layer * n->sizes.max_tokens * n->net->config.d_model;
}

static void embed(void *ctx, size_t begin, size_t end, int thread)
{
    const net_loop *l = ctx;
    const size_t d = l->n->net->config.d_model;

    (void)thread;
    for (size_t t = begin; t < end; t++)
        ts_frozen_row(&l->n->team.kernels, l->n->h + t * d, l->n->net->embedding,
                      l->b->pack.token[t]);
}

static void enter_layer(ts_dense_pass *x, const ts_dense_net *n, size_t layer)
{
    x->w = &n->layer[layer];
    x->h = input_of(n, layer);
}

static ts_dense_pass pass_of(ts_dense_net *n, const ts_train_batch *b)
{
    return (ts_dense_pass){
        .team = &n->team,
        .config = &n->net->config,
        .pack = &b->pack,
        .rotary = {.cosine = n->cosine,
                   .sine = n->sine,
                   .position = b->pack.position,
                   .n_pairs = n->net->n_pairs,
                   .is_split = !n->net->config.rope.is_interleaved},
        .attention_scale = (real)n->net->attention_scale,
        .m = n->memory,
    };
}

static void forward(ts_dense_net *n, ts_dense_pass *x, net_loop *l)
{
    ts_pool_loop(n->team.pool, l->b->pack.n, TILE, embed, l);
    for (size_t i = 0; i < n->net->config.n_layers; i++) {
        enter_layer(x, n, i);
        ts_dense_forward(x, input_of(n, i + 1));
    }
}

/* ---------------------------------------------------------------------- head */

static void norm_rows(void *ctx, size_t begin, size_t end, int thread)
{
    const net_loop *l = ctx;
    const ts_dense_net *n = l->n;
    const size_t d = n->net->config.d_model;
    const real *last = input_of(n, n->net->config.n_layers);

    (void)thread;
    for (size_t i = begin; i < end; i++)
        ts_rmsnorm_forward(&n->team.kernels, (ts_rows){n->rows + i * d, d}, n->rstd + i,
                           (ts_rows){(real *)(uintptr_t)last + l->b->row[l->first + i] * d, d},
                           n->final_norm, 1, d, (real)n->net->config.rms_eps);
}

static void head_forward(void *ctx, size_t begin, size_t end, int thread)
{
    const net_loop *l = ctx;
    const ts_dense_net *n = l->n;

    ts_frozen_forward(&n->team.kernels, (ts_rows){n->logits, n->net->config.n_vocab},
                      (ts_rows){n->rows, n->net->config.d_model},
                      &(ts_frozen){.W = n->net->head, .n = l->rows, .begin = begin, .end = end},
                      ts_team_scratch(&n->team, thread));
}

static void judge_rows(void *ctx, size_t begin, size_t end, int thread)
{
    const net_loop *l = ctx;
    const ts_dense_net *n = l->n;
    const size_t V = n->net->config.n_vocab;

    (void)thread;
    for (size_t i = begin; i < end; i++)
        n->loss[i] = (double)ts_xent(&n->team.kernels, n->logits + i * V, V,
                                     l->b->target[l->first + i], l->scale);
}

static void head_backward(void *ctx, size_t begin, size_t end, int thread)
{
    const net_loop *l = ctx;
    const ts_dense_net *n = l->n;

    ts_frozen_backward(&n->team.kernels, (ts_rows){n->d_rows, n->net->config.d_model},
                       (ts_rows){n->logits, n->net->config.n_vocab},
                       &(ts_frozen){.W = n->net->head, .n = l->rows, .begin = begin, .end = end},
                       ts_team_scratch(&n->team, thread));
}

/* No row is learned twice, so pieces never meet in dh. */
static void unnorm_rows(void *ctx, size_t begin, size_t end, int thread)
{
    const net_loop *l = ctx;
    const ts_dense_net *n = l->n;
    const size_t d = n->net->config.d_model;
    real *last = input_of(n, n->net->config.n_layers);

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const size_t at = l->b->row[l->first + i] * d;
        ts_rmsnorm_backward(&n->team.kernels, (ts_rows){n->dh + at, d},
                            (ts_rows){n->d_rows + i * d, d}, (ts_rows){last + at, d}, n->final_norm,
                            n->rstd + i, 1, d);
    }
}

static double head(ts_dense_net *n, net_loop *l)
{
    const size_t d = n->net->config.d_model;
    double sum = 0;

    if (l->learns)
        memset(n->dh, 0, l->b->pack.n * d * sizeof *n->dh);
    for (l->first = 0; l->first < l->b->n_learned; l->first += l->rows) {
        const size_t left = l->b->n_learned - l->first;

        l->rows = left < n->head_rows ? left : n->head_rows;
        ts_pool_loop(n->team.pool, l->rows, 8, norm_rows, l);
        ts_pool_loop(n->team.pool, n->net->config.n_vocab, TS_FROZEN_OUTPUTS, head_forward, l);
        ts_pool_loop(n->team.pool, l->rows, 1, judge_rows, l);
        for (size_t i = 0; i < l->rows; i++)
            sum += n->loss[i];
        if (!l->learns)
            continue;
        ts_pool_loop(n->team.pool, d, TS_FROZEN_INPUTS, head_backward, l);
        ts_pool_loop(n->team.pool, l->rows, 8, unnorm_rows, l);
    }
    return sum;
}

double ts_dense_net_loss(ts_dense_net *n, const ts_train_batch *b)
{
    ts_dense_pass x = pass_of(n, b);
    net_loop l = {.n = n, .b = b};

    forward(n, &x, &l);
    return head(n, &l);
}

double ts_dense_net_learn(ts_dense_net *n, const ts_train_batch *b, real scale)
{
    const size_t n_layers = n->net->config.n_layers;
    ts_dense_pass x = pass_of(n, b);
    net_loop l = {.n = n, .b = b, .scale = scale, .learns = true};

    forward(n, &x, &l);
    const double sum = head(n, &l);
    for (size_t i = n_layers; i-- > 0;) {
        enter_layer(&x, n, i);
        if (i + 1 < n_layers)
            ts_dense_forward(&x, NULL);
        ts_dense_backward(&x, n->dh);
    }
    return sum;
}
