/* test_auth.c - keys at work: checks, limits, quotas, and books that survive. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "server/auth/auth.h"
#include "support/scratch.h"

enum { DAY = 20000 };

static scratch place;
static ts_auth *auth;
static _Atomic int64_t now;

static int64_t fake_clock(void)
{
    return now;
}

static const ts_auth_options tested = {.unix_ms = fake_clock};

static const char *database(void)
{
    return scratch_path(&place, "server.db");
}

static int set_up(void **state)
{
    (void)state;
    now = (int64_t)DAY * 86400000 + 1000;
    scratch_make(&place);
    return ts_auth_open(&auth, database(), &tested, NULL) != TIEFSEE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    ts_auth_close(auth);
    scratch_remove(&place);
    return 0;
}

static ts_key add(const char *name, unsigned scopes, const ts_key_limits *limits, char *text)
{
    ts_key_spec spec = {.name = name, .scopes = scopes};
    ts_key key = {0};

    if (limits)
        spec.limits = *limits;
    ts_store *s = ts_auth_take_store(auth);
    const tiefsee_status st = ts_keys_add(s, &spec, now / 1000, &key, text, NULL);
    ts_auth_give_store(auth, true);
    assert_int_equal(st, TIEFSEE_OK);
    return key;
}

static ts_identity identity_of(const char *name, const ts_key_limits *limits)
{
    char text[TS_KEY_TEXT_LEN + 1];
    ts_identity who;

    (void)add(name, TS_SCOPE_CHAT, limits, text);
    assert_int_equal(ts_auth_check(auth, ts_str_of(text), TS_SCOPE_CHAT, &who, NULL), 0);
    return who;
}

static ts_refusal begin(const ts_identity *who, uint64_t prompt, uint64_t completion, ts_grant *g)
{
    return ts_auth_begin(auth, who, "m", prompt, completion, g, NULL);
}

static void commit_and_end(ts_grant *g, uint64_t prompt, uint64_t completion)
{
    const ts_usage_tokens tokens = {.n_prompt = prompt, .n_completion = completion};

    assert_int_equal(ts_usage_commit(auth, g, &tokens, NULL), TIEFSEE_OK);
    ts_auth_end(auth, g);
}

static bool add_up(void *ctx, const ts_usage_row *row)
{
    ts_usage_row *sum = ctx;

    sum->n_requests += row->n_requests;
    sum->tokens.n_prompt += row->tokens.n_prompt;
    sum->tokens.n_completion += row->tokens.n_completion;
    return true;
}

static ts_usage_row books_of(int64_t key_id, int64_t day)
{
    const ts_usage_query query = {.key_id = key_id, .first_day = day, .n_days = 1};
    ts_usage_row sum = {0};
    ts_store *s = ts_auth_take_store(auth);

    const tiefsee_status st = ts_usage_read(s, &query, add_up, &sum, NULL);
    ts_auth_give_store(auth, false);
    assert_int_equal(st, TIEFSEE_OK);
    return sum;
}

static void a_key_opens_what_its_scopes_name(void **state)
{
    char text[TS_KEY_TEXT_LEN + 1];
    const ts_key key = add("k", TS_SCOPE_CHAT | TS_SCOPE_METRICS, NULL, text);
    ts_identity who;
    tiefsee_error err;

    (void)state;
    assert_int_equal(ts_auth_check(auth, ts_str_of(text), TS_SCOPE_CHAT, &who, &err), 0);
    assert_int_equal(who.key_id, key.id);
    assert_string_equal(who.name, "k");
    assert_string_equal(who.user, "key-1");
    assert_int_equal(ts_auth_check(auth, ts_str_of(text), 0, &who, &err), 0);
    assert_int_equal(ts_auth_check(auth, ts_str_of(text), TS_SCOPE_ADMIN, &who, &err),
                     TS_REFUSAL_SCOPE);
    assert_string_equal(err.message, "this needs an API key with the scope 'admin'");
    assert_int_equal(who.key_id, 0);
    assert_int_equal(who.scopes, 0);
}

static void without_a_key_there_is_a_401_that_says_why(void **state)
{
    char text[TS_KEY_TEXT_LEN + 1];
    ts_identity who;
    tiefsee_error err;

    (void)state;
    (void)add("k", TS_SCOPE_CHAT, NULL, text);
    text[TS_KEY_TEXT_LEN - 1] ^= 1;
    const struct {
        const char *token;
        ts_refusal refusal;
        const char *message;
    } cases[] = {
        {"", TS_REFUSAL_NO_KEY, "an API key is needed"},
        {"x", TS_REFUSAL_BAD_KEY, "this is not an API key"},
        {"sk-1234", TS_REFUSAL_BAD_KEY, "this is not an API key"},
        {"sk-ts-", TS_REFUSAL_BAD_KEY, "the API key is mistyped or cut off"},
        {text, TS_REFUSAL_BAD_KEY, "the API key is mistyped or cut off"},
    };
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        assert_int_equal(ts_auth_check(auth, ts_str_of(cases[i].token), TS_SCOPE_CHAT, &who, &err),
                         cases[i].refusal);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(ts_refusal_http(cases[i].refusal), 401);
    }
}

static void a_key_of_another_server_is_unknown(void **state)
{
    char text[TS_KEY_TEXT_LEN + 1];
    const ts_key_spec spec = {.name = "k", .scopes = TS_SCOPE_ALL};
    ts_identity who;
    ts_store *other;
    ts_key key;
    tiefsee_error err;

    (void)state;
    assert_int_equal(ts_store_open(&other, scratch_path(&place, "other.db"), NULL, NULL), 0);
    assert_int_equal(ts_keys_add(other, &spec, 1, &key, text, NULL), 0);
    ts_store_close(other);
    assert_int_equal(ts_auth_check(auth, ts_str_of(text), 0, &who, &err), TS_REFUSAL_BAD_KEY);
    assert_string_equal(err.message, "there is no such API key");
}

static void nobody_may_chat_only_where_that_is_allowed(void **state)
{
    const ts_auth_options open_house = {.allows_nobody = true, .unix_ms = fake_clock};
    char text[TS_KEY_TEXT_LEN + 1];
    ts_identity who;
    ts_grant g;

    (void)state;
    (void)add("k", TS_SCOPE_CHAT, NULL, text);
    ts_auth_close(auth);
    assert_int_equal(ts_auth_open(&auth, database(), &open_house, NULL), TIEFSEE_OK);
    assert_int_equal(ts_auth_check(auth, (ts_str){0}, TS_SCOPE_CHAT, &who, NULL), 0);
    assert_int_equal(who.key_id, 0);
    assert_string_equal(who.user, "local");
    assert_int_equal(ts_auth_check(auth, TS_STR("ollama"), TS_SCOPE_CHAT, &who, NULL), 0);
    assert_int_equal(begin(&who, 1u << 30, 1u << 30, &g), 0);
    commit_and_end(&g, 5, 6);
    assert_int_equal(books_of(0, DAY).tokens.n_completion, 6);
    assert_int_equal(ts_auth_check(auth, TS_STR("x"), TS_SCOPE_ADMIN, &who, NULL),
                     TS_REFUSAL_SCOPE);
    /* Who shows a key is held to it. */
    assert_int_equal(ts_auth_check(auth, TS_STR("sk-ts-wrong"), TS_SCOPE_CHAT, &who, NULL),
                     TS_REFUSAL_BAD_KEY);
    assert_int_equal(ts_auth_check(auth, ts_str_of(text), TS_SCOPE_METRICS, &who, NULL),
                     TS_REFUSAL_SCOPE);
}

