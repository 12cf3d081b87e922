/* sampler.c - see sampler.h. */
#include "engine/sampler.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"

/* Below it no two logits that differ are both likely, and their quotients overflow. */
#define COLDEST 1e-30f

enum { FIRST_BUCKETS = 192 /* down to 2^-12 */, LANES = 8, UNSURE = -1 };

tiefsee_status ts_sampler_open(ts_sampler *s, size_t n_vocab, tiefsee_error *err)
{
    *s = (ts_sampler){.n_vocab = n_vocab};
    s->bucket = ts_alloc(TS_SAMPLER_BUCKETS * sizeof *s->bucket);
    s->p = ts_alloc(n_vocab * sizeof *s->p);
    s->ids = ts_alloc(n_vocab * sizeof *s->ids);
    s->counts = ts_alloc(n_vocab * sizeof *s->counts);
    if (!s->bucket || !s->p || !s->ids || !s->counts) {
        ts_sampler_close(s);
        return ts_fail_nomem(err, n_vocab * 12, "the sampler");
    }
    return TIEFSEE_OK;
}

void ts_sampler_close(ts_sampler *s)
{
    ts_free(s->p);
    ts_free(s->bucket);
    ts_free(s->ids);
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
        int32_t *was_seen = s->ids; /* not used yet */
        memset(was_seen, 0, s->n_vocab * sizeof *was_seen);
        for (size_t i = begin; i < n_recent; i++) {
            float *v = &s->p[recent[i]];
            if (!was_seen[recent[i]])
                *v = *v > 0 ? *v / r : *v * r;
            was_seen[recent[i]] = 1;
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
    for (size_t first = 0; undefined && first < s->n_vocab; first += 64) {
        const uint64_t word = undefined[first / 64];

        for (size_t i = first; word && i < s->n_vocab && i < first + 64; i++)
            if (word >> (i % 64) & 1)
                s->p[i] = -INFINITY;
    }
}

/* ---- candidates
 *
 * A token's weight is exp of its scaled logit's distance to the best one's: 1 for the
 * best, and what it is does not depend on the other tokens.  What is cut off is found
 * without sorting the vocabulary: weights fall into buckets by exponent and upper bits
 * of the fraction, 16 to a factor of two.  All of a bucket is before all of the next
 * one; only in the bucket where the cut lies does the order within matter, and only
 * that one is sorted.  Sums are made in the order of buckets and ids, so the same
 * logits and seed give the same token.
 *
 * Where only some tokens are listed, of the others an upper bound of each one's weight
 * and of their sum is known.  Buckets above that bound are whole; what is decided
 * within them is decided as if all tokens were listed, and else there is no answer.
 */

typedef struct range {
    double low, high;
} range;

typedef struct cut {
    size_t bucket;   /* of which not all tokens are allowed; n_whole: there is none */
    size_t n_before; /* tokens before it, and their weight */
    double before;
} cut;

/* Those of 2^-63 and less are all in the last one. */
static size_t bucket_of(float p)
{
    uint32_t bits;

    memcpy(&bits, &p, sizeof bits);
    const uint32_t upper = bits >> 19, one = 0x3f800000 >> 19;
    const uint32_t down = upper < one ? one - upper : 0;
    return down < TS_SAMPLER_BUCKETS ? down : TS_SAMPLER_BUCKETS - 1;
}

/* The least value that is not in a bucket behind this one. */
static float least_of(size_t bucket)
{
    const uint32_t one = 0x3f800000 >> 19;
    const uint32_t bits = bucket + 1 < TS_SAMPLER_BUCKETS ? (one - (uint32_t)bucket) << 19 : 1;
    float p;

    memcpy(&p, &bits, sizeof p);
    return p;
}

/* The first n buckets.  Nearly all tokens are far behind those where a cut is. */
static void fill_buckets(ts_sampler *s, size_t n)
{
    const float least = least_of(n - 1);

    memset(s->bucket, 0, n * sizeof *s->bucket);
    for (size_t i = 0; i < s->n_listed; i++) {
        if (!(s->p[i] >= least)) /* nor NaN */
            continue;
        ts_sampler_bucket *b = &s->bucket[bucket_of(s->p[i])];
        b->mass += (double)s->p[i];
        b->n++;
    }
}

/* Does a come before b? */
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

/* Tokens of a bucket in front of s->ids, ascending; returns how many. */
static size_t ids_of(ts_sampler *s, size_t bucket)
{
    const float least = least_of(bucket);
    size_t n = 0;

    for (size_t i = 0; i < s->n_listed; i++)
        if (s->p[i] >= least && bucket_of(s->p[i]) == bucket)
            s->ids[n++] = (int32_t)i;
    return n;
}

/* The best of a bucket that come before the cut, which is behind k tokens or a mass of
 * `most`: moved to the end of its n ids, the best last; returns how many, and their
 * mass.  SIZE_MAX: that depends on tokens that are not listed. */
static size_t cut_bucket(ts_sampler *s, size_t n, size_t k, range most, double *mass)
{
    size_t left = n, taken = 0;

    *mass = 0;
    for (size_t i = n / 2; i-- > 0;)
        sift_down(s->p, s->ids, i, n);
    while (left > 0 && taken < k && *mass < most.high && s->p[s->ids[0]] >= s->opt.min_p) {
        const int32_t id = s->ids[0];
        if (*mass >= most.low)
            return SIZE_MAX;
        s->ids[0] = s->ids[--left];
        if (left > 0)
            sift_down(s->p, s->ids, 0, left);
        s->ids[left] = id;
        *mass += (double)s->p[id];
        taken++;
    }
    return taken;
}

static int32_t walk(const ts_sampler *s, const int32_t *ids, size_t n, double u)
{
    size_t i = 0;

    for (; i + 1 < n; i++) {
        u -= (double)s->p[ids[i]];
        if (u < 0)
            break;
    }
    return ids[i];
}

/* The token at u of the mass of the first n buckets; -1: u lies behind. */
static int32_t draw_from_whole(ts_sampler *s, size_t n, double u)
{
    for (size_t i = 0; i < n; i++) {
        if (s->bucket[i].n > 0 && u < s->bucket[i].mass)
            return walk(s, s->ids, ids_of(s, i), u);
        u -= s->bucket[i].mass;
    }
    return -1;
}

static int32_t last_of_whole(ts_sampler *s, size_t n)
{
    while (n > 0 && s->bucket[n - 1].n == 0)
        n--;
    return n > 0 ? s->ids[ids_of(s, n - 1) - 1] : -1;
}

/* Where top-k, top-p (a mass of `most`) or min-p cut; false: that depends on tokens that
 * are not listed. */
static bool find_cut(ts_sampler *s, size_t n, size_t k, range most, cut *c)
{
    const size_t last = s->opt.min_p > 0 ? bucket_of(s->opt.min_p) : TS_SAMPLER_BUCKETS;

    fill_buckets(s, n);
    *c = (cut){0};
    for (; c->bucket < n; c->bucket++) {
        const ts_sampler_bucket *b = &s->bucket[c->bucket];
        const double mass = c->before + b->mass;
        if (c->bucket >= last || c->n_before + b->n > k || mass >= most.high)
            return true;
        if (mass >= most.low)
            return false;
        c->before = mass;
        c->n_before += b->n;
    }
    return true;
}

static double sum_of(const float *p, size_t n)
{
    double sum[LANES] = {0};

    for (size_t i = 0; i < n; i++)
        sum[i % LANES] += (double)p[i];
    for (size_t i = 1; i < LANES; i++)
        sum[0] += sum[i];
    return sum[0];
}

/* The mass of all tokens, the order of sums included. */
static range mass_of_all(const ts_sampler *s, double others)
{
    const double sum = sum_of(s->p, s->n_listed);

    if (s->n_listed == s->n_vocab)
        return (range){sum, sum};
    return (range){sum * (1 - 0x1p-30), (sum + others) * (1 + 0x1p-30)};
}

static int32_t draw_before_cut(ts_sampler *s, const cut *c, size_t k, range most)
{
    const size_t n = ids_of(s, c->bucket);
    const range left = {most.low - c->before, most.high - c->before};
    double mass;

    const size_t taken = cut_bucket(s, n, k - c->n_before, left, &mass);
    if (taken == SIZE_MAX)
        return UNSURE;
    const double u = ts_rng_unit(&s->rng) * (c->before + mass);
    if (taken > 0 && u >= c->before)
        return walk(s, s->ids + n - taken, taken, u - c->before);
    const int32_t token = draw_from_whole(s, c->bucket, u);
    return token >= 0 ? token : last_of_whole(s, c->bucket);
}

static int32_t draw_uncut(ts_sampler *s, size_t n_whole, const cut *c, range all)
{
    const tiefsee_sampling *o = &s->opt;
    const double unit = ts_rng_unit(&s->rng);

    if (s->n_listed == s->n_vocab) {
        const int32_t token = draw_from_whole(s, n_whole, unit * c->before);
        return token >= 0 ? token : last_of_whole(s, n_whole);
    }
    if (o->top_k || (o->top_p > 0 && o->top_p < 1) || o->min_p > 0)
        return UNSURE; /* the cut is further down */
    const int32_t token = draw_from_whole(s, n_whole, unit * all.low);
    return token == draw_from_whole(s, n_whole, unit * all.high) ? token : UNSURE;
}

/* Which of s->p; `each`: more than the weight of any token that is not listed. */
static int32_t draw(ts_sampler *s, double each, double others)
{
    const tiefsee_sampling *o = &s->opt;
    const double top_p = o->top_p > 0 && o->top_p < 1 ? (double)o->top_p : 2; /* all */
    const size_t k = o->top_k ? (size_t)o->top_k : s->n_vocab;
    const bool is_all = s->n_listed == s->n_vocab;
    const size_t n_whole = is_all ? TS_SAMPLER_BUCKETS : bucket_of((float)each);
    const range all = mass_of_all(s, others);
    const range most = {top_p * all.low, top_p * all.high};
    size_t n = n_whole < FIRST_BUCKETS ? n_whole : FIRST_BUCKETS;
    cut c;

    if (n == 0 || !(all.low > 0) || !isfinite(all.high)) /* the model computes NaN */
        return UNSURE;
    bool is_sure = find_cut(s, n, k, most, &c);
    if (is_sure && c.bucket == n && n < n_whole) {
        n = n_whole;
        is_sure = find_cut(s, n, k, most, &c);
    }
    if (!is_sure)
        return UNSURE;
    return c.bucket < n ? draw_before_cut(s, &c, k, most) : draw_uncut(s, n, &c, all);
}

/* From logits to weights; returns the best scaled logit. */
static float weigh(ts_sampler *s, const ts_kernels *k)
{
    float lane[LANES];

    k->scale_f32(s->p, 1 / s->opt.temperature, s->p, s->n_listed);
    for (size_t i = 0; i < LANES; i++)
        lane[i] = -INFINITY;
    for (size_t i = 0; i < s->n_listed; i++)
        lane[i % LANES] = s->p[i] > lane[i % LANES] ? s->p[i] : lane[i % LANES];
    for (size_t i = 1; i < LANES; i++)
        lane[0] = lane[i] > lane[0] ? lane[i] : lane[0];
    k->exp_f32(s->p, lane[0], s->n_listed);
    return lane[0];
}

bool ts_sampler_is_plain(const ts_sampler *s)
{
    const tiefsee_sampling *o = &s->opt;
    const bool repeats = !(o->repetition_penalty > 0) || o->repetition_penalty == 1.0f;

    return o->n_bias == 0 && repeats && o->presence_penalty == 0 && o->frequency_penalty == 0;
}

bool ts_sampler_picks_best(const ts_sampler *s)
{
    return s->opt.temperature < COLDEST;
}

int32_t ts_sampler_next(ts_sampler *s, const ts_kernels *k, const float *logits,
                        const uint64_t *undefined, const int32_t *recent, size_t n_recent)
{
    int32_t token;

    s->n_listed = s->n_vocab;
    adjust(s, logits, undefined, recent, n_recent);
    if (ts_sampler_picks_best(s)) {
        token = ts_argmax(s->p, s->n_vocab);
    } else {
        (void)weigh(s, k);
        token = draw(s, 0, 0);
        token = token >= 0 ? token : 0;
    }
    s->counts[token]++;
    return token;
}

int32_t ts_sampler_next_of(ts_sampler *s, const ts_kernels *k, const ts_listed *l)
{
    const ts_rng rng = s->rng;

    assert(l->n < s->n_vocab && ts_sampler_is_plain(s) && !ts_sampler_picks_best(s));
    s->n_listed = l->n;
    memcpy(s->p, l->logits, l->n * sizeof *s->p);
    const double best = fabs((double)weigh(s, k));
    /* Scaled logits were rounded, and so was their distance to the best one, of which more
     * than 128 comes to nothing. */
    const double rounding = (2 * best + 128) * 0x1p-21 + 0x1p-20;
    if (!(rounding < 0.5))
        return -1;
    const int32_t i = draw(s, l->each * (1 + 2 * rounding), l->others * (1 + 2 * rounding));
    if (i < 0) {
        s->rng = rng; /* as if nobody had asked */
        return -1;
    }
    s->counts[l->ids[i]]++;
    return l->ids[i];
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
