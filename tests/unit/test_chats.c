/* test_chats.c - conversations, people and search in the store: sealed, apart, erasable. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/rng.h"
#include "server/app/people.h"
#include "server/app/search.h"
#include "support/scratch.h"

#define MARK "Quittenbrot"

static scratch place;
static ts_store *store;
static ts_people *people;
static ts_search *search;
static tiefsee_error err;

#define GOOD(call)                                  \
    do {                                            \
        if ((call) != TIEFSEE_OK)                   \
            fail_msg("%s: %s", #call, err.message); \
    } while (0)

static void open_all(void)
{
    GOOD(ts_store_open(&store, scratch_path(&place, "server.db"), NULL, &err));
    GOOD(ts_people_open(&people, store, scratch_path(&place, "master.key"), (ts_str){0}, &err));
    search = ts_search_new();
    assert_non_null(search);
}

static void close_all(void)
{
    ts_search_free(search);
    ts_people_close(people);
    ts_store_close(store);
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&place);
    open_all();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close_all();
    scratch_remove(&place);
    return 0;
}

static ts_person add_person(const char *name)
{
    ts_person p = {.role = TS_ROLE_MEMBER, .created = 1000};

    (void)snprintf(p.name, sizeof p.name, "%s", name);
    GOOD(ts_people_add(people, store, &p, NULL, &err));
    return p;
}

static ts_dialog make_chat(const ts_owner *o, const char *id, const char *title, int64_t updated)
{
    ts_dialog c = {.created = 1, .updated = updated, .meta = ts_buf_make(1 << 16)};
    bool is_new;

    (void)snprintf(c.id, sizeof c.id, "%s", id);
    assert_true(ts_buf_append_str(&c.meta, "{\"title\": \""));
    assert_true(ts_buf_append_str(&c.meta, title));
    assert_true(ts_buf_append_str(&c.meta, "\"}"));
    GOOD(ts_store_begin(store, &err));
    GOOD(ts_chats_create(store, o, &c, &is_new, &err));
    assert_true(is_new);
    GOOD(ts_search_add(search, store, o, &c, ts_str_of(title), &err));
    GOOD(ts_store_end(store, TIEFSEE_OK, &err));
    return c;
}

static ts_chat_message put(const ts_owner *o, ts_dialog *c, const char *id, const char *content)
{
    char json[4096];
    ts_chat_message m = {0};

    (void)snprintf(m.id, sizeof m.id, "%s", id);
    const int n = snprintf(json, sizeof json, "{\"id\": \"%s\", \"content\": \"%s\"}", id, content);
    m.json = (ts_str){json, (size_t)n};
    GOOD(ts_store_begin(store, &err));
    GOOD(ts_chats_put(store, o, c, &m, &err));
    GOOD(ts_search_add_message(search, store, o, c, m.json, &err));
    GOOD(ts_store_end(store, TIEFSEE_OK, &err));
    m.json = (ts_str){0};
    return m;
}

/* In any file of the folder? */
static bool disk_has(const void *bytes, size_t n)
{
    static const char *const names[] = {"server.db", "server.db-wal", "server.db-shm",
                                        "master.key"};
    bool is_there = false;

    for (size_t i = 0; i < 4; i++) {
        const char *path = scratch_path(&place, names[i]);
        ts_buf b = ts_buf_make(0);
        if (ts_file_exists(path)) {
            GOOD(ts_file_read(&b, path, 64 << 20, &err));
            is_there = is_there || (b.len && memmem(b.ptr, b.len, bytes, n));
        }
        ts_buf_free(&b);
    }
    return is_there;
}

static bool collect(void *ctx, const ts_chat_message *m)
{
    (void)strncat(ctx, m->id, 40);
    (void)strncat(ctx, " ", 2);
    return true;
}

