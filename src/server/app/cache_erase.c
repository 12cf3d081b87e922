/* cache_erase.c - see cache_erase.h. */
#include "server/app/cache_erase.h"

#include <sodium.h>
#include <stdio.h>

enum { BATCH = 32 };

typedef struct note {
    int64_t user_n;
    char chat[TS_ID_MAX + 1]; /* "": all */
} note;

void ts_cache_space(char out[TS_SPACE_MAX], int64_t user_n)
{
    (void)snprintf(out, TS_SPACE_MAX, "app-%lld", (long long)user_n);
}

bool ts_cache_know(ts_app *app, const ts_person *p)
{
    char space[TS_SPACE_MAX];
    uint8_t key[TS_KVSTORE_KEY_LEN];

    _Static_assert(crypto_kdf_KEYBYTES == TS_VAULT_KEY, "a user's key is a master for kdf");
    if (!app->server->disk)
        return true;
    ts_cache_space(space, p->n);
    (void)crypto_kdf_derive_from_key(key, sizeof key, 1, "tskvuser", p->key);
    const bool is_known = ts_kvstore_know(app->server->disk, ts_str_of(space), key);
    sodium_memzero(key, sizeof key);
    return is_known;
}

tiefsee_status ts_cache_open(ts_app *app, tiefsee_error *err)
{
    bool is_good = true;
    ts_person p;

    app->is_cache_due = true;
    if (!app->server->disk)
        return TIEFSEE_OK;
    for (size_t i = 0; is_good && ts_people_at(app->people, i, &p); i++) {
        is_good = ts_cache_know(app, &p);
        ts_person_wipe(&p);
    }
    return is_good
               ? ts_store_exec(app->store,
                               "INSERT OR REPLACE INTO app_setting VALUES ('has_cache', '1')", err)
               : ts_fail_nomem(err, 0, "the keys of the context cache");
}

tiefsee_status ts_cache_note(ts_store *s, int64_t user_n, const char *chat, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "INSERT OR IGNORE INTO app_cache_due VALUES (?, ?)");

    ts_query_i64(&q, user_n);
    ts_query_str(&q, ts_str_of(chat ? chat : ""));
    (void)ts_query_step(&q);
    return ts_query_end(&q, err);
}

/* Owning the store: the notes behind this one. */
static size_t read_notes(ts_app *app, const note *after, note out[BATCH])
{
    ts_query q = ts_query_begin(app->store, "SELECT user_n, chat FROM app_cache_due WHERE"
                                            " (user_n, chat) > (?, ?) ORDER BY user_n, chat"
                                            " LIMIT ?");
    size_t n = 0;

    ts_query_i64(&q, after->user_n);
    ts_query_str(&q, ts_str_of(after->chat));
    ts_query_i64(&q, BATCH);
    while (n < BATCH && ts_query_step(&q)) {
        const ts_str chat = ts_query_get_str(&q, 1);

        out[n].user_n = ts_query_get_i64(&q, 0);
        (void)snprintf(out[n].chat, sizeof out[n].chat, "%.*s", TS_STR_ARG(chat));
        n++;
    }
    return ts_query_end(&q, NULL) == TIEFSEE_OK ? n : 0;
}

/* Where there was a cache on disk and is none now, the next one that is there is told. */
static bool is_done(ts_app *app)
{
    ts_query q = ts_query_begin(app->store, "SELECT 1 FROM app_setting WHERE name = 'has_cache'");
    const bool had_cache = ts_query_step(&q);

    return ts_query_end(&q, NULL) == TIEFSEE_OK && (app->server->disk || !had_cache);
}

static tiefsee_status remove_note(ts_app *app, const note *n, tiefsee_error *err)
{
    ts_query q =
        ts_query_begin(app->store, "DELETE FROM app_cache_due WHERE user_n = ? AND chat = ?");

    ts_query_i64(&q, n->user_n);
    ts_query_str(&q, ts_str_of(n->chat));
    (void)ts_query_step(&q);
    return ts_query_end(&q, err);
}

static void forget(ts_app *app, const note *n)
{
    const char *topic = *n->chat ? n->chat : NULL;
    ts_models *models = app->server->models;
    char space[TS_SPACE_MAX];

    ts_cache_space(space, n->user_n);
    for (size_t i = 0; i < ts_models_count(models); i++) {
        const ts_served_model *model = ts_models_at(models, i);
        ts_engine *engine = ts_models_pin(models, model);

        if (!engine)
            continue;
        ts_engine_forget(engine, space, topic);
        ts_models_done(models, model);
    }
    if (app->server->disk)
        ts_kvstore_forget(app->server->disk, ts_str_of(space),
                          topic ? ts_str_of(topic) : (ts_str){0});
}

/* Those that were read; the log, which has the ids of conversations, is emptied. */
static void remove_notes(ts_app *app, const note *notes, size_t n)
{
    tiefsee_error err = {0};
    tiefsee_status st = TIEFSEE_OK;

    ts_lock_take(app->store_lock);
    /* Noted again since they were read, a note would go undone: all are read again. */
    const bool are_done = n > 0 && !app->is_cache_due && is_done(app);
    for (size_t i = 0; i < n && st == TIEFSEE_OK && are_done; i++)
        st = remove_note(app, &notes[i], &err);
    app->is_cache_due = app->is_cache_due || st != TIEFSEE_OK;
    if (are_done)
        app->is_compact_due = ts_store_compact(app->store, NULL) != TIEFSEE_OK;
    ts_lock_give(app->store_lock);
}

void ts_cache_catch_up(ts_app *app)
{
    note after = {INT64_MIN, ""}, notes[BATCH];
    size_t n = 0;

    ts_lock_take(app->store_lock);
    const bool is_due = app->is_cache_due;
    app->is_cache_due = false;
    ts_lock_give(app->store_lock);
    do {
        ts_lock_take(app->store_lock);
        n = is_due ? read_notes(app, &after, notes) : 0;
        ts_lock_give(app->store_lock);
        for (size_t i = 0; i < n; i++)
            forget(app, &notes[i]);
        remove_notes(app, notes, n);
        if (n > 0)
            after = notes[n - 1];
    } while (n == BATCH);
}
