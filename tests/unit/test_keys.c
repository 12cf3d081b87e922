/* test_keys.c - API keys and the books in the store. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/auth/keys.h"
#include "server/auth/usage.h"
#include "support/scratch.h"

static scratch place;
static ts_store *store;

static int set_up(void **state)
{
    (void)state;
    scratch_make(&place);
    return ts_store_open(&store, scratch_path(&place, "server.db"), NULL, NULL) != TIEFSEE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    ts_store_close(store);
    scratch_remove(&place);
    return 0;
}

static ts_key add(const char *name, char text[TS_KEY_TEXT_LEN + 1])
{
    const ts_key_spec spec = {.name = name, .scopes = TS_SCOPE_CHAT};
    ts_key key = {0};
    tiefsee_error err = {0};

    if (ts_keys_add(store, &spec, 1000, &key, text, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    return key;
}

static void a_key_is_found_by_name_id_and_prefix(void **state)
{
    char text[TS_KEY_TEXT_LEN + 1], shown[32];
    const ts_key key = add("laptop", text);
    ts_key found;
    tiefsee_error err;

    (void)state;
    (void)snprintf(shown, sizeof shown, "sk-ts-%s", key.public_id);
    assert_int_equal(strncmp(text, shown, strlen(shown)), 0);
    assert_int_equal(strlen(text), TS_KEY_TEXT_LEN);
    for (int i = 0; i < 3; i++) {
        const char *name = i == 0 ? "laptop" : i == 1 ? key.public_id : shown;
        assert_int_equal(ts_keys_find(store, name, &found, &err), TIEFSEE_OK);
        assert_int_equal(found.id, key.id);
        assert_memory_equal(found.hash, key.hash, sizeof key.hash);
        assert_true(found.is_enabled);
        assert_int_equal(found.last_used_day, -1);
    }
    assert_int_equal(ts_keys_find(store, "lap", &found, &err), TIEFSEE_E_INVALID);
    assert_string_equal(err.message, "no key has the name or id 'lap'");
}

static void every_changed_character_and_length_is_refused_without_a_look_up(void **state)
{
    char text[TS_KEY_TEXT_LEN + 2] = {0}, id[TS_KEY_ID_LEN + 1];
    uint8_t hash[TS_KEY_HASH_LEN];
    const ts_key key = add("k", text);

    (void)state;
    assert_true(ts_key_parse(text, TS_KEY_TEXT_LEN, id, hash));
    assert_string_equal(id, key.public_id);
    assert_memory_equal(hash, key.hash, sizeof hash);
    for (size_t i = 0; i < TS_KEY_TEXT_LEN; i++) {
        const char was = text[i];
        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            assert_int_equal(ts_key_parse(text, TS_KEY_TEXT_LEN, id, hash), (char)c == was);
        }
        text[i] = was;
        assert_false(ts_key_parse(text, i, id, hash));
    }
    assert_false(ts_key_parse(text, TS_KEY_TEXT_LEN + 1, id, hash));
}

static void keys_differ_and_the_file_does_not_hold_them(void **state)
{
    char text[20][TS_KEY_TEXT_LEN + 1], name[16];

    (void)state;
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "key %d", i);
        (void)add(name, text[i]);
        for (int k = 0; k < i; k++)
            assert_int_not_equal(strncmp(text[i] + 14, text[k] + 14, 52), 0);
    }
    ts_store_close(store); /* moves the write-ahead log into the file */
    const char *path = scratch_path(&place, "server.db");
    FILE *f = fopen(path, "rb");
    static char bytes[1 << 20];
    assert_non_null(f);
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    (void)fclose(f);
    for (int i = 0; i < 20; i++)
        assert_null(memmem(bytes, n, text[i] + 14, 52));
    assert_int_equal(ts_store_open(&store, path, NULL, NULL), TIEFSEE_OK);
}