static void one_extractor_reads_both_headers(void **state)
{
    static const struct {
        const char *authorization, *x_api_key, *token;
        ts_refusal refusal;
    } cases[] = {
        {NULL, NULL, "", 0},
        {"", "", "", 0},
        {"Bearer abc", NULL, "abc", 0},
        {"bearer  abc", NULL, "abc", 0},
        {NULL, "abc", "abc", 0},
        {"BEARER abc", "abc", "abc", 0},
        {"Bearer abc", "abd", "", TS_REFUSAL_BAD_KEY},
        {"Bearer ", "abd", "", TS_REFUSAL_BAD_KEY},
        {"Basic abc", NULL, "", TS_REFUSAL_BAD_KEY},
        {"Bearer", NULL, "", TS_REFUSAL_BAD_KEY},
        {"Basic abc", "abc", "", TS_REFUSAL_BAD_KEY},
    };

    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        ts_str token;
        assert_int_equal(
            ts_auth_credential(cases[i].authorization, cases[i].x_api_key, &token, NULL),
            cases[i].refusal);
        assert_true(ts_str_is(token, cases[i].token));
    }
}

static void a_key_expires_and_is_disabled(void **state)
{
    char text[TS_KEY_TEXT_LEN + 1];
    const ts_key key = add("k", TS_SCOPE_CHAT, NULL, text);
    ts_identity who;
    tiefsee_error err;

    (void)state;
    ts_store *s = ts_auth_take_store(auth);
    assert_int_equal(ts_keys_set_expiry(s, key.id, now / 1000 + 10, NULL), TIEFSEE_OK);
    ts_auth_give_store(auth, true);
    now += 9999 - 1000;
    assert_int_equal(ts_auth_check(auth, ts_str_of(text), 0, &who, &err), 0);
    now += 2000;
    assert_int_equal(ts_auth_check(auth, ts_str_of(text), 0, &who, &err), TS_REFUSAL_EXPIRED);
    s = ts_auth_take_store(auth);
    assert_int_equal(ts_keys_enable(s, key.id, false, NULL), TIEFSEE_OK);
    ts_auth_give_store(auth, true);
    assert_int_equal(ts_auth_check(auth, ts_str_of(text), 0, &who, &err), TS_REFUSAL_BAD_KEY);
    assert_string_equal(err.message, "this API key is disabled");
}

