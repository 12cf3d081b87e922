/* accounts.c - see accounts.h. */
#include "server/app/accounts.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "server/app/audit.h"
#include "server/app/cache_erase.h"
#include "server/app/live.h"

enum { DAY_MS = 86400000, MAX_SETTING = 4000, MAX_DAYS = 36500 };

/* ---- books */

/* A key without text: nobody can send it, but the books know it. */
static tiefsee_status add_key(ts_app *app, ts_person *p, const ts_key_limits *limits,
                              tiefsee_error *err)
{
    static const ts_key_limits none = {0};
    char name[TS_KEY_NAME_MAX + 1], text[TS_KEY_TEXT_LEN + 1], id[TS_ID_MAX + 1];
    ts_key key;

    if (!app->server->auth)
        return TIEFSEE_OK;
    ts_id_make(id);
    (void)snprintf(name, sizeof name, "account-%s", id);
    const ts_key_spec spec = {
        .name = name, .scopes = TS_SCOPE_CHAT, .limits = limits ? *limits : none};
    ts_store *books = ts_auth_take_store(app->server->auth);
    const tiefsee_status st = ts_keys_add(books, &spec, ts_app_now() / 1000, &key, text, err);
    ts_key_wipe(text);
    ts_auth_give_store(app->server->auth, st == TIEFSEE_OK);
    p->key_id = st == TIEFSEE_OK ? key.id : 0;
    return st;
}

static tiefsee_status delete_key(ts_app *app, int64_t key_id, tiefsee_error *err)
{
    if (!app->server->auth || !key_id)
        return TIEFSEE_OK;
    ts_store *books = ts_auth_take_store(app->server->auth);
    const tiefsee_status st = ts_keys_delete(books, key_id, ts_app_now() / 1000, err);
    ts_auth_give_store(app->server->auth, st == TIEFSEE_OK);
    return st;
}

tiefsee_status ts_accounts_add(ts_app *app, ts_person *p, const char *password,
                               const ts_key_limits *limits, tiefsee_error *err)
{
    char hash[128];
    ts_person other;

    tiefsee_status st = ts_people_check_name(p->name, err);
    if (st == TIEFSEE_OK && ts_people_by_name(app->people, p->name, &other)) {
        ts_person_wipe(&other);
        st = ts_fail(err, TIEFSEE_E_INVALID, "there is a user of that name already");
    }
    if (st == TIEFSEE_OK)
        st = ts_password_hash(password, hash, err);
    if (st == TIEFSEE_OK)
        st = add_key(app, p, limits, err);
    if (st != TIEFSEE_OK)
        return st;
    p->created = ts_app_now();
    ts_lock_take(app->store_lock);
    st = ts_people_add(app->people, app->store, p, hash, err);
    ts_lock_give(app->store_lock);
    if (st != TIEFSEE_OK)
        (void)(delete_key(app, p->key_id, NULL) == TIEFSEE_OK);
    sodium_memzero(hash, sizeof hash);
    /* Without memory for it their pages are under the cache's key alone. */
    if (st == TIEFSEE_OK && !ts_cache_know(app, p))
        ts_log(TS_LOG_ERROR, "a new user has no key in the context cache", NULL, 0);
    return st;
}

typedef struct finding {
    int64_t id;
    ts_key_limits limits;
} finding;

static bool find_limits(void *ctx, const ts_key *key)
{
    finding *f = ctx;

    if (key->id == f->id)
        f->limits = key->limits;
    return key->id != f->id;
}

ts_key_limits ts_accounts_limits(ts_app *app, const ts_person *p)
{
    finding f = {.id = p->key_id};

    if (app->server->auth && p->key_id) {
        ts_store *books = ts_auth_take_store(app->server->auth);
        (void)(ts_keys_list(books, find_limits, &f, NULL) == TIEFSEE_OK);
        ts_auth_give_store(app->server->auth, false);
    }
    return f.limits;
}

tiefsee_status ts_accounts_set_limits(ts_app *app, const ts_person *p, const ts_key_limits *limits,
                                      tiefsee_error *err)
{
    if (!app->server->auth || !p->key_id)
        return ts_fail(err, TIEFSEE_E_INVALID, "this account has no limits");
    ts_store *books = ts_auth_take_store(app->server->auth);
    const tiefsee_status st = ts_keys_set_limits(books, p->key_id, limits, err);
    ts_auth_give_store(app->server->auth, st == TIEFSEE_OK);
    return st;
}

