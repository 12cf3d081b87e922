/* experts.c - mixture of experts of the CPU backend.
 *
 * Pairs (token, expert) are sorted by expert, so each expert is one matrix
 * product over the tokens that chose it; all experts' products are one list of
 * tasks (expert, rows), which keeps threads busy whatever the routing.
 */
#include <assert.h>
#include <string.h>

#include "backends/cpu/cpu_internal.h"
#include "backends/router.h"

typedef struct route_loop {
    const ts_cpu *c;
    const ts_router *a;
} route_loop;

static void route_tokens(void *ctx, size_t begin, size_t end, int thread)
{
    const route_loop *l = ctx;
    const ts_router *a = l->a;
    const size_t n = a->n_experts;
    float *s = (float *)(void *)l->c->thread_scratch[thread];

    for (size_t t = begin; t < end; t++) {
        if (a->scoring == TS_SCORE_SIGMOID) {
            l->c->k.sigmoid_f32(s, a->z + t * n, n);
        } else {
            memcpy(s, a->z + t * n, n * sizeof *s);
            l->c->k.softmax_f32(s, n);
        }
        ts_router_choose(a, t, s, s + n);
    }
}

void ts_cpu_router_topk(ts_backend *b, const ts_router *a)
{
    route_loop l = {.c = ts_cpu_of(b), .a = a};
    ts_pool_loop(l.c->pool, a->T, ts_cpu_chunk(a->T, 16, 16 * a->T * a->n_experts), route_tokens,
                 &l);
}

void ts_cpu_moe_plan(ts_backend *b, ts_moe_plan *plan, const int32_t *id, size_t T)
{
    (void)b;
    ts_moe_plan_sort(plan, id, T);
}

typedef struct moe_loop {
    const ts_cpu *c;
    const ts_moe_linear *a;
    ts_activations in;      /* (T*k) sorted rows */
    const int32_t *busy;    /* experts that have pairs */
    size_t chunk, n_chunks; /* rows per task, tasks per expert */
} moe_loop;

static void moe_tasks(void *ctx, size_t begin, size_t end, int thread)
{
    const moe_loop *l = ctx;

    for (size_t i = begin; i < end; i++) {
        const int32_t e = l->busy[i / l->n_chunks];
        const ts_tensor *W = &l->a->W[e];
        const size_t n_out = (size_t)W->ne[1], row = i % l->n_chunks * l->chunk;
        const size_t n_rows = n_out - row < l->chunk ? n_out - row : l->chunk;
        const size_t first = (size_t)l->a->plan->offset[e];
        const size_t n_pairs = (size_t)l->a->plan->offset[e + 1] - first;
        ts_activations in = l->in;

        if (in.is_integer) {
            in.q8.q += first * in.q8.q_stride;
            in.q8.d += first * in.q8.d_stride;
            in.q8.s += first * in.q8.s_stride;
        } else {
            in.x += first * in.x_stride;
        }
        ts_cpu_matmul(l->c, l->a->y + first * n_out + row, n_out, W, row, n_rows, &in, n_pairs,
                      thread);
    }
}

/* Rows of tokens, repeated in the order of the pairs. */
static ts_activations gather_pairs(ts_cpu *c, const ts_activations *in, const ts_moe_plan *plan,
                                   size_t n_pairs, size_t n)
{
    ts_activations out = *in;

    if (!in->is_integer) {
        float *x = ts_arena_alloc(c->scratch, n_pairs * n * sizeof *x);
        assert(x);
        for (size_t p = 0; p < n_pairs; p++)
            memcpy(x + p * n, in->x + (size_t)plan->token[p] * in->x_stride, n * sizeof *x);
        out.x = x;
        out.x_stride = n;
        return out;
    }
    const ts_q8_rows *q8 = &in->q8;
    int8_t *q = ts_arena_alloc(c->scratch, n_pairs * q8->q_stride);
    float *d = ts_arena_alloc(c->scratch, n_pairs * q8->d_stride * sizeof *d);
    int16_t *s = ts_arena_alloc(c->scratch, n_pairs * q8->s_stride * sizeof *s);
    assert(q && d && s);
    for (size_t p = 0; p < n_pairs; p++) {
        const size_t t = (size_t)plan->token[p];
        memcpy(q + p * q8->q_stride, q8->q + t * q8->q_stride, n);
        memcpy(d + p * q8->d_stride, q8->d + t * q8->d_stride, q8->d_stride * sizeof *d);
        memcpy(s + p * q8->s_stride, q8->s + t * q8->s_stride, q8->s_stride * sizeof *s);
    }
    out.q8.q = q;
    out.q8.d = d;
    out.q8.s = s;
    return out;
}