static void jobs_at_once_and_contexts_are_limited(void **state)
{
    const ts_identity who = identity_of("k", &(ts_key_limits){.n_concurrent = 2, .n_ctx = 100});
    ts_grant a, b, c;
    tiefsee_error err;

    (void)state;
    assert_int_equal(begin(&who, 40, 1000, &a), 0);
    assert_int_equal(a.n_completion, 60);
    assert_int_equal(begin(&who, 99, 1000, &b), 0);
    assert_int_equal(b.n_completion, 1);
    assert_int_equal(begin(&who, 100, 1, &c), TS_REFUSAL_CONTEXT);
    assert_int_equal(ts_auth_begin(auth, &who, "m", 1, 1, &c, &err), TS_REFUSAL_CONCURRENCY);
    assert_string_equal(err.message, "2 requests are running, this API key allows 2");
    assert_true(c.retry_after_s > 0 && !c.is_open);
    ts_auth_end(auth, &c); /* not open: nothing */
    ts_auth_end(auth, &a);
    ts_auth_end(auth, &a);
    assert_int_equal(begin(&who, 1, 1, &c), 0);
    assert_int_equal(begin(&who, 1, 1, &a), TS_REFUSAL_CONCURRENCY);
    ts_auth_end(auth, &b);
    ts_auth_end(auth, &c);
    assert_int_equal(books_of(who.key_id, DAY).n_requests, 0);
}

static void requests_per_minute_come_at_once_or_spread(void **state)
{
    const ts_identity who = identity_of("k", &(ts_key_limits){.requests_per_minute = 6});
    ts_grant g;

    (void)state;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(begin(&who, 1, 1, &g), 0);
        ts_auth_end(auth, &g);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(begin(&who, 1, 1, &g), TS_REFUSAL_RATE);
        assert_int_equal(g.retry_after_s, 10);
        now += 9999;
        assert_int_equal(begin(&who, 1, 1, &g), TS_REFUSAL_RATE);
        now += 1;
        assert_int_equal(begin(&who, 1, 1, &g), 0);
        ts_auth_end(auth, &g);
    }
    now -= 3600000; /* a clock that is set back does not lock anybody out for an hour */
    assert_int_equal(begin(&who, 1, 1, &g), TS_REFUSAL_RATE);
    assert_true(g.retry_after_s <= 10);
    now += 7200000;
    for (int i = 0; i < 7; i++) {
        assert_int_equal(begin(&who, 1, 1, &g), i < 6 ? 0 : TS_REFUSAL_RATE);
        ts_auth_end(auth, &g);
    }
}

