/* test_head.c - the token that two passes choose is the one that all logits would give. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backends/cpu/cpu_backend.h"
#include "core/alloc.h"
#include "core/cpu.h"
#include "core/rng.h"
#include "engine/embedded.h"
#include "engine/head.h"
#include "engine/sampler.h"
#include "engine/session.h"
#include "kernels/half.h"
#include "kernels/quant_blocks.h"

enum { V = 16384, D = 256, N_SEEDS = 40, MAX_ROWS = 3 };

static ts_backend *backend;
static ts_kernels kernels;
static float *logits, *work;

static int open_all(void **state)
{
    const ts_cpu_options opt = {.n_threads = 2, .cpu_flags = ts_cpu_flags()};
    const ts_backend_limits limits = {.max_tokens = 16, .max_pairs = 16, .max_width = D};

    (void)state;
    ts_kernels_select(&kernels, ts_cpu_flags());
    logits = ts_alloc(MAX_ROWS * V * sizeof *logits);
    work = ts_alloc(MAX_ROWS * V * sizeof *work);
    return !logits || !work || ts_cpu_open(&backend, &opt, &limits, NULL) != TIEFSEE_OK;
}

static int close_all(void **state)
{
    (void)state;
    backend->close(backend);
    ts_free(logits);
    ts_free(work);
    return 0;
}

/* ---- matrices */

static float gauss(ts_rng *rng)
{
    double sum = 0;

    for (int i = 0; i < 6; i++)
        sum += ts_rng_unit(rng) - 0.5;
    return (float)sum;
}

/* What training leaves: some rows point where x does. */
typedef enum shape { TRAINED, EQUAL_ROWS, NEAR_TIES, ONE_HUGE, TINY_NUMBERS, N_SHAPES } shape;

static void fill(float *w, const float *x, shape kind, ts_rng *rng)
{
    float first[D];

    for (size_t i = 0; i < D; i++)
        first[i] = 0.02f * gauss(rng) + 0.05f * x[i];
    for (size_t r = 0; r < V; r++)
        for (size_t i = 0; i < D; i++) {
            float v = 0.02f * gauss(rng);
            if (kind == EQUAL_ROWS && r % 1000 == 7)
                v = first[i];
            else if (kind == NEAR_TIES && r % 1000 == 7)
                v = first[i] * (1 + 1e-3f * gauss(rng));
            else if (r % 4096 == 11)
                v += 0.2f * x[i] / sqrtf(D) * (float)ts_rng_unit(rng);
            if (kind == ONE_HUGE && r == V / 2)
                v *= 1000;
            if (kind == TINY_NUMBERS)
                v *= 1e-30f;
            w[r * D + i] = v;
        }
}

static ts_tensor tensor_of(ts_dtype type, const float *w)
{
    ts_tensor t = {.ne = {D, V, 1, 1}, .n_dims = 2, .type = type};

    assert_true(ts_dtype_row_bytes((uint32_t)type, D, &t.row_bytes));
    t.bytes = t.row_bytes * V;
    uint8_t *data = ts_alloc((size_t)t.bytes);
    assert_non_null(data);
    for (size_t i = 0; i < (size_t)V * D; i++) {
        if (type == TS_F32)
            memcpy(data + 4 * i, &w[i], 4);
        const uint16_t half = type == TS_BF16 ? half_to_bf16(w[i]) : half_to_f16(w[i]);
        if (type == TS_BF16 || type == TS_F16)
            memcpy(data + 2 * i, &half, 2);
    }
    for (size_t b = 0; type == TS_Q8_0 && b < (size_t)V * D / 32; b++) {
        ts_block_q8_0 *to = (ts_block_q8_0 *)data + b;
        float most = 0;
        for (size_t i = 0; i < 32; i++)
            most = fmaxf(most, fabsf(w[32 * b + i]));
        to->d = half_to_f16(most / 127);
        for (size_t i = 0; i < 32; i++)
            to->qs[i] = (int8_t)(most > 0 ? lrintf(w[32 * b + i] / most * 127) : 0);
    }
    for (size_t b = 0; type == TS_Q6_K && b < (size_t)V * D / 256; b++) {
        ts_block_q6_k *to = (ts_block_q6_k *)data + b;
        memset(to, 0, sizeof *to);
        to->d = half_to_f16(0.003f / 32);
        for (size_t i = 0; i < 256; i++) {
            const long q = lrintf(w[256 * b + i] / 0.003f) + 32;
            const unsigned code = q < 0 ? 0 : q > 63 ? 63 : (unsigned)q;
            const size_t half = i / 128, j = i % 128;
            to->scales[i / 16] = 32;
            to->ql[64 * half + j % 64] |= (uint8_t)((code & 15) << (j / 64 * 4));
            to->qh[32 * half + j % 32] |= (uint8_t)((code >> 4) << (j / 32 * 2));
        }
    }
    t.data = data;
    return t;
}