static void what_was_said_comes_back_and_is_nowhere_in_clear(void **state)
{
    const ts_person anna = add_person("anna");
    const ts_owner o = ts_person_owner(&anna);
    ts_dialog c = make_chat(&o, "chat-0001", MARK " title", 5), found;
    ts_chat_message m = put(&o, &c, "message-1", MARK " says the user"), got;
    ts_buf text = ts_buf_make(1 << 20);
    char ids[256] = "";
    bool is_there;

    (void)state;
    (void)put(&o, &c, "message-2", "und die Antwort");
    GOOD(ts_chats_put_file(store, &o, &c, m.seq, 0, TS_STR(MARK " in a file"), &err));
    close_all();
    open_all();
    GOOD(ts_chats_find(store, &o, "chat-0001", &found, &err));
    assert_int_equal(found.n_messages, 2);
    assert_string_equal(found.meta.ptr, "{\"title\": \"" MARK " title\"}");
    GOOD(ts_chats_read(store, &o, &found, collect, ids, &err));
    assert_string_equal(ids, "message-1 message-2 ");
    GOOD(ts_chats_find_message(store, &o, &found, "message-1", &got, &text, &err));
    assert_non_null(strstr(got.json.ptr, MARK " says the user"));
    GOOD(ts_chats_find_file(store, &o, &found, m.seq, 0, &text, &is_there, &err));
    assert_true(is_there);
    assert_string_equal(text.ptr, MARK " in a file");
    assert_false(disk_has(MARK, strlen(MARK)));
    assert_false(disk_has(anna.key, sizeof anna.key));
    ts_buf_free(&text);
    ts_chat_free(&c);
    ts_chat_free(&found);
}

static void another_user_finds_nothing_and_opens_nothing(void **state)
{
    const ts_person anna = add_person("anna"), bert = add_person("bert");
    const ts_owner a = ts_person_owner(&anna), b = ts_person_owner(&bert);
    ts_dialog c = make_chat(&a, "chat-0001", "hers", 5), found;
    ts_buf text = ts_buf_make(1 << 20);
    ts_chat_message m = put(&a, &c, "message-1", "secret"), got;
    /* Even a thief who is let at her rows has the wrong key for them. */
    const ts_owner thief = {.id = anna.n, .key = bert.key};

    (void)state;
    GOOD(ts_chats_find(store, &b, "chat-0001", &found, &err));
    assert_int_equal(found.n, 0);
    ts_chat_free(&found);
    assert_int_equal(ts_chats_find(store, &thief, "chat-0001", &found, &err), TIEFSEE_E_FORMAT);
    ts_chat_free(&found);
    assert_int_equal(ts_chats_find_message(store, &b, &c, "message-1", &got, &text, &err),
                     TIEFSEE_E_FORMAT);
    /* The same id is free for him. */
    ts_dialog his = make_chat(&b, "chat-0001", "his", 6);
    assert_int_not_equal(his.n, c.n);
    (void)m;
    ts_buf_free(&text);
    ts_chat_free(&c);
    ts_chat_free(&his);
}

static void a_row_that_was_moved_or_changed_does_not_open(void **state)
{
    const ts_person anna = add_person("anna");
    const ts_owner o = ts_person_owner(&anna);
    ts_dialog c = make_chat(&o, "chat-0001", "t", 5);
    ts_buf text = ts_buf_make(1 << 20);
    ts_chat_message got;

    (void)state;
    (void)put(&o, &c, "message-1", "first");
    (void)put(&o, &c, "message-2", "second");
    GOOD(ts_store_exec(store,
                       "UPDATE app_message SET sealed = (SELECT sealed FROM app_message WHERE"
                       " id = 'message-1') WHERE id = 'message-2'",
                       &err));
    GOOD(ts_chats_find_message(store, &o, &c, "message-1", &got, &text, &err));
    assert_int_equal(ts_chats_find_message(store, &o, &c, "message-2", &got, &text, &err),
                     TIEFSEE_E_FORMAT);
    GOOD(ts_store_exec(store, "UPDATE app_message SET sealed = substr(sealed, 1, 30)", &err));
    assert_int_equal(ts_chats_find_message(store, &o, &c, "message-1", &got, &text, &err),
                     TIEFSEE_E_FORMAT);
    ts_buf_free(&text);
    ts_chat_free(&c);
}

static bool list_ids(void *ctx, const ts_dialog *c)
{
    (void)strncat(ctx, c->id, 40);
    (void)strncat(ctx, " ", 2);
    return true;
}

