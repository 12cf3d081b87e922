/* app_admin.c - see app_admin.h. */
#include "server/app/app_admin.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "server/app/accounts.h"
#include "server/app/audit.h"
#include "server/app/cache_erase.h"
#include "server/app/live.h"
#include "server/app/login.h"
#include "server/app/personal_parts.h"
#include "server/proof/proof.h"

/* ---- users */

static void count_content(ts_app *app, int64_t n, int64_t *n_chats, int64_t *bytes)
{
    ts_query q = ts_query_begin(
        app->store, "SELECT count(*), coalesce(sum((SELECT sum(length(m.sealed)) FROM app_message m"
                    " WHERE m.chat = c.n)), 0) FROM app_chat c WHERE c.user_n = ?");

    ts_query_i64(&q, n);
    if (ts_query_step(&q)) {
        *n_chats = ts_query_get_i64(&q, 0);
        *bytes = ts_query_get_i64(&q, 1);
    }
    (void)(ts_query_end(&q, NULL) == TIEFSEE_OK);
}

static bool find_last(void *ctx, const ts_session *s)
{
    int64_t *last = ctx;

    *last = s->last_used > *last ? s->last_used : *last;
    return true;
}

/* Owning the store. */
static json_t *user_json(ts_app *app, const ts_person *p)
{
    const ts_key_limits limits = ts_accounts_limits(app, p);
    int64_t n_chats = 0, bytes = 0, last = 0;
    json_t *user = ts_login_user(p);

    count_content(app, p->n, &n_chats, &bytes);
    ts_sessions_list(app->people, p->n, find_last, &last);
    (void)json_object_set_new(user, "is_disabled", json_boolean(p->is_disabled));
    (void)json_object_set_new(user, "limits", ts_accounts_limits_json(&limits));
    (void)json_object_set_new(user, "today", ts_accounts_today(app, p));
    (void)json_object_set_new(user, "n_conversations", json_integer(n_chats));
    (void)json_object_set_new(user, "bytes", json_integer(bytes));
    (void)json_object_set_new(user, "last_used", json_integer(last));
    return user;
}

void ts_app_admin_users(ts_http_request *req, ts_reply *reply)
{
    json_t *list = json_array();
    ts_person p;
    ts_work w;

    if (!ts_app_enter(&w, req, reply)) {
        json_decref(list);
        return;
    }
    for (size_t i = 0; ts_people_at(w.app->people, i, &p); i++)
        (void)json_array_append_new(list, user_json(w.app, &p));
    ts_person_wipe(&p);
    ts_app_leave(&w);
    ts_app_send(reply, 200, json_pack("{s:o}", "users", list));
}

static void audit_now(ts_app *app, const ts_http_request *req, const char *action,
                      const char *object)
{
    ts_person actor;

    if (!ts_people_by_n(app->people, ts_app_caller_of(req)->user_n, &actor))
        return;
    ts_lock_take(app->store_lock);
    ts_audit(app, actor.id, action, object, "ok");
    ts_lock_give(app->store_lock);
    ts_person_wipe(&actor);
}

static void send_user(ts_app *app, ts_reply *reply, int status, const ts_person *p)
{
    ts_lock_take(app->store_lock);
    json_t *user = user_json(app, p);
    ts_lock_give(app->store_lock);
    ts_app_send(reply, status, user);
}

static bool take_new_user(json_t *body, ts_person *p, const char **password, ts_key_limits *limits,
                          ts_wrong *wrong)
{
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *role = json_string_value(json_object_get(body, "role"));
    const json_t *l = ts_field_get(body, "limits");

    *password = json_string_value(json_object_get(body, "password"));
    if (!name || strlen(name) > TS_PERSON_NAME_MAX)
        return ts_wrong_field(wrong, "name", "a name of 1 to %d bytes is needed",
                              TS_PERSON_NAME_MAX);
    if (!*password)
        return ts_wrong_field(wrong, "password", "a password is needed");
    p->role = TS_ROLE_MEMBER;
    if (role && !ts_role_parse(role, &p->role))
        return ts_wrong_field(wrong, "role", "'%.20s' (admin, member or reader)", role);
    (void)snprintf(p->name, sizeof p->name, "%s", name);
    return !l || ts_accounts_take_limits(l, limits, wrong);
}

