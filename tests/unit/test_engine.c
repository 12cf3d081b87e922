/* test_engine.c - many jobs at once: the same answers as alone, cancelling in
 * every phase, cached beginnings, full queues, an orderly end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/engine.h"

enum { MAX_TEXT = 2048, MAX_TOKENS = 1000 };

static tiefsee_model *model;

static int open_model(void **state)
{
    const tiefsee_model_options opt = {.size = sizeof opt, .n_threads = 2};

    (void)state;
    return tiefsee_model_open(&model, NULL, &opt, NULL) == TIEFSEE_OK ? 0 : -1;
}

static int close_model(void **state)
{
    (void)state;
    tiefsee_model_close(model);
    return 0;
}

typedef struct client {
    char text[MAX_TEXT]; /* both channels */
    size_t n_pieces, stop_after;
    ts_job *job; /* to cancel from a piece */
    bool cancels_at_start;
    tiefsee_finish finish;
    size_t n_cached, n_generated;
    double cancelled_at;
    _Atomic int n_done;
} client;

static void on_start(void *user, size_t n_prompt, size_t n_cached)
{
    client *c = user;

    assert_true(n_cached < n_prompt);
    c->n_cached = n_cached;
    if (c->cancels_at_start)
        ts_job_cancel(c->job);
}

static bool on_piece(void *user, const tiefsee_piece *p)
{
    client *c = user;

    assert_int_equal(atomic_load(&c->n_done), 0);
    assert_true(strlen(c->text) + p->n < MAX_TEXT);
    strncat(c->text, p->text, p->n);
    return ++c->n_pieces != c->stop_after;
}

static void on_done(void *user, const ts_job_result *r)
{
    client *c = user;

    c->finish = r->finish;
    c->n_cached = r->n_cached;
    c->n_generated = r->n_generated;
    atomic_fetch_add(&c->n_done, 1);
}

static const ts_job_events events = {on_start, on_piece, on_done};

static size_t prompt(tiefsee_token *tokens, const char *text)
{
    const tiefsee_message message = {.role = TIEFSEE_USER, .content = text};
    size_t n;

    assert_int_equal(tiefsee_chat_encode(model, &message, 1, NULL, tokens, MAX_TOKENS, &n, NULL),
                     TIEFSEE_OK);
    return n;
}

static tiefsee_status submit(ts_engine *e, client *c, const char *question, const char *user,
                             uint64_t seed, tiefsee_error *err)
{
    tiefsee_token tokens[MAX_TOKENS];
    const ts_job_spec spec = {
        .tokens = tokens,
        .n_tokens = prompt(tokens, question),
        .generate = {.size = sizeof spec.generate,
                     .in_reasoning = true,
                     .max_tokens = 120,
                     .sampling = {.temperature = 0.8f, .top_p = 0.95f, .seed = seed}},
        .user_name = user};

    return ts_engine_submit(e, &spec, &events, c, &c->job, err);
}

static void await(client *c)
{
    for (int i = 0; atomic_load(&c->n_done) == 0; i++) {
        assert_true(i < 60000);
        usleep(1000);
    }
}