static void refuses_names_scopes_and_limits_by_name(void **state)
{
    char text[TS_KEY_TEXT_LEN + 1], longest[TS_KEY_NAME_MAX + 2];
    const struct {
        ts_key_spec spec;
        const char *message;
    } bad[] = {
        {{.name = "", .scopes = 1}, "the name of the key is empty"},
        {{.name = longest, .scopes = 1}, "the name of the key has 65 bytes (64 allowed)"},
        {{.name = "a\nb", .scopes = 1},
         "the name of the key has a control character or is not UTF-8"},
        {{.name = "a\xff", .scopes = 1},
         "the name of the key has a control character or is not UTF-8"},
        {{.name = " a", .scopes = 1}, "the name of the key begins or ends with a blank"},
        {{.name = "a", .scopes = 0}, "scopes 0 are none that a key can have"},
        {{.name = "a", .scopes = 64}, "scopes 0x40 are none that a key can have"},
        {{.name = "a", .scopes = 1, .expires_at = 999},
         "the key would have expired before it is made"},
        {{.name = "a", .scopes = 1, .limits = {.n_ctx = UINT64_MAX}},
         "a limit of 18446744073709551615 (at most 9007199254740992)"},
        {{.name = "taken", .scopes = 1}, "there is a key named 'taken' already"},
    };

    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[TS_KEY_NAME_MAX + 1] = '\0';
    (void)add("taken", text);
    for (size_t i = 0; i < TS_COUNT(bad); i++) {
        ts_key key;
        tiefsee_error err = {0};

        assert_int_equal(ts_keys_add(store, &bad[i].spec, 1000, &key, text, &err),
                         TIEFSEE_E_INVALID);
        assert_string_equal(err.message, bad[i].message);
        assert_int_equal(text[0], 0);
    }
}

static void scopes_are_words(void **state)
{
    static const char *const bad[] = {"", ",", "chat,", "chat,,admin", "Chat", "chat admin", "all"};
    char text[TS_SCOPES_TEXT];
    unsigned scopes = 99;

    (void)state;
    for (size_t i = 0; i < TS_COUNT(bad); i++)
        assert_false(ts_scopes_parse(bad[i], &scopes));
    assert_int_equal(scopes, 99);
    assert_true(ts_scopes_parse("metrics,chat,chat", &scopes));
    ts_scopes_print(text, scopes);
    assert_string_equal(text, "chat,metrics");
    ts_scopes_print(text, TS_SCOPE_ALL);
    assert_string_equal(text, "chat,admin,metrics");
}

static void changes_reach_one_key_and_a_deleted_one_is_gone(void **state)
{
    char text[TS_KEY_TEXT_LEN + 1];
    const ts_key a = add("a", text), b = add("b", text);
    const ts_key_limits limits = {1, 2, 3, 4};
    ts_key key;

    (void)state;
    assert_int_equal(ts_keys_set_limits(store, a.id, &limits, NULL), TIEFSEE_OK);
    assert_int_equal(ts_keys_enable(store, a.id, false, NULL), TIEFSEE_OK);
    assert_int_equal(ts_keys_set_expiry(store, a.id, 5000, NULL), TIEFSEE_OK);
    assert_int_equal(ts_keys_find(store, "a", &key, NULL), TIEFSEE_OK);
    assert_memory_equal(&key.limits, &limits, sizeof limits);
    assert_false(key.is_enabled);
    assert_int_equal(key.expires_at, 5000);
    assert_int_equal(ts_keys_find(store, "b", &key, NULL), TIEFSEE_OK);
    assert_true(key.is_enabled && key.limits.n_concurrent == 0 && key.expires_at == 0);

    assert_int_equal(ts_keys_delete(store, a.id, 2000, NULL), TIEFSEE_OK);
    assert_int_equal(ts_keys_delete(store, a.id, 2000, NULL), TIEFSEE_E_INVALID);
    assert_int_equal(ts_keys_enable(store, a.id, true, NULL), TIEFSEE_E_INVALID);
    assert_int_equal(ts_keys_find(store, "a", &key, NULL), TIEFSEE_E_INVALID);
    const ts_key again = add("a", text); /* the name is free, the number is not */
    assert_true(again.id > b.id);
}

