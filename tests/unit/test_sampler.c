/* test_sampler.c - from logits to a token. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/cpu.h"
#include "engine/sampler.h"

enum { V = 8, DRAWS = 20000 };

/* Logarithms of the probabilities 0.4, 0.2, 0.15, 0.1, 0.08, 0.04, 0.02, 0.01, shuffled. */
static const double P[V] = {0.1, 0.4, 0.01, 0.2, 0.04, 0.15, 0.02, 0.08};

static void fill(float *logits)
{
    for (size_t i = 0; i < V; i++)
        logits[i] = (float)log(P[i]);
}

/* Frequencies of DRAWS tokens under o. */
static void draw(double *share, const tiefsee_sampling *o, const uint64_t *undefined)
{
    float logits[V];
    ts_sampler s;
    ts_kernels k;

    fill(logits);
    ts_kernels_select(&k, ts_cpu_flags());
    assert_int_equal(ts_sampler_open(&s, V, NULL), TIEFSEE_OK);
    assert_int_equal(ts_sampler_start(&s, o, NULL), TIEFSEE_OK);
    for (size_t i = 0; i < V; i++)
        share[i] = 0;
    for (int i = 0; i < DRAWS; i++)
        share[ts_sampler_next(&s, &k, logits, undefined, NULL, 0)] += 1.0 / DRAWS;
    ts_sampler_close(&s);
}

/* The ids that may come, and their probabilities renormalised. */
static void expect_only(const double *share, const int *ids, size_t n)
{
    double total = 0;

    for (size_t i = 0; i < n; i++)
        total += P[ids[i]];
    for (int id = 0; id < V; id++) {
        double want = 0;
        for (size_t i = 0; i < n; i++)
            want = ids[i] == id ? P[id] / total : want;
        if (want == 0)
            assert_true(share[id] == 0);
        else
            assert_true(fabs(share[id] - want) < 0.02);
    }
}

static void draws_by_probability(void **state)
{
    const tiefsee_sampling o = {.temperature = 1, .seed = 1};
    double share[V];

    (void)state;
    draw(share, &o, NULL);
    expect_only(share, (const int[]){0, 1, 2, 3, 4, 5, 6, 7}, 8);
}

static void top_k_keeps_the_k_best(void **state)
{
    const tiefsee_sampling o = {.temperature = 1, .seed = 2, .top_k = 3};
    double share[V];

    (void)state;
    draw(share, &o, NULL);
    expect_only(share, (const int[]){1, 3, 5}, 3);
}

static void top_p_keeps_the_smallest_set_that_reaches_p(void **state)
{
    const tiefsee_sampling o = {.temperature = 1, .seed = 3, .top_p = 0.7f};
    double share[V];

    (void)state;
    draw(share, &o, NULL);
    expect_only(share, (const int[]){1, 3, 5}, 3); /* 0.4 + 0.2 + 0.15 */
}

static void min_p_is_relative_to_the_best(void **state)
{
    const tiefsee_sampling o = {.temperature = 1, .seed = 4, .min_p = 0.24f};
    double share[V];

    (void)state;
    draw(share, &o, NULL);
    expect_only(share, (const int[]){1, 3, 5, 0}, 4); /* >= 0.096 */
}

static void temperature_zero_is_greedy_and_ties_go_to_the_lower_id(void **state)
{
    const tiefsee_sampling o = {.temperature = 0}, cold = {.temperature = 1e-40f};
    const float tied[4] = {1, 3, 3, 2};
    double share[V];

    (void)state;
    draw(share, &o, NULL);
    expect_only(share, (const int[]){1}, 1);
    draw(share, &cold, NULL);
    expect_only(share, (const int[]){1}, 1);
    assert_int_equal(ts_argmax(tied, 4), 1);
}

static void an_undefined_token_never_comes(void **state)
{
    const tiefsee_sampling o = {.temperature = 1, .seed = 5}, greedy = {0};
    const uint64_t undefined = 1u << 1 | 1u << 3;
    double share[V];

    (void)state;
    draw(share, &o, &undefined);
    expect_only(share, (const int[]){0, 2, 4, 5, 6, 7}, 6);
    draw(share, &greedy, &undefined);
    expect_only(share, (const int[]){5}, 1);
}