static void a_days_quota_is_set_aside_settled_and_never_exceeded(void **state)
{
    const ts_identity who = identity_of("k", &(ts_key_limits){.tokens_per_day = 100});
    ts_balance balance;
    ts_grant a, b, c;
    tiefsee_error err;

    (void)state;
    assert_int_equal(begin(&who, 10, 40, &a), 0);
    assert_int_equal(begin(&who, 10, 90, &b), 0);
    assert_int_equal(b.n_completion, 40); /* what is left */
    assert_int_equal(begin(&who, 1, 1, &c), TS_REFUSAL_QUOTA);
    assert_int_equal(c.retry_after_s, 5);
    ts_auth_balance(auth, &who, &balance);
    assert_int_equal(balance.n_reserved, 100);
    assert_int_equal(balance.n_left, 0);

    commit_and_end(&a, 10, 5);
    ts_auth_end(auth, &b); /* took nothing */
    ts_auth_balance(auth, &who, &balance);
    assert_true(balance.is_limited);
    assert_int_equal(balance.n_limit, 100);
    assert_int_equal(balance.n_used, 15);
    assert_int_equal(balance.n_reserved, 0);
    assert_int_equal(balance.n_left, 85);
    assert_int_equal(balance.resets_at, (DAY + 1) * 86400);

    assert_int_equal(ts_auth_begin(auth, &who, "m", 85, 1, &c, &err), TS_REFUSAL_QUOTA);
    assert_string_equal(err.message, "the prompt has 85 tokens; of today's 100, 15 are used and 0 "
                                     "are set aside for running requests");
    assert_int_equal(c.retry_after_s, 86399);
    assert_int_equal(begin(&who, 84, 1, &c), 0);
    commit_and_end(&c, 84, 1);
    assert_int_equal(begin(&who, 0, 1, &c), TS_REFUSAL_QUOTA);
}

static void a_new_day_begins_at_midnight_utc(void **state)
{
    const ts_identity who = identity_of("k", &(ts_key_limits){.tokens_per_day = 100});
    ts_balance balance;
    ts_grant a, b;

    (void)state;
    now = (int64_t)(DAY + 1) * 86400000 - 1;
    assert_int_equal(begin(&who, 50, 40, &a), 0);
    assert_int_equal(begin(&who, 50, 40, &b), TS_REFUSAL_QUOTA);
    now++;
    assert_int_equal(begin(&who, 5, 4, &b), 0); /* a's 90 are still set aside */
    commit_and_end(&a, 50, 20);                 /* counts for the day it ended */
    ts_auth_balance(auth, &who, &balance);
    assert_int_equal(balance.n_used, 70);
    commit_and_end(&b, 5, 4);
    assert_int_equal(books_of(who.key_id, DAY).n_requests, 0);
    assert_int_equal(books_of(who.key_id, DAY + 1).tokens.n_prompt, 55);
    now -= 1000; /* the clock is set back: no second quota */
    ts_auth_balance(auth, &who, &balance);
    assert_int_equal(balance.n_used, 79);
}

static void what_was_used_today_is_known_after_a_restart(void **state)
{
    const ts_identity who = identity_of("k", &(ts_key_limits){.tokens_per_day = 100});
    ts_balance balance;
    ts_grant g;

    (void)state;
    assert_int_equal(begin(&who, 10, 20, &g), 0);
    commit_and_end(&g, 10, 20);
    ts_auth_close(auth);
    assert_int_equal(ts_auth_open(&auth, database(), &tested, NULL), TIEFSEE_OK);
    ts_auth_balance(auth, &who, &balance);
    assert_int_equal(balance.n_used, 30);
    ts_auth_close(auth);
    now += 86400000;
    assert_int_equal(ts_auth_open(&auth, database(), &tested, NULL), TIEFSEE_OK);
    ts_auth_balance(auth, &who, &balance);
    assert_int_equal(balance.n_used, 0);
}

static void a_key_deleted_while_it_runs_is_still_metered(void **state)
{
    const ts_identity who = identity_of("k", NULL);
    ts_grant g, h;

    (void)state;
    assert_int_equal(begin(&who, 1, 1, &g), 0);
    ts_store *s = ts_auth_take_store(auth);
    assert_int_equal(ts_keys_delete(s, who.key_id, 1, NULL), TIEFSEE_OK);
    ts_auth_give_store(auth, true);
    assert_int_equal(begin(&who, 1, 1, &h), TS_REFUSAL_BAD_KEY);
    assert_int_equal(ts_auth_reload(auth, NULL), TIEFSEE_OK);
    commit_and_end(&g, 3, 4);
    assert_int_equal(books_of(who.key_id, DAY).tokens.n_completion, 4);
    assert_int_equal(ts_auth_reload(auth, NULL), TIEFSEE_OK);
    assert_int_equal(begin(&who, 1, 1, &h), TS_REFUSAL_BAD_KEY);
}

