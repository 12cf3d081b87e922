/* test_store.c - the database file: schemas, transactions, damage, neighbours. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "server/auth/keys.h"
#include "server/auth/usage.h"
#include "support/scratch.h"

static scratch place;

/* The schemas that were released, frozen here with some content.  Add the last
 * one before you write a step behind it. */
static const char *const released[] = {
    /* 1 */
    "CREATE TABLE api_key (id INTEGER PRIMARY KEY AUTOINCREMENT, public_id TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL, hash BLOB, scopes INTEGER NOT NULL, is_enabled INTEGER NOT NULL DEFAULT"
    " 1, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL DEFAULT 0, deleted_at INTEGER"
    " NOT NULL DEFAULT 0, n_concurrent INTEGER NOT NULL DEFAULT 0, tokens_per_day INTEGER NOT NULL"
    " DEFAULT 0, requests_per_minute INTEGER NOT NULL DEFAULT 0, n_ctx INTEGER NOT NULL DEFAULT 0)"
    " STRICT;"
    "CREATE UNIQUE INDEX api_key_name ON api_key (name) WHERE deleted_at = 0;"
    "CREATE TABLE token_usage (key_id INTEGER NOT NULL, day INTEGER NOT NULL, model TEXT NOT NULL,"
    " n_requests INTEGER NOT NULL, n_prompt INTEGER NOT NULL, n_cached INTEGER NOT NULL,"
    " n_completion INTEGER NOT NULL, n_reasoning INTEGER NOT NULL, PRIMARY KEY (key_id, day,"
    " model)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX token_usage_day ON token_usage (day);"
    "INSERT INTO api_key (public_id, name, hash, scopes, created_at) VALUES ('abcdefgh', 'old',"
    " zeroblob(32), 1, 1000);"
    "INSERT INTO token_usage VALUES (1, 20000, 'm', 3, 30, 10, 6, 2);"
    "PRAGMA user_version = 1; PRAGMA application_id = 1414751589",
    /* 2 */
    "CREATE TABLE api_key (id INTEGER PRIMARY KEY AUTOINCREMENT, public_id TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL, hash BLOB, scopes INTEGER NOT NULL, is_enabled INTEGER NOT NULL DEFAULT"
    " 1, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL DEFAULT 0, deleted_at INTEGER"
    " NOT NULL DEFAULT 0, n_concurrent INTEGER NOT NULL DEFAULT 0, tokens_per_day INTEGER NOT NULL"
    " DEFAULT 0, requests_per_minute INTEGER NOT NULL DEFAULT 0, n_ctx INTEGER NOT NULL DEFAULT 0)"
    " STRICT;"
    "CREATE UNIQUE INDEX api_key_name ON api_key (name) WHERE deleted_at = 0;"
    "CREATE TABLE token_usage (key_id INTEGER NOT NULL, day INTEGER NOT NULL, model TEXT NOT NULL,"
    " n_requests INTEGER NOT NULL, n_prompt INTEGER NOT NULL, n_cached INTEGER NOT NULL,"
    " n_completion INTEGER NOT NULL, n_reasoning INTEGER NOT NULL, PRIMARY KEY (key_id, day,"
    " model)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX token_usage_day ON token_usage (day);"
    "CREATE TABLE app_user ( n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL, role INTEGER NOT NULL, is_disabled INTEGER NOT NULL DEFAULT 0,"
    " is_frozen INTEGER NOT NULL DEFAULT 0, password TEXT, wrapped BLOB NOT NULL, key_id"
    " INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, retention_days INTEGER NOT NULL"
    " DEFAULT 0, notice_seen INTEGER NOT NULL DEFAULT 0, settings BLOB) STRICT;"
    "CREATE UNIQUE INDEX app_user_name ON app_user (name COLLATE NOCASE);"
    "CREATE TABLE app_session ( hash BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, user_n"
    " INTEGER NOT NULL REFERENCES app_user ON DELETE CASCADE, created INTEGER NOT NULL,"
    " last_used INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX app_session_user ON app_session (user_n);"
    "CREATE TABLE app_chat ( n INTEGER PRIMARY KEY AUTOINCREMENT, user_n INTEGER NOT NULL"
    " REFERENCES app_user ON DELETE CASCADE, id TEXT NOT NULL, is_pinned INTEGER NOT NULL,"
    " created INTEGER NOT NULL, updated INTEGER NOT NULL, n_messages INTEGER NOT NULL, sealed"
    " BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX app_chat_id ON app_chat (user_n, id);"
    "CREATE INDEX app_chat_order ON app_chat (user_n, is_pinned, updated, n);"
    "CREATE TABLE app_message ( n INTEGER PRIMARY KEY, chat INTEGER NOT NULL REFERENCES"
    " app_chat ON DELETE CASCADE, id TEXT NOT NULL, is_live INTEGER NOT NULL, sealed BLOB NOT"
    " NULL) STRICT;"
    "CREATE UNIQUE INDEX app_message_id ON app_message (chat, id);"
    "CREATE TABLE app_file ( chat INTEGER NOT NULL REFERENCES app_chat ON DELETE CASCADE, seq"
    " INTEGER NOT NULL, i INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX app_file_place ON app_file (chat, seq, i);"
    "CREATE TABLE app_grams ( chat INTEGER PRIMARY KEY REFERENCES app_chat ON DELETE CASCADE,"
    " user_n INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;"
    "CREATE INDEX app_grams_user ON app_grams (user_n);"
    "CREATE TABLE app_preset ( user_n INTEGER NOT NULL REFERENCES app_user ON DELETE CASCADE,"
    " id TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (user_n, id)) STRICT, WITHOUT"
    " ROWID;"
    "CREATE TABLE app_setting ( name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT"
    " ROWID;"
    "CREATE TABLE app_audit ( seq INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,"
    " actor TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL, result TEXT NOT NULL,"
    " n_tokens INTEGER NOT NULL, mac BLOB NOT NULL) STRICT;"
    "CREATE INDEX app_audit_actor ON app_audit (actor);"
    "INSERT INTO api_key (public_id, name, hash, scopes, created_at) VALUES ('abcdefgh', 'old',"
    " zeroblob(32), 1, 1000);"
    "INSERT INTO token_usage VALUES (1, 20000, 'm', 3, 30, 10, 6, 2);"
    "INSERT INTO app_user (id, name, role, wrapped, created) VALUES ('u', 'anna', 2,"
    " zeroblob(72), 1);"
    "PRAGMA user_version = 2; PRAGMA application_id = 1414751589",
};

