/* test_rights.c - erasing, keeping for a time, freezing, and the audit log, below the routes:
 * a store of its own, and a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/app/accounts.h"
#include "server/app/app.h"
#include "server/app/audit.h"
#include "support/scratch.h"

#define DAY ((int64_t)86400000)

typedef struct fixture {
    scratch place;
    char db[300], key[300], away[300];
    ts_server server;
    ts_app *app;
} fixture;

static void open_app(fixture *f)
{
    const ts_app_options options = {.store_path = f->db, .key_path = f->key};
    tiefsee_error err;

    assert_int_equal(ts_app_open(&f->app, &f->server, &options, &err), TIEFSEE_OK);
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    scratch_make(&f->place);
    (void)snprintf(f->db, sizeof f->db, "%s", scratch_path(&f->place, "db"));
    (void)snprintf(f->key, sizeof f->key, "%s", scratch_path(&f->place, "db.key"));
    (void)snprintf(f->away, sizeof f->away, "%s", scratch_path(&f->place, "db.key.away"));
    f->server.models = ts_models_new();
    assert_non_null(f->server.models);
    open_app(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    ts_app_close(f->app);
    ts_models_free(f->server.models);
    scratch_remove(&f->place);
    free(f);
    return 0;
}

static ts_person me(fixture *f)
{
    ts_person p;

    assert_true(ts_people_by_n(f->app->people, f->app->local_n, &p));
    return p;
}

static void add_chat(fixture *f, const char *id, int64_t updated)
{
    const ts_person p = me(f);
    const ts_owner o = ts_person_owner(&p);
    ts_dialog c = {.created = updated, .updated = updated, .meta = ts_buf_make(1000)};
    ts_chat_message m = {.id = "message-1", .json = ts_str_of("{\"content\":\"hello\"}")};
    tiefsee_error err;
    bool is_new;

    (void)snprintf(c.id, sizeof c.id, "%s", id);
    assert_true(ts_buf_append_str(&c.meta, "{}"));
    ts_lock_take(f->app->store_lock);
    assert_int_equal(ts_chats_create(f->app->store, &o, &c, &is_new, &err), TIEFSEE_OK);
    assert_int_equal(ts_chats_put(f->app->store, &o, &c, &m, &err), TIEFSEE_OK);
    ts_lock_give(f->app->store_lock);
    ts_chat_free(&c);
}

static bool has_chat(fixture *f, const char *id)
{
    const ts_person p = me(f);
    const ts_owner o = ts_person_owner(&p);
    tiefsee_error err;
    ts_dialog c;

    ts_lock_take(f->app->store_lock);
    assert_int_equal(ts_chats_find(f->app->store, &o, id, &c, &err), TIEFSEE_OK);
    ts_lock_give(f->app->store_lock);
    ts_chat_free(&c);
    return c.n != 0;
}

static void change(fixture *f, int64_t days, bool is_frozen)
{
    ts_person p = me(f);
    tiefsee_error err;

    p.retention_days = days;
    p.is_frozen = is_frozen;
    ts_lock_take(f->app->store_lock);
    assert_int_equal(ts_people_change(f->app->people, f->app->store, &p, &err), TIEFSEE_OK);
    ts_lock_give(f->app->store_lock);
}

static void set_most(fixture *f, int64_t days)
{
    json_t *changes = json_pack("{s:I}", "retention_days_max", (json_int_t)days);
    tiefsee_error err;
    ts_wrong wrong;

    ts_lock_take(f->app->store_lock);
    assert_int_equal(ts_accounts_change_settings(f->app, changes, &wrong, &err), TIEFSEE_OK);
    ts_lock_give(f->app->store_lock);
    json_decref(changes);
}

static void tidy(fixture *f, int64_t now)
{
    ts_lock_take(f->app->store_lock);
    ts_accounts_tidy(f->app, now, true);
    ts_lock_give(f->app->store_lock);
}

static void keeps_chats_as_long_as_their_owner_or_the_server_says(void **state)
{
    fixture *f = *state;
    const int64_t now = ts_app_now();

    add_chat(f, "of-today", now);
    add_chat(f, "a-week-old", now - 7 * DAY);
    tidy(f, now + 4000 * DAY); /* no time was set */
    assert_true(has_chat(f, "a-week-old"));
    change(f, 10, false);
    tidy(f, now + 2 * DAY);
    assert_true(has_chat(f, "a-week-old"));
    tidy(f, now + 4 * DAY);
    assert_false(has_chat(f, "a-week-old"));
    assert_true(has_chat(f, "of-today"));
    set_most(f, 5); /* the server's limit is above what a user wishes */
    tidy(f, now + 4 * DAY);
    assert_true(has_chat(f, "of-today"));
    tidy(f, now + 6 * DAY);
    assert_false(has_chat(f, "of-today"));
}