static bool print_row(void *ctx, const ts_usage_row *r)
{
    char *out = ctx;
    const size_t n = strlen(out);

    (void)snprintf(
        out + n, 1024 - n, "%lld/%lld/%s/%s:%llu,%llu,%llu,%llu,%llu ", (long long)r->day,
        (long long)r->key_id, r->key, r->model, (unsigned long long)r->n_requests,
        (unsigned long long)r->tokens.n_prompt, (unsigned long long)r->tokens.n_cached,
        (unsigned long long)r->tokens.n_completion, (unsigned long long)r->tokens.n_reasoning);
    return true;
}

static void the_books_add_up_over_what_is_not_asked_for(void **state)
{
    char text[TS_KEY_TEXT_LEN + 1];
    const ts_key a = add("a", text);
    const ts_usage_tokens t = {10, 4, 3, 1};
    static const struct {
        ts_usage_query query;
        const char *rows;
    } cases[] = {
        {{.key_id = -1}, "-1/-1//:5,50,20,15,5 "},
        {{.key_id = 1}, "-1/-1//:4,40,16,12,4 "},
        {{.key_id = 0, .by_day = true}, "7/-1//:1,10,4,3,1 "},
        {{.key_id = 7, .by_key = true}, ""},
        {{.key_id = -1, .by_key = true}, "-1/0//:1,10,4,3,1 -1/1/a/:4,40,16,12,4 "},
        {{.key_id = -1, .by_model = true}, "-1/-1//m:4,40,16,12,4 -1/-1//n:1,10,4,3,1 "},
        {{.key_id = -1, .model = "n", .by_day = true}, "6/-1//:1,10,4,3,1 "},
        {{.key_id = -1, .first_day = 6, .n_days = 1, .by_day = true}, "6/-1//:3,30,12,9,3 "},
        {{.key_id = 1, .by_key = true, .by_day = true, .by_model = true},
         "6/1/a/m:2,20,8,6,2 6/1/a/n:1,10,4,3,1 7/1/a/m:1,10,4,3,1 "},
    };

    (void)state;
    assert_int_equal(a.id, 1);
    assert_int_equal(ts_usage_add(store, 1, 6, "m", &t, NULL), TIEFSEE_OK);
    assert_int_equal(ts_usage_add(store, 1, 6, "m", &t, NULL), TIEFSEE_OK);
    assert_int_equal(ts_usage_add(store, 1, 6, "n", &t, NULL), TIEFSEE_OK);
    assert_int_equal(ts_usage_add(store, 1, 7, "m", &t, NULL), TIEFSEE_OK);
    assert_int_equal(ts_usage_add(store, 0, 7, "m", &t, NULL), TIEFSEE_OK);
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        char rows[1024] = "";
        assert_int_equal(ts_usage_read(store, &cases[i].query, print_row, rows, NULL), TIEFSEE_OK);
        assert_string_equal(rows, cases[i].rows);
    }
    ts_key key;
    assert_int_equal(ts_keys_find(store, "a", &key, NULL), TIEFSEE_OK);
    assert_int_equal(key.last_used_day, 7);
    /* The books of a deleted key stay, under its name. */
    assert_int_equal(ts_keys_delete(store, 1, 1, NULL), TIEFSEE_OK);
    char rows[1024] = "";
    assert_int_equal(ts_usage_read(store, &cases[8].query, print_row, rows, NULL), TIEFSEE_OK);
    assert_string_equal(rows, cases[8].rows);
}

