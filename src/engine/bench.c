/* bench.c - see bench.h.
 *
 * The bus and the multipliers are probed right before each repeat: on a shared
 * machine both change from second to second, so a share is taken against the
 * limit of the same moment.
 */
#include "engine/bench.h"

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
    tiefsee_session *s;
    const ts_bench_options *opt;
    ts_bench_result *out;
    int32_t *tokens;
    samples bus, int8, f32;
} run;

static void report(const run *r, const char *phase, size_t done, size_t total)
{
    if (r->opt->on_step)
        r->opt->on_step(r->opt->user, phase, done, total);
}

static tiefsee_status probe(run *r, ts_cpu_rates *rates, tiefsee_error *err)
{
    const tiefsee_status st = ts_cpu_measure(r->m->backend, rates, err);

    if (st == TIEFSEE_OK) {
        add(&r->bus, rates->bus_gb_per_s);
        add(&r->int8, rates->int8_gops);
        add(&r->f32, rates->f32_gflops);
    }
    return st;
}

static tiefsee_status prefill(run *r, tiefsee_error *err)
{
    samples speed = {.n = 0}, share = {.n = 0}, limit = {.n = 0};
    const size_t n = r->opt->n_prefill;

    for (int i = 0; i < r->opt->n_repeats; i++) {
        ts_cpu_rates rates;
        report(r, "prefill", (size_t)i, (size_t)r->opt->n_repeats);
        tiefsee_status st = probe(r, &rates, err);
        if (st != TIEFSEE_OK)
            return st;
        tiefsee_session_rewind(r->s, 0);
        const double start = ts_clock_seconds();
        st = tiefsee_session_feed(r->s, r->tokens, n, err);
        if (st != TIEFSEE_OK)
            return st;
        const double tokens_per_s = (double)n / (ts_clock_seconds() - start);
        const double peak = 1e9 * (r->out->is_integer ? rates.int8_gops : rates.f32_gflops);
        const double most = peak / (2.0 * (double)r->out->macs_per_token);
        add(&speed, tokens_per_s);
        add(&limit, most);
        add(&share, tokens_per_s / most);
    }
    r->out->prefill = (ts_bench_phase){.tokens = n,
                                       .tokens_per_s = median(&speed),
                                       .spread = spread(&speed),
                                       .share_of_limit = median(&share),
                                       .limit_tokens_per_s = median(&limit)};
    return TIEFSEE_OK;
}

/* A context of n tokens without computing it: cached rows of random numbers cost
 * a decoding token what real ones do. */
static tiefsee_status fill_context(run *r, size_t n, tiefsee_error *err)
{
    ts_sequence *seq = &r->s->seq;
    const size_t width = ts_kv_width(&seq->kv);
    float *row = ts_alloc(width * sizeof *row);
    ts_rng rng;

    if (!row)
        return ts_fail_nomem(err, width * sizeof *row, "a cached row");
    ts_rng_seed(&rng, 2);
    for (uint32_t i = 0; i < n; i++) {
        ts_kv *kv = &seq->kv;
        const ts_batch one = {.n = 1, .pos = &i, .kv = &kv};
        for (size_t l = 0; l < kv->n_layers; l++) {
            for (size_t k = 0; k < width; k++)
                row[k] = (float)ts_rng_unit(&rng) - 0.5f;
            r->m->backend->op->scatter_rows(r->m->backend, &one, l, row);
        }
        seq->tokens[i] = r->tokens[i];
    }
    seq->n = n;
    ts_free(row);
    return TIEFSEE_OK;
}

static tiefsee_status decode(run *r, tiefsee_error *err)
{
    samples speed = {.n = 0}, share = {.n = 0}, limit = {.n = 0};
    const size_t n = r->opt->n_decode, depth = r->opt->depth ? r->opt->depth : 1;

    tiefsee_session_rewind(r->s, 0);
    report(r, "filling the context", 0, depth);
    tiefsee_status st = fill_context(r, depth, err);
    for (int i = 0; i < r->opt->n_repeats && st == TIEFSEE_OK; i++) {
        ts_cpu_rates rates;
        report(r, "decode", (size_t)i, (size_t)r->opt->n_repeats);
        st = probe(r, &rates, err);
        tiefsee_session_rewind(r->s, depth);
        const double start = ts_clock_seconds();
        for (size_t k = 0; k < n && st == TIEFSEE_OK; k++)
            st = tiefsee_session_feed(r->s, r->tokens + depth + k, 1, err);
        const double tokens_per_s = (double)n / (ts_clock_seconds() - start);
        const double bytes = (double)r->out->weight_bytes_per_token +
                             (double)r->out->kv_bytes_per_token * (double)(depth + n / 2);
        const double most = 1e9 * rates.bus_gb_per_s / bytes;
        add(&speed, tokens_per_s);
        add(&limit, most);
        add(&share, tokens_per_s / most);
    }
    r->out->decode = (ts_bench_phase){.tokens = n,
                                      .depth = r->opt->depth,
                                      .tokens_per_s = median(&speed),
                                      .spread = spread(&speed),
                                      .share_of_limit = median(&share),
                                      .limit_tokens_per_s = median(&limit)};
    return st;
}

static tiefsee_status phases(run *r, tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;

    if (r->opt->n_prefill)
        st = prefill(r, err);
    if (st == TIEFSEE_OK && r->opt->n_decode)
        st = decode(r, err);
    r->out->rates = (ts_cpu_rates){median(&r->bus), median(&r->int8), median(&r->f32)};
    return st;
}

tiefsee_status ts_bench_run(tiefsee_model *m, const ts_bench_options *opt, ts_bench_result *out,
                            tiefsee_error *err)
{
    const size_t n = opt->depth + 1 + opt->n_decode;
    const size_t n_ctx = n > opt->n_prefill ? n : opt->n_prefill;
    const tiefsee_session_options so = {.size = sizeof so, .n_ctx = n_ctx};
    run r = {.m = m, .opt = opt, .out = out};
    ts_rng rng;

    *out = (ts_bench_result){.is_integer = m->is_integer};
    if (opt->n_repeats < 1 || opt->n_repeats > MAX_REPEATS)
        return ts_fail(err, TIEFSEE_E_INVALID, "%d repeats (1 to %d allowed)", opt->n_repeats,
                       MAX_REPEATS);
    tiefsee_status st = tiefsee_session_open(&r.s, m, &so, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_net_cost(m->net, &out->weight_bytes_per_token, &out->macs_per_token);
    out->kv_bytes_per_token =
        m->net->config.n_layers * ts_net_kv_row_floats(m->net) * sizeof(float);
    r.tokens = ts_alloc(n_ctx * sizeof *r.tokens);
    if (r.tokens) {
        ts_rng_seed(&rng, 1);
        for (size_t i = 0; i < n_ctx; i++)
            r.tokens[i] = (int32_t)ts_rng_below(&rng, m->net->config.n_vocab);
        st = phases(&r, err);
    } else {
        st = ts_fail_nomem(err, n_ctx * sizeof *r.tokens, "tokens");
    }
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        out->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
    ts_free(r.tokens);
    tiefsee_session_close(r.s);
    return st;
}