/* One logit that stands out makes every trial go well. */
static void get_ready(ts_head *h, const ts_tensor *W)
{
    const size_t d = (size_t)W->ne[0], n = (size_t)W->ne[1];
    float *x = ts_alloc_zero(d, sizeof *x), *y = ts_alloc_zero(n, sizeof *y);

    assert_true(x && y);
    y[n / 2] = 1;
    for (int i = 0; i < 100 && !ts_head_is_ready(h, backend); i++)
        if (ts_head_wants_trial(h))
            ts_head_try(h, &kernels, x, y);
    ts_free(x);
    ts_free(y);
}

/* Compare n_rows of x with the first of the largest logits; returns how many had an answer. */
static int compare(ts_head *h, const ts_tensor *W, const float *x, size_t n_rows,
                   const uint64_t *undefined)
{
    ts_sampler *const none[MAX_ROWS] = {NULL};
    int32_t best[MAX_ROWS];
    int n = 0;

    ts_head_choose(h, backend, &kernels, x, n_rows, none, work, best);
    backend->op->linear(backend, logits, W, NULL, x, D, n_rows);
    for (size_t i = 0; i < n_rows; i++) {
        float *row = logits + i * V;
        for (size_t r = 0; undefined && r < V; r++)
            row[r] = undefined[r / 64] >> (r % 64) & 1 ? -INFINITY : row[r];
        if (best[i] < 0)
            continue;
        assert_int_equal(best[i], ts_argmax(row, V));
        n++;
    }
    return n;
}

static void finds_the_best_of_every_type_and_shape(void **state)
{
    static const ts_dtype types[] = {TS_F32, TS_F16, TS_BF16, TS_Q8_0, TS_Q6_K};
    float *w = ts_alloc((size_t)V * D * sizeof *w);
    float x[MAX_ROWS * D];
    ts_rng rng;

    (void)state;
    assert_non_null(w);
    for (size_t type = 0; type < sizeof types / sizeof *types; type++)
        for (int kind = 0; kind < N_SHAPES; kind++) {
            int n_found = 0, n_asked = 0;
            ts_head *h;
            ts_rng_seed(&rng, type * 100 + (uint64_t)kind);
            for (size_t i = 0; i < MAX_ROWS * D; i++)
                x[i] = 2 * gauss(&rng);
            fill(w, x, (shape)kind, &rng);
            const ts_tensor W = tensor_of(types[type], w);
            assert_int_equal(ts_head_open(&h, &W, NULL, NULL), TIEFSEE_OK);
            get_ready(h, &W);
            for (int seed = 0; seed < N_SEEDS; seed++) {
                const size_t n = 1 + (size_t)seed % MAX_ROWS;
                n_asked++;
                n_found += compare(h, &W, x, n, NULL) > 0;
                for (size_t i = 0; i < D; i++) /* towards other rows */
                    x[i] += 0.3f * gauss(&rng) +
                            (seed % 7 == 0 ? 40 * w[(size_t)(seed * 251 + 11) % V * D + i] : 0);
            }
            if (kind == TRAINED || kind == EQUAL_ROWS || kind == NEAR_TIES)
                assert_true(2 * n_found > n_asked);
            ts_head_close(h);
            ts_free((void *)(uintptr_t)W.data);
        }
    ts_free(w);
}

/* ---- draws */

static void start_two(ts_sampler *s, const tiefsee_sampling *o)
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ts_sampler_open(&s[i], V, NULL), TIEFSEE_OK);
        assert_int_equal(ts_sampler_start(&s[i], o, NULL), TIEFSEE_OK);
    }
}

/* One draw by two passes and one by all logits, of samplers in the same state. */
static bool draw_both(ts_head *h, const ts_tensor *W, const float *x, ts_sampler *s,
                      const uint64_t *undefined)
{
    ts_sampler *const first[1] = {&s[0]};
    int32_t token;

    ts_head_choose(h, backend, &kernels, x, 1, first, work, &token);
    backend->op->linear(backend, logits, W, NULL, x, D, 1);
    const bool is_found = token >= 0;
    if (!is_found)
        token = ts_sampler_next(&s[0], &kernels, logits, undefined, NULL, 0);
    assert_int_equal(token, ts_sampler_next(&s[1], &kernels, logits, undefined, NULL, 0));
    assert_memory_equal(&s[0].rng, &s[1].rng, sizeof s[0].rng);
    assert_memory_equal(s[0].counts, s[1].counts, V * sizeof *s[0].counts);
    return is_found;
}

