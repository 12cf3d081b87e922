/* bench.c - see bench.h.
 *
 * The bus and the multipliers are probed right before each repeat: on a shared
 * machine both change from second to second, so a share is taken against the
 * limit of the same moment.
 */
#include "engine/bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/rng.h"
#include "engine/session.h"

enum { MAX_REPEATS = 32 };

typedef struct samples {
    double v[MAX_REPEATS];
    int n;
} samples;

static void add(samples *s, double v)
{
    int at = s->n++;

    for (; at > 0 && s->v[at - 1] > v; at--)
        s->v[at] = s->v[at - 1];
    s->v[at] = v;
}

static double median(const samples *s)
{
    return s->n ? (s->v[(s->n - 1) / 2] + s->v[s->n / 2]) / 2 : 0;
}

static double spread(const samples *s)
{
    return s->n ? (s->v[s->n - 1] - s->v[0]) / median(s) : 0;
}

typedef struct run {
    tiefsee_model *m;
    tiefsee_session *s[TS_BENCH_MAX_LIST]; /* as many as the most sequences */
    size_t n_sessions;
    const ts_bench_options *opt;
    ts_bench_result *out;
    int32_t *tokens;
    size_t n_tokens;
} run;

static void report(const run *r, const char *phase, size_t done)
{
    if (r->opt->on_step)
        r->opt->on_step(r->opt->user, phase, done, (size_t)r->opt->n_repeats);
}

/* A context of n tokens without computing it: cached rows of random numbers cost
 * what real ones do. */
static tiefsee_status fill_context(run *r, ts_sequence *seq, size_t n, tiefsee_error *err)
{
    const size_t width = ts_kv_width(&seq->kv);
    float *row = ts_alloc(width * sizeof *row);
    ts_rng rng;

    if (!row)
        return ts_fail_nomem(err, width * sizeof *row, "a cached row");
    ts_rng_seed(&rng, 2);
    for (size_t k = 0; k < width; k++)
        row[k] = (float)ts_rng_unit(&rng) - 0.5f;
    for (uint32_t i = 0; i < n; i++) {
        ts_kv *kv = &seq->kv;
        const ts_batch one = {.n = 1, .pos = &i, .kv = &kv};
        row[i % width] = (float)ts_rng_unit(&rng) - 0.5f;
        for (size_t l = 0; l < kv->n_layers; l++)
            r->m->backend->op->scatter_rows(r->m->backend, &one, l, row);
        seq->tokens[i] = r->tokens[i];
    }
    seq->n = n;
    ts_free(row);
    return TIEFSEE_OK;
}

/* n tokens in one sequence. */
static tiefsee_status prefill_once(run *r, size_t n, size_t depth, double *seconds,
                                   tiefsee_error *err)
{
    tiefsee_status st = fill_context(r, &r->s[0]->seq, depth, err);

    if (st != TIEFSEE_OK)
        return st;
    r->m->backend->profile = r->opt->profile ? &r->out->prefill_profile : NULL;
    const double start = ts_clock_seconds();
    st = tiefsee_session_feed(r->s[0], r->tokens + depth, n, err);
    *seconds = ts_clock_seconds() - start;
    r->out->prefill_seconds += *seconds;
    return st;
}

/* One step of n sequences, each its own next token. */
static bool step(run *r, size_t n, size_t k)
{
    ts_feed feeds[TS_BENCH_MAX_LIST];
    int32_t token[TS_BENCH_MAX_LIST];

    for (size_t i = 0; i < n; i++) {
        token[i] = r->tokens[(k + 977 * i) % r->n_tokens];
        feeds[i] = (ts_feed){.seq = &r->s[i]->seq,
                             .tokens = &token[i],
                             .n = 1,
                             .logits = r->s[i]->logits,
                             .n_logits = 1};
    }
    return ts_model_step(r->m, feeds, n, NULL);
}

