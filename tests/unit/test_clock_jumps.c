/* test_clock_jumps.c - somebody sets the clock: nothing is lost by it, nobody stays logged
 * in for it, and order, audit log and quotas stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "server/app/accounts.h"
#include "server/app/app.h"
#include "server/app/audit.h"
#include "server/app/login.h"
#include "support/scratch.h"

#define DAY ((int64_t)86400000)

typedef struct fixture {
    scratch place;
    char db[400], key[400];
    ts_server server;
    ts_app *app;
} fixture;

static void open_app(fixture *f)
{
    const ts_app_options options = {.store_path = f->db, .key_path = f->key};
    tiefsee_error err = {0};

    if (ts_auth_open(&f->server.auth, f->db, &(ts_auth_options){.allows_nobody = true}, &err) !=
            TIEFSEE_OK ||
        ts_app_open(&f->app, &f->server, &options, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
}

static void close_app(fixture *f)
{
    ts_app_close(f->app);
    ts_auth_close(f->server.auth);
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    ts_clock_set_shift(0);
    scratch_make(&f->place);
    (void)snprintf(f->db, sizeof f->db, "%s", scratch_path(&f->place, "db"));
    (void)snprintf(f->key, sizeof f->key, "%s", scratch_path(&f->place, "db.key"));
    f->server.models = ts_models_new();
    open_app(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    close_app(f);
    ts_models_free(f->server.models);
    scratch_remove(&f->place);
    ts_clock_set_shift(0);
    free(f);
    return 0;
}

/* A minute has passed. */
static void tidy(fixture *f)
{
    f->app->last_tidy = -1000;
    ts_login_tidy(f->app);
}

/* An hour, or a day, in which the clock did not jump again. */
static void wait_out(fixture *f)
{
    f->app->watch.held_until = 0;
    tidy(f);
}

static ts_person me(fixture *f)
{
    ts_person p;

    assert_true(ts_people_by_n(f->app->people, f->app->local_n, &p));
    return p;
}

static void add_chat(fixture *f, const char *id)
{
    const ts_person p = me(f);
    const ts_owner o = ts_person_owner(&p);
    ts_dialog c = {.created = ts_app_now(), .updated = ts_app_now(), .meta = ts_buf_make(1000)};
    tiefsee_error err;
    bool is_new;

    (void)snprintf(c.id, sizeof c.id, "%s", id);
    assert_true(ts_buf_append_str(&c.meta, "{}"));
    ts_lock_take(f->app->store_lock);
    assert_int_equal(ts_chats_create(f->app->store, &o, &c, &is_new, &err), TIEFSEE_OK);
    ts_lock_give(f->app->store_lock);
    ts_chat_free(&c);
}

static bool add_id(void *ctx, const ts_dialog *c)
{
    char *all = ctx;

    (void)snprintf(all + strlen(all), 200 - strlen(all), "%s ", c->id);
    return true;
}

/* Their ids, the newest first. */
static void check_list(fixture *f, const char *wanted)
{
    const ts_person p = me(f);
    const ts_owner o = ts_person_owner(&p);
    char all[200] = "";

    ts_lock_take(f->app->store_lock);
    assert_int_equal(ts_chats_list(f->app->store, &o, NULL, add_id, all, NULL), TIEFSEE_OK);
    ts_lock_give(f->app->store_lock);
    assert_string_equal(all, wanted);
}

static void keep_for(fixture *f, int64_t days)
{
    ts_person p = me(f);

    p.retention_days = days;
    ts_lock_take(f->app->store_lock);
    assert_int_equal(ts_people_change(f->app->people, f->app->store, &p, NULL), TIEFSEE_OK);
    ts_lock_give(f->app->store_lock);
}

static void a_clock_that_is_ahead_for_a_while_removes_nothing(void **state)
{
    fixture *f = *state;

    keep_for(f, 5);
    add_chat(f, "chat-of-today");
    tidy(f);
    ts_clock_set_shift(400 * DAY);
    tidy(f);
    tidy(f);
    check_list(f, "chat-of-today ");
    ts_clock_set_shift(0);
    tidy(f);
    wait_out(f);
    check_list(f, "chat-of-today ");

    ts_clock_set_shift(6 * DAY); /* six days that are true */
    tidy(f);
    check_list(f, "chat-of-today ");
    wait_out(f);
    check_list(f, "");
}

