/* attention.c - causal attention of the CPU backend over cached rows.
 *
 * The unit of work is a group of tokens of one sequence, a few heads that share
 * their cached rows, and a span of these rows (span.h).  Its scores are computed
 * page by page, normalised, and multiplied with the values page by page, while
 * the span lies in the second-level cache.  Every (token, head) is computed
 * exactly as if it were alone.
 *
 * Where groups and heads keep all threads busy, a unit walks through its spans
 * and joins them as it goes.  Where they do not (one token behind a long
 * context), each span is a unit of its own, a wave of them at a time, and what
 * they leave is joined afterwards, in the same order.
 */
#include <assert.h>
#include <string.h>

#include "backends/cpu/cpu_internal.h"
#include "backends/span.h"

enum { MAX_HEADS = TS_CPU_ATTENTION_HEADS, MAX_GROUP = 16, UNITS_PER_THREAD = 4 };

typedef struct group {
    uint32_t first, n; /* tokens of the batch */
} group;

typedef struct attention_loop {
    const ts_cpu *c;
    const ts_attention *a;
    const group *groups;
    size_t n_groups, n_units; /* (kv head, heads) per group */
    size_t head_chunk;        /* heads per unit */
    size_t n_per_kv;          /* units per kv head */
    size_t wave, n_wave;      /* spans [wave, wave + n_wave); n_wave 0: all, joined at once */
    float *z;                 /* (n_wave, tokens, heads, d_v) */
    ts_span_sum *sums;        /* (n_wave, tokens, heads) */
    ts_span_sum *joined;      /* (tokens, heads) */
} attention_loop;

