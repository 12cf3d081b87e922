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

/* Rows of hidden or of activations that are being written. */
typedef struct experts_loop {
    const ts_cpu *c;
    const ts_experts *a;
    ts_activations gate_in, up_in, hidden; /* a row for each pair */
    ts_q8_sink sink;                       /* where tasks put quantised rows; q NULL: nowhere */
    float *floats;                         /* where they put floats instead */
    int32_t *busy;                         /* experts that have pairs */
    size_t n_busy, chunk, n_chunks;        /* rows per task, tasks per expert */
    size_t block;
} experts_loop;

typedef struct experts_task {
    size_t expert, row, n_rows, first, n_pairs;
} experts_task;

static experts_task task_of(const experts_loop *l, size_t i, size_t n_out)
{
    const ts_moe_plan *plan = l->a->plan;
    experts_task t = {.expert = (size_t)l->busy[i / l->n_chunks],
                      .row = i % l->n_chunks * l->chunk,
                      .n_pairs = l->a->T};

    t.n_rows = n_out - t.row < l->chunk ? n_out - t.row : l->chunk;
    if (plan) {
        t.first = (size_t)plan->offset[t.expert];
        t.n_pairs = (size_t)plan->offset[t.expert + 1] - t.first;
    }
    return t;
}

static ts_activations rows_from(ts_activations in, size_t first)
{
    if (in.is_integer) {
        in.q8.q += first * in.q8.q_stride;
        in.q8.d += first * in.q8.d_stride;
        in.q8.s += first * in.q8.s_stride;
    } else {
        in.x += first * in.x_stride;
    }
    return in;
}

static void list_busy(ts_cpu *c, experts_loop *l)
{
    const ts_moe_plan *plan = l->a->plan;
    const size_t n = plan ? plan->n_experts : 1;

    l->busy = ts_arena_alloc(c->scratch, n * sizeof *l->busy);
    assert(l->busy);
    for (size_t e = 0; e < n; e++)
        if (!plan || plan->offset[e + 1] > plan->offset[e])
            l->busy[l->n_busy++] = (int32_t)e;
}

/* Tasks of whole units of rows.  Few pairs: small tasks, so that one token's
 * experts spread over all threads; many: larger ones, so that packing a panel pays. */
static size_t cut_rows(const ts_cpu *c, experts_loop *l, size_t n_out, size_t n, size_t unit)
{
    const size_t n_pairs = ts_experts_pairs(l->a), n_busy = l->n_busy < 8 ? l->n_busy : 8;

    l->chunk = ts_cpu_row_chunk(c, n_out * n_busy, n * n_pairs / l->n_busy);
    l->chunk = l->chunk > 128 ? 128 : l->chunk;
    l->chunk = (l->chunk + unit - 1) / unit * unit;
    l->n_chunks = (n_out + l->chunk - 1) / l->chunk;
    return l->n_busy * l->n_chunks;
}

typedef struct gather_loop {
    const ts_activations *in;
    const ts_moe_plan *plan;
    float *x;
    ts_q8_sink to;
    size_t n;
} gather_loop;

static void gather_some(void *ctx, size_t begin, size_t end, int thread)
{
    const gather_loop *l = ctx;
    const ts_q8_rows *q8 = &l->in->q8;

    (void)thread;
    for (size_t p = begin; p < end; p++) {
        const size_t t = (size_t)l->plan->token[p];
        if (!l->in->is_integer) {
            memcpy(l->x + p * l->n, l->in->x + t * l->in->x_stride, l->n * sizeof *l->x);
            continue;
        }
        memcpy(l->to.q + p * q8->q_stride, q8->q + t * q8->q_stride, l->n);
        memcpy(l->to.d + p * q8->d_stride, q8->d + t * q8->d_stride, q8->d_stride * sizeof(float));
        memcpy(l->to.s + p * q8->s_stride, q8->s + t * q8->s_stride,
               q8->s_stride * sizeof(int16_t));
    }
}

/* Rows of tokens, repeated in the order of the pairs. */
static ts_activations gather_pairs(ts_cpu *c, const ts_activations *in, const ts_moe_plan *plan,
                                   size_t n_pairs, size_t n)
{
    gather_loop l = {.in = in, .plan = plan, .n = n};
    ts_activations out = *in;

    if (in->is_integer) {
        l.to = ts_cpu_q8_sink(ts_arena_alloc(c->scratch, n_pairs * ts_cpu_q8_bytes(n)), n_pairs, n,
                              in->block);
        out.q8 = ts_cpu_q8_rows(&l.to);
    } else {
        l.x = ts_arena_alloc(c->scratch, n_pairs * n * sizeof *l.x);
        assert(l.x);
        out.x = l.x;
        out.x_stride = n;
    }
    ts_pool_loop(c->pool, n_pairs, ts_cpu_chunk(n_pairs, 32, n_pairs * n), gather_some, &l);
    return out;
}

/* The tokens as a type's product wants them, a row for each pair. */
static ts_activations input_of(ts_cpu *c, const ts_experts *a, ts_dtype type)
{
    const size_t n = (size_t)a->gate->ne[0], n_pairs = ts_experts_pairs(a);
    const ts_activations in = ts_cpu_activations(c, type, a->x, a->x_stride, a->T, n);

    return a->plan && n_pairs > 1 ? gather_pairs(c, &in, a->plan, n_pairs, n) : in;
}