static void a_start_with_a_wrong_clock_removes_nothing(void **state)
{
    fixture *f = *state;

    keep_for(f, 5);
    add_chat(f, "chat-of-today");
    tidy(f);
    close_app(f);
    ts_clock_set_shift(4000 * DAY);
    open_app(f);
    tidy(f);
    check_list(f, "chat-of-today ");
    close_app(f);
    ts_clock_set_shift(-12000 * DAY); /* a board without a battery */
    open_app(f);
    tidy(f);
    check_list(f, "chat-of-today ");
    ts_clock_set_shift(0);
    tidy(f);
    wait_out(f);
    check_list(f, "chat-of-today ");
}

static void a_weekend_is_no_jump(void **state)
{
    fixture *f = *state;

    keep_for(f, 5);
    add_chat(f, "chat-of-friday");
    tidy(f);
    close_app(f);
    ts_clock_set_shift(6 * DAY);
    open_app(f);
    tidy(f);
    check_list(f, "");
}

static void dates_of_the_future_come_back_and_the_order_with_them(void **state)
{
    fixture *f = *state;

    tidy(f);
    ts_clock_set_shift(3000 * DAY);
    add_chat(f, "chat-of-the-future");
    tidy(f);
    ts_clock_set_shift(0);
    add_chat(f, "chat-of-today");
    check_list(f, "chat-of-the-future chat-of-today ");
    tidy(f);
    wait_out(f);
    ts_clock_set_shift(5000);
    add_chat(f, "chat-of-after");
    /* The two of before have one date or nearly, so only the newest is certain. */
    const ts_person p = me(f);
    const ts_owner o = ts_person_owner(&p);
    char all[200] = "";
    ts_lock_take(f->app->store_lock);
    assert_int_equal(ts_chats_list(f->app->store, &o, NULL, add_id, all, NULL), TIEFSEE_OK);
    ts_lock_give(f->app->store_lock);
    assert_int_equal(strncmp(all, "chat-of-after ", 14), 0);
    assert_int_equal(strlen(all), 14 + 19 + 14);
}

static bool is_logged_in(fixture *f, const char *token)
{
    ts_person p;
    const bool is_good = ts_sessions_find(f->app->people, ts_str_of(token), ts_app_now(), &p, NULL);

    ts_person_wipe(&p);
    return is_good;
}

static void make_session(fixture *f, char token[TS_SESSION_TOKEN + 1])
{
    tiefsee_error err;

    ts_lock_take(f->app->store_lock);
    assert_int_equal(
        ts_sessions_make(f->app->people, f->app->store, f->app->local_n, ts_app_now(), token, &err),
        TIEFSEE_OK);
    ts_lock_give(f->app->store_lock);
}

static void sessions_end_by_a_clock_ahead_and_are_there_when_it_is_right(void **state)
{
    fixture *f = *state;
    char token[TS_SESSION_TOKEN + 1];

    make_session(f, token);
    tidy(f);
    ts_clock_set_shift(40 * DAY);
    assert_false(is_logged_in(f, token));
    tidy(f);
    ts_clock_set_shift(0);
    assert_true(is_logged_in(f, token));
    close_app(f);
    open_app(f);
    assert_true(is_logged_in(f, token));
}

static void a_session_of_the_future_lasts_no_longer_than_others(void **state)
{
    fixture *f = *state;
    char token[TS_SESSION_TOKEN + 1];

    tidy(f);
    ts_clock_set_shift(3650 * DAY);
    make_session(f, token);
    assert_true(is_logged_in(f, token));
    ts_clock_set_shift(0);
    tidy(f);
    wait_out(f);
    assert_true(is_logged_in(f, token));
    ts_clock_set_shift(DAY / 2 + 60000); /* twelve hours unused */
    assert_false(is_logged_in(f, token));
    close_app(f); /* and it was written down so */
    ts_clock_set_shift(0);
    open_app(f);
    ts_clock_set_shift(DAY / 2 + 60000);
    assert_false(is_logged_in(f, token));
}