/* A few hundred rows that x likes, each a little less than the one before. */
static void fill_likely(float *w, const float *x, float scale, ts_rng *rng)
{
    float norm = 0;

    for (size_t i = 0; i < D; i++)
        norm += x[i] * x[i];
    for (size_t r = 0; r < V; r++)
        for (size_t i = 0; i < D; i++) {
            const float likes = r % 61 == 7 ? scale * expf(-(float)(r * 37 % 997) / 120) : 0;
            w[r * D + i] = 0.002f * gauss(rng) + likes * x[i] / norm;
        }
}

static void draws_are_those_of_all_logits(void **state)
{
    static const tiefsee_sampling options[] = {
        {.temperature = 1},
        {.temperature = 0.6f, .top_p = 0.95f},
        {.temperature = 0.7f, .top_p = 0.3f},
        {.temperature = 1.3f, .top_k = 40},
        {.temperature = 1, .min_p = 0.05f},
        {.temperature = 0.8f, .top_k = 20, .top_p = 0.9f, .min_p = 0.01f},
        {.temperature = 3},
        {.temperature = 1e-4f},
        {.temperature = 1e-25f, .top_p = 0.5f},
        {.temperature = 100, .top_k = 1},
    };
    static const ts_dtype types[] = {TS_F32, TS_BF16, TS_Q8_0, TS_Q6_K};
    enum { N_OPTIONS = sizeof options / sizeof *options, N_DRAWS = 60 };
    float *w = ts_alloc((size_t)V * D * sizeof *w), x[D];
    ts_rng rng;

    (void)state;
    assert_non_null(w);
    for (size_t type = 0; type < sizeof types / sizeof *types; type++) {
        uint64_t undefined[V / 64] = {0};
        ts_head *h;
        ts_rng_seed(&rng, type);
        for (size_t i = 0; i < D; i++)
            x[i] = gauss(&rng);
        fill_likely(w, x, 25, &rng);
        undefined[7 / 64] = 1 << 7; /* the one x likes most */
        const ts_tensor W = tensor_of(types[type], w);
        assert_int_equal(ts_head_open(&h, &W, undefined, NULL), TIEFSEE_OK);
        get_ready(h, &W);
        for (size_t k = 0; k < N_OPTIONS; k++) {
            tiefsee_sampling o = options[k];
            ts_sampler s[2];
            int n_found = 0;
            o.seed = 100 * type + k;
            start_two(s, &o);
            for (int i = 0; i < N_DRAWS; i++)
                n_found += draw_both(h, &W, x, s, undefined);
            if (k < 6) /* what people ask for */
                assert_true(n_found > N_DRAWS * 2 / 3);
            ts_sampler_close(&s[0]);
            ts_sampler_close(&s[1]);
        }
        ts_head_close(h);
        ts_free((void *)(uintptr_t)W.data);
    }
    ts_free(w);
}

static void draws_of_ties_and_of_noise_are_those_of_all_logits(void **state)
{
    float *w = ts_alloc((size_t)V * D * sizeof *w), x[D];
    ts_rng rng;

    (void)state;
    assert_non_null(w);
    ts_rng_seed(&rng, 5);
    for (int kind = 0; kind < N_SHAPES; kind++) {
        const tiefsee_sampling o = {
            .temperature = 0.1f + 0.2f * (float)kind, .top_p = kind % 2 ? 0.8f : 0, .seed = 4};
        ts_head *h;
        ts_sampler s[2];
        for (size_t i = 0; i < D; i++)
            x[i] = 2 * gauss(&rng);
        fill(w, x, (shape)kind, &rng);
        const ts_tensor W = tensor_of(TS_Q8_0, w);
        assert_int_equal(ts_head_open(&h, &W, NULL, NULL), TIEFSEE_OK);
        get_ready(h, &W);
        start_two(s, &o);
        for (int i = 0; i < N_SEEDS; i++) {
            (void)draw_both(h, &W, x, s, NULL);
            for (size_t j = 0; j < D; j++)
                x[j] += 0.3f * gauss(&rng);
        }
        ts_sampler_close(&s[0]);
        ts_sampler_close(&s[1]);
        ts_head_close(h);
        ts_free((void *)(uintptr_t)W.data);
    }
    ts_free(w);
}

