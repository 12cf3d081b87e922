/* sampler.c - see sampler.h. */
#include "engine/sampler.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"

tiefsee_status ts_sampler_open(ts_sampler *s, size_t n_vocab, tiefsee_error *err)
{
    *s = (ts_sampler){.n_vocab = n_vocab};
    s->p = ts_alloc(n_vocab * sizeof *s->p);
    s->heap = ts_alloc(n_vocab * sizeof *s->heap);
    s->counts = ts_alloc(n_vocab * sizeof *s->counts);
    if (!s->p || !s->heap || !s->counts) {
        ts_sampler_close(s);
        return ts_fail_nomem(err, n_vocab * 12, "the sampler");
    }
    return TIEFSEE_OK;
}

void ts_sampler_close(ts_sampler *s)
{
    ts_free(s->p);
    ts_free(s->heap);
    ts_free(s->counts);
    *s = (ts_sampler){0};
}

static tiefsee_status check_range(const char *name, double v, double min, double max,
                                  tiefsee_error *err)
{
    if (v >= min && v <= max) /* false for NaN */
        return TIEFSEE_OK;
    return ts_fail(err, TIEFSEE_E_INVALID, "%s is %g (%g to %g allowed)", name, v, min, max);
}

static tiefsee_status check_options(const tiefsee_sampling *o, size_t n_vocab, tiefsee_error *err)
{
    const struct {
        const char *name;
        double v, min, max;
    } ranges[] = {
        {"temperature", (double)o->temperature, 0, 100},
        {"top_k", o->top_k, 0, 1 << 30},
        {"top_p", (double)o->top_p, 0, 1},
        {"min_p", (double)o->min_p, 0, 1},
        {"repetition_penalty", (double)o->repetition_penalty, 0, 10},
        {"presence_penalty", (double)o->presence_penalty, -2, 2},
        {"frequency_penalty", (double)o->frequency_penalty, -2, 2},
        {"repetition_window", o->repetition_window, 0, 1 << 30},
    };

    for (size_t i = 0; i < TS_COUNT(ranges); i++) {
        const tiefsee_status st =
            check_range(ranges[i].name, ranges[i].v, ranges[i].min, ranges[i].max, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    if (o->n_bias > TS_MAX_BIAS)
        return ts_fail(err, TIEFSEE_E_INVALID, "logit bias for %zu tokens (%d allowed)", o->n_bias,
                       TS_MAX_BIAS);
    for (size_t i = 0; i < o->n_bias; i++) {
        if (o->bias[i].token < 0 || (size_t)o->bias[i].token >= n_vocab)
            return ts_fail(err, TIEFSEE_E_INVALID, "logit bias for token %d (0 to %zu exist)",
                           o->bias[i].token, n_vocab - 1);
        const tiefsee_status st =
            check_range("logit bias", (double)o->bias[i].bias, -100, 100, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    return TIEFSEE_OK;
}

tiefsee_status ts_sampler_start(ts_sampler *s, const tiefsee_sampling *opt, tiefsee_error *err)
{
    const tiefsee_status st = check_options(opt, s->n_vocab, err);

    if (st != TIEFSEE_OK)
        return st;
    s->opt = *opt;
    ts_rng_seed(&s->rng, opt->seed);
    memset(s->counts, 0, s->n_vocab * sizeof *s->counts);
    return TIEFSEE_OK;
}

int32_t ts_argmax(const float *logits, size_t n_vocab)
{
    size_t best = 0;

    for (size_t i = 1; i < n_vocab; i++)
        if (logits[i] > logits[best])
            best = i;
    return (int32_t)best;
}

static void penalise(ts_sampler *s, const int32_t *recent, size_t n_recent)
{
    const tiefsee_sampling *o = &s->opt;
    const float r = o->repetition_penalty;

    if (r > 0 && r != 1.0f) {
        const size_t window = o->repetition_window ? (size_t)o->repetition_window : 64;
        const size_t begin = n_recent > window ? n_recent - window : 0;
        for (size_t i = begin; i < n_recent; i++) {
            float *v = &s->p[recent[i]];
            bool is_first = true;
            for (size_t j = begin; j < i && is_first; j++)
                is_first = recent[j] != recent[i];
            if (is_first)
                *v = *v > 0 ? *v / r : *v * r;
        }
    }
    if (o->presence_penalty != 0 || o->frequency_penalty != 0)
        for (size_t i = 0; i < s->n_vocab; i++)
            if (s->counts[i])
                s->p[i] -= o->presence_penalty + o->frequency_penalty * (float)s->counts[i];
}

static void adjust(ts_sampler *s, const float *logits, const uint64_t *undefined,
                   const int32_t *recent, size_t n_recent)
{
    memcpy(s->p, logits, s->n_vocab * sizeof *s->p);
    for (size_t i = 0; i < s->opt.n_bias; i++)
        s->p[s->opt.bias[i].token] += s->opt.bias[i].bias;
    penalise(s, recent, n_recent);
    for (size_t i = 0; undefined && i < s->n_vocab; i++)
        if (undefined[i / 64] >> (i % 64) & 1)
            s->p[i] = -INFINITY;
}

/* Does id a come before id b? */
static bool is_before(const float *p, int32_t a, int32_t b)
{
    return p[a] > p[b] || (p[a] == p[b] && a < b);
}

static void sift_down(const float *p, int32_t *heap, size_t i, size_t n)
{
    const int32_t id = heap[i];

    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_before(p, heap[child + 1], heap[child]))
            child++;
        if (!is_before(p, heap[child], id))
            break;
        heap[i] = heap[child];
    }
    heap[i] = id;
}

/* Move the candidates that survive top-k, top-p and min-p to the end of heap,
 * the best last; returns how many, and their probability in *kept. */
static size_t select_candidates(ts_sampler *s, double *kept)
{
    const tiefsee_sampling *o = &s->opt;
    const size_t n = s->n_vocab, k = o->top_k ? (size_t)o->top_k : n;
    const double top_p = o->top_p > 0 ? (double)o->top_p : 1;
    size_t left = n, taken = 0;

    for (size_t i = 0; i < n; i++)
        s->heap[i] = (int32_t)i;
    for (size_t i = n / 2; i-- > 0;)
        sift_down(s->p, s->heap, i, n);
    *kept = 0;
    const float best = s->p[s->heap[0]];
    while (left > 0 && taken < k && *kept < top_p) {
        const int32_t id = s->heap[0];
        if (taken > 0 && (s->p[id] <= 0 || s->p[id] < o->min_p * best))
            break;
        s->heap[0] = s->heap[--left];
        if (left > 0)
            sift_down(s->p, s->heap, 0, left);
        s->heap[left] = id;
        *kept += (double)s->p[id];
        taken++;
    }
    return taken;
}

int32_t ts_sampler_next(ts_sampler *s, const ts_kernels *k, const float *logits,
                        const uint64_t *undefined, const int32_t *recent, size_t n_recent)
{
    int32_t token;

    adjust(s, logits, undefined, recent, n_recent);
    if (s->opt.temperature == 0) {
        token = ts_argmax(s->p, s->n_vocab);
    } else {
        double kept;
        k->scale_f32(s->p, 1 / s->opt.temperature, s->p, s->n_vocab);
        k->softmax_f32(s->p, s->n_vocab);
        const size_t n = select_candidates(s, &kept);
        double u = ts_rng_unit(&s->rng) * kept;
        size_t i = s->n_vocab - 1; /* the best is last */
        for (size_t left = n; left > 1; left--, i--) {
            u -= (double)s->p[s->heap[i]];
            if (u < 0)
                break;
        }
        token = s->heap[i];
    }
    s->counts[token]++;
    return token;
}

float ts_logprobs(tiefsee_token_logprob *top, size_t n, const float *logits, size_t n_vocab,
                  int32_t token)
{
    const float max = logits[ts_argmax(logits, n_vocab)];
    double sum = 0;

    for (size_t i = 0; i < n_vocab; i++)
        sum += exp((double)(logits[i] - max));
    const double log_sum = log(sum) + (double)max;

    size_t have = 0;
    for (size_t i = 0; i < n_vocab && n > 0; i++) {
        const float v = (float)((double)logits[i] - log_sum);
        if (have == n && !(v > top[n - 1].logprob))
            continue;
        size_t at = have < n ? have++ : n - 1;
        for (; at > 0 && v > top[at - 1].logprob; at--)
            top[at] = top[at - 1];
        top[at] = (tiefsee_token_logprob){(int32_t)i, v};
    }
    return (float)((double)logits[token] - log_sum);
}