static void days_are_dates_in_utc(void **state)
{
    static const char *const bad[] = {"",           "2026-11-2",  "2026-11-241", "2026-02-29",
                                      "2026-13-01", "2026-00-01", "1969-12-31",  "2026/11/24",
                                      "2026-11-00", "x026-11-24"};
    int64_t day = 0;
    char text[11], last[11] = "";

    (void)state;
    assert_int_equal(ts_usage_day(0), 0);
    assert_int_equal(ts_usage_day(86399), 0);
    assert_int_equal(ts_usage_day(86400), 1);
    assert_int_equal(ts_usage_day(-1), -1);
    assert_true(ts_usage_parse_day("2024-02-29", &day));
    assert_int_equal(day, 19782); /* date -u -d 2024-02-29 +%s, over 86400 */
    for (int64_t d = 0; d < 60000; d++) {
        int64_t back = -1;
        ts_usage_print_day(text, d);
        assert_true(strcmp(text, last) > 0);
        assert_true(ts_usage_parse_day(text, &back));
        assert_int_equal(back, d);
        memcpy(last, text, sizeof last);
    }
    for (size_t i = 0; i < TS_COUNT(bad); i++)
        assert_false(ts_usage_parse_day(bad[i], &day));
}

/* SQLite's allocations fail in turn: an error each time, and a store that works
 * afterwards.  (SQLite asks malloc itself, so this goes through its own hook.) */
static sqlite3_mem_methods original;
static int64_t n_allocations, failing_allocation;

static void *allocate(int n)
{
    return ++n_allocations == failing_allocation ? NULL : original.xMalloc(n);
}

static void *reallocate(void *p, int n)
{
    return ++n_allocations == failing_allocation ? NULL : original.xRealloc(p, n);
}

static void any_allocation_may_fail(void **state)
{
    const ts_key_spec spec = {.name = "k", .scopes = TS_SCOPE_CHAT};
    const ts_usage_tokens tokens = {1, 1, 1, 1};
    tiefsee_status st = TIEFSEE_E_NOMEM;
    int64_t n_failures = 0;

    (void)state;
    for (int64_t at = 1; st != TIEFSEE_OK; at += 1 + at / 64) {
        char name[32], text[TS_KEY_TEXT_LEN + 1];
        ts_store *s = NULL;
        ts_key key;
        tiefsee_error err = {0};

        (void)snprintf(name, sizeof name, "torture-%lld.db", (long long)at % 4);
        const char *path = scratch_path(&place, name);
        n_allocations = 0;
        failing_allocation = at;
        st = ts_store_open(&s, path, NULL, &err);
        if (st == TIEFSEE_OK)
            st = ts_keys_add(s, &spec, 1, &key, text, &err);
        if (st == TIEFSEE_OK)
            st = ts_usage_add(s, key.id, 1, "m", &tokens, &err);
        if (st == TIEFSEE_OK)
            st = ts_keys_delete(s, key.id, 1, &err);
        failing_allocation = 0;
        if (st != TIEFSEE_OK) {
            /* Some failures reach us as IO errors: SQLite's shared memory. */
            assert_true(st == TIEFSEE_E_NOMEM || st == TIEFSEE_E_IO);
            assert_true(err.message[0] != '\0');
            n_failures++;
            if (s && ts_keys_find(s, "k", &key, NULL) == TIEFSEE_OK)
                assert_int_equal(ts_keys_delete(s, key.id, 1, NULL), TIEFSEE_OK);
        } else if (n_allocations >= at) {
            st = TIEFSEE_E_NOMEM; /* one that SQLite could do without */
        }
        ts_store_close(s);
        ts_store *after;
        assert_int_equal(ts_store_open(&after, path, NULL, NULL), TIEFSEE_OK);
        ts_store_close(after);
    }
    assert_true(n_failures > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_found_by_name_id_and_prefix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            every_changed_character_and_length_is_refused_without_a_look_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_differ_and_the_file_does_not_hold_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(refuses_names_scopes_and_limits_by_name, set_up, tear_down),
        cmocka_unit_test(scopes_are_words),
        cmocka_unit_test_setup_teardown(changes_reach_one_key_and_a_deleted_one_is_gone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_books_add_up_over_what_is_not_asked_for, set_up,
                                        tear_down),
        cmocka_unit_test(days_are_dates_in_utc),
        cmocka_unit_test_setup_teardown(any_allocation_may_fail, set_up, tear_down),
    };

    (void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &original);
    sqlite3_mem_methods counting = original;
    counting.xMalloc = allocate;
    counting.xRealloc = reallocate;
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &counting);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