/* Private to a thread, for n tokens and the heads of a unit. */
typedef struct workspace {
    float *scores;       /* (n, heads, TS_SPAN) */
    float *z;            /* (heads, d_v) of a token's span that is to be joined */
    float *d;            /* (n, heads), with q: packed rows only */
    int16_t *q;          /* (n, heads, d_k) */
    ts_span_sum *joined; /* (n, heads) */
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

/* Rows [begin, begin + n) of the context that token t sees of a page; n may be 0. */
static size_t rows_seen(const ts_batch *batch, size_t t, size_t begin, size_t most)
{
    const size_t seen = (size_t)batch->pos[t] + 1;

    return begin >= seen ? 0 : seen - begin < most ? seen - begin : most;
}

/* Scores of one page for token first + i. */
static void score_page(const attention_loop *l, const workspace *w, size_t first, size_t i, unit u,
                       size_t page)
{
    const ts_attention *a = l->a;
    const size_t t = first + i, begin = page * TS_KV_PAGE;
    const size_t n = rows_seen(a->batch, t, begin, TS_KV_PAGE);
    const ts_kv *kv = a->batch->kv[t];
    float *scores = w->scores + i * u.n * TS_SPAN + begin % TS_SPAN;

    if (n == 0)
        return;
    if (kv->n_latent) {
        const ts_latent latent = ts_cpu_latent(kv);
        l->c->k.latent_scores(scores, TS_SPAN, w->q + i * u.n * a->d_k, w->d + i * u.n, u.n,
                              ts_kv_row(kv, a->layer, begin), n, &latent);
        return;
    }
    l->c->k.gemm_f32(scores, TS_SPAN, ts_kv_row(kv, a->layer, begin) + u.g * a->k_step,
                     kv->row_floats, n, a->q + t * a->q_stride + u.h * a->q_head_stride,
                     a->q_head_stride, u.n, a->d_k);
}

/* z (heads of the unit, z_stride apart) of a span's pages for token first + i. */
static void values(const attention_loop *l, const workspace *w, size_t first, size_t i, unit u,
                   size_t span, float *z, size_t z_stride)
{
    const ts_attention *a = l->a;
    const ts_kv *kv = a->batch->kv[first + i];
    const ts_latent latent = ts_cpu_latent(kv);
    const size_t n_rows = rows_seen(a->batch, first + i, span * TS_SPAN, TS_SPAN);

    for (size_t q = 0; q < u.n; q++)
        memset(z + q * z_stride, 0, a->d_v * sizeof *z);
    for (size_t r = 0; r < n_rows; r += TS_KV_PAGE) {
        const size_t n = n_rows - r < TS_KV_PAGE ? n_rows - r : TS_KV_PAGE;
        const float *p = w->scores + i * u.n * TS_SPAN + r;
        const float *rows = ts_kv_row(kv, a->layer, span * TS_SPAN + r);
        if (kv->n_latent)
            l->c->k.latent_values(z, z_stride, p, TS_SPAN, u.n, rows, n, &latent);
        else
            l->c->k.accumulate_f32(z, z_stride, p, TS_SPAN, u.n, rows + a->v_base + u.g * a->v_step,
                                   kv->row_floats, n, a->d_v);
    }
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

/* Scores of token first + i become weights; sums gets what span.h says of each head. */
static void normalise(const attention_loop *l, const workspace *w, size_t first, size_t i, unit u,
                      size_t span, ts_span_sum *sums)
{
    const ts_attention *a = l->a;
    const size_t n = rows_seen(a->batch, first + i, span * TS_SPAN, TS_SPAN);

    for (size_t q = 0; q < u.n; q++) {
        float *s = w->scores + (i * u.n + q) * TS_SPAN;
        if (!a->batch->kv[first]->n_latent)
            l->c->k.scale_f32(s, a->scale, s, n);
        sums[q] = ts_span_softmax(&l->c->k, s, n);
    }
}

/* Token first + i, whose scores of the span are there: into the output, joined to
 * what it has of earlier spans. */
static void finish_joined(const attention_loop *l, const workspace *w, size_t first, size_t i,
                          unit u, size_t span)
{
    const ts_attention *a = l->a;
    float *o = a->o + (first + i) * a->o_stride + u.h * a->o_head_stride;
    ts_span_sum *joined = w->joined + i * u.n, sums[MAX_HEADS];

    normalise(l, w, first, i, u, span, span == 0 ? joined : sums);
    if (span == 0) {
        values(l, w, first, i, u, span, o, a->o_head_stride);
        return;
    }
    values(l, w, first, i, u, span, w->z, a->d_v);
    for (size_t q = 0; q < u.n; q++)
        ts_span_join(&l->c->k, &joined[q], o + q * a->o_head_stride, sums[q], w->z + q * a->d_v,
                     a->d_v);
}

/* The same, left for join_heads(). */
static void finish_apart(const attention_loop *l, const workspace *w, size_t first, size_t i,
                         unit u, size_t span)
{
    const ts_attention *a = l->a;
    const size_t at = ((span - l->wave) * a->batch->n + first + i) * a->n_heads + u.h;

    normalise(l, w, first, i, u, span, l->sums + at);
    values(l, w, first, i, u, span, l->z + at * a->d_v, a->d_v);
}

static void attend(const attention_loop *l, const workspace *w, size_t first, size_t n_tokens,
                   unit u, size_t span)
{
    const size_t last = first + n_tokens - 1;
    const size_t n_rows = rows_seen(l->a->batch, last, span * TS_SPAN, TS_SPAN);

    for (size_t r = 0; r < n_rows; r += TS_KV_PAGE)
        for (size_t i = 0; i < n_tokens; i++)
            score_page(l, w, first, i, u, (span * TS_SPAN + r) / TS_KV_PAGE);
    for (size_t i = 0; i < n_tokens; i++)
        if (rows_seen(l->a->batch, first + i, span * TS_SPAN, TS_SPAN) == 0)
            continue;
        else if (l->n_wave)
            finish_apart(l, w, first, i, u, span);
        else
            finish_joined(l, w, first, i, u, span);
}

/* Scratch of a token's heads, but for the outputs that only one token has. */
static size_t token_bytes(const ts_attention *a, size_t n_heads)
{
    const workspace *w = NULL;

    return n_heads *
           (TS_SPAN * sizeof *w->scores + sizeof *w->joined + sizeof *w->d + a->d_k * sizeof *w->q);
}

static size_t output_bytes(const ts_attention *a, size_t n_heads)
{
    return n_heads * a->d_v * sizeof(float);
}

/* As many tokens at once as the scratch holds. */
static size_t lay_out(const attention_loop *l, workspace *w, uint8_t *scratch, size_t n_tokens,
                      size_t n_heads)
{
    const ts_attention *a = l->a;
    size_t fit = (l->c->thread_bytes - output_bytes(a, n_heads)) / token_bytes(a, n_heads);

    assert(fit > 0);
    fit = fit > n_tokens ? n_tokens : fit;
    w->scores = (float *)(void *)scratch;
    w->z = w->scores + fit * n_heads * TS_SPAN;
    w->joined = (ts_span_sum *)(void *)(w->z + n_heads * a->d_v);
    w->d = (float *)(void *)(w->joined + fit * n_heads);
    w->q = (int16_t *)(void *)(w->d + fit * n_heads);
    return fit;
}

static size_t n_spans_of(const ts_batch *batch, group g)
{
    return ts_span_count((size_t)batch->pos[g.first + g.n - 1] + 1);
}

static void attend_units(void *ctx, size_t begin, size_t end, int thread)
{
    const attention_loop *l = ctx;
    const size_t n_waves = l->n_wave ? l->n_wave : 1;

    for (size_t i = begin; i < end; i++) {
        const group g = l->groups[i / n_waves / l->n_units];
        const unit u = unit_of(l, i / n_waves % l->n_units);
        const size_t n_spans = n_spans_of(l->a->batch, g), span = l->wave + i % n_waves;
        const size_t s0 = l->n_wave ? span : 0,
                     s1 = !l->n_wave || span >= n_spans ? n_spans : span + 1;
        workspace w;
        const size_t fit = lay_out(l, &w, l->c->thread_scratch[thread], g.n, u.n);

        for (size_t t = 0; t < g.n && s0 < s1; t += fit) {
            const size_t n = g.n - t < fit ? g.n - t : fit;
            for (size_t k = 0; l->a->batch->kv[g.first]->n_latent && k < n; k++)
                round_queries(l, &w, g.first + t, k, u);
            for (size_t s = s0; s < s1; s++)
                attend(l, &w, g.first + t, n, u, s);
        }
    }
}

/* Join a wave's spans of (token, head) pairs. */
static void join_heads(void *ctx, size_t begin, size_t end, int thread)
{
    const attention_loop *l = ctx;
    const ts_attention *a = l->a;
    const size_t n_pairs = a->batch->n * a->n_heads;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const size_t t = i / a->n_heads, h = i % a->n_heads;
        const size_t n_spans = ts_span_count((size_t)a->batch->pos[t] + 1);
        float *o = a->o + t * a->o_stride + h * a->o_head_stride;

        for (size_t s = l->wave; s < l->wave + l->n_wave && s < n_spans; s++) {
            const size_t at = (s - l->wave) * n_pairs + i;
            if (s > 0) {
                ts_span_join(&l->c->k, &l->joined[i], o, l->sums[at], l->z + at * a->d_v, a->d_v);
                continue;
            }
            l->joined[i] = l->sums[at];
            memcpy(o, l->z + at * a->d_v, a->d_v * sizeof *o);
        }
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

static bool fits(const attention_loop *l)
{
    const size_t n = l->head_chunk;

    return token_bytes(l->a, n) + output_bytes(l->a, n) <= l->c->thread_bytes;
}

/* Heads per unit: as many as share a row, fewer if that leaves threads without work or
 * needs more scratch than there is (one head always fits). */
static void choose_units(attention_loop *l, size_t n_spans)
{
    const size_t per_kv = l->a->n_heads / l->a->n_kv_heads;
    const size_t enough = (size_t)l->c->n_threads * UNITS_PER_THREAD;

    l->head_chunk = per_kv < MAX_HEADS ? per_kv : MAX_HEADS;
    for (;;) {
        l->n_per_kv = (per_kv + l->head_chunk - 1) / l->head_chunk;
        l->n_units = l->a->n_kv_heads * l->n_per_kv;
        const bool is_busy = l->head_chunk <= 4 || l->n_groups * l->n_units * n_spans >= enough;
        if (l->head_chunk == 1 || (is_busy && fits(l)))
            return;
        l->head_chunk = (l->head_chunk + 1) / 2;
    }
}

/* Spans per wave, with memory for what they leave; 0: units join their own. */
static size_t choose_wave(attention_loop *l, size_t n_spans)
{
    const ts_attention *a = l->a;
    const size_t n_pairs = a->batch->n * a->n_heads;
    const size_t bytes = n_pairs * (a->d_v * sizeof *l->z + sizeof *l->sums);
    const size_t joined = 256 + n_pairs * sizeof *l->joined;
    size_t n = (size_t)l->c->n_threads * 4 * UNITS_PER_THREAD;

    if (l->c->n_threads == 1 || n_spans < 2 ||
        l->n_groups * l->n_units >= (size_t)l->c->n_threads * UNITS_PER_THREAD)
        return 0;
    if (joined + 2 * bytes > TS_CPU_ATTENTION_BYTES)
        return 0;
    const size_t room = (TS_CPU_ATTENTION_BYTES - joined) / bytes;
    n = n > n_spans ? n_spans : n;
    n = n > room ? room : n;
    l->z = ts_arena_alloc(l->c->scratch, n * n_pairs * a->d_v * sizeof *l->z);
    l->sums = ts_arena_alloc(l->c->scratch, n * n_pairs * sizeof *l->sums);
    l->joined = ts_arena_alloc(l->c->scratch, n_pairs * sizeof *l->joined);
    assert(l->z && l->sums && l->joined);
    return n;
}

void ts_cpu_attention(ts_backend *b, const ts_attention *a)
{
    ts_cpu *c = ts_cpu_of(b);
    const size_t mark = ts_arena_mark(c->scratch);
    group *groups = ts_arena_alloc(c->scratch, a->batch->n * sizeof *groups);
    attention_loop l = {.c = c, .a = a, .groups = groups};
    size_t n_spans = 0;
    uint64_t macs = 0;

    l.n_groups = find_groups(groups, a->batch);
    for (size_t i = 0; i < l.n_groups; i++) {
        const size_t n = n_spans_of(a->batch, groups[i]);
        n_spans = n > n_spans ? n : n_spans;
    }
    for (size_t t = 0; t < a->batch->n; t++)
        macs += (uint64_t)(a->batch->pos[t] + 1) * a->n_heads * (a->d_k + a->d_v);
    choose_units(&l, n_spans);
    l.n_wave = choose_wave(&l, n_spans);
    const size_t n_tasks = l.n_groups * l.n_units;
    if (l.n_wave == 0)
        ts_pool_loop(c->pool, n_tasks, ts_cpu_chunk(n_tasks, 1, 3 * macs), attend_units, &l);
    for (; l.n_wave && l.wave < n_spans; l.wave += l.n_wave) {
        ts_pool_loop(c->pool, n_tasks * l.n_wave, 1, attend_units, &l);
        ts_pool_loop(c->pool, a->batch->n * a->n_heads, 4, join_heads, &l);
    }
    ts_arena_release(c->scratch, mark);
}