static bool is_intact(fixture *f)
{
    ts_lock_take(f->app->store_lock);
    const bool is_good = ts_audit_is_intact(f->app);
    ts_lock_give(f->app->store_lock);
    return is_good;
}

static void note(fixture *f, int n)
{
    ts_lock_take(f->app->store_lock);
    for (int i = 0; i < n; i++)
        ts_audit(f->app, "actor", "action", "object", "ok");
    ts_lock_give(f->app->store_lock);
}

static int64_t count_entries(fixture *f)
{
    int64_t n = -1;

    ts_lock_take(f->app->store_lock);
    ts_query q = ts_query_begin(f->app->store, "SELECT count(*) FROM app_audit");
    if (ts_query_step(&q))
        n = ts_query_get_i64(&q, 0);
    assert_int_equal(ts_query_end(&q, NULL), TIEFSEE_OK);
    ts_lock_give(f->app->store_lock);
    return n;
}

static void the_audit_log_keeps_its_chain_and_its_entries(void **state)
{
    fixture *f = *state;

    note(f, 5);
    tidy(f);
    ts_clock_set_shift(1000 * DAY);
    note(f, 5);
    f->app->last_prune = 0;
    tidy(f);
    ts_clock_set_shift(-1000 * DAY);
    note(f, 5);
    f->app->last_prune = 0;
    tidy(f);
    ts_clock_set_shift(0);
    note(f, 5);
    assert_true(is_intact(f));
    assert_int_equal(count_entries(f), 20);
}

static void quotas_of_a_day_are_those_of_its_date(void **state)
{
    fixture *f = *state;
    const ts_key_spec spec = {
        .name = "limited", .scopes = TS_SCOPE_CHAT, .limits = {.tokens_per_day = 100}};
    char text[TS_KEY_TEXT_LEN + 1];
    ts_key key;
    ts_identity who = {0};
    ts_grant grant = {0};
    ts_balance b = {0};
    tiefsee_error err = {0};

    ts_store *books = ts_auth_take_store(f->server.auth);
    assert_int_equal(ts_keys_add(books, &spec, ts_app_now() / 1000, &key, text, &err), TIEFSEE_OK);
    ts_auth_give_store(f->server.auth, true);
    assert_int_equal(ts_auth_check(f->server.auth, ts_str_of(text), TS_SCOPE_CHAT, &who, &err),
                     TS_REFUSAL_NONE);
    assert_int_equal(ts_auth_begin(f->server.auth, &who, "m", 40, 20, &grant, &err),
                     TS_REFUSAL_NONE);
    const ts_usage_tokens used = {.n_prompt = 40, .n_completion = 20};
    assert_int_equal(ts_usage_commit(f->server.auth, &grant, &used, &err), TIEFSEE_OK);
    ts_auth_end(f->server.auth, &grant);
    ts_auth_balance(f->server.auth, &who, &b);
    assert_int_equal(b.n_left, 40);
    ts_clock_set_shift(3 * DAY); /* another day has its own */
    ts_auth_balance(f->server.auth, &who, &b);
    assert_int_equal(b.n_left, 100);
    ts_clock_set_shift(0); /* and today is not forgotten for it */
    ts_auth_balance(f->server.auth, &who, &b);
    assert_int_equal(b.n_left, 40);
    ts_clock_set_shift(-3 * DAY);
    ts_auth_balance(f->server.auth, &who, &b);
    assert_int_equal(b.n_left, 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_clock_that_is_ahead_for_a_while_removes_nothing),
        TEST(a_start_with_a_wrong_clock_removes_nothing),
        TEST(a_weekend_is_no_jump),
        TEST(dates_of_the_future_come_back_and_the_order_with_them),
        TEST(sessions_end_by_a_clock_ahead_and_are_there_when_it_is_right),
        TEST(a_session_of_the_future_lasts_no_longer_than_others),
        TEST(the_audit_log_keeps_its_chain_and_its_entries),
        TEST(quotas_of_a_day_are_those_of_its_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