static void the_list_has_pinned_ones_first_then_new_ones_and_goes_on_where_it_stopped(void **state)
{
    const ts_person anna = add_person("anna");
    const ts_owner o = ts_person_owner(&anna);
    char all[512] = "", rest[512] = "";
    ts_dialog second = {0};

    (void)state;
    for (int i = 0; i < 5; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "chat-000%d", i);
        ts_dialog c = make_chat(&o, id, "t", i == 3 ? 1 : 10 + i);
        if (i == 1) {
            c.is_pinned = true;
            GOOD(ts_chats_save(store, &o, &c, &err));
        }
        if (i == 4)
            second = c;
        ts_chat_free(&c);
    }
    GOOD(ts_chats_list(store, &o, NULL, list_ids, all, &err));
    assert_string_equal(all, "chat-0001 chat-0004 chat-0002 chat-0000 chat-0003 ");
    GOOD(ts_chats_list(store, &o, &second, list_ids, rest, &err));
    assert_string_equal(rest, "chat-0002 chat-0000 chat-0003 ");
}

static bool hit_id(void *ctx, const ts_hit *hit)
{
    (void)strncat(ctx, hit->chat->id, 40);
    (void)strncat(ctx, "/", 2);
    (void)strncat(ctx, hit->message, 40);
    (void)strncat(ctx, " ", 2);
    return true;
}

static const char *hits(const ts_owner *o, const char *query)
{
    static char out[1024];
    ts_dialog stopped;
    const ts_search_query q = {.text = ts_str_of(query), .budget_s = 60};

    out[0] = '\0';
    GOOD(ts_search_run(search, store, o, &q, hit_id, out, &stopped, &err));
    return out;
}

static void search_finds_beginnings_of_words_in_any_case_and_script(void **state)
{
    const ts_person anna = add_person("anna"), bert = add_person("bert");
    const ts_owner o = ts_person_owner(&anna), b = ts_person_owner(&bert);
    ts_dialog c = make_chat(&o, "chat-0001", "Über Züge", 5);
    ts_dialog d = make_chat(&o, "chat-0002", "other", 4);

    (void)state;
    (void)put(&o, &c, "message-1", "Der ICE hat Verspätung: \\\"60 Minuten\\\"");
    (void)put(&o, &d, "message-2", "深度求索是一家公司。");
    for (int again = 0; again < 2; again++) {
        assert_string_equal(hits(&o, "VERSPÄTUNG"), "chat-0001/message-1 ");
        assert_string_equal(hits(&o, "minuten verspät"), "chat-0001/message-1 ");
        assert_string_equal(hits(&o, "spätung"), "");
        assert_string_equal(hits(&o, "verspätung: 60"), "chat-0001/message-1 ");
        assert_string_equal(hits(&o, "verspätung firma"), "");
        assert_string_equal(hits(&o, "公司 深度"), "chat-0002/message-2 ");
        assert_string_equal(hits(&o, "60"), "chat-0001/message-1 ");
        assert_string_equal(hits(&o, "züge"), "chat-0001/ ");
        assert_string_equal(hits(&o, "求索"), "chat-0002/message-2 ");
        assert_string_equal(hits(&o, "索"), "chat-0002/message-2 ");
        assert_string_equal(hits(&o, "索求"), "");
        assert_string_equal(hits(&o, "verfrühung"), "");
        assert_string_equal(hits(&o, "  "), "");
        assert_string_equal(hits(&b, "verspätung"), "");
        ts_search_free(search); /* once more from the store */
        search = ts_search_new();
    }
    GOOD(ts_chats_delete(store, &o, &d, &err));
    ts_search_forget(search, o.id, d.n);
    assert_string_equal(hits(&o, "求索"), "");
    ts_chat_free(&c);
    ts_chat_free(&d);
}