static void the_same_seed_gives_the_same_tokens(void **state)
{
    const tiefsee_sampling o = {.temperature = 1.3f, .seed = 6, .top_p = 0.95f};
    float logits[V];
    ts_sampler a, b;
    ts_kernels best, ref;

    (void)state;
    fill(logits);
    ts_kernels_select(&best, ts_cpu_flags());
    ts_kernels_select(&ref, 0);
    assert_int_equal(ts_sampler_open(&a, V, NULL), TIEFSEE_OK);
    assert_int_equal(ts_sampler_open(&b, V, NULL), TIEFSEE_OK);
    assert_int_equal(ts_sampler_start(&a, &o, NULL), TIEFSEE_OK);
    assert_int_equal(ts_sampler_start(&b, &o, NULL), TIEFSEE_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ts_sampler_next(&a, &best, logits, NULL, NULL, 0),
                         ts_sampler_next(&b, &ref, logits, NULL, NULL, 0));
    ts_sampler_close(&a);
    ts_sampler_close(&b);
}

/* Greedy tokens of a run that feeds its own output back as the context. */
static void greedy_run(int32_t *out, size_t n, const tiefsee_sampling *o)
{
    float logits[V];
    ts_sampler s;
    ts_kernels k;

    fill(logits);
    ts_kernels_select(&k, 0);
    assert_int_equal(ts_sampler_open(&s, V, NULL), TIEFSEE_OK);
    assert_int_equal(ts_sampler_start(&s, o, NULL), TIEFSEE_OK);
    for (size_t i = 0; i < n; i++)
        out[i] = ts_sampler_next(&s, &k, logits, NULL, out, i);
    ts_sampler_close(&s);
}

static void penalties_and_bias_change_the_choice(void **state)
{
    const tiefsee_logit_bias bias = {2, 10};
    const tiefsee_sampling presence = {.presence_penalty = 1},
                           frequency = {.frequency_penalty = 0.4f},
                           repetition = {.repetition_penalty = 2, .repetition_window = 2},
                           biased = {.bias = &bias, .n_bias = 1};
    int32_t out[3];

    (void)state;
    greedy_run(out, 3, &presence); /* log 0.4 - 1 < log 0.2; log 0.2 - 1 < log 0.15 */
    assert_true(out[0] == 1 && out[1] == 3 && out[2] == 5);
    greedy_run(out, 3, &frequency); /* log 0.4 - 0.4 is still the best, - 0.8 is not */
    assert_true(out[0] == 1 && out[1] == 1 && out[2] == 3);
    greedy_run(out, 3, &repetition); /* log 0.4 doubled is log 0.16: 0.2 is better, then 0.16 */
    assert_true(out[0] == 1 && out[1] == 3 && out[2] == 1);
    greedy_run(out, 3, &biased);
    assert_true(out[0] == 2 && out[1] == 2);
}

static void logprobs_are_of_the_models_own_distribution(void **state)
{
    tiefsee_token_logprob top[3];
    float logits[V];

    (void)state;
    fill(logits);
    for (size_t i = 0; i < V; i++)
        logits[i] += 5; /* logits have no fixed zero */
    const float p = ts_logprobs(top, 3, logits, V, 7);
    assert_true(fabs((double)p - log(0.08)) < 1e-5);
    assert_int_equal(top[0].token, 1);
    assert_int_equal(top[1].token, 3);
    assert_int_equal(top[2].token, 5);
    assert_true(fabs((double)top[2].logprob - log(0.15)) < 1e-5);
}

enum { MANY = 3000 };

static const float *sorted_p;

static int best_first(const void *a, const void *b)
{
    const int32_t i = *(const int32_t *)a, j = *(const int32_t *)b;

    if (sorted_p[i] != sorted_p[j])
        return sorted_p[i] < sorted_p[j] ? 1 : -1;
    return i - j;
}

/* How many of the sorted ids may come by the rules. */
static size_t allowed(const tiefsee_sampling *o, const float *p, int32_t *ids, double *kept)
{
    const size_t k = o->top_k ? (size_t)o->top_k : MANY;
    const double top_p = o->top_p > 0 ? (double)o->top_p : 2;
    size_t n = 0;

    for (int32_t i = 0; i < MANY; i++)
        ids[i] = i;
    sorted_p = p;
    qsort(ids, MANY, sizeof *ids, best_first);
    *kept = 0;
    while (n < MANY && n < k && *kept < top_p && p[ids[n]] > 0 && p[ids[n]] >= o->min_p * p[ids[0]])
        *kept += (double)p[ids[n++]];
    return n;
}