static tiefsee_status decode_once(run *r, size_t n_sequences, size_t depth, double *seconds,
                                  tiefsee_error *err)
{
    for (size_t i = 0; i < n_sequences; i++) {
        const tiefsee_status st = fill_context(r, &r->s[i]->seq, depth, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    r->m->backend->profile = r->opt->profile ? &r->out->decode_profile : NULL;
    const double start = ts_clock_seconds();
    for (size_t k = 0; k < r->opt->n_decode; k++)
        if (!step(r, n_sequences, depth + k))
            return ts_fail(err, TIEFSEE_E_CANCELLED, "a step was given up");
    *seconds = ts_clock_seconds() - start;
    r->out->decode_seconds += *seconds;
    return TIEFSEE_OK;
}

tiefsee_status ts_bench_limits(tiefsee_model *m, ts_cpu_rates *out, tiefsee_error *err)
{
    return ts_cpu_measure(m->backend, out, err);
}

uint64_t ts_bench_prompt_macs(const ts_net_cost *cost, size_t n)
{
    return cost->macs_per_token * n + cost->macs_per_logits;
}

double ts_bench_token_bytes(const ts_net_cost *cost, uint64_t kv_bytes_per_token, size_t depth,
                            size_t n)
{
    const double rows = (double)depth + (double)(n + 1) / 2;

    return (double)cost->weight_bytes + (double)kv_bytes_per_token * rows;
}

/* Tokens per second that the machine's limit allows. */
static double most(const run *r, const ts_bench_point *p, const ts_cpu_rates *rates)
{
    const ts_bench_result *out = r->out;
    const double peak = 1e9 * (out->is_integer ? rates->int8_gops : rates->f32_gflops);

    if (p->is_prefill)
        return peak * (double)p->tokens /
               (2.0 * (double)ts_bench_prompt_macs(&out->cost, p->tokens));
    if (p->n_sequences > 1)
        return 0;
    return 1e9 * rates->bus_gb_per_s /
           ts_bench_token_bytes(&out->cost, out->kv_bytes_per_token, p->depth, p->tokens);
}

static tiefsee_status measure(run *r, ts_bench_point *p, tiefsee_error *err)
{
    samples speed = {.n = 0}, share = speed, limit = speed, bus = speed, int8 = speed, f32 = speed;

    for (int i = 0; i < r->opt->n_repeats; i++) {
        ts_cpu_rates rates;
        double seconds = 0;
        report(r, p->is_prefill ? "prefill" : "decode", (size_t)i);
        tiefsee_status st = ts_cpu_measure(r->m->backend, &rates, err);
        if (st == TIEFSEE_OK)
            st = p->is_prefill ? prefill_once(r, p->tokens, p->depth, &seconds, err)
                               : decode_once(r, p->n_sequences, p->depth, &seconds, err);
        r->m->backend->profile = NULL;
        if (st != TIEFSEE_OK)
            return st;
        const double rate = (double)(p->tokens * p->n_sequences) / seconds;
        const double top = most(r, p, &rates);
        add(&speed, rate);
        add(&limit, top);
        add(&share, top > 0 ? rate / top : 0);
        add(&bus, rates.bus_gb_per_s);
        add(&int8, rates.int8_gops);
        add(&f32, rates.f32_gflops);
    }
    p->tokens_per_s = median(&speed);
    p->spread = spread(&speed);
    p->share_of_limit = median(&share);
    p->limit_tokens_per_s = median(&limit);
    p->rates = (ts_cpu_rates){median(&bus), median(&int8), median(&f32)};
    return TIEFSEE_OK;
}

static void list_points(const ts_bench_options *opt, ts_bench_result *out)
{
    for (size_t d = 0; d < opt->depths.n; d++)
        for (size_t i = 0; i < opt->prompts.n; i++)
            if (opt->prompts.at[i])
                out->points[out->n_points++] = (ts_bench_point){.is_prefill = true,
                                                                .tokens = opt->prompts.at[i],
                                                                .depth = opt->depths.at[d],
                                                                .n_sequences = 1};
    for (size_t d = 0; opt->n_decode && d < opt->depths.n; d++)
        for (size_t i = 0; i < opt->sequences.n; i++)
            out->points[out->n_points++] = (ts_bench_point){.tokens = opt->n_decode,
                                                            .depth = opt->depths.at[d],
                                                            .n_sequences = opt->sequences.at[i]};
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* The middle of all points' rates, which lie `offset` bytes into ts_cpu_rates. */
static double middle(const ts_bench_result *r, size_t offset)
{
    double v[TS_BENCH_MAX_POINTS];

    for (size_t i = 0; i < r->n_points; i++)
        memcpy(&v[i], (const uint8_t *)&r->points[i].rates + offset, sizeof v[i]);
    qsort(v, r->n_points, sizeof *v, compare_doubles);
    return r->n_points ? (v[(r->n_points - 1) / 2] + v[r->n_points / 2]) / 2 : 0;
}

static tiefsee_status open_sessions(run *r, tiefsee_error *err)
{
    size_t most_sequences = 1;
    tiefsee_status st = TIEFSEE_OK;

    for (size_t i = 0; i < r->out->n_points; i++) {
        const ts_bench_point *p = &r->out->points[i];
        const size_t n = p->depth + p->tokens;
        r->n_tokens = n > r->n_tokens ? n : r->n_tokens;
        most_sequences = p->n_sequences > most_sequences ? p->n_sequences : most_sequences;
    }
    if (most_sequences > TS_BENCH_MAX_LIST)
        return ts_fail(err, TIEFSEE_E_INVALID, "%zu sequences (at most %d)", most_sequences,
                       TS_BENCH_MAX_LIST);
    const tiefsee_session_options so = {.size = sizeof so, .n_ctx = r->n_tokens};
    for (size_t i = 0; i < most_sequences && st == TIEFSEE_OK; i++) {
        st = tiefsee_session_open(&r->s[i], r->m, &so, err);
        r->n_sessions += st == TIEFSEE_OK;
    }
    if (st != TIEFSEE_OK)
        return st;
    r->tokens = ts_alloc(r->n_tokens * sizeof *r->tokens);
    if (!r->tokens)
        return ts_fail_nomem(err, r->n_tokens * sizeof *r->tokens, "tokens");
    ts_rng rng;
    ts_rng_seed(&rng, 1);
    for (size_t i = 0; i < r->n_tokens; i++)
        r->tokens[i] = (int32_t)ts_rng_below(&rng, r->m->net->config.n_vocab);
    return TIEFSEE_OK;
}

tiefsee_status ts_bench_run(tiefsee_model *m, const ts_bench_options *opt, ts_bench_result *out,
                            tiefsee_error *err)
{
    run r = {.m = m, .opt = opt, .out = out};

    memset(out, 0, sizeof *out);
    out->is_integer = m->is_integer;
    if (opt->n_repeats < 1 || opt->n_repeats > MAX_REPEATS)
        return ts_fail(err, TIEFSEE_E_INVALID, "%d repeats (1 to %d allowed)", opt->n_repeats,
                       MAX_REPEATS);
    list_points(opt, out);
    out->cost = ts_net_cost_of(m->net);
    out->kv_bytes_per_token =
        m->net->config.n_layers * ts_net_kv_row_floats(m->net) * sizeof(float);
    tiefsee_status st = out->n_points ? open_sessions(&r, err) : TIEFSEE_OK;
    for (size_t i = 0; i < out->n_points && st == TIEFSEE_OK; i++)
        st = measure(&r, &out->points[i], err);
    out->rates = (ts_cpu_rates){middle(out, offsetof(ts_cpu_rates, bus_gb_per_s)),
                                middle(out, offsetof(ts_cpu_rates, int8_gops)),
                                middle(out, offsetof(ts_cpu_rates, f32_gflops))};
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        out->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
    ts_free(r.tokens);
    for (size_t i = 0; i < r.n_sessions; i++)
        tiefsee_session_close(r.s[i]);
    return st;
}