static ts_engine *open_engine(ts_engine_options opt)
{
    tiefsee_error err = {0};
    ts_engine *e;

    if (ts_engine_open(&e, model, &opt, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    return e;
}

/* What a session of its own says. */
static void ask_alone(char *text, const char *question, uint64_t seed)
{
    const tiefsee_session_options so = {.size = sizeof so, .n_ctx = MAX_TOKENS};
    client c = {.n_pieces = 0};
    const tiefsee_generate_options opt = {
        .size = sizeof opt,
        .in_reasoning = true,
        .max_tokens = 120,
        .sampling = {.temperature = 0.8f, .top_p = 0.95f, .seed = seed},
        .on_piece = on_piece,
        .user = &c};
    tiefsee_token tokens[MAX_TOKENS];
    const size_t n = prompt(tokens, question);
    tiefsee_session *s;

    assert_int_equal(tiefsee_session_open(&s, model, &so, NULL), TIEFSEE_OK);
    assert_int_equal(tiefsee_session_feed(s, tokens, n, NULL), TIEFSEE_OK);
    assert_int_equal(tiefsee_session_generate(s, &opt, NULL, NULL), TIEFSEE_OK);
    tiefsee_session_close(s);
    memcpy(text, c.text, MAX_TEXT);
}

static void every_job_says_what_it_would_say_alone(void **state)
{
    enum { N = 24 };
    static client c[N];
    static char alone[N][MAX_TEXT];
    char question[64];
    ts_engine *e = open_engine((ts_engine_options){.n_ctx = MAX_TOKENS, .max_running = 9});

    (void)state;
    memset(c, 0, sizeof c);
    for (int i = 0; i < N; i++) {
        (void)snprintf(question, sizeof question, "What is %d %c %d?", 10 + i * 3,
                       i % 2 ? '+' : '-', 7 + i);
        ask_alone(alone[i], question, (uint64_t)i);
        assert_int_equal(submit(e, &c[i], question, i % 3 ? "anna" : "bert", (uint64_t)i, NULL),
                         TIEFSEE_OK);
    }
    for (int i = 0; i < N; i++) {
        await(&c[i]);
        assert_string_equal(c[i].text, alone[i]);
    }
    ts_engine_close(e);
}

static void a_known_beginning_is_not_computed_again(void **state)
{
    ts_engine *e = open_engine((ts_engine_options){.n_ctx = MAX_TOKENS});
    client a = {.n_pieces = 0}, b = {.n_pieces = 0}, other = {.n_pieces = 0};
    const char *question = "Convert 3 km to m and tell me also what 12 + 30 is, please?";

    (void)state;
    assert_int_equal(submit(e, &a, question, "anna", 1, NULL), TIEFSEE_OK);
    await(&a);
    assert_int_equal(a.n_cached, 0);
    assert_int_equal(submit(e, &b, question, "anna", 1, NULL), TIEFSEE_OK);
    await(&b);
    assert_true(b.n_cached > 10);
    assert_string_equal(a.text, b.text);
    assert_int_equal(submit(e, &other, question, "bert", 1, NULL), TIEFSEE_OK);
    await(&other);
    assert_int_equal(other.n_cached, 0);
    assert_string_equal(a.text, other.text);
    ts_engine_close(e);
}

static void a_job_can_be_cancelled_in_every_phase(void **state)
{
    ts_engine *e = open_engine((ts_engine_options){.n_ctx = MAX_TOKENS, .max_running = 1});
    client first = {.n_pieces = 0}, queued = {.n_pieces = 0};
    client in_prompt = {.cancels_at_start = true}, in_answer = {.stop_after = 3};
    client after = {.n_pieces = 0};

    (void)state;
    assert_int_equal(submit(e, &first, "What is 12 + 30?", "a", 1, NULL), TIEFSEE_OK);
    assert_int_equal(submit(e, &queued, "What is 12 + 31?", "a", 1, NULL), TIEFSEE_OK);
    ts_job_cancel(queued.job);
    await(&queued);
    assert_int_equal(queued.finish, TIEFSEE_FINISH_CANCELLED);
    assert_int_equal(queued.n_pieces, 0);
    await(&first);
    assert_int_equal(submit(e, &in_prompt, "What is 12 + 32?", "a", 1, NULL), TIEFSEE_OK);
    await(&in_prompt);
    assert_int_equal(in_prompt.finish, TIEFSEE_FINISH_CANCELLED);
    assert_int_equal(submit(e, &in_answer, "What is 12 + 33?", "a", 1, NULL), TIEFSEE_OK);
    await(&in_answer);
    assert_int_equal(in_answer.finish, TIEFSEE_FINISH_CANCELLED);
    assert_int_equal(in_answer.n_generated, 3);
    assert_int_equal(submit(e, &after, "What is 12 + 30?", "a", 1, NULL), TIEFSEE_OK);
    await(&after);
    assert_string_equal(after.text, first.text);
    ts_engine_close(e);
}

static void a_full_queue_and_a_long_prompt_are_refused(void **state)
{
    enum { N = 12 };
    static client c[N];
    ts_engine *e = open_engine((ts_engine_options){.n_ctx = 100, .max_running = 1, .max_queue = 3});
    static char text[4000];
    client late = {.n_pieces = 0};
    tiefsee_error err;
    int n_taken = 0;

    (void)state;
    memset(c, 0, sizeof c);
    memset(text, '1', sizeof text - 1);
    assert_int_equal(submit(e, &late,
                            "Compute 1 + 1 then 2 + 2 then 3 + 3 then 4 + 4 then 5 + 5 "
                            "then 6 + 6 then 7 + 7 then 8 + 8 then 9 + 9 then 10 + 10 "
                            "then 11 + 11 then 12 + 12 then 13 + 13 then 14 + 14 then "
                            "15 + 15 then 16 + 16 then 17 + 17 then 18 + 18 then 19 + 19"
                            " then 20 + 20 then 21 + 21 then 22 + 22 then 23 + 23",
                            "a", 1, &err),
                     TIEFSEE_E_LIMIT);
    assert_non_null(strstr(err.message, "the context holds 100 with the answer"));
    for (; n_taken < N; n_taken++)
        if (submit(e, &c[n_taken], "What is 12 + 30?", "a", 1, &err) != TIEFSEE_OK)
            break;
    assert_true(n_taken >= 3 && n_taken < N);
    assert_string_equal(err.message, "3 requests are waiting already");
    ts_engine_drain(e);
    assert_int_equal(submit(e, &late, "What is 12 + 30?", "a", 1, &err), TIEFSEE_E_CANCELLED);
    for (int i = 0; i < n_taken; i++)
        await(&c[i]);
    for (int i = 0; !ts_engine_is_idle(e) && i < 1000; i++)
        usleep(1000);
    assert_true(ts_engine_is_idle(e));
    ts_engine_close(e);
}

static void closing_ends_every_job_exactly_once(void **state)
{
    enum { N = 20 };
    static client c[N];
    ts_engine *e = open_engine((ts_engine_options){.n_ctx = MAX_TOKENS, .max_running = 4});

    (void)state;
    memset(c, 0, sizeof c);
    for (int i = 0; i < N; i++)
        assert_int_equal(submit(e, &c[i], "What is 12 + 30?", i % 2 ? "a" : "b", (uint64_t)i, NULL),
                         TIEFSEE_OK);
    ts_engine_close(e);
    for (int i = 0; i < N; i++)
        assert_int_equal(atomic_load(&c[i].n_done), 1);
}

static void a_small_cache_serves_many_in_turn(void **state)
{
    enum { N = 16 };
    static client c[N];
    char question[64];
    ts_engine_stats stats;
    /* Room for the pages of two jobs (1,000 tokens each at the most). */
    ts_engine *e = open_engine(
        (ts_engine_options){.n_ctx = MAX_TOKENS, .cache_bytes = (uint64_t)34 * 64 * 4 * 80 * 4});

    (void)state;
    memset(c, 0, sizeof c);
    for (int i = 0; i < N; i++) {
        (void)snprintf(question, sizeof question, "What is %d + %d?", 20 + i, 30 + i);
        assert_int_equal(submit(e, &c[i], question, "a", 1, NULL), TIEFSEE_OK);
    }
    for (int i = 0; i < N; i++) {
        await(&c[i]);
        assert_int_not_equal(c[i].finish, TIEFSEE_FINISH_CANCELLED);
    }
    ts_engine_read_stats(e, &stats);
    assert_true(stats.cache_pages_used <= stats.cache_pages);
    assert_true(stats.n_jobs >= N - 1 && stats.n_generated_tokens > N);
    ts_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_says_what_it_would_say_alone),
        cmocka_unit_test(a_known_beginning_is_not_computed_again),
        cmocka_unit_test(a_job_can_be_cancelled_in_every_phase),
        cmocka_unit_test(a_full_queue_and_a_long_prompt_are_refused),
        cmocka_unit_test(closing_ends_every_job_exactly_once),
        cmocka_unit_test(a_small_cache_serves_many_in_turn),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