void ts_app_admin_add_user(ts_http_request *req, ts_reply *reply)
{
    ts_app *app = ts_server_of(req)->app;
    json_t *body = ts_app_body(req, reply);
    const char *password = NULL;
    ts_key_limits limits = {0};
    ts_person p = {0};
    tiefsee_error err = {0};
    ts_wrong wrong;

    if (!body)
        return;
    if (!app->opt.has_accounts)
        ts_app_refuse(reply, 409, NULL, NULL, "this server has one user (serve --accounts)");
    else if (!take_new_user(body, &p, &password, &limits, &wrong))
        ts_app_refuse_wrong(reply, &wrong);
    else if (ts_accounts_add(app, &p, password, &limits, &err) != TIEFSEE_OK)
        ts_reply_fail_status(reply, &err);
    else {
        audit_now(app, req, "add_user", p.id);
        send_user(app, reply, 201, &p);
    }
    ts_person_wipe(&p);
    json_decref(body);
}

static bool take_changes(json_t *body, ts_person *p, ts_key_limits *limits, bool *has_limits,
                         ts_wrong *wrong)
{
    const char *role = json_string_value(json_object_get(body, "role"));
    const json_t *disabled = ts_field_get(body, "is_disabled");
    const json_t *l = ts_field_get(body, "limits");

    if (role && !ts_role_parse(role, &p->role))
        return ts_wrong_field(wrong, "role", "'%.20s' (admin, member or reader)", role);
    if (disabled && !json_is_boolean(disabled))
        return ts_wrong_field(wrong, "is_disabled", "not true or false");
    if (disabled)
        p->is_disabled = json_is_true(disabled);
    *has_limits = l != NULL;
    return !l || ts_accounts_take_limits(l, limits, wrong);
}

/* hash NULL: the password stays.  Owning the store. */
static tiefsee_status apply(ts_work *w, const ts_person *p, const char *hash,
                            const ts_key_limits *limits)
{
    ts_app *app = w->app;
    tiefsee_status st = limits ? ts_accounts_set_limits(app, p, limits, &w->err) : TIEFSEE_OK;

    if (st == TIEFSEE_OK)
        st = ts_people_change(app->people, w->store, p, &w->err);
    if (st == TIEFSEE_OK && hash)
        st = ts_people_set_password(app->people, w->store, p->n, hash, &w->err);
    /* Whoever had the old password, or any at all, is out. */
    if (st == TIEFSEE_OK && (hash || p->is_disabled))
        st = ts_sessions_end(app->people, w->store, p->n, NULL, &w->err);
    if (st == TIEFSEE_OK && p->is_disabled)
        ts_live_drop(app, p->n, NULL);
    ts_audit(app, w->person.id, "change_user", p->id, st == TIEFSEE_OK ? "ok" : "failed");
    return st;
}

/* Two admins who take each other's role away at once meet here one after the other. */
static bool is_last_admin(ts_app *app, const ts_person *p)
{
    return p->role == TS_ROLE_ADMIN && !p->is_disabled && ts_people_count_admins(app->people) <= 1;
}

static void change_user(ts_work *w, json_t *body, const char *hash)
{
    ts_person p, before;
    ts_key_limits limits;
    bool has_limits = false;
    ts_wrong wrong;

    if (!ts_people_by_id(w->app->people, w->req->params[0], &p)) {
        (void)ts_app_no(w, 404, NULL, NULL, "there is no such user");
        return;
    }
    before = p;
    limits = ts_accounts_limits(w->app, &p);
    if (!take_changes(body, &p, &limits, &has_limits, &wrong)) {
        ts_app_leave(w);
        ts_app_refuse_wrong(w->reply, &wrong);
    } else if (is_last_admin(w->app, &before) && (p.role != TS_ROLE_ADMIN || p.is_disabled))
        (void)ts_app_no(w, 409, NULL, NULL, "the last admin stays");
    else {
        const tiefsee_status st = apply(w, &p, hash, has_limits ? &limits : NULL);
        if (st != TIEFSEE_OK)
            (void)ts_app_fail(w, st);
        else {
            json_t *user = user_json(w->app, &p);
            ts_app_leave(w);
            ts_app_send(w->reply, 200, user);
        }
    }
    ts_person_wipe(&p);
    ts_person_wipe(&before);
}