static void never_chooses_what_is_undefined(void **state)
{
    float *w = ts_alloc((size_t)V * D * sizeof *w), x[D];
    uint64_t undefined[V / 64] = {0};
    ts_rng rng;
    ts_head *h;

    (void)state;
    assert_non_null(w);
    ts_rng_seed(&rng, 1);
    for (size_t i = 0; i < D; i++)
        x[i] = gauss(&rng);
    fill(w, x, TRAINED, &rng);
    for (size_t i = 0; i < D; i++) {
        w[3 * D + i] = x[i];
        w[5 * D + i] = 0.5f * x[i];
    }
    undefined[0] = 1 << 3;
    const ts_tensor W = tensor_of(TS_F32, w);
    assert_int_equal(ts_head_open(&h, &W, undefined, NULL), TIEFSEE_OK);
    get_ready(h, &W);
    assert_int_equal(compare(h, &W, x, 1, undefined), 1);
    assert_int_equal(ts_argmax(logits, V), 5);
    ts_head_close(h);
    ts_free((void *)(uintptr_t)W.data);
    ts_free(w);
}

static void has_no_answer_where_numbers_are_none(void **state)
{
    float *w = ts_alloc((size_t)V * D * sizeof *w), x[D];
    ts_sampler *const none[1] = {NULL};
    int32_t best;
    ts_rng rng;
    ts_head *h;

    (void)state;
    assert_non_null(w);
    ts_rng_seed(&rng, 1);
    for (size_t i = 0; i < D; i++)
        x[i] = gauss(&rng);
    fill(w, x, TRAINED, &rng);
    ts_tensor W = tensor_of(TS_F32, w);
    assert_int_equal(ts_head_open(&h, &W, NULL, NULL), TIEFSEE_OK);
    get_ready(h, &W);
    x[9] = NAN;
    ts_head_choose(h, backend, &kernels, x, 1, none, work, &best);
    assert_int_equal(best, -1);
    x[9] = INFINITY;
    ts_head_choose(h, backend, &kernels, x, 1, none, work, &best);
    assert_int_equal(best, -1);
    ts_head_close(h);

    ((float *)(uintptr_t)W.data)[77 * D] = NAN;
    assert_int_equal(ts_head_open(&h, &W, NULL, NULL), TIEFSEE_OK);
    get_ready(h, &W);
    assert_false(ts_head_is_ready(h, backend));
    ts_head_close(h);
    ts_free((void *)(uintptr_t)W.data);
    ts_free(w);
}

static void gives_up_and_waits_where_nothing_was_learnt(void **state)
{
    float *w = ts_alloc((size_t)V * D * sizeof *w), x[D] = {0};
    ts_sampler *const none[1] = {NULL};
    int32_t best;
    ts_rng rng;
    ts_head *h;
    int n_waits = 0;

    (void)state;
    assert_non_null(w);
    ts_rng_seed(&rng, 1);
    for (size_t i = 0; i < (size_t)V * D; i++)
        w[i] = 0.02f * gauss(&rng);
    const ts_tensor W = tensor_of(TS_Q6_K, w);
    assert_true(ts_head_pays(&W));
    assert_int_equal(ts_head_open(&h, &W, NULL, NULL), TIEFSEE_OK);
    get_ready(h, &W);
    for (int i = 0; i < 12; i++) {
        ts_head_choose(h, backend, &kernels, x, 1, none, work, &best); /* all are 0 */
        assert_int_equal(best, -1);
    }
    while (!ts_head_is_ready(h, backend))
        n_waits++;
    assert_int_equal(n_waits, 256);
    ts_head_close(h);
    ts_free((void *)(uintptr_t)W.data);
    ts_free(w);
}

static void makes_no_copy_of_what_nothing_was_learnt_into(void **state)
{
    float *w = ts_alloc((size_t)V * D * sizeof *w), x[D];
    size_t n_trials = 0, n_calls = 0;
    ts_rng rng;
    ts_head *h;

    (void)state;
    assert_non_null(w);
    ts_rng_seed(&rng, 1);
    for (size_t i = 0; i < (size_t)V * D; i++)
        w[i] = 0.02f * gauss(&rng);
    for (size_t i = 0; i < D; i++)
        x[i] = gauss(&rng);
    const ts_tensor W = tensor_of(TS_Q6_K, w);
    assert_int_equal(ts_head_open(&h, &W, NULL, NULL), TIEFSEE_OK);
    backend->op->linear(backend, logits, &W, NULL, x, D, 1);
    for (; n_calls < 2000; n_calls++) {
        assert_false(ts_head_is_ready(h, backend));
        if (ts_head_wants_trial(h)) {
            ts_head_try(h, &kernels, x, logits);
            n_trials++;
        }
    }
    assert_in_range(n_trials, 10, 16); /* after 1, 2, 4 ... 256, 256 steps */

    logits[77] = 100; /* now one stands out */
    for (n_calls = 0; n_calls < 1000 && !ts_head_is_ready(h, backend); n_calls++)
        if (ts_head_wants_trial(h))
            ts_head_try(h, &kernels, x, logits);
    assert_in_range(n_calls, 8, 256 + 8);
    ts_head_close(h);
    ts_free((void *)(uintptr_t)W.data);
    ts_free(w);
}