/* A reload must not forget running jobs, and takes new limits at once. */
static void a_change_by_another_program_is_seen_within_a_second(void **state)
{
    const ts_identity who = identity_of("k", NULL);
    const double end = ts_clock_seconds() + 120; /* a busy machine */
    ts_auth_stats before, after;
    ts_store *other;
    ts_grant g, h;

    (void)state;
    ts_auth_read_stats(auth, &before);
    assert_int_equal(before.n_keys, 1);
    assert_int_equal(begin(&who, 1, 1, &g), 0);
    assert_int_equal(ts_store_open(&other, database(), NULL, NULL), TIEFSEE_OK);
    assert_int_equal(
        ts_keys_set_limits(other, who.key_id, &(ts_key_limits){.n_concurrent = 1}, NULL), 0);
    ts_store_close(other);
    do
        ts_auth_read_stats(auth, &after);
    while (after.generation == before.generation && ts_clock_seconds() < end);
    assert_true(after.generation > before.generation);
    (void)usleep(600000); /* once: nothing is read again without a change */
    ts_auth_read_stats(auth, &after);
    assert_int_equal(after.generation, before.generation + 1);
    assert_int_equal(after.n_open, 1);
    assert_int_equal(begin(&who, 1, 1, &h), TS_REFUSAL_CONCURRENCY);
    ts_auth_end(auth, &g);
    assert_int_equal(begin(&who, 1, 1, &h), 0);
    ts_auth_end(auth, &h);
}

/* Adds a key per byte that it is sent, with the store opened and closed each time
 * as the command line does. */
static void add_keys_on_demand(int requests, int answers)
{
    char byte;

    while (read(requests, &byte, 1) == 1) {
        const ts_key_spec spec = {.name = (char[]){byte, 0}, .scopes = TS_SCOPE_CHAT};
        char text[TS_KEY_TEXT_LEN + 1];
        ts_store *s;
        ts_key key;

        if (ts_store_open(&s, database(), NULL, NULL) != TIEFSEE_OK ||
            ts_keys_add(s, &spec, now / 1000, &key, text, NULL) != TIEFSEE_OK)
            _exit(1);
        ts_store_close(s);
        if (write(answers, &byte, 1) != 1)
            _exit(1);
    }
    _exit(0);
}

static size_t wait_for_keys(size_t n)
{
    const double end = ts_clock_seconds() + 120; /* a busy machine */
    ts_auth_stats stats;

    do
        ts_auth_read_stats(auth, &stats);
    while (stats.n_keys < n && ts_clock_seconds() < end);
    return stats.n_keys;
}

/* The other program must not take the write-ahead log away when it leaves: all of
 * its changes are seen, and what is committed afterwards is in the file. */
