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
    size_t head_chunk; /* heads per unit */
    size_t n_per_kv;   /* units per kv head */
    size_t n_units;    /* units per group */
} attention_loop;

/* Private to a thread: scores of n tokens, and for packed rows their queries. */
typedef struct workspace {
    float *scores;
    int16_t *q; /* (n, heads of the unit, d_k) */
    float *d;   /* (n, heads) */
    size_t stride;
} workspace;

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

/* scores[q][r] for the rows of one page that token first + i sees. */
static void score_page(const attention_loop *l, const workspace *w, size_t first, size_t i, unit u,
                       size_t page)
{
    const ts_attention *a = l->a;
    const size_t t = first + i, stride = w->stride;
    const ts_kv *kv = a->batch->kv[t];
    const size_t begin = page * TS_KV_PAGE, seen = (size_t)a->batch->pos[t] + 1;
    float *scores = w->scores + i * u.n * stride;

    if (begin >= seen)
        return;
    const size_t n = seen - begin < TS_KV_PAGE ? seen - begin : TS_KV_PAGE;
    if (kv->n_latent) {
        const ts_latent latent = ts_cpu_latent(kv);
        l->c->k.latent_scores(scores + begin, stride, w->q + i * u.n * a->d_k, w->d + i * u.n, u.n,
                              ts_kv_row(kv, a->layer, begin), n, &latent);
        return;
    }
    l->c->k.gemm_f32(scores + begin, stride, ts_kv_row(kv, a->layer, begin) + u.g * a->k_step,
                     kv->row_floats, n, a->q + t * a->q_stride + u.h * a->q_head_stride,
                     a->q_head_stride, u.n, a->d_k);
}

static void value_page(const attention_loop *l, const workspace *w, size_t first, size_t i, unit u,
                       size_t page)
{
    const ts_attention *a = l->a;
    const size_t t = first + i, stride = w->stride;
    const ts_kv *kv = a->batch->kv[t];
    const size_t begin = page * TS_KV_PAGE, seen = (size_t)a->batch->pos[t] + 1;
    const float *scores = w->scores + i * u.n * stride;
    float *o = a->o + t * a->o_stride + u.h * a->o_head_stride;

    if (begin >= seen)
        return;
    const size_t n = seen - begin < TS_KV_PAGE ? seen - begin : TS_KV_PAGE;
    if (kv->n_latent) {
        const ts_latent latent = ts_cpu_latent(kv);
        l->c->k.latent_values(o, a->o_head_stride, scores + begin, stride, u.n,
                              ts_kv_row(kv, a->layer, begin), n, &latent);
        return;
    }
    l->c->k.accumulate_f32(o, a->o_head_stride, scores + begin, stride, u.n,
                           ts_kv_row(kv, a->layer, begin) + a->v_base + u.g * a->v_step,
                           kv->row_floats, n, a->d_v);
}

/* The queries of a token's heads as integers, the softmax scale in their factors. */
static void round_queries(const attention_loop *l, const workspace *w, size_t first, size_t i,
                          unit u)
{
    const ts_attention *a = l->a;
    const ts_latent latent = ts_cpu_latent(a->batch->kv[first + i]);

    for (size_t q = i * u.n; q < (i + 1) * u.n; q++)
        l->c->k.latent_query(w->q + q * a->d_k, w->d + q,
                             a->q + (first + i) * a->q_stride +
                                 (u.h + q - i * u.n) * a->q_head_stride,
                             a->scale, &latent);
}

static void normalise(const attention_loop *l, const workspace *w, size_t first, size_t i, unit u,
                      bool is_scaled)
{
    const ts_attention *a = l->a;
    const size_t seen = (size_t)a->batch->pos[first + i] + 1;

    for (size_t q = 0; q < u.n; q++) {
        float *s = w->scores + (i * u.n + q) * w->stride;
        if (!is_scaled)
            l->c->k.scale_f32(s, a->scale, s, seen);
        l->c->k.softmax_f32(s, seen);
        memset(a->o + (first + i) * a->o_stride + (u.h + q) * a->o_head_stride, 0,
               a->d_v * sizeof(float));
    }
}

static void attend(const attention_loop *l, const workspace *w, size_t first, size_t n_tokens,
                   unit u)
{
    const size_t last = first + n_tokens - 1;
    const size_t n_pages = (size_t)l->a->batch->pos[last] / TS_KV_PAGE + 1;
    const bool is_packed = l->a->batch->kv[first]->n_latent > 0;

    for (size_t i = 0; is_packed && i < n_tokens; i++)
        round_queries(l, w, first, i, u);
    for (size_t page = 0; page < n_pages; page++)
        for (size_t i = 0; i < n_tokens; i++)
            score_page(l, w, first, i, u, page);
    for (size_t i = 0; i < n_tokens; i++)
        normalise(l, w, first, i, u, is_packed);
    for (size_t page = 0; page < n_pages; page++)
        for (size_t i = 0; i < n_tokens; i++)
            value_page(l, w, first, i, u, page);
}

static void attend_units(void *ctx, size_t begin, size_t end, int thread)
{
    const attention_loop *l = ctx;
    uint8_t *scratch = l->c->thread_scratch[thread];

    for (size_t i = begin; i < end; i++) {
        const group g = l->groups[i / l->n_units];
        const unit u = unit_of(l, i % l->n_units);
        const uint32_t longest = l->a->batch->pos[g.first + g.n - 1];
        workspace w = {.stride = ((size_t)longest / TS_KV_PAGE + 1) * TS_KV_PAGE};
        /* Long contexts: as many tokens at once as the scratch holds. */
        const size_t query_bytes =
            l->a->batch->kv[g.first]->n_latent ? l->a->d_k * sizeof *w.q + sizeof *w.d : 0;
        size_t fit = (l->c->thread_bytes - 64) / ((w.stride * sizeof(float) + query_bytes) * u.n);
        fit = fit < 1 ? 1 : fit > g.n ? g.n : fit;
        w.scores = (float *)(void *)scratch;
        w.d = w.scores + fit * u.n * w.stride;
        w.q = (int16_t *)(void *)(w.d + fit * u.n);
        for (size_t t = 0; t < g.n; t += fit)
            attend(l, &w, g.first + t, g.n - t < fit ? g.n - t : fit, u);
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
    uint64_t macs = 0;
    for (size_t t = 0; t < a->batch->n; t++)
        macs += (uint64_t)(a->batch->pos[t] + 1) * a->n_heads * (a->d_k + a->d_v);
    const size_t n_tasks = n_groups * l.n_units;
    ts_pool_loop(c->pool, n_tasks, ts_cpu_chunk(n_tasks, 1, 3 * macs), attend_units, &l);
    ts_arena_release(c->scratch, mark);
}