static void leaves_what_is_frozen(void **state)
{
    fixture *f = *state;
    const int64_t now = ts_app_now();

    add_chat(f, "frozen-one", now);
    change(f, 1, true);
    tidy(f, now + 100 * DAY);
    assert_true(has_chat(f, "frozen-one"));
    change(f, 1, false);
    tidy(f, now + 100 * DAY);
    assert_false(has_chat(f, "frozen-one"));
}

static void read_key(fixture *f, uint8_t out[64])
{
    FILE *file = fopen(f->key, "rb");

    assert_non_null(file);
    assert_int_equal(fread(out, 1, 64, file), 64);
    (void)fclose(file);
}

static bool erase_me(fixture *f)
{
    ts_person p = me(f);
    tiefsee_error err = {0};

    ts_lock_take(f->app->store_lock);
    json_t *done = ts_accounts_erase(f->app, &p, TS_ERASE_ACCOUNT, 0, 0, "erased", &err);
    ts_lock_give(f->app->store_lock);
    json_decref(done);
    return done != NULL;
}

static void an_erasure_that_a_fault_cut_off_is_finished_later(void **state)
{
    fixture *f = *state;
    const int64_t before = f->app->local_n;
    uint8_t old[64], new[64];

    add_chat(f, "to-be-erased", ts_app_now());
    read_key(f, old);
    assert_int_equal(rename(f->key, f->away), 0); /* the master cannot be turned */
    assert_false(erase_me(f));
    assert_int_not_equal(f->app->local_n, before); /* and yet there is somebody new */
    assert_false(has_chat(f, "to-be-erased"));
    assert_int_equal(rename(f->away, f->key), 0);
    tidy(f, ts_app_now());
    read_key(f, new);
    assert_memory_not_equal(old, new, 32);
    read_key(f, old);
    tidy(f, ts_app_now()); /* once */
    read_key(f, new);
    assert_memory_equal(old, new, 64);
    add_chat(f, "of-the-next", ts_app_now());
    ts_app_close(f->app);
    open_app(f);
    assert_true(has_chat(f, "of-the-next"));
}

static void an_erasure_that_an_end_cut_off_is_finished_at_the_start(void **state)
{
    fixture *f = *state;
    uint8_t old[64], new[64];

    read_key(f, old);
    assert_int_equal(rename(f->key, f->away), 0);
    assert_false(erase_me(f));
    ts_app_close(f->app);
    assert_int_equal(rename(f->away, f->key), 0);
    open_app(f);
    read_key(f, new);
    assert_memory_not_equal(old, new, 32);
}

/* ---- the audit log */

static void note(fixture *f, const char *action)
{
    ts_lock_take(f->app->store_lock);
    ts_audit(f->app, "actor", action, "object", "ok");
    ts_lock_give(f->app->store_lock);
}

static bool is_intact(fixture *f)
{
    ts_lock_take(f->app->store_lock);
    const bool is_good = ts_audit_is_intact(f->app);
    ts_lock_give(f->app->store_lock);
    return is_good;
}