static void another_process_comes_and_goes_while_requests_are_metered(void **state)
{
    const ts_identity who = identity_of("k", NULL);
    int requests[2], answers[2], status;
    char byte = '0';

    (void)state;
    ts_auth_close(auth); /* SQLite's locks do not survive a fork */
    assert_int_equal(pipe(requests), 0);
    assert_int_equal(pipe(answers), 0);
    const pid_t child = fork();
    if (child == 0) {
        (void)close(requests[1]);
        add_keys_on_demand(requests[0], answers[1]);
    }
    assert_int_equal(ts_auth_open(&auth, database(), &tested, NULL), TIEFSEE_OK);
    for (size_t i = 0; i < 4; i++, byte++) {
        ts_grant g;
        assert_int_equal(write(requests[1], &byte, 1), 1);
        assert_int_equal(read(answers[0], &(char){0}, 1), 1);
        assert_int_equal(wait_for_keys(2 + i), 2 + i);
        assert_int_equal(begin(&who, 1, 1, &g), 0);
        commit_and_end(&g, 1, 1);
    }
    (void)close(requests[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ts_auth_close(auth);
    assert_int_equal(ts_auth_open(&auth, database(), &tested, NULL), TIEFSEE_OK);
    assert_int_equal(books_of(who.key_id, DAY).n_requests, 4);
    assert_int_equal(wait_for_keys(5), 5);
}

/* ------------------------------------------------------------- threads, kills */

typedef struct hammer {
    ts_identity who;
    int n_done;
    _Atomic int *n_written;
} hammer;

static void on_written(void *user, const tiefsee_error *err)
{
    if (!err)
        (void)atomic_fetch_add((_Atomic int *)user, 1);
}

static void *hammer_main(void *arg)
{
    hammer *h = arg;
    const ts_usage_tokens tokens = {.n_prompt = 2, .n_completion = 1};

    for (int i = 0; i < 100; i++) {
        ts_grant g;
        tiefsee_error err;
        if (ts_auth_begin(auth, &h->who, i % 2 ? "m" : "n", 2, 8, &g, &err) != 0)
            continue;
        if (i % 3 == 0) {
            ts_usage_commit_then(auth, &g, &tokens, on_written, h->n_written);
            h->n_done++;
        } else {
            h->n_done += ts_usage_commit(auth, &g, &tokens, &err) == TIEFSEE_OK;
        }
        ts_auth_end(auth, &g);
    }
    return NULL;
}

static void many_threads_are_metered_to_the_last_token(void **state)
{
    const ts_identity who = identity_of("k", &(ts_key_limits){.tokens_per_day = 1 << 20});
    _Atomic int n_written = 0;
    pthread_t threads[4];
    hammer hammers[4];
    int n_done = 0;

    (void)state;
    for (size_t i = 0; i < TS_COUNT(threads); i++) {
        hammers[i] = (hammer){.who = who, .n_written = &n_written};
        assert_int_equal(pthread_create(&threads[i], NULL, hammer_main, &hammers[i]), 0);
    }
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ts_auth_reload(auth, NULL), TIEFSEE_OK);
        (void)books_of(who.key_id, DAY);
    }
    for (size_t i = 0; i < TS_COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        n_done += hammers[i].n_done;
    }
    assert_int_equal(n_done, 400);
    assert_int_equal(ts_auth_reload(auth, NULL), TIEFSEE_OK); /* behind all commits */
    assert_int_equal(n_written, 4 * 34);
    const ts_usage_row books = books_of(who.key_id, DAY);
    ts_balance balance;
    ts_auth_balance(auth, &who, &balance);
    assert_int_equal(books.n_requests, 400);
    assert_int_equal(books.tokens.n_prompt, 800);
    assert_int_equal(balance.n_used, 1200);
    assert_int_equal(balance.n_reserved, 0);
}

/* The child says so on the pipe after each commit that was acknowledged. */
static void serve_until_killed(const ts_identity *who, int pipe_end)
{
    const ts_usage_tokens tokens = {.n_prompt = 1, .n_completion = 1};
    ts_auth *mine;

    if (ts_auth_open(&mine, database(), &tested, NULL) != TIEFSEE_OK)
        _exit(1);
    for (;;) {
        ts_grant g;
        if (ts_auth_begin(mine, who, "m", 1, 1, &g, NULL) != 0 ||
            ts_usage_commit(mine, &g, &tokens, NULL) != TIEFSEE_OK || write(pipe_end, "x", 1) != 1)
            _exit(1);
        ts_auth_end(mine, &g);
    }
}

static void kill_9_loses_no_acknowledged_request(void **state)
{
    const ts_identity who = identity_of("k", NULL);
    uint64_t n_acknowledged = 0;
    char bytes[4096];

    (void)state;
    ts_auth_close(auth); /* no threads while we fork */
    auth = NULL;
    for (unsigned round = 0; round < 20; round++) {
        int ends[2], status;
        ssize_t n;

        assert_int_equal(pipe(ends), 0);
        const pid_t child = fork();
        if (child == 0) {
            (void)close(ends[0]);
            serve_until_killed(&who, ends[1]);
        }
        (void)close(ends[1]);
        assert_int_equal(read(ends[0], bytes, 1), 1); /* it works */
        n_acknowledged++;
        (void)usleep(1000 + round * 977 % 20000);
        (void)kill(child, SIGKILL);
        while ((n = read(ends[0], bytes, sizeof bytes)) > 0)
            n_acknowledged += (uint64_t)n;
        (void)close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(ts_auth_open(&auth, database(), &tested, NULL), TIEFSEE_OK);
        const uint64_t n_booked = books_of(who.key_id, DAY).n_requests;
        ts_auth_close(auth);
        auth = NULL;
        assert_true(n_booked >= n_acknowledged);
        assert_true(n_booked <= n_acknowledged + 1); /* in the books, not yet on the pipe */
        n_acknowledged = n_booked;
    }
}