/* Of many draws: only what may come, and the first and the second half as often as
 * their mass says. */
static void check_draws(ts_sampler *s, const ts_kernels *k, const tiefsee_sampling *o,
                        const float *logits)
{
    enum { N = 400 };
    static float p[MANY];
    static int32_t ids[MANY];
    static double share[MANY];
    double kept, upper = 0;
    size_t n_upper = 0;

    k->scale_f32(p, 1 / o->temperature, logits, MANY);
    k->softmax_f32(p, MANY);
    const size_t n = allowed(o, p, ids, &kept), half = n / 2;
    for (size_t i = 0; i < MANY; i++)
        share[i] = -1;
    for (size_t i = 0; i < n; i++) {
        share[ids[i]] = i < half;
        upper += i < half ? (double)p[ids[i]] / kept : 0;
    }
    assert_int_equal(ts_sampler_start(s, o, NULL), TIEFSEE_OK);
    for (int i = 0; i < N; i++) {
        const int32_t t = ts_sampler_next(s, k, logits, NULL, NULL, 0);
        assert_true(share[t] >= 0);
        n_upper += share[t] > 0;
    }
    assert_true(fabs((double)n_upper / N - upper) < 0.13); /* five sigma */
}

static void what_comes_is_what_sorting_would_allow(void **state)
{
    static float logits[MANY];
    ts_kernels k;
    ts_sampler s;
    ts_rng rng;

    (void)state;
    ts_rng_seed(&rng, 9);
    ts_kernels_select(&k, ts_cpu_flags());
    assert_int_equal(ts_sampler_open(&s, MANY, NULL), TIEFSEE_OK);
    for (int i = 0; i < 200; i++) {
        const tiefsee_sampling o = {.temperature = 0.3f + 0.5f * (float)(i % 5),
                                    .seed = (uint64_t)i,
                                    .top_k = i % 3 == 0 ? 1 + i * 7 % 400 : 0,
                                    .top_p = i % 4 == 1 ? (float)(i % 100 + 1) / 101 : 0,
                                    .min_p = i % 5 == 2 ? 1e-3f * (float)(1 + i % 97) : 0};
        /* Peaked, flat, and with many ties. */
        for (size_t j = 0; j < MANY; j++)
            logits[j] = (float)(i % 7 * ts_rng_unit(&rng));
        for (size_t j = 0; i % 4 == 0 && j < MANY; j++)
            logits[j] = floorf(logits[j]);
        check_draws(&s, &k, &o, logits);
    }
    ts_sampler_close(&s);
}

/* The list of tokens whose weight is above `each`, and what is known of the others. */
static ts_listed list_of(int32_t *ids, float *listed, const float *logits, float temperature,
                         double each)
{
    ts_listed l = {.ids = ids, .logits = listed, .each = each};
    const double best = (double)logits[ts_argmax(logits, MANY)];

    for (int32_t i = 0; i < MANY; i++) {
        const double weight = exp(((double)logits[i] - best) / (double)temperature);
        if (weight > each) {
            ids[l.n] = i;
            listed[l.n++] = logits[i];
        } else {
            l.others += weight * 1.0001;
        }
    }
    return l;
}

/* Options of trial i and logits that are peaked, flat, or have many ties. */
static tiefsee_sampling trial_of(int i, float *logits, ts_rng *rng)
{
    for (size_t j = 0; j < MANY; j++)
        logits[j] = (float)((3 + i % 7) * ts_rng_unit(rng));
    for (size_t j = 0; i % 4 == 0 && j < MANY; j++)
        logits[j] = floorf(4 * logits[j]) / 4;
    return (tiefsee_sampling){.temperature = 0.1f + 0.2f * (float)(i % 5),
                              .seed = (uint64_t)i,
                              .top_k = i % 3 == 0 ? 1 + i * 7 % 90 : 0,
                              .top_p = i % 4 == 1 ? (float)(i % 100 + 1) / 101 : 0,
                              .min_p = i % 5 == 2 ? 1e-2f * (float)(1 + i % 97) : 0};
}