void ts_app_admin_change_user(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    const json_t *password = ts_field_get(body, "password");
    char hash[128];
    tiefsee_error err = {0};
    ts_work w;

    if (!body)
        return;
    /* Hashed before anybody waits for the store. */
    if (password && !json_is_string(password))
        ts_app_refuse(reply, 400, NULL, "password", "the password is no text");
    else if (password && ts_password_hash(json_string_value(password), hash, &err) != TIEFSEE_OK)
        ts_reply_fail_status(reply, &err);
    else if (ts_app_enter(&w, req, reply))
        change_user(&w, body, password ? hash : NULL);
    sodium_memzero(hash, sizeof hash);
    json_decref(body);
}

void ts_app_admin_delete_user(ts_http_request *req, ts_reply *reply)
{
    ts_person p;
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    if (!ts_people_by_id(w.app->people, req->params[0], &p)) {
        (void)ts_app_no(&w, 404, NULL, NULL, "there is no such user");
        return;
    }
    json_t *answer = NULL;
    if (is_last_admin(w.app, &p))
        (void)ts_app_no(&w, 409, NULL, NULL, "the last admin stays");
    else if (!(answer = ts_accounts_erase(w.app, &p, TS_ERASE_ACCOUNT, 0, 0, w.person.id, &w.err)))
        (void)ts_app_fail(&w, w.err.status);
    else {
        ts_app_leave(&w);
        ts_cache_catch_up(w.app);
        ts_app_send(reply, 200, answer);
    }
    ts_person_wipe(&p);
}

/* ---- usage, audit, health, settings */

static bool add_row(void *ctx, const ts_usage_row *row)
{
    char day[11] = "";

    if (row->day >= 0)
        ts_usage_print_day(day, row->day);
    (void)json_array_append_new(
        ctx,
        json_pack("{s:I,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "key_id", (json_int_t)row->key_id, "key",
                  row->key ? row->key : "", "day", day, "model", row->model, "n_requests",
                  (json_int_t)row->n_requests, "n_prompt", (json_int_t)row->tokens.n_prompt,
                  "n_cached", (json_int_t)row->tokens.n_cached, "n_completion",
                  (json_int_t)row->tokens.n_completion, "n_reasoning",
                  (json_int_t)row->tokens.n_reasoning));
    return true;
}

/* The account of a key in the books, where it is one's. */
static void name_rows(ts_app *app, json_t *rows)
{
    size_t i;
    json_t *row;
    ts_person p;

    json_array_foreach(rows, i, row) for (size_t k = 0; ts_people_at(app->people, k, &p); k++)
    {
        if (p.key_id == json_integer_value(json_object_get(row, "key_id")) && p.key_id)
            (void)json_object_set_new(row, "user", json_string(p.name));
        ts_person_wipe(&p);
    }
}

void ts_app_admin_usage(ts_http_request *req, ts_reply *reply)
{
    uint64_t n_days = 30;
    ts_str text;
    json_t *rows = json_array();
    ts_work w;

    if (ts_http_query(req, "days", &text) && !ts_parse_u64(text.ptr, 1, 3650, &n_days))
        n_days = 30;
    const bool has_by = ts_http_query(req, "by", &text);
    const int64_t today = ts_usage_day(ts_app_now() / 1000);
    const ts_usage_query query = {.key_id = -1,
                                  .first_day = today - (int64_t)n_days + 1,
                                  .n_days = (int64_t)n_days,
                                  .by_key = !has_by || strstr(text.ptr, "user"),
                                  .by_day = has_by && strstr(text.ptr, "day"),
                                  .by_model = has_by && strstr(text.ptr, "model")};
    if (!ts_app_enter(&w, req, reply)) {
        json_decref(rows);
        return;
    }
    const tiefsee_status st = ts_usage_read(w.store, &query, add_row, rows, &w.err);
    if (st != TIEFSEE_OK) {
        json_decref(rows);
        (void)ts_app_fail(&w, st);
        return;
    }
    name_rows(w.app, rows);
    ts_app_leave(&w);
    ts_app_send(reply, 200, json_pack("{s:o,s:o}", "rows", rows, "prices", ts_me_prices()));
}