static void what_a_full_disk_refused_is_written_when_there_is_room(void **state)
{
    const ts_identity who = identity_of("k", NULL);
    int status;

    (void)state;
    ts_auth_close(auth);
    auth = NULL;
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit full = {48 << 10, RLIM_INFINITY}, room = {RLIM_INFINITY, RLIM_INFINITY};
        const ts_usage_tokens tokens = {.n_prompt = 1};
        tiefsee_status st = TIEFSEE_OK;
        ts_auth_stats stats;
        uint64_t n = 0;

        (void)signal(SIGXFSZ, SIG_IGN);
        if (ts_auth_open(&auth, database(), &tested, NULL) != TIEFSEE_OK)
            _exit(1);
        (void)setrlimit(RLIMIT_FSIZE, &full);
        for (; n < 1000 && st == TIEFSEE_OK; n++) {
            ts_grant g;
            char model[32];
            (void)snprintf(model, sizeof model, "model-%d", (int)n);
            if (ts_auth_begin(auth, &who, model, 1, 1, &g, NULL) != 0)
                _exit(2);
            st = ts_usage_commit(auth, &g, &tokens, NULL);
            ts_auth_end(auth, &g);
        }
        ts_auth_read_stats(auth, &stats);
        if (st != TIEFSEE_E_IO || stats.n_unwritten != 1)
            _exit(3);
        (void)setrlimit(RLIMIT_FSIZE, &room);
        ts_auth_close(auth); /* tries once more */
        if (ts_auth_open(&auth, database(), &tested, NULL) != TIEFSEE_OK)
            _exit(4);
        _exit(books_of(who.key_id, DAY).n_requests == n ? 0 : 5);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void every_failing_allocation_is_an_error(void **state)
{
    tiefsee_status st = TIEFSEE_E_NOMEM;
    char text[TS_KEY_TEXT_LEN + 1];
    uint64_t at = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "%d", i);
        (void)add(name, TS_SCOPE_CHAT, NULL, text);
    }
    while (st != TIEFSEE_OK) {
        ts_auth *other;
        tiefsee_error err;

        ts_alloc_reset(++at);
        st = ts_auth_open(&other, database(), &tested, &err);
        ts_alloc_reset(0);
        assert_true(st == TIEFSEE_OK || st == TIEFSEE_E_NOMEM);
        ts_auth_close(other);
    }
    assert_true(at > 8);
}

int main(void)
{
#define WITH_AUTH(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_AUTH(a_key_opens_what_its_scopes_name),
        WITH_AUTH(without_a_key_there_is_a_401_that_says_why),
        WITH_AUTH(a_key_of_another_server_is_unknown),
        WITH_AUTH(nobody_may_chat_only_where_that_is_allowed),
        cmocka_unit_test(one_extractor_reads_both_headers),
        WITH_AUTH(a_key_expires_and_is_disabled),
        WITH_AUTH(jobs_at_once_and_contexts_are_limited),
        WITH_AUTH(requests_per_minute_come_at_once_or_spread),
        WITH_AUTH(a_days_quota_is_set_aside_settled_and_never_exceeded),
        WITH_AUTH(a_new_day_begins_at_midnight_utc),
        WITH_AUTH(what_was_used_today_is_known_after_a_restart),
        WITH_AUTH(a_key_deleted_while_it_runs_is_still_metered),
        WITH_AUTH(a_change_by_another_program_is_seen_within_a_second),
        WITH_AUTH(another_process_comes_and_goes_while_requests_are_metered),
        WITH_AUTH(many_threads_are_metered_to_the_last_token),
        WITH_AUTH(kill_9_loses_no_acknowledged_request),
        WITH_AUTH(what_a_full_disk_refused_is_written_when_there_is_room),
        WITH_AUTH(every_failing_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