static void a_filter_never_misses_a_part_of_its_text(void **state)
{
    static const char *const pieces[] = {"a", "B", "ö",  "9", " ", ". ", "深", "求",
                                         "é", "Ж", "zz", "_", "ก", "\n", "ß",  "q"};
    ts_rng rng;
    ts_grams g = ts_grams_make();
    size_t n_false = 0, n_asked = 0;

    (void)state;
    ts_rng_seed(&rng, 7);
    for (int round = 0; round < 300; round++) {
        ts_buf text = ts_buf_make(1 << 20);
        const int n = 1 + (int)(ts_rng_u64(&rng) % 200);
        size_t borders[256], n_borders = 0;

        for (int i = 0; i < n; i++) {
            borders[n_borders++] = text.len;
            assert_true(ts_buf_append_str(&text, pieces[ts_rng_u64(&rng) % 16]));
        }
        borders[n_borders++] = text.len;
        ts_buf_clear(&g.bytes);
        assert_true(ts_grams_add(&g, (ts_str){text.ptr, text.len}));
        for (int i = 0; i < 50; i++) {
            const size_t a = ts_rng_u64(&rng) % n_borders, b = ts_rng_u64(&rng) % n_borders;
            size_t from = borders[a < b ? a : b], to = borders[a < b ? b : a];
            ts_grams_query q;

            while (from > 0 && from < to && text.ptr[from - 1] != ' ')
                from++;

            ts_grams_ask(&q, (ts_str){text.ptr + from, to - from});
            assert_true(ts_grams_may_contain((ts_str){g.bytes.ptr, g.bytes.len}, &q));
        }
        for (int i = 0; i < 50; i++) {
            char word[16];
            ts_grams_query q;
            for (int k = 0; k < 3; k++)
                word[k] = (char)('c' + ts_rng_u64(&rng) % 12);
            ts_grams_ask(&q, (ts_str){word, 3});
            n_false += ts_grams_may_contain((ts_str){g.bytes.ptr, g.bytes.len}, &q);
            n_asked++;
        }
        ts_buf_free(&text);
    }
    assert_true(n_false * 50 < n_asked);
    ts_grams_free(&g);
}

static void an_erased_user_is_gone_from_the_files_and_a_copy_does_not_open(void **state)
{
    ts_person anna = add_person("anna"), bert = add_person("bert"), got;
    const ts_owner a = ts_person_owner(&anna), b = ts_person_owner(&bert);
    ts_dialog c = make_chat(&a, "chat-anna-1", "t", 5), d = make_chat(&b, "chat-bert-1", "t", 5);
    ts_chat_message m = put(&a, &c, "message-1", "text"), got_message;
    ts_buf sealed = ts_buf_make(1 << 20), wrapped = ts_buf_make(1 << 10);
    ts_vault vault;
    uint8_t key[TS_VAULT_KEY];

    (void)state;
    (void)m;
    (void)put(&b, &d, "message-2", "his");
    ts_query q = ts_query_begin(store, "SELECT sealed FROM app_message WHERE chat = ?");
    ts_query_i64(&q, c.n);
    assert_true(ts_query_step(&q));
    const ts_str blob = ts_query_get_blob(&q, 0);
    assert_true(ts_buf_append(&sealed, blob.ptr, blob.len));
    GOOD(ts_query_end(&q, &err));
    ts_query w = ts_query_begin(store, "SELECT wrapped FROM app_user WHERE name = 'anna'");
    assert_true(ts_query_step(&w));
    const ts_str copy = ts_query_get_blob(&w, 0);
    assert_true(ts_buf_append(&wrapped, copy.ptr, copy.len));
    GOOD(ts_query_end(&w, &err));
    assert_true(disk_has(sealed.ptr, sealed.len));

    GOOD(ts_people_erase(people, store, anna.n, &err));
    GOOD(ts_store_compact(store, &err));
    assert_false(disk_has(sealed.ptr, sealed.len));
    assert_false(disk_has(wrapped.ptr, wrapped.len));
    assert_false(disk_has("chat-anna-1", 11));
    assert_false(disk_has("anna", 4));
    assert_false(ts_people_by_name(people, "anna", &got));
    close_all();
    open_all();
    GOOD(ts_vault_open(&vault, scratch_path(&place, "master.key"), (ts_str){0}, &err));
    assert_false(vault.has_earlier);
    assert_false(
        ts_vault_unwrap(&vault, ts_str_of(anna.id), (ts_str){wrapped.ptr, wrapped.len}, key));
    ts_vault_close(&vault);
    /* The others go on. */
    assert_true(ts_people_by_name(people, "BERT", &got));
    assert_memory_equal(got.key, bert.key, sizeof got.key);
    ts_buf_clear(&sealed);
    GOOD(ts_chats_find_message(store, &b, &d, "message-2", &got_message, &sealed, &err));
    ts_buf_free(&sealed);
    ts_buf_free(&wrapped);
    ts_chat_free(&c);
    ts_chat_free(&d);
}