static int set_up(void **state)
{
    (void)state;
    scratch_make(&place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&place);
    return 0;
}

static void make_database(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

static int64_t number(ts_store *s, const char *sql)
{
    ts_query q = ts_query_begin(s, sql);
    int64_t v = -1;

    if (ts_query_step(&q))
        v = ts_query_get_i64(&q, 0);
    assert_int_equal(ts_query_end(&q, NULL), TIEFSEE_OK);
    return v;
}

static ts_store *open_store(const char *path)
{
    ts_store *s;
    tiefsee_error err = {0};

    if (ts_store_open(&s, path, NULL, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    return s;
}

static void a_new_file_is_its_owners_and_has_the_schema(void **state)
{
    const char *path = scratch_path(&place, "server.db");
    ts_store *s = open_store(path);
    struct stat info;

    (void)state;
    assert_int_equal(number(s, "PRAGMA user_version"), ts_schema_version);
    assert_int_equal(number(s, "SELECT count(*) FROM api_key"), 0);
    assert_int_equal(ts_store_exec(s, "INSERT INTO token_usage VALUES (1,1,'m',1,1,1,1,1)", NULL),
                     TIEFSEE_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    char wal[400];
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    assert_int_equal(stat(wal, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    ts_store_close(s);
}

static void every_earlier_schema_is_brought_up_with_its_content(void **state)
{
    (void)state;
    assert_true((int)TS_COUNT(released) >= ts_schema_version - 1);
    for (size_t i = 0; i < TS_COUNT(released); i++) {
        char name[32];
        ts_key key = {0};

        (void)snprintf(name, sizeof name, "old-%zu.db", i);
        const char *path = scratch_path(&place, name);
        make_database(path, released[i]);
        ts_store *s = open_store(path);
        assert_int_equal(number(s, "PRAGMA user_version"), ts_schema_version);
        assert_int_equal(ts_keys_find(s, "old", &key, NULL), TIEFSEE_OK);
        assert_int_equal(key.created_at, 1000);
        assert_int_equal(key.last_used_day, 20000);
        assert_int_equal(number(s, "SELECT n_prompt FROM token_usage"), 30);
        ts_store_close(s);
    }
}

static void steps_run_once_and_in_order_from_any_version(void **state)
{
    static const ts_schema_step steps[] = {
        {"CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)"},
        {"ALTER TABLE t ADD COLUMN b INTEGER; UPDATE t SET b = a * 2"},
        {"UPDATE t SET b = b + 1"},
    };

    (void)state;
    for (int from = 0; from <= 3; from++) {
        char name[32];
        ts_store *s;

        (void)snprintf(name, sizeof name, "from-%d.db", from);
        const char *path = scratch_path(&place, name);
        assert_int_equal(ts_store_open_schema(&s, path, NULL, steps, from, NULL), TIEFSEE_OK);
        ts_store_close(s);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(ts_store_open_schema(&s, path, NULL, steps, 3, NULL), TIEFSEE_OK);
            assert_int_equal(number(s, "SELECT b FROM t"), 3);
            ts_store_close(s);
        }
    }
}

static void a_failing_step_leaves_the_file_as_it_was(void **state)
{
    static const ts_schema_step steps[] = {{"CREATE TABLE t (a INTEGER)"},
                                           {"CREATE TABLE u (a INTEGER)"},
                                           {"INSERT INTO nowhere VALUES (1)"}};
    const char *path = scratch_path(&place, "server.db");
    tiefsee_error err;
    ts_store *s;

    (void)state;
    assert_int_equal(ts_store_open_schema(&s, path, NULL, steps, 1, NULL), TIEFSEE_OK);
    ts_store_close(s);
    assert_int_not_equal(ts_store_open_schema(&s, path, NULL, steps, 3, &err), TIEFSEE_OK);
    assert_null(s);
    assert_non_null(strstr(err.message, "schema version 3"));
    assert_int_equal(ts_store_open_schema(&s, path, NULL, steps, 1, NULL), TIEFSEE_OK);
    assert_int_equal(number(s, "SELECT count(*) FROM sqlite_schema WHERE name = 'u'"), 0);
    ts_store_close(s);
}

static void refuses_what_is_newer_foreign_or_damaged(void **state)
{
    const char *newer = scratch_path(&place, "newer.db");
    const char *foreign = scratch_path(&place, "foreign.db");
    const char *text = scratch_path(&place, "text.db");
    tiefsee_error err;
    ts_store *s;

    (void)state;
    ts_store_close(open_store(newer));
    make_database(newer, "PRAGMA user_version = 999");
    assert_int_equal(ts_store_open(&s, newer, NULL, &err), TIEFSEE_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "999"));

    make_database(foreign, "CREATE TABLE notes (text TEXT)");
    assert_int_equal(ts_store_open(&s, foreign, NULL, &err), TIEFSEE_E_FORMAT);
    assert_non_null(strstr(err.message, "another program"));

    FILE *f = fopen(text, "w");
    assert_non_null(f);
    for (int i = 0; i < 200; i++)
        (void)fputs("not a database\n", f);
    (void)fclose(f);
    assert_int_equal(ts_store_open(&s, text, NULL, &err), TIEFSEE_E_FORMAT);

    assert_int_equal(ts_store_open(&s, place.folder, NULL, &err), TIEFSEE_E_IO);
    assert_int_equal(ts_store_open(&s, scratch_path(&place, "no"),
                                   &(ts_store_options){.must_exist = true}, &err),
                     TIEFSEE_E_IO);
    assert_int_equal(err.os_errno, 2);
}

static void a_failed_transaction_leaves_nothing(void **state)
{
    ts_store *s = open_store(scratch_path(&place, "server.db"));
    const ts_usage_tokens tokens = {.n_prompt = 5};
    tiefsee_error err;

    (void)state;
    assert_int_equal(ts_store_begin(s, NULL), TIEFSEE_OK);
    assert_int_equal(ts_usage_add(s, 1, 1, "m", &tokens, NULL), TIEFSEE_OK);
    const tiefsee_status st = ts_fail(&err, TIEFSEE_E_INVALID, "reason");
    assert_int_equal(ts_store_end(s, st, &err), TIEFSEE_E_INVALID);
    assert_string_equal(err.message, "reason");
    assert_int_equal(number(s, "SELECT count(*) FROM token_usage"), 0);
    assert_int_equal(ts_store_begin(s, NULL), TIEFSEE_OK);
    assert_int_equal(ts_store_end(s, TIEFSEE_OK, NULL), TIEFSEE_OK);
    ts_store_close(s);
}

static void waits_for_another_writer_but_not_for_ever(void **state)
{
    const char *path = scratch_path(&place, "server.db");
    const ts_store_options hasty = {.busy_ms = 50};
    ts_store *s = open_store(path), *other;
    tiefsee_error err;

    (void)state;
    assert_int_equal(ts_store_open(&other, path, &hasty, NULL), TIEFSEE_OK);
    assert_int_equal(ts_store_begin(s, NULL), TIEFSEE_OK);
    assert_int_equal(ts_store_begin(other, &err), TIEFSEE_E_IO);
    assert_non_null(strstr(err.message, "locked"));
    /* Readers are not in the way and see what was there before. */
    assert_int_equal(number(other, "SELECT count(*) FROM token_usage"), 0);
    assert_int_equal(ts_store_end(s, TIEFSEE_OK, NULL), TIEFSEE_OK);
    assert_int_equal(ts_store_begin(other, &err), TIEFSEE_OK);
    assert_int_equal(ts_store_end(other, TIEFSEE_OK, NULL), TIEFSEE_OK);
    ts_store_close(s);
    ts_store_close(other);
}

static void *open_and_close(void *path)
{
    ts_store *s = NULL;
    tiefsee_error err;

    if (ts_store_open(&s, path, NULL, &err) != TIEFSEE_OK) {
        (void)fprintf(stderr, "%s\n", err.message);
        return path;
    }
    ts_store_close(s);
    return NULL;
}

static void many_may_make_the_file_at_once(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        char name[32], path[384];
        pthread_t threads[6];

        (void)snprintf(name, sizeof name, "race-%d.db", round);
        (void)snprintf(path, sizeof path, "%s", scratch_path(&place, name));
        for (size_t i = 0; i < TS_COUNT(threads); i++)
            assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, path), 0);
        for (size_t i = 0; i < TS_COUNT(threads); i++) {
            void *failed;
            assert_int_equal(pthread_join(threads[i], &failed), 0);
            assert_null(failed);
        }
    }
}

static void a_full_disk_is_an_error_and_nothing_is_lost(void **state)
{
    const char *path = scratch_path(&place, "server.db");
    const ts_usage_tokens tokens = {.n_prompt = 1};
    int status;

    (void)state;
    ts_store_close(open_store(path));
    const pid_t child = fork();
    if (child == 0) {
        /* Files may not grow beyond 64 KiB: write() says EFBIG as it would ENOSPC. */
        const struct rlimit limit = {64 << 10, 64 << 10};
        tiefsee_status st = TIEFSEE_OK;
        tiefsee_error err;
        int n = 0;

        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        ts_store *s = open_store(path);
        for (; n < 1000 && st == TIEFSEE_OK; n++)
            st = ts_usage_add(s, n, 1, "m", &tokens, &err);
        const bool is_right = st == TIEFSEE_E_IO && n > 1 && n < 1000 &&
                              number(s, "SELECT count(*) FROM token_usage") == n - 1;
        ts_store_close(s);
        _exit(is_right ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    ts_store *s = open_store(path);
    assert_true(number(s, "SELECT count(*) FROM token_usage") > 0);
    ts_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_file_is_its_owners_and_has_the_schema, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_earlier_schema_is_brought_up_with_its_content, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(steps_run_once_and_in_order_from_any_version, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_failing_step_leaves_the_file_as_it_was, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_newer_foreign_or_damaged, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_failed_transaction_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_for_another_writer_but_not_for_ever, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(many_may_make_the_file_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_is_an_error_and_nothing_is_lost, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