/* Gate, up and what becomes of them, for a block of rows and as many pairs at a
 * time as the tile holds. */
static void hidden_tasks(void *ctx, size_t begin, size_t end, int thread)
{
    const experts_loop *l = ctx;
    const ts_experts *a = l->a;
    const size_t F = (size_t)a->gate->ne[1];
    float *g = ts_cpu_tile(l->c, thread);

    for (size_t i = begin; i < end; i++) {
        const experts_task task = task_of(l, i, F);
        const size_t slab = TS_CPU_TILE_FLOATS / 2 / task.n_rows;
        for (size_t t = 0; t < task.n_pairs; t += slab) {
            const size_t p = task.first + t, left = task.n_pairs - t;
            const size_t n = left < slab ? left : slab, m = task.n_rows;
            const ts_activations gate_in = rows_from(l->gate_in, p);
            const ts_activations up_in = rows_from(l->up_in, p);
            float *u = g + n * m;

            ts_cpu_matmul(l->c, g, m, &a->gate[task.expert], task.row, m, &gate_in, n, thread);
            ts_cpu_matmul(l->c, u, m, &a->up[task.expert], task.row, m, &up_in, n, thread);
            l->c->k.swiglu_f32(g, g, u, n * m);
            for (size_t k = 0; k < n; k++)
                if (l->sink.q)
                    ts_cpu_quantise_part(l->c, &l->sink, p + k, task.row, g + k * m, m);
                else
                    memcpy(l->floats + (p + k) * F + task.row, g + k * m, m * sizeof *g);
        }
    }
}

/* What lies in a->hidden, as the last product wants it. */
static ts_activations hidden_of(const ts_cpu *c, const ts_experts *a, ts_q8_sink *sink)
{
    const ts_dtype_info info = ts_dtype_of(a->down->type);
    const size_t F = (size_t)a->down->ne[0];

    *sink = (ts_q8_sink){0};
    if (!info.is_quantized || c->precise)
        return (ts_activations){.x = a->hidden, .x_stride = F};
    /* Fits: a whole block is at least 32 values, of four bytes each. */
    *sink = ts_cpu_q8_sink(a->hidden, ts_experts_pairs(a), F, info.block);
    return (ts_activations){.is_integer = true, .block = info.block, .q8 = ts_cpu_q8_rows(sink)};
}

void ts_cpu_experts_hidden(ts_backend *b, const ts_experts *a)
{
    enum { TASKS_PER_THREAD = 8 };
    ts_cpu *c = ts_cpu_of(b);
    const size_t mark = ts_arena_mark(c->scratch), n_pairs = ts_experts_pairs(a);
    const size_t n = (size_t)a->gate->ne[0], F = (size_t)a->gate->ne[1];
    experts_loop l = {.c = c, .a = a, .floats = a->hidden};
    ts_q8_sink sink;

    list_busy(c, &l);
    l.gate_in = input_of(c, a, a->gate->type);
    l.up_in = ts_dtype_of(a->up->type).block == ts_dtype_of(a->gate->type).block
                  ? l.gate_in
                  : input_of(c, a, a->up->type);
    l.hidden = hidden_of(c, a, &sink);
    size_t n_tasks = cut_rows(c, &l, F, 2 * n, l.hidden.is_integer ? l.hidden.block : 1);
    if (l.hidden.is_integer && n_tasks >= TASKS_PER_THREAD * (size_t)c->n_threads) {
        l.sink = sink;
    } else if (l.hidden.is_integer) {
        /* Whole blocks would leave threads without work. */
        n_tasks = cut_rows(c, &l, F, 2 * n, 1);
        l.floats = ts_arena_alloc(c->scratch, n_pairs * F * sizeof *l.floats);
        assert(l.floats);
    }
    ts_pool_loop(c->pool, n_tasks, ts_cpu_chunk(n_tasks, 1, 2 * (uint64_t)n_pairs * n * F),
                 hidden_tasks, &l);
    if (l.hidden.is_integer && !l.sink.q)
        ts_cpu_quantise(c, &sink, l.floats, F, n_pairs);
    ts_arena_release(c->scratch, mark);
}

static void out_tasks(void *ctx, size_t begin, size_t end, int thread)
{
    const experts_loop *l = ctx;
    const size_t n_out = (size_t)l->a->down->ne[1];

    for (size_t i = begin; i < end; i++) {
        const experts_task t = task_of(l, i, n_out);
        const ts_activations in = rows_from(l->hidden, t.first);

        ts_cpu_matmul(l->c, l->a->y + t.first * n_out + t.row, n_out, &l->a->down[t.expert], t.row,
                      t.n_rows, &in, t.n_pairs, thread);
    }
}

void ts_cpu_experts_out(ts_backend *b, const ts_experts *a)
{
    ts_cpu *c = ts_cpu_of(b);
    const size_t mark = ts_arena_mark(c->scratch), n_pairs = ts_experts_pairs(a);
    const size_t n = (size_t)a->down->ne[0], n_out = (size_t)a->down->ne[1];
    experts_loop l = {.c = c, .a = a};
    ts_q8_sink sink;

    list_busy(c, &l);
    l.hidden = hidden_of(c, a, &sink);
    const size_t n_tasks = cut_rows(c, &l, n_out, n, 1);
    ts_pool_loop(c->pool, n_tasks, ts_cpu_chunk(n_tasks, 1, (uint64_t)n_pairs * n * n_out),
                 out_tasks, &l);
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