json_t *ts_accounts_limits_json(const ts_key_limits *l)
{
    return json_pack("{s:I,s:I,s:I,s:I}", "tokens_per_day", (json_int_t)l->tokens_per_day,
                     "requests_per_minute", (json_int_t)l->requests_per_minute, "concurrent",
                     (json_int_t)l->n_concurrent, "n_ctx", (json_int_t)l->n_ctx);
}

typedef struct wire_limits {
    int64_t tokens_per_day, requests_per_minute, concurrent, n_ctx;
} wire_limits;

bool ts_accounts_take_limits(const json_t *object, ts_key_limits *out, ts_wrong *wrong)
{
#define LIMIT(name)                                                                   \
    {                                                                                 \
#name, TS_FIELD_INT, 0, (double)TS_KEY_LIMIT_MAX, offsetof(wire_limits, name) \
    }
    static const ts_field fields[] = {LIMIT(tokens_per_day), LIMIT(requests_per_minute),
                                      LIMIT(concurrent), LIMIT(n_ctx)};
#undef LIMIT
    wire_limits l = {(int64_t)out->tokens_per_day, (int64_t)out->requests_per_minute,
                     (int64_t)out->n_concurrent, (int64_t)out->n_ctx};

    if (!json_is_object(object))
        return ts_wrong_field(wrong, "limits", "%s (an object expected)", ts_json_kind(object));
    if (!ts_fields_read(object, fields, TS_COUNT(fields), &l, wrong))
        return false;
    *out = (ts_key_limits){.n_concurrent = (uint64_t)l.concurrent,
                           .tokens_per_day = (uint64_t)l.tokens_per_day,
                           .requests_per_minute = (uint64_t)l.requests_per_minute,
                           .n_ctx = (uint64_t)l.n_ctx};
    return true;
}

json_t *ts_accounts_today(ts_app *app, const ts_person *p)
{
    const ts_identity who = {.key_id = p->key_id};
    ts_balance b = {0};

    if (app->server->auth)
        ts_auth_balance(app->server->auth, &who, &b);
    return json_pack("{s:o,s:I,s:o,s:I}", "n_limit",
                     b.is_limited ? json_integer((json_int_t)b.n_limit) : json_null(), "n_used",
                     (json_int_t)b.n_used, "n_left",
                     b.is_limited ? json_integer((json_int_t)b.n_left) : json_null(), "resets",
                     (json_int_t)b.resets_at * 1000);
}

/* ---- erasing */

typedef struct sweep {
    int64_t numbers[512];
    char ids[512][TS_ID_MAX + 1];
    uint64_t n_messages;
    size_t n;
    int64_t from, to;
} sweep;

static bool add_old(void *ctx, const ts_dialog *c)
{
    sweep *x = ctx;

    if (c->updated >= x->from && c->updated <= x->to) {
        (void)snprintf(x->ids[x->n], sizeof x->ids[x->n], "%s", c->id);
        x->n_messages += c->n_messages;
        x->numbers[x->n++] = c->n;
    }
    return x->n < TS_COUNT(x->numbers);
}

/* Conversations that were changed between from and to; in parts, each a transaction. */
static tiefsee_status erase_chats(ts_app *app, const ts_owner *o, int64_t from, int64_t to,
                                  uint64_t *n_chats, uint64_t *n_messages, tiefsee_error *err)
{
    static sweep x; /* of whoever owns the store */
    tiefsee_status st = TIEFSEE_OK;

    do {
        x = (sweep){.from = from, .to = to};
        st = ts_chats_list(app->store, o, NULL, add_old, &x, err);
        if (st == TIEFSEE_OK)
            st = ts_store_begin(app->store, err);
        if (st != TIEFSEE_OK)
            return st;
        for (size_t i = 0; i < x.n && st == TIEFSEE_OK; i++) {
            const ts_dialog c = {.n = x.numbers[i]};
            ts_live_drop(app, o->id, x.ids[i]);
            st = ts_chats_delete(app->store, o, &c, err);
            ts_search_forget(app->search, o->id, c.n);
        }
        st = ts_store_end(app->store, st, err);
        *n_chats += x.n;
        *n_messages += x.n_messages;
    } while (st == TIEFSEE_OK && x.n == TS_COUNT(x.numbers));
    return st;
}

