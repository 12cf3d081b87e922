/* flops.c - see flops.h. */
#include "train/flops.h"

#include "core/clock.h"

static uint64_t block_weights(const ts_network *n, size_t layer)
{
    const ts_config *c = &n->config;
    const uint64_t d = c->d_model, H = c->n_heads, Q = c->q_lora_rank, R = c->kv_lora_rank;
    const uint64_t d_q = H * (c->d_nope + c->d_rope);
    const uint64_t attention = (Q ? d * Q + Q * d_q : d * d_q) + d * (R + c->d_rope) +
                               R * H * (c->d_nope + c->d_value) + H * c->d_value * d;

    if (!ts_network_has_experts(c, layer))
        return attention + 3 * d * c->d_ff;
    return attention + d * c->n_experts + 3 * d * c->d_expert * (c->n_active + c->n_shared);
}

static uint64_t body_weights(const ts_network *n)
{
    uint64_t sum = 0;

    for (size_t l = 0; l < n->config.n_layers; l++)
        sum += block_weights(n, l);
    if (n->has_mtp)
        sum += block_weights(n, n->config.n_layers) +
               2 * (uint64_t)n->config.d_model * n->config.d_model;
    return sum;
}

uint64_t ts_flops_active(const ts_network *n)
{
    return body_weights(n) + (uint64_t)n->config.d_model * n->config.n_vocab;
}

double ts_flops_of_batch(const ts_network *n, const ts_train_batch *b)
{
    const ts_config *c = &n->config;
    const double head = (double)c->d_model * c->n_vocab;
    const double rows = (double)(b->n_learned + (n->has_mtp ? b->n_ahead : 0));
    const double layers = (double)(c->n_layers + n->has_mtp);
    double pairs = 0;

    for (size_t i = 0; i < b->pack.n_docs; i++) {
        const double length = (double)(b->pack.begin[i + 1] - b->pack.begin[i]);
        pairs += length * (length + 1) / 2;
    }
    const double attention = pairs * c->n_heads * (c->d_nope + c->d_rope + c->d_value) * layers;
    return 6 * ((double)b->pack.n * (double)body_weights(n) + rows * head + attention);
}

/* 96 x 96 x 192: operands of 150 KB, which stay in L2. */
enum { ROWS = 96, COLUMNS = 96, STEPS = 192, REALS = (ROWS + COLUMNS) * STEPS + ROWS * COLUMNS };
static const double SECONDS = 0.1;

typedef struct peak_loop {
    ts_team *team;
    double *best;
} peak_loop;

static void run_peak(void *ctx, size_t begin, size_t end, int thread)
{
    const peak_loop *l = ctx;
    real *a = l->team->scratch + (size_t)thread * l->team->scratch_reals;
    const ts_product p = {.c = a + (ROWS + COLUMNS) * STEPS,
                          .c_stride = COLUMNS,
                          .a = a,
                          .a_row = STEPS,
                          .a_step = 1,
                          .b = a + ROWS * STEPS,
                          .b_panel = 16 * STEPS,
                          .n_rows = ROWS,
                          .n_columns = COLUMNS,
                          .n = STEPS};
    const double stop = ts_clock_seconds() + SECONDS;

    for (size_t i = 0; i < (ROWS + COLUMNS) * STEPS; i++)
        a[i] = (real)0.5;
    for (size_t i = begin; i < end; i++)
        for (double now = ts_clock_seconds(); now < stop;) {
            ts_product_run(&l->team->kernels, &p);
            const double then = now;
            now = ts_clock_seconds();
            const double rate = 2.0 * ROWS * COLUMNS * STEPS / (now - then);
            l->best[i] = rate > l->best[i] ? rate : l->best[i];
        }
}

double ts_flops_peak(ts_team *team)
{
    double best[1024] = {0}, sum = 0;
    const size_t n = (size_t)ts_pool_threads(team->pool);
    peak_loop l = {team, best};

    if (team->scratch_reals < REALS || n > sizeof best / sizeof *best)
        return 0;
    ts_pool_loop(team->pool, n, 1, run_peak, &l);
    for (size_t i = 0; i < n; i++)
        sum += best[i];
    return sum;
}