void ts_app_admin_audit(ts_http_request *req, ts_reply *reply)
{
    uint64_t before = 0, limit = 200;
    ts_str text;
    ts_work w;

    if (ts_http_query(req, "before", &text))
        (void)ts_parse_u64(text.ptr, 1, INT64_MAX, &before);
    if (ts_http_query(req, "limit", &text))
        (void)ts_parse_u64(text.ptr, 1, 1000, &limit);
    if (!ts_app_enter(&w, req, reply))
        return;
    json_t *list = ts_audit_read(w.app, "", (int64_t)before, limit, &w.err);
    if (!list) {
        (void)ts_app_fail(&w, w.err.status);
        return;
    }
    const bool is_intact = ts_audit_is_intact(w.app);
    ts_app_leave(&w);
    const size_t n = json_array_size(list);
    json_t *next =
        n == limit ? json_incref(json_object_get(json_array_get(list, n - 1), "seq")) : json_null();
    ts_app_send(
        reply, 200,
        json_pack("{s:o,s:o,s:b}", "entries", list, "next", next, "is_intact", (int)is_intact));
}

static void add_check(json_t *checks, const char *name, bool is_good, const char *detail)
{
    (void)json_array_append_new(checks, json_pack("{s:s,s:b,s:s}", "name", name, "is_good",
                                                  (int)is_good, "detail", detail));
}

enum { LEAST_FREE = 256 << 20 };

static void check_disk(const ts_app *app, json_t *checks)
{
    struct statvfs info;
    char detail[96];

    if (statvfs(app->store_path, &info) != 0)
        return;
    const uint64_t free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    (void)snprintf(detail, sizeof detail, "%llu MiB free where the store is",
                   (unsigned long long)(free_bytes >> 20));
    add_check(checks, "disk", free_bytes >= LEAST_FREE, detail);
}

static void check_sandbox(const ts_server *server, json_t *checks)
{
    const ts_netseal *net = server->seal;
    const ts_fileseal *files = server->files;

    add_check(checks, "network", net && net->has_filter && net->n_open == 0 && net->n_other == 0,
              !net              ? "open (--open-network)"
              : net->has_filter ? "sealed by seccomp"
                                : net->why);
    add_check(checks, "files", files && files->is_sealed && files->n_open == 0,
              !files             ? "open (--open-files)"
              : files->is_sealed ? "sealed by Landlock"
                                 : files->why);
}

void ts_app_admin_health(ts_http_request *req, ts_reply *reply)
{
    json_t *checks = json_array();
    char detail[160];
    ts_work w;

    if (!ts_app_enter(&w, req, reply)) {
        json_decref(checks);
        return;
    }
    ts_query q = ts_query_begin(w.store, "PRAGMA quick_check(1)");
    const bool is_sound = ts_query_step(&q) && ts_str_is(ts_query_get_str(&q, 0), "ok");
    add_check(checks, "store", ts_query_end(&q, &w.err) == TIEFSEE_OK && is_sound,
              is_sound ? "sound" : "damaged");
    add_check(checks, "audit log", ts_audit_is_intact(w.app),
              "each entry vouches for the one before");
    check_disk(w.app, checks);
    check_sandbox(w.app->server, checks);
    ts_models *models = w.app->server->models;
    for (size_t i = 0; i < ts_models_count(models); i++) {
        ts_models_stats stats;
        ts_models_read_stats(models, ts_models_at(models, i), &stats);
        (void)snprintf(detail, sizeof detail, "%.60s: %zu running, %zu waiting%s",
                       ts_models_at(models, i)->name, stats.engine.n_running, stats.engine.n_queued,
                       stats.is_loaded ? "" : ", not loaded");
        add_check(checks, "engine", true, detail);
    }
    ts_app_leave(&w);
    ts_app_send(reply, 200, json_pack("{s:o}", "checks", checks));
}

void ts_app_admin_settings(ts_http_request *req, ts_reply *reply)
{
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    json_t *settings = ts_accounts_settings(w.app);
    ts_app_leave(&w);
    ts_app_send(reply, 200, settings);
}

void ts_app_admin_change_settings(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    ts_wrong wrong = {0};
    ts_work w;

    if (!body)
        return;
    if (ts_app_enter(&w, req, reply)) {
        const tiefsee_status st = ts_accounts_change_settings(w.app, body, &wrong, &w.err);
        if (st == TIEFSEE_OK) {
            ts_audit(w.app, w.person.id, "change_settings", "", "ok");
            json_t *settings = ts_accounts_settings(w.app);
            ts_app_leave(&w);
            ts_app_send(reply, 200, settings);
        } else if (wrong.status) {
            ts_app_leave(&w);
            ts_app_refuse_wrong(reply, &wrong);
        } else
            (void)ts_app_fail(&w, st);
    }
    json_decref(body);
}