/* ---- in a session */

enum { N_ANSWER = 24, MAX_PROMPT = 64 };

static tiefsee_session *session_of(tiefsee_model *m)
{
    const tiefsee_session_options opt = {.size = sizeof opt, .n_ctx = MAX_PROMPT + N_ANSWER};
    tiefsee_session *s;

    assert_int_equal(tiefsee_session_open(&s, m, &opt, NULL), TIEFSEE_OK);
    return s;
}

static void answer(tiefsee_session *s, const char *text, float temperature)
{
    const tiefsee_generate_options opt = {.size = sizeof opt,
                                          .max_tokens = N_ANSWER,
                                          .raw = true,
                                          .ignore_eos = true,
                                          .sampling = {.temperature = temperature, .seed = 3}};
    tiefsee_token tokens[MAX_PROMPT];
    size_t n;

    assert_int_equal(
        tiefsee_tokenize(s->model, text, strlen(text), true, tokens, MAX_PROMPT, &n, NULL),
        TIEFSEE_OK);
    assert_int_equal(tiefsee_session_set(s, tokens, n, NULL, NULL), TIEFSEE_OK);
    assert_int_equal(tiefsee_session_generate(s, &opt, NULL, NULL), TIEFSEE_OK);
}

/* The embedded model's matrix is small, and so has no copy by itself. */
static void give_head(tiefsee_model *m)
{
    const size_t d = m->net->config.d_model;

    assert_null(m->head);
    m->hidden = ts_alloc(m->max_logits * d * sizeof *m->hidden);
    m->chosen = ts_alloc(m->max_logits * sizeof *m->chosen);
    m->samplers = ts_alloc(m->max_logits * sizeof(ts_sampler *));
    assert_true(m->hidden && m->chosen && m->samplers);
    assert_int_equal(ts_head_open(&m->head, m->net->head, m->undefined, NULL), TIEFSEE_OK);
    get_ready(m->head, m->net->head);
}

static void answers_of_a_session_are_the_same(void **state)
{
    static const char *const texts[] = {"<｜User｜>17+25<｜Assistant｜><think>",
                                        "<｜User｜>Was ist 12 mal 3?<｜Assistant｜><think>",
                                        "<｜User｜>1234*56<｜Assistant｜><think>", "1 2 3 4 5",
                                        "Why is the sky"};
    tiefsee_model *plain, *with_head;
    int n_pending = 0;

    (void)state;
    if (ts_embedded_size() == 0)
        skip();
    assert_int_equal(tiefsee_model_open(&plain, NULL, NULL, NULL), TIEFSEE_OK);
    assert_int_equal(tiefsee_model_open(&with_head, NULL, NULL, NULL), TIEFSEE_OK);
    give_head(with_head);
    tiefsee_session *a = session_of(plain), *b = session_of(with_head);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (int warm = 0; warm < 2; warm++) {
            answer(a, texts[i], warm ? 0.8f : 0);
            answer(b, texts[i], warm ? 0.8f : 0);
            assert_int_equal(a->seq.n, b->seq.n);
            assert_memory_equal(a->seq.tokens, b->seq.tokens, a->seq.n * sizeof *a->seq.tokens);
            n_pending += b->is_pending;
            assert_memory_equal(tiefsee_session_logits(a), tiefsee_session_logits(b),
                                plain->net->config.n_vocab * sizeof(float));
        }
    assert_true(n_pending >= 3); /* of the five greedy ones */
    tiefsee_session_close(a);
    tiefsee_session_close(b);
    tiefsee_model_close(plain);
    tiefsee_model_close(with_head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_best_of_every_type_and_shape),
        cmocka_unit_test(draws_are_those_of_all_logits),
        cmocka_unit_test(draws_of_ties_and_of_noise_are_those_of_all_logits),
        cmocka_unit_test(never_chooses_what_is_undefined),
        cmocka_unit_test(has_no_answer_where_numbers_are_none),
        cmocka_unit_test(gives_up_and_waits_where_nothing_was_learnt),
        cmocka_unit_test(makes_no_copy_of_what_nothing_was_learnt_into),
        cmocka_unit_test(answers_of_a_session_are_the_same),
    };

    return cmocka_run_group_tests(tests, open_all, close_all);
}
