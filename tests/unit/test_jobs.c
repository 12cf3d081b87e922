/* test_jobs.c - jobs of the real engine (with the embedded model) that answer replies
 * without a socket: whoever ends first, `done` comes once and everything is freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "server/auth/auth.h"
#include "server/http/exchange.h"
#include "server/jobs.h"
#include "server/server.h"

static ts_hub *hub;
static ts_server server;
static _Atomic int n_done, n_pieces;
static ts_job_result last;

static int setup(void **state)
{
    tiefsee_model *model;

    (void)state;
    hub = ts_hub_new();
    hub->wake_fd = eventfd(0, EFD_NONBLOCK);
    hub->output_bytes = 1 << 20;
    hub->bodies_bytes = 1 << 20;
    server.models = ts_models_new();
    return tiefsee_model_open(&model, NULL, NULL, NULL) == TIEFSEE_OK &&
                   ts_models_add(server.models, "mini", model, NULL, NULL) == TIEFSEE_OK
               ? 0
               : 1;
}

static int teardown(void **state)
{
    (void)state;
    ts_models_free(server.models);
    for (ts_reply *r; (r = ts_hub_next_dirty(hub)) != NULL;)
        ts_reply_release(r);
    const size_t n_alive = hub->n_alive;
    (void)close(hub->wake_fd);
    ts_hub_release(hub);
    return n_alive == 0 ? 0 : 1;
}

/* What the I/O thread does at its turn. */
static void turn(void)
{
    for (ts_reply *r; (r = ts_hub_next_dirty(hub)) != NULL;) {
        ts_exchange_call_watches(r);
        ts_reply_release(r);
    }
}

static bool on_piece(void *user, const tiefsee_piece *piece)
{
    n_pieces++;
    return ts_reply_write(user, piece->text, piece->n);
}

static void on_done(void *user, const ts_job_result *result)
{
    last = *result;
    n_done++;
    (void)ts_reply_write(user, "[DONE]", 6);
    ts_reply_end(user);
}

static const ts_job_events events = {.piece = on_piece, .done = on_done};

static ts_reply *new_reply(void)
{
    ts_reply *r = ts_exchange_new(hub);

    assert_non_null(r);
    r->req.app = &server;
    assert_true(ts_reply_begin(r, 200, "text/plain"));
    return r;
}

static tiefsee_status submit(ts_reply *r, size_t max_tokens, tiefsee_error *err)
{
    const ts_served_model *model = ts_models_find(server.models, "MINI");
    const tiefsee_token prompt[] = {tiefsee_token_bos(model->model), 10, 11, 12};
    const ts_job_spec spec = {
        .tokens = prompt,
        .n_tokens = TS_COUNT(prompt),
        .generate = {.size = sizeof spec.generate,
                     .max_tokens = max_tokens,
                     .ignore_eos = true,
                     .raw = true,
                     .sampling = {.size = sizeof spec.generate.sampling}},
        .user_name = "",
    };

    return ts_jobs_submit(r, model, &spec, &events, r, err);
}

/* Everything up to the end; -1: whole, -2: cut. */
static long take_all(ts_reply *r, char *text, size_t size, size_t *n)
{
    long got;

    *n = 0;
    while ((got = ts_exchange_take(r, text + *n, size - *n)) >= 0) {
        *n += (size_t)got;
        turn();
        (void)sched_yield();
    }
    return got;
}

static void pause_us(long us)
{
    const struct timespec time = {0, us * 1000};

    (void)nanosleep(&time, NULL);
}

static void wait_for_done(int n)
{
    while (n_done < n) {
        turn();
        pause_us(100);
    }
}

static void answers(void **state)
{
    char text[4096];
    size_t n;
    ts_reply *r = new_reply();

    (void)state;
    n_done = 0;
    assert_int_equal(submit(r, 8, NULL), TIEFSEE_OK);
    assert_int_equal(take_all(r, text, sizeof text, &n), -1);
    assert_true(n >= 6 && memcmp(text + n - 6, "[DONE]", 6) == 0);
    ts_exchange_finish(r, true);
    assert_int_equal(n_done, 1);
    assert_int_equal(last.n_generated, 8);
}

static void ends_with_its_client_in_every_phase(void **state)
{
    (void)state;
    n_done = 0;
    for (int round = 0; round < 60; round++) {
        ts_reply *r = new_reply();

        if (round % 10 == 0)
            ts_exchange_lose(r); /* gone before there is a job */
        assert_int_equal(submit(r, 4000, NULL), TIEFSEE_OK);
        if (round % 10 > 1)
            pause_us(round % 10 * 300);
        ts_exchange_lose(r);
        ts_exchange_finish(r, false);
        wait_for_done(round + 1);
        assert_int_equal(last.finish, TIEFSEE_FINISH_CANCELLED);
        assert_true(last.n_generated < 1000);
    }
    pause_us(10000);
    assert_int_equal(n_done, 60);
}

static void leaves_the_answer_to_the_caller_when_it_is_refused(void **state)
{
    tiefsee_error err = {0};
    char text[16];
    size_t n;
    ts_reply *r = new_reply();

    (void)state;
    n_done = 0;
    ts_models_drain(server.models);
    assert_int_equal(submit(r, 8, &err), TIEFSEE_E_CANCELLED);
    ts_reply_end(r);
    assert_int_equal(take_all(r, text, sizeof text, &n), -1);
    ts_exchange_finish(r, true);
    assert_int_equal(n_done, 0);
}

static void writes_the_books_before_the_end_is_seen(void **state)
{
    char folder[] = "/tmp/test_jobs_XXXXXX", path[64], text[4096];
    ts_identity who;
    ts_auth_stats stats;
    tiefsee_error err;
    size_t n;
    const ts_auth_options options = {.allows_nobody = true};

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/server.db", folder);
    assert_int_equal(ts_auth_open(&server.auth, path, &options, &err), TIEFSEE_OK);
    assert_int_equal(ts_auth_check(server.auth, TS_STR(""), TS_SCOPE_CHAT, &who, &err),
                     TS_REFUSAL_NONE);
    for (int round = 0; round < 20; round++) {
        ts_reply *r = new_reply();

        r->req.identity = &who;
        assert_int_equal(submit(r, 3, NULL), TIEFSEE_OK);
        assert_int_equal(take_all(r, text, sizeof text, &n), -1);
        ts_auth_read_stats(server.auth, &stats);
        assert_int_equal(stats.n_committed, round + 1);
        ts_exchange_finish(r, true);
    }
    ts_reply *r = new_reply(); /* the client leaves: what it took is written all the same */
    r->req.identity = &who;
    assert_int_equal(submit(r, 4000, NULL), TIEFSEE_OK);
    pause_us(3000);
    ts_exchange_lose(r);
    ts_exchange_finish(r, false);
    do {
        turn();
        ts_auth_read_stats(server.auth, &stats);
    } while (stats.n_committed < 21 || stats.n_open > 0);
    for (int i = 0; i < 100 && hub->n_alive > 0; i++, turn())
        pause_us(1000);
    ts_auth_close(server.auth);
    server.auth = NULL;
    (void)unlink(path);
    (void)rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(ends_with_its_client_in_every_phase),
        cmocka_unit_test(writes_the_books_before_the_end_is_seen),
        cmocka_unit_test(leaves_the_answer_to_the_caller_when_it_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