static void a_turn_of_the_master_that_was_cut_off_is_finished(void **state)
{
    const ts_person anna = add_person("anna");
    ts_person got;
    ts_vault vault;

    (void)state;
    close_all();
    GOOD(ts_vault_open(&vault, scratch_path(&place, "master.key"), (ts_str){0}, &err));
    GOOD(ts_vault_begin_turn(&vault, &err));
    ts_vault_close(&vault);
    for (int i = 0; i < 2; i++) {
        open_all();
        assert_true(ts_people_by_name(people, "anna", &got));
        assert_memory_equal(got.key, anna.key, sizeof got.key);
        close_all();
        GOOD(ts_vault_open(&vault, scratch_path(&place, "master.key"), (ts_str){0}, &err));
        assert_false(vault.has_earlier);
        ts_vault_close(&vault);
    }
    open_all();
}

static void run_sql(const char *sql)
{
    ts_query q = ts_query_begin(store, sql);

    (void)ts_query_step(&q);
    GOOD(ts_query_end(&q, &err));
}

static void an_erasure_that_the_disk_cut_off_is_finished_by_the_next(void **state)
{
    const ts_person anna = add_person("anna"), bert = add_person("bert"), carl = add_person("carl");
    ts_person got;
    ts_vault vault;

    (void)state;
    run_sql("CREATE TRIGGER refuse BEFORE UPDATE OF wrapped ON app_user"
            " BEGIN SELECT RAISE(ABORT, 'full'); END");
    assert_int_not_equal(ts_people_erase(people, store, anna.n, &err), TIEFSEE_OK);
    assert_int_not_equal(ts_people_erase(people, store, bert.n, &err), TIEFSEE_OK);
    assert_true(ts_people_by_name(people, "bert", &got));
    run_sql("DROP TRIGGER refuse");
    GOOD(ts_people_erase(people, store, bert.n, &err));
    close_all();
    GOOD(ts_vault_open(&vault, scratch_path(&place, "master.key"), (ts_str){0}, &err));
    assert_false(vault.has_earlier);
    ts_vault_close(&vault);
    open_all();
    assert_int_equal(ts_people_count(people), 1);
    assert_true(ts_people_by_name(people, "carl", &got));
    assert_memory_equal(got.key, carl.key, sizeof got.key);
}

static void a_secret_seals_the_key_file_and_what_was_plain(void **state)
{
    static const ts_str secret = {"correct horse battery", 21},
                        wrong = {"correct horse batterx", 21};
    const char *path = scratch_path(&place, "sealed.key");
    uint8_t bytes[256], master[TS_VAULT_KEY];
    ts_vault vault;

    (void)state;
    GOOD(ts_vault_open(&vault, path, (ts_str){0}, &err));
    memcpy(master, vault.master, sizeof master);
    ts_vault_close(&vault);
    GOOD(ts_vault_open(&vault, path, secret, &err)); /* sealed when it is first opened with one */
    assert_true(vault.is_sealed);
    assert_memory_equal(vault.master, master, sizeof master);
    ts_vault_close(&vault);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(bytes, 1, sizeof bytes, f), 128);
    (void)fclose(f);
    for (size_t i = 0; i + 8 <= 128; i++)
        assert_memory_not_equal(bytes + i, master, 8);
    assert_int_equal(ts_vault_open(&vault, path, (ts_str){0}, &err), TIEFSEE_E_FORMAT);
    assert_non_null(strstr(err.message, "--key-secret"));
    assert_int_equal(ts_vault_open(&vault, path, wrong, &err), TIEFSEE_E_FORMAT);
    assert_non_null(strstr(err.message, "does not open"));
    /* It is turned in its seal. */
    GOOD(ts_vault_open(&vault, path, secret, &err));
    assert_memory_equal(vault.master, master, sizeof master);
    GOOD(ts_vault_begin_turn(&vault, &err));
    GOOD(ts_vault_end_turn(&vault, &err));
    uint8_t turned[TS_VAULT_KEY];
    memcpy(turned, vault.master, sizeof turned);
    ts_vault_close(&vault);
    GOOD(ts_vault_open(&vault, path, secret, &err));
    assert_memory_equal(vault.master, turned, sizeof turned);
    assert_memory_not_equal(vault.master, master, sizeof master);
    ts_vault_close(&vault);
    f = fopen(path, "r+b"); /* a changed byte */
    assert_non_null(f);
    assert_int_equal(fseek(f, 70, SEEK_SET), 0);
    assert_int_equal(fwrite("x", 1, 1, f), 1);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(ts_vault_open(&vault, path, secret, &err), TIEFSEE_E_FORMAT);
}

