/* attention.c - causal attention of the CPU backend over cached rows.
 *
 * The unit of work is a group of tokens of one sequence times a few heads that
 * share their cached rows.  Scores of the whole visible context are kept, then
 * normalised, then multiplied with the values: two passes over the rows, each
 * page by page, so a page is read from memory once per group.  Every (token,
 * head) is computed exactly as if it were alone.
 */
#include <string.h>

#include "backends/cpu/cpu_internal.h"

enum { MAX_HEADS = 8 /* SCORE_ROWS of cpu_backend.c */, MAX_GROUP = 16 };

typedef struct group {
    uint32_t first, n; /* tokens of the batch */
} group;

typedef struct attention_loop {
    const ts_cpu *c;
    const ts_attention *a;
    const group *groups;
    size_t head_chunk;   /* heads per unit */
    size_t n_per_kv;     /* units per kv head */
    size_t n_units;      /* units per group */
    size_t score_floats; /* of a thread's scratch */
} attention_loop;

/* Heads [h, h + n) of one unit, all of kv head g. */
typedef struct unit {
    size_t g, h, n;
} unit;

static unit unit_of(const attention_loop *l, size_t u)
{
    const size_t per_kv = l->a->n_heads / l->a->n_kv_heads;
    const size_t g = u / l->n_per_kv, begin = u % l->n_per_kv * l->head_chunk;
    const size_t left = per_kv - begin;

    return (unit){g, g * per_kv + begin, left < l->head_chunk ? left : l->head_chunk};
}

/* scores[q][r] for the rows of one page that token t sees. */
static void score_page(const attention_loop *l, float *scores, size_t stride, size_t t, unit u,
                       size_t page)
{
    const ts_attention *a = l->a;
    const ts_kv *kv = a->batch->kv[t];
    const size_t begin = page * TS_KV_PAGE, seen = (size_t)a->batch->pos[t] + 1;

    if (begin >= seen)
        return;
    const size_t n = seen - begin < TS_KV_PAGE ? seen - begin : TS_KV_PAGE;
    l->c->k.gemm_f32(scores + begin, stride, ts_kv_row(kv, a->layer, begin) + u.g * a->k_step,
                     kv->row_floats, n, a->q + t * a->q_stride + u.h * a->q_head_stride,
                     a->q_head_stride, u.n, a->d_k);
}

static void value_page(const attention_loop *l, const float *scores, size_t stride, size_t t,
                       unit u, size_t page)
{
    const ts_attention *a = l->a;
    const ts_kv *kv = a->batch->kv[t];
    const size_t begin = page * TS_KV_PAGE, seen = (size_t)a->batch->pos[t] + 1;

    if (begin >= seen)
        return;
    const size_t n = seen - begin < TS_KV_PAGE ? seen - begin : TS_KV_PAGE;
    l->c->k.accumulate_f32(a->o + t * a->o_stride + u.h * a->o_head_stride, a->o_head_stride,
                           scores + begin, stride, u.n,
                           ts_kv_row(kv, a->layer, begin) + a->v_base + u.g * a->v_step,
                           kv->row_floats, n, a->d_v);
}

static void attend(const attention_loop *l, float *scores, size_t first, size_t n_tokens, unit u)
{
    const ts_attention *a = l->a;
    const size_t last = first + n_tokens - 1;
    const size_t n_pages = (size_t)a->batch->pos[last] / TS_KV_PAGE + 1;
    const size_t stride = n_pages * TS_KV_PAGE, per_token = u.n * stride;

    for (size_t page = 0; page < n_pages; page++)
        for (size_t t = 0; t < n_tokens; t++)
            score_page(l, scores + t * per_token, stride, first + t, u, page);
    for (size_t t = 0; t < n_tokens; t++) {
        const size_t seen = (size_t)a->batch->pos[first + t] + 1;
        for (size_t q = 0; q < u.n; q++) {
            float *s = scores + t * per_token + q * stride;
            l->c->k.scale_f32(s, a->scale, s, seen);
            l->c->k.softmax_f32(s, seen);
            memset(a->o + (first + t) * a->o_stride + (u.h + q) * a->o_head_stride, 0,
                   a->d_v * sizeof(float));
        }
    }
    for (size_t page = 0; page < n_pages; page++)
        for (size_t t = 0; t < n_tokens; t++)
            value_page(l, scores + t * per_token, stride, first + t, u, page);
}

static void attend_units(void *ctx, size_t begin, size_t end, int thread)
{
    const attention_loop *l = ctx;
    float *scores = (float *)(void *)l->c->thread_scratch[thread];

    for (size_t i = begin; i < end; i++) {
        const group g = l->groups[i / l->n_units];
        const unit u = unit_of(l, i % l->n_units);
        /* Long contexts: as many tokens at once as the scratch holds. */
        const size_t longest = (size_t)l->a->batch->pos[g.first + g.n - 1] / TS_KV_PAGE + 1;
        size_t fit = l->score_floats / (longest * TS_KV_PAGE * u.n);
        fit = fit < 1 ? 1 : fit;
        for (size_t t = 0; t < g.n; t += fit)
            attend(l, scores, g.first + t, g.n - t < fit ? g.n - t : fit, u);
    }
}

/* Runs of adjacent tokens of one sequence, at most MAX_GROUP each. */
static size_t find_groups(group *groups, const ts_batch *batch)
{
    size_t n = 0;

    for (size_t t = 0; t < batch->n; t++) {
        group *last = n ? &groups[n - 1] : NULL;
        if (last && last->n < MAX_GROUP && batch->kv[t] == batch->kv[t - 1])
            last->n++;
        else
            groups[n++] = (group){(uint32_t)t, 1};
    }
    return n;
}

void ts_cpu_attention(ts_backend *b, const ts_attention *a)
{
    ts_cpu *c = ts_cpu_of(b);
    const size_t mark = ts_arena_mark(c->scratch);
    const size_t per_kv = a->n_heads / a->n_kv_heads;
    group *groups = ts_arena_alloc(c->scratch, a->batch->n * sizeof *groups);
    attention_loop l = {.c = c, .a = a, .groups = groups};

    const size_t n_groups = find_groups(groups, a->batch);
    l.head_chunk = per_kv < MAX_HEADS ? per_kv : MAX_HEADS;
    l.n_per_kv = (per_kv + l.head_chunk - 1) / l.head_chunk;
    l.n_units = a->n_kv_heads * l.n_per_kv;
    l.score_floats = c->thread_bytes / sizeof(float);
    ts_pool_loop(c->pool, n_groups * l.n_units, 1, attend_units, &l);
    ts_arena_release(c->scratch, mark);
}