static void change_log(fixture *f, const char *sql)
{
    tiefsee_error err;

    ts_lock_take(f->app->store_lock);
    if (ts_store_exec(f->app->store, sql, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    ts_lock_give(f->app->store_lock);
}

/* An entry as servers without a key made them, behind one with this check. */
static void add_old(fixture *f, uint8_t mac[32])
{
    static const char *const parts[] = {"actor", "login", "object", "ok"};
    const int64_t time = 1764000000000;
    crypto_generichash_state h;
    char hex[65], sql[400];

    (void)crypto_generichash_init(&h, NULL, 0, 32);
    (void)crypto_generichash_update(&h, mac, 32);
    (void)crypto_generichash_update(&h, (const uint8_t *)&time, sizeof time);
    for (size_t i = 0; i < 4; i++) {
        const uint64_t n = strlen(parts[i]);
        (void)crypto_generichash_update(&h, (const uint8_t *)&n, sizeof n);
        (void)crypto_generichash_update(&h, (const uint8_t *)parts[i], n);
    }
    (void)crypto_generichash_final(&h, mac, 32);
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO app_audit (time, actor, action, object, result, n_tokens, mac)"
                   " VALUES (%lld, 'actor', 'login', 'object', 'ok', 0, x'%s')",
                   (long long)time, sodium_bin2hex(hex, sizeof hex, mac, 32));
    change_log(f, sql);
}

static void a_changed_or_missing_entry_breaks_the_chain(void **state)
{
    fixture *f = *state;

    note(f, "first");
    note(f, "second");
    note(f, "third");
    assert_true(is_intact(f));
    change_log(f, "UPDATE app_audit SET action = 'other' WHERE action = 'second'");
    assert_false(is_intact(f));
    change_log(f, "UPDATE app_audit SET action = 'second' WHERE action = 'other'");
    assert_true(is_intact(f));
    change_log(f, "DELETE FROM app_audit WHERE action = 'second'");
    assert_false(is_intact(f));
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

static tiefsee_status prune(fixture *f, int64_t oldest, int64_t n_most)
{
    tiefsee_error err;

    ts_lock_take(f->app->store_lock);
    const tiefsee_status st = ts_audit_prune(f->app, oldest, n_most, &err);
    ts_lock_give(f->app->store_lock);
    return st;
}

static void what_is_old_or_too_much_goes_and_the_chain_goes_on(void **state)
{
    fixture *f = *state;

    for (int i = 0; i < 30; i++)
        note(f, "entry");
    const int64_t n = count_entries(f);
    assert_int_equal(prune(f, 0, 1000), TIEFSEE_OK);
    assert_int_equal(count_entries(f), n);
    assert_int_equal(prune(f, 0, 10), TIEFSEE_OK);
    assert_int_equal(count_entries(f), 11); /* and the one that says so */
    assert_true(is_intact(f));
    change_log(f, "UPDATE app_audit SET time = 1000 WHERE seq < 26"); /* would be old */
    assert_false(is_intact(f));
    assert_int_equal(prune(f, 2000, 1000), TIEFSEE_E_FORMAT); /* nothing is tidied away */
    assert_int_equal(count_entries(f), 11);
}

static void all_of_it_may_be_old(void **state)
{
    fixture *f = *state;

    note(f, "first");
    note(f, "second");
    assert_int_equal(prune(f, INT64_MAX, 1000), TIEFSEE_OK);
    assert_int_equal(count_entries(f), 1);
    assert_true(is_intact(f));
    note(f, "third");
    assert_int_equal(prune(f, INT64_MAX, 1000), TIEFSEE_OK);
    ts_app_close(f->app);
    open_app(f);
    note(f, "fourth");
    assert_true(is_intact(f));
    assert_int_equal(count_entries(f), 2);
}

static void an_anchor_is_not_to_be_made_without_the_key(void **state)
{
    fixture *f = *state;

    note(f, "first");
    note(f, "second");
    note(f, "third");
    assert_int_equal(prune(f, 0, 2), TIEFSEE_OK);
    assert_true(is_intact(f));
    change_log(f, "UPDATE app_setting SET value = substr(value, 1, length(value) - 1) ||"
                  " CASE substr(value, -1) WHEN '0' THEN '1' ELSE '0' END WHERE name ="
                  " 'audit_anchor'");
    assert_false(is_intact(f));
    change_log(f, "DELETE FROM app_setting WHERE name = 'audit_anchor'");
    assert_false(is_intact(f));
    change_log(f, "INSERT INTO app_setting VALUES ('audit_anchor', '1')");
    assert_false(is_intact(f));
}

static void a_chain_made_without_the_key_is_none(void **state)
{
    fixture *f = *state;
    uint8_t mac[32] = {0};

    note(f, "what shall be forgotten");
    change_log(f, "DELETE FROM app_audit");
    add_old(f, mac);
    add_old(f, mac);
    assert_false(is_intact(f));
    change_log(f, "DELETE FROM app_setting WHERE name = 'audit_from'");
    ts_app_close(f->app);
    open_app(f);
    assert_false(is_intact(f));
    change_log(f, "INSERT INTO app_setting VALUES ('audit_from', '99 00')");
    ts_app_close(f->app);
    open_app(f);
    assert_false(is_intact(f));
}

static void a_log_from_before_there_was_a_key_goes_on(void **state)
{
    fixture *f = *state;
    uint8_t mac[32] = {0};

    change_log(f, "DELETE FROM app_audit; DELETE FROM app_setting");
    add_old(f, mac);
    add_old(f, mac);
    ts_app_close(f->app);
    assert_int_equal(unlink(scratch_path(&f->place, "db.key.audit")), 0);
    open_app(f);
    assert_true(is_intact(f));
    note(f, "new");
    assert_true(is_intact(f));
    ts_app_close(f->app);
    open_app(f);
    assert_true(is_intact(f));
    change_log(f, "UPDATE app_audit SET action = 'x' WHERE action = 'new'");
    assert_false(is_intact(f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(keeps_chats_as_long_as_their_owner_or_the_server_says),
        TEST(leaves_what_is_frozen),
        TEST(an_erasure_that_a_fault_cut_off_is_finished_later),
        TEST(an_erasure_that_an_end_cut_off_is_finished_at_the_start),
        TEST(a_changed_or_missing_entry_breaks_the_chain),
        TEST(what_is_old_or_too_much_goes_and_the_chain_goes_on),
        TEST(all_of_it_may_be_old),
        TEST(an_anchor_is_not_to_be_made_without_the_key),
        TEST(a_chain_made_without_the_key_is_none),
        TEST(a_log_from_before_there_was_a_key_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