static void a_key_file_that_is_made_with_a_secret_is_sealed_from_the_beginning(void **state)
{
    static const ts_str secret = {"correct horse battery", 21};
    const char *path = scratch_path(&place, "born.key");
    ts_vault vault;

    (void)state;
    GOOD(ts_vault_open(&vault, path, secret, &err)); /* opens what it has made */
    assert_true(vault.is_sealed);
    ts_vault_close(&vault);
    assert_int_equal(ts_vault_open(&vault, path, (ts_str){0}, &err), TIEFSEE_E_FORMAT);
}

static void a_key_file_that_others_can_read_or_that_is_another_is_refused(void **state)
{
    const char *path = scratch_path(&place, "master.key");
    ts_people *other;

    (void)state;
    (void)add_person("anna");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(ts_people_open(&other, store, path, (ts_str){0}, &err), TIEFSEE_E_FORMAT);
    assert_non_null(strstr(err.message, "644"));
    assert_int_equal(
        ts_people_open(&other, store, scratch_path(&place, "new.key"), (ts_str){0}, &err),
        TIEFSEE_E_FORMAT);
    assert_non_null(strstr(err.message, "anna"));
}

static void sessions_end_by_time_by_will_and_with_their_user(void **state)
{
    ts_person anna = add_person("anna"), got;
    char token[TS_SESSION_TOKEN + 1], second[TS_SESSION_TOKEN + 1];
    const int64_t now = 1000000000000;

    (void)state;
    GOOD(ts_sessions_make(people, store, anna.n, now, token, &err));
    GOOD(ts_sessions_make(people, store, anna.n, now, second, &err));
    assert_true(ts_sessions_find(people, ts_str_of(token), now, &got, NULL));
    assert_string_equal(got.name, "anna");
    assert_false(disk_has(token, strlen(token)));
    GOOD(ts_sessions_tidy(people, store, now, true, &err));
    close_all();
    open_all();
    assert_true(ts_sessions_find(people, ts_str_of(token), now + 1000, &got, NULL));
    token[3] = token[3] == 'A' ? 'B' : 'A';
    assert_false(ts_sessions_find(people, ts_str_of(token), now, &got, NULL));
    assert_false(ts_sessions_find(people, ts_str_of(""), now, &got, NULL));
    assert_false(
        ts_sessions_find(people, ts_str_of(second), now + TS_SESSION_IDLE_MS + 1, &got, NULL));
    assert_true(ts_sessions_find(people, ts_str_of(second), now - 5000, &got, NULL));
    anna.is_disabled = true;
    GOOD(ts_people_change(people, store, &anna, &err));
    assert_false(ts_sessions_find(people, ts_str_of(second), now, &got, NULL));
    anna.is_disabled = false;
    GOOD(ts_people_change(people, store, &anna, &err));
    GOOD(ts_sessions_end(people, store, anna.n, NULL, &err));
    assert_false(ts_sessions_find(people, ts_str_of(second), now, &got, NULL));
}

static void names_that_pretend_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      " x",
                                      "x ",
                                      "a\nb",
                                      "a\xe2\x80\xae"
                                      "b",
                                      "\xff"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ts_people_check_name(bad[i], &err), TIEFSEE_E_INVALID);
    GOOD(ts_people_check_name("Änne 深 O'Neil", &err));
    (void)add_person("anna");
    ts_person again = {.name = "ANNA"};
    assert_int_equal(ts_people_add(people, store, &again, NULL, &err), TIEFSEE_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(what_was_said_comes_back_and_is_nowhere_in_clear),
        T(another_user_finds_nothing_and_opens_nothing),
        T(a_row_that_was_moved_or_changed_does_not_open),
        T(the_list_has_pinned_ones_first_then_new_ones_and_goes_on_where_it_stopped),
        T(search_finds_beginnings_of_words_in_any_case_and_script),
        T(a_filter_never_misses_a_part_of_its_text),
        T(an_erased_user_is_gone_from_the_files_and_a_copy_does_not_open),
        T(a_turn_of_the_master_that_was_cut_off_is_finished),
        T(an_erasure_that_the_disk_cut_off_is_finished_by_the_next),
        T(a_secret_seals_the_key_file_and_what_was_plain),
        T(a_key_file_that_is_made_with_a_secret_is_sealed_from_the_beginning),
        T(a_key_file_that_others_can_read_or_that_is_another_is_refused),
        T(sessions_end_by_time_by_will_and_with_their_user),
        T(names_that_pretend_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