static tiefsee_status forget_settings(ts_app *app, int64_t n, tiefsee_error *err)
{
    ts_query q = ts_query_begin(app->store, "UPDATE app_user SET settings = NULL WHERE n = ?");

    ts_query_i64(&q, n);
    (void)ts_query_step(&q);
    const tiefsee_status st = ts_query_end(&q, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_query p = ts_query_begin(app->store, "DELETE FROM app_preset WHERE user_n = ?");
    ts_query_i64(&p, n);
    (void)ts_query_step(&p);
    return ts_query_end(&p, err);
}

/* The one user goes on as another. */
static tiefsee_status replace_local(ts_app *app, tiefsee_error *err)
{
    ts_person next = {.name = "local", .role = TS_ROLE_ADMIN, .created = ts_app_now()};
    const tiefsee_status st = ts_people_add(app->people, app->store, &next, NULL, err);

    app->local_n = st == TIEFSEE_OK ? next.n : 0;
    if (st == TIEFSEE_OK && !ts_cache_know(app, &next))
        ts_log(TS_LOG_ERROR, "a new user has no key in the context cache", NULL, 0);
    ts_person_wipe(&next);
    return st;
}

/* Once the row is gone all goes on, whatever fails: nobody is left who could ask again. */
static tiefsee_status erase_account(ts_app *app, const ts_person *p, tiefsee_error *err)
{
    tiefsee_error other = {0};
    ts_person still;

    ts_live_drop(app, p->n, NULL);
    tiefsee_status st = ts_people_erase(app->people, app->store, p->n, err);
    ts_search_forget(app->search, p->n, 0);
    if (ts_people_by_n(app->people, p->n, &still)) {
        ts_person_wipe(&still);
        return st;
    }
    if (delete_key(app, p->key_id, st == TIEFSEE_OK ? err : &other) != TIEFSEE_OK &&
        st == TIEFSEE_OK)
        st = err->status;
    if (!app->opt.has_accounts && p->n == app->local_n &&
        replace_local(app, st == TIEFSEE_OK ? err : &other) != TIEFSEE_OK && st == TIEFSEE_OK)
        st = err->status;
    return st == TIEFSEE_OK
               ? st
               : ts_while(err, st, "the account is gone, what is left to do is tried again");
}

json_t *ts_accounts_erase(ts_app *app, const ts_person *p, ts_erase what, int64_t from, int64_t to,
                          const char *actor, tiefsee_error *err)
{
    static const char *const names[] = {"range", "all", "account"};
    const ts_owner o = ts_person_owner(p);
    uint64_t n_chats = 0, n_messages = 0;
    char id[TS_ID_MAX + 1];

    if (what != TS_ERASE_RANGE) {
        from = INT64_MIN;
        to = INT64_MAX;
    }
    app->is_cache_due = true;
    tiefsee_status st = erase_chats(app, &o, from, to, &n_chats, &n_messages, err);
    if (st == TIEFSEE_OK && what == TS_ERASE_ALL)
        st = forget_settings(app, p->n, err);
    if (st == TIEFSEE_OK && what == TS_ERASE_ACCOUNT)
        st = erase_account(app, p, err);
    if (st == TIEFSEE_OK) {
        ts_id_make(id);
        ts_audit(app, actor, "erase", what == TS_ERASE_ACCOUNT ? id : p->id, names[what]);
    }
    /* Also after a failure: parts of it may be done. */
    const tiefsee_status compacted = ts_store_compact(app->store, st == TIEFSEE_OK ? err : NULL);
    app->is_compact_due = compacted != TIEFSEE_OK;
    st = st == TIEFSEE_OK ? compacted : st;
    if (st != TIEFSEE_OK)
        return NULL;
    return json_pack("{s:{s:s,s:I,s:s,s:I,s:I,s:s}}", "certificate", "id", id, "time",
                     (json_int_t)ts_app_now(), "what", names[what], "n_conversations",
                     (json_int_t)n_chats, "n_messages", (json_int_t)n_messages, "scheme",
                     what == TS_ERASE_ACCOUNT
                         ? "rows and cached contexts overwritten, log emptied, the user's keys "
                           "forgotten, master turned"
                         : "rows and cached contexts overwritten, log emptied");
}

/* ---- retention */

/* Conversations that a clock that was ahead has dated would stay on top, and be kept. */
static void bring_back(ts_app *app, int64_t now)
{
    ts_query q = ts_query_begin(
        app->store, "UPDATE app_chat SET updated = ?, created = min(created, ?) WHERE updated > ?");

    ts_query_i64(&q, now);
    ts_query_i64(&q, now);
    ts_query_i64(&q, now + 3600000);
    (void)ts_query_step(&q);
    (void)(ts_query_end(&q, NULL) == TIEFSEE_OK);
}

void ts_accounts_tidy(ts_app *app, int64_t now, bool removes)
{
    const int64_t most = ts_accounts_retention_max(app);
    tiefsee_error err = {0};
    uint64_t n_chats = 0, n_messages = 0;
    ts_person p;

    if (removes && app->watch.jump_ms != 0) {
        bring_back(app, now);
        app->watch.jump_ms = 0;
    }
    for (size_t i = 0; removes && ts_people_at(app->people, i, &p); i++) {
        const ts_owner o = ts_person_owner(&p);
        const int64_t days = p.retention_days == 0             ? most
                             : most && most < p.retention_days ? most
                                                               : p.retention_days;

        /* A frozen account's data stays as it is. */
        if (days > 0 && !p.is_frozen)
            (void)(erase_chats(app, &o, INT64_MIN, now - days * DAY_MS, &n_chats, &n_messages,
                               &err) == TIEFSEE_OK);
        ts_person_wipe(&p);
    }
    app->is_cache_due = app->is_cache_due || n_chats > 0;
    if (n_chats > 0)
        ts_audit(app, "server", "retention", "", "ok");
    if (ts_people_catch_up(app->people, app->store, &err) != TIEFSEE_OK) {
        const ts_log_field why = TS_LOG_TEXT("why", err.message);
        ts_log(TS_LOG_ERROR, "an erasure is not finished", &why, 1);
    }
    if (n_chats > 0 || app->is_compact_due)
        app->is_compact_due = ts_store_compact(app->store, NULL) != TIEFSEE_OK;
    if (!app->opt.has_accounts && app->local_n == 0)
        (void)(replace_local(app, NULL) == TIEFSEE_OK);
}

/* ---- the server's settings */

static const struct {
    const char *name;
    bool is_number;
} known[] = {{"retention_days_max", true}, {"minimum_age", true}, {"operator_name", false},
             {"operator_contact", false},  {"purpose", false},    {"legal_basis", false}};

json_t *ts_accounts_settings(ts_app *app)
{
    json_t *all = json_object();
    ts_query q = ts_query_begin(app->store, "SELECT name, value FROM app_setting");

    for (size_t i = 0; i < TS_COUNT(known); i++)
        (void)json_object_set_new(all, known[i].name,
                                  known[i].is_number ? json_integer(0) : json_string(""));
    while (ts_query_step(&q)) {
        char name[64];
        const ts_str n = ts_query_get_str(&q, 0), value = ts_query_get_str(&q, 1);

        (void)snprintf(name, sizeof name, "%.*s", TS_STR_ARG(n));
        for (size_t i = 0; i < TS_COUNT(known); i++)
            if (strcmp(known[i].name, name) == 0)
                (void)json_object_set_new(all, name,
                                          known[i].is_number
                                              ? json_integer(strtoll(value.ptr, NULL, 10))
                                              : json_stringn(value.ptr, value.len));
    }
    (void)(ts_query_end(&q, NULL) == TIEFSEE_OK);
    return all;
}

static bool print_setting(char out[MAX_SETTING + 1], size_t i, const json_t *value, ts_wrong *wrong)
{
    if (known[i].is_number) {
        const json_int_t n = json_integer_value(value);
        if (!json_is_integer(value) || n < 0 || n > MAX_DAYS)
            return ts_wrong_field(wrong, known[i].name, "not a number from 0 to %d", MAX_DAYS);
        (void)snprintf(out, MAX_SETTING + 1, "%lld", (long long)n);
        return true;
    }
    if (!json_is_string(value) || json_string_length(value) > MAX_SETTING)
        return ts_wrong_field(wrong, known[i].name, "no text of at most %d bytes", MAX_SETTING);
    ts_app_line(out, MAX_SETTING, json_string_value(value));
    return true;
}

tiefsee_status ts_accounts_change_settings(ts_app *app, const json_t *changes, ts_wrong *wrong,
                                           tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;
    char text[MAX_SETTING + 1];

    for (size_t i = 0; i < TS_COUNT(known) && st == TIEFSEE_OK; i++) {
        const json_t *value = ts_field_get(changes, known[i].name);

        if (!value)
            continue;
        if (!print_setting(text, i, value, wrong))
            return ts_fail(err, TIEFSEE_E_INVALID, "%s", wrong->message);
        ts_query q = ts_query_begin(
            app->store, "INSERT OR REPLACE INTO app_setting (name, value) VALUES (?, ?)");
        ts_query_str(&q, ts_str_of(known[i].name));
        ts_query_str(&q, ts_str_of(text));
        (void)ts_query_step(&q);
        st = ts_query_end(&q, err);
    }
    return st;
}

int64_t ts_accounts_retention_max(ts_app *app)
{
    ts_query q = ts_query_begin(app->store,
                                "SELECT value FROM app_setting WHERE name = 'retention_days_max'");
    int64_t days = 0;

    if (ts_query_step(&q))
        days = strtoll(ts_query_get_str(&q, 0).ptr, NULL, 10);
    (void)(ts_query_end(&q, NULL) == TIEFSEE_OK);
    return days;
}