void ts_cpu_moe_linear(ts_backend *b, const ts_moe_linear *a)
{
    ts_cpu *c = ts_cpu_of(b);
    const size_t mark = ts_arena_mark(c->scratch);
    const size_t n_pairs = a->T * a->plan->n_active, n = (size_t)a->W->ne[0];
    const size_t n_out = (size_t)a->W->ne[1];
    int32_t *busy = ts_arena_alloc(c->scratch, a->plan->n_experts * sizeof *busy);
    size_t n_busy = 0;
    moe_loop l = {.c = c, .a = a, .busy = busy};

    assert(busy);
    for (size_t e = 0; e < a->plan->n_experts; e++)
        if (a->plan->offset[e + 1] > a->plan->offset[e])
            busy[n_busy++] = (int32_t)e;
    l.in = ts_cpu_activations(c, a->W->type, a->x, n, a->by_token ? a->T : n_pairs, n);
    if (a->by_token && a->plan->n_active * a->T > 1)
        l.in = gather_pairs(c, &l.in, a->plan, n_pairs, n);
    /* Few pairs: small tasks, so that one token's experts spread over all
     * threads; many: larger ones, so that packing a panel pays. */
    l.chunk = ts_cpu_row_chunk(c, n_out * (n_busy < 8 ? n_busy : 8), n * n_pairs / n_busy);
    l.chunk = l.chunk > 128 ? 128 : l.chunk;
    l.n_chunks = (n_out + l.chunk - 1) / l.chunk;
    const size_t n_tasks = n_busy * l.n_chunks;
    ts_pool_loop(c->pool, n_tasks, ts_cpu_chunk(n_tasks, 1, (uint64_t)n_pairs * n * n_out),
                 moe_tasks, &l);
    ts_arena_release(c->scratch, mark);
}

typedef struct combine_loop {
    const ts_cpu *c;
    float *y;
    const ts_moe_plan *plan;
    const float *rows, *weight;
    const int32_t *id;
    size_t d;
} combine_loop;

static void combine_tokens(void *ctx, size_t begin, size_t end, int thread)
{
    const combine_loop *l = ctx;
    const size_t k = l->plan->n_active;

    (void)thread;
    for (size_t t = begin; t < end; t++) {
        int32_t done = -1;
        for (size_t i = 0; i < k; i++) {
            /* The next expert in ascending order; k is small. */
            size_t best = k;
            for (size_t j = 0; j < k; j++) {
                const int32_t e = l->id[t * k + j];
                if (e > done && (best == k || e < l->id[t * k + best]))
                    best = j;
            }
            if (best == k)
                break;
            done = l->id[t * k + best];
            l->c->k.axpy_f32(l->y + t * l->d, l->weight[t * k + best],
                             l->rows + (size_t)l->plan->place[t * k + best] * l->d, l->d);
        }
    }
}

void ts_cpu_moe_combine(ts_backend *b, float *y, const ts_moe_plan *plan, const float *rows,
                        const int32_t *id, const float *weight, size_t T, size_t d)
{
    combine_loop l = {
        .c = ts_cpu_of(b), .y = y, .plan = plan, .rows = rows, .weight = weight, .id = id, .d = d};
    ts_pool_loop(l.c->pool, T, ts_cpu_chunk(T, 4, (uint64_t)T * plan->n_active * d), combine_tokens,
                 &l);
}