static void a_draw_from_a_list_is_the_draw_from_all(void **state)
{
    static float logits[MANY], listed[MANY];
    static int32_t ids[MANY];
    int n_drawn = 0, n_all = 0;
    ts_kernels k;
    ts_sampler a, b;
    ts_rng rng;

    (void)state;
    ts_rng_seed(&rng, 9);
    ts_kernels_select(&k, ts_cpu_flags());
    assert_int_equal(ts_sampler_open(&a, MANY, NULL), TIEFSEE_OK);
    assert_int_equal(ts_sampler_open(&b, MANY, NULL), TIEFSEE_OK);
    for (int i = 0; i < 300; i++) {
        const tiefsee_sampling o = trial_of(i, logits, &rng);
        const double each = exp(-1.0 - i % 8);
        const ts_listed l = list_of(ids, listed, logits, o.temperature, each);
        assert_int_equal(ts_sampler_start(&a, &o, NULL), TIEFSEE_OK);
        assert_int_equal(ts_sampler_start(&b, &o, NULL), TIEFSEE_OK);
        for (int draws = 0; draws < 20 && l.n < MANY; draws++, n_all++) {
            const ts_rng before = a.rng;
            const int32_t token = ts_sampler_next_of(&a, &k, &l);
            const int32_t want = ts_sampler_next(&b, &k, logits, NULL, NULL, 0);
            if (token < 0) {
                assert_memory_equal(&a.rng, &before, sizeof before);
                assert_int_equal(ts_sampler_next(&a, &k, logits, NULL, NULL, 0), want);
                continue;
            }
            assert_int_equal(token, want);
            n_drawn++;
        }
    }
    assert_true(n_drawn > n_all / 4 && n_drawn < n_all);
    ts_sampler_close(&a);
    ts_sampler_close(&b);
}

static void a_model_that_computes_nothing_crashes_nothing(void **state)
{
    const tiefsee_sampling o[] = {{.temperature = 1, .top_p = 0.9f}, {.temperature = 1}, {0}};
    float logits[V];
    ts_kernels k;
    ts_sampler s;

    (void)state;
    for (size_t i = 0; i < V; i++)
        logits[i] = NAN;
    ts_kernels_select(&k, ts_cpu_flags());
    assert_int_equal(ts_sampler_open(&s, V, NULL), TIEFSEE_OK);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ts_sampler_start(&s, &o[i], NULL), TIEFSEE_OK);
        assert_in_range(ts_sampler_next(&s, &k, logits, NULL, NULL, 0), 0, V - 1);
    }
    ts_sampler_close(&s);
}

static void refuses_options_out_of_range(void **state)
{
    const tiefsee_logit_bias bad = {V, 1};
    const tiefsee_sampling cases[] = {{.temperature = -1},
                                      {.temperature = NAN},
                                      {.top_p = 1.5f},
                                      {.min_p = -0.1f},
                                      {.top_k = -1},
                                      {.presence_penalty = 3},
                                      {.frequency_penalty = -3},
                                      {.bias = &bad, .n_bias = 1}};
    tiefsee_error err;
    ts_sampler s;

    (void)state;
    assert_int_equal(ts_sampler_open(&s, V, NULL), TIEFSEE_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(ts_sampler_start(&s, &cases[i], &err), TIEFSEE_E_INVALID);
    assert_string_equal(err.message, "logit bias for token 8 (0 to 7 exist)");
    ts_sampler_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_by_probability),
        cmocka_unit_test(top_k_keeps_the_k_best),
        cmocka_unit_test(top_p_keeps_the_smallest_set_that_reaches_p),
        cmocka_unit_test(min_p_is_relative_to_the_best),
        cmocka_unit_test(temperature_zero_is_greedy_and_ties_go_to_the_lower_id),
        cmocka_unit_test(an_undefined_token_never_comes),
        cmocka_unit_test(the_same_seed_gives_the_same_tokens),
        cmocka_unit_test(penalties_and_bias_change_the_choice),
        cmocka_unit_test(logprobs_are_of_the_models_own_distribution),
        cmocka_unit_test(what_comes_is_what_sorting_would_allow),
        cmocka_unit_test(a_draw_from_a_list_is_the_draw_from_all),
        cmocka_unit_test(a_model_that_computes_nothing_crashes_nothing),
        cmocka_unit_test(refuses_options_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
