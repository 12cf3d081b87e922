/* personal.c - see personal.h; export and import are in portable.c. */
#include "server/app/personal.h"

#include <stdio.h>
#include <string.h>

#include "formats/json.h"
#include "server/app/accounts.h"
#include "server/app/audit.h"
#include "server/app/cache_erase.h"
#include "server/app/live.h"
#include "server/app/login.h"
#include "server/app/personal_parts.h"

enum { MAX_SETTINGS = 64 << 10, MAX_PRESETS = 200, MAX_PRESET = 300 << 10, MAX_DAYS = 3650 };

/* ---- sealed things beside conversations */

static ts_str place(char out[TS_VAULT_CONTEXT], const char *kind, int64_t user_n, const char *id)
{
    const int n =
        snprintf(out, TS_VAULT_CONTEXT, "tiefsee-1 %s %lld %s", kind, (long long)user_n, id);

    return (ts_str){out, (size_t)n};
}

static bool seal_json(const ts_owner *o, const char *kind, const char *id, const json_t *value,
                      ts_buf *out)
{
    ts_buf text = ts_buf_make(MAX_PRESET);
    char where[TS_VAULT_CONTEXT];
    const bool is_good = ts_app_dump(&text, value) && ts_seal(o->key, place(where, kind, o->id, id),
                                                              (ts_str){text.ptr, text.len}, out);

    ts_buf_free(&text);
    return is_good;
}

static json_t *unseal_json(const ts_owner *o, const char *kind, const char *id, ts_str sealed)
{
    ts_buf text = ts_buf_make(MAX_PRESET + TS_VAULT_EXTRA);
    char where[TS_VAULT_CONTEXT];
    json_t *value = NULL;

    if (!ts_unseal(o->key, place(where, kind, o->id, id), sealed, &text) ||
        ts_json_parse(&value, text.ptr, text.len, (ts_json_limits){.values = 1 << 16}, NULL) !=
            TIEFSEE_OK)
        value = NULL;
    ts_buf_free(&text);
    return value;
}

/* ---- me */

void ts_me_show(ts_http_request *req, ts_reply *reply)
{
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    const ts_key_limits limits = ts_accounts_limits(w.app, &w.person);
    json_t *answer =
        json_pack("{s:o,s:o,s:o}", "user", ts_login_user(&w.person), "limits",
                  ts_accounts_limits_json(&limits), "today", ts_accounts_today(w.app, &w.person));
    ts_app_leave(&w);
    ts_app_send(reply, 200, answer);
}

static bool take_number(const json_t *body, const char *name, int64_t max, int64_t *out,
                        ts_wrong *wrong)
{
    const json_t *value = ts_field_get(body, name);

    if (!value)
        return true;
    *out = json_integer_value(value);
    return (json_is_integer(value) && *out >= 0 && *out <= max) ||
           ts_wrong_field(wrong, name, "not a number from 0 to %lld", (long long)max);
}

static bool take_me(ts_person *p, const json_t *body, int64_t retention_max, ts_wrong *wrong)
{
    const json_t *frozen = ts_field_get(body, "is_frozen");
    const int64_t most = retention_max > 0 ? retention_max : MAX_DAYS * 10;

    if (frozen && !json_is_boolean(frozen))
        return ts_wrong_field(wrong, "is_frozen", "not true or false");
    if (frozen)
        p->is_frozen = json_is_true(frozen);
    return take_number(body, "retention_days", most, &p->retention_days, wrong) &&
           take_number(body, "notice_seen", 1 << 30, &p->notice_seen, wrong);
}

/* The old password is right, the new one is set, and whoever is logged in by the old one
 * elsewhere is out.  False: answered. */
static bool change_password(ts_app *app, ts_reply *reply, const ts_app_caller *caller,
                            const json_t *body)
{
    const char *password = json_string_value(json_object_get(body, "password"));
    const char *old = json_string_value(json_object_get(body, "old_password"));
    char hash[128];
    tiefsee_error err = {0};

    if (!password)
        return true;
    if (!ts_login_confirm(app, reply, caller, old, "old_password"))
        return false;
    tiefsee_status st = ts_password_hash(password, hash, &err);
    if (st == TIEFSEE_OK) {
        ts_lock_take(app->store_lock);
        st = ts_people_set_password(app->people, app->store, caller->user_n, hash, &err);
        if (st == TIEFSEE_OK)
            st = ts_sessions_end_others(app->people, app->store, caller->user_n, caller->session,
                                        &err);
        ts_lock_give(app->store_lock);
    }
    if (st != TIEFSEE_OK)
        ts_reply_fail_status(reply, &err);
    return st == TIEFSEE_OK;
}

void ts_me_change(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    ts_wrong wrong;
    ts_work w;

    if (!body)
        return;
    if (change_password(ts_server_of(req)->app, reply, ts_app_caller_of(req), body) &&
        ts_app_enter(&w, req, reply)) {
        if (!take_me(&w.person, body, ts_accounts_retention_max(w.app), &wrong)) {
            ts_app_leave(&w);
            ts_app_refuse_wrong(reply, &wrong);
        } else {
            const tiefsee_status st = ts_people_change(w.app->people, w.store, &w.person, &w.err);
            ts_audit(w.app, w.person.id, "change_self", w.person.id,
                     st == TIEFSEE_OK ? "ok" : "failed");
            if (st == TIEFSEE_OK && w.person.is_frozen)
                ts_live_stop_all(w.app, w.person.n);
            json_t *user = ts_login_user(&w.person);
            if (st == TIEFSEE_OK) {
                ts_app_leave(&w);
                ts_app_send(reply, 200, json_pack("{s:o}", "user", user));
            } else {
                json_decref(user);
                (void)ts_app_fail(&w, st);
            }
        }
    }
    json_decref(body);
}

/* ---- settings */

json_t *ts_me_read_settings(ts_work *w)
{
    ts_query q = ts_query_begin(w->store, "SELECT settings FROM app_user WHERE n = ?");
    json_t *settings = NULL;

    ts_query_i64(&q, w->person.n);
    if (ts_query_step(&q)) {
        const ts_str sealed = ts_query_get_blob(&q, 0);
        settings = sealed.len ? unseal_json(&w->owner, "settings", "", sealed) : json_object();
    }
    const tiefsee_status st = ts_query_end(&q, &w->err);
    if (st == TIEFSEE_OK && settings)
        return settings;
    json_decref(settings);
    if (st == TIEFSEE_OK)
        (void)ts_fail(&w->err, TIEFSEE_E_FORMAT, "sealed settings do not open");
    return NULL;
}

void ts_me_settings(ts_http_request *req, ts_reply *reply)
{
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    json_t *settings = ts_me_read_settings(&w);
    if (!settings) {
        (void)ts_app_fail(&w, w.err.status);
        return;
    }
    ts_app_leave(&w);
    ts_app_send(reply, 200, settings);
}

static void end_with_nothing(ts_work *w, ts_query *q)
{
    (void)ts_query_step(q);
    const tiefsee_status st = ts_query_end(q, &w->err);
    if (st != TIEFSEE_OK) {
        (void)ts_app_fail(w, st);
        return;
    }
    ts_app_leave(w);
    ts_app_send_nothing(w->reply);
}

void ts_me_save_settings(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    ts_buf sealed = ts_buf_make(MAX_PRESET + TS_VAULT_EXTRA);
    ts_work w;

    if (!body)
        return;
    if (req->body.len > MAX_SETTINGS)
        ts_app_refuse(reply, 413, NULL, NULL, "settings have at most 65536 bytes");
    else if (ts_app_enter(&w, req, reply)) {
        if (seal_json(&w.owner, "settings", "", body, &sealed)) {
            ts_query q = ts_query_begin(w.store, "UPDATE app_user SET settings = ? WHERE n = ?");
            ts_query_blob(&q, sealed.ptr, sealed.len);
            ts_query_i64(&q, w.person.n);
            end_with_nothing(&w, &q);
        } else
            (void)ts_app_no(&w, 503, NULL, NULL, "out of memory for this request");
    }
    ts_buf_free(&sealed);
    json_decref(body);
}

/* ---- presets */

json_t *ts_me_read_presets(ts_work *w)
{
    ts_query q =
        ts_query_begin(w->store, "SELECT id, sealed FROM app_preset WHERE user_n = ? ORDER BY id");
    json_t *list = json_array();

    ts_query_i64(&q, w->person.n);
    while (ts_query_step(&q)) {
        char id[TS_ID_MAX + 1];
        const ts_str text = ts_query_get_str(&q, 0);

        (void)snprintf(id, sizeof id, "%.*s", TS_STR_ARG(text));
        json_t *preset = unseal_json(&w->owner, "preset", id, ts_query_get_blob(&q, 1));
        (void)json_object_set_new(preset, "id", json_string(id));
        if (preset)
            (void)json_array_append_new(list, preset);
    }
    if (ts_query_end(&q, &w->err) == TIEFSEE_OK)
        return list;
    json_decref(list);
    return NULL;
}

void ts_me_presets(ts_http_request *req, ts_reply *reply)
{
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    json_t *list = ts_me_read_presets(&w);
    if (!list) {
        (void)ts_app_fail(&w, w.err.status);
        return;
    }
    ts_app_leave(&w);
    ts_app_send(reply, 200, json_pack("{s:o}", "presets", list));
}

static bool check_preset(json_t *body, const char *id, ts_wrong *wrong)
{
    bool is_wrong = false;
    char line[201];
    const char *name = ts_app_text(body, "name", 200, wrong, &is_wrong);

    (void)ts_app_text(body, "system", 256 << 10, wrong, &is_wrong);
    (void)ts_app_text(body, "model", TS_USAGE_MODEL_MAX, wrong, &is_wrong);
    (void)ts_app_text(body, "effort", 16, wrong, &is_wrong);
    if (is_wrong)
        return false;
    if (!ts_id_is_valid(id))
        return ts_wrong_field(wrong, "id", "not an id (8 to 32 of 0-9 A-Z a-z _ -)");
    if (!name || !*name)
        return ts_wrong_field(wrong, "name", "a preset has a name");
    ts_app_line(line, 200, name);
    return json_object_set_new(body, "name", json_string(line)) == 0;
}

static int64_t count_presets(ts_work *w, const char *but)
{
    ts_query q =
        ts_query_begin(w->store, "SELECT count(*) FROM app_preset WHERE user_n = ? AND id <> ?");
    int64_t n = 0;

    ts_query_i64(&q, w->person.n);
    ts_query_str(&q, ts_str_of(but));
    if (ts_query_step(&q))
        n = ts_query_get_i64(&q, 0);
    return ts_query_end(&q, &w->err) == TIEFSEE_OK ? n : INT64_MAX;
}

void ts_me_save_preset(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    const char *id = req->params[0];
    ts_buf sealed = ts_buf_make(MAX_PRESET + TS_VAULT_EXTRA);
    ts_wrong wrong;
    ts_work w;

    if (!body)
        return;
    if (!check_preset(body, id, &wrong))
        ts_app_refuse_wrong(reply, &wrong);
    else if (ts_app_enter(&w, req, reply)) {
        if (count_presets(&w, id) >= MAX_PRESETS)
            (void)ts_app_no(&w, 409, NULL, NULL, "there are 200 presets already");
        else if (seal_json(&w.owner, "preset", id, body, &sealed)) {
            ts_query q = ts_query_begin(
                w.store, "INSERT OR REPLACE INTO app_preset (user_n, id, sealed) VALUES (?, ?, ?)");
            ts_query_i64(&q, w.person.n);
            ts_query_str(&q, ts_str_of(id));
            ts_query_blob(&q, sealed.ptr, sealed.len);
            end_with_nothing(&w, &q);
        } else
            (void)ts_app_no(&w, 413, NULL, NULL, "a preset has at most 300 KiB");
    }
    ts_buf_free(&sealed);
    json_decref(body);
}

void ts_me_delete_preset(ts_http_request *req, ts_reply *reply)
{
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    ts_query q = ts_query_begin(w.store, "DELETE FROM app_preset WHERE user_n = ? AND id = ?");
    ts_query_i64(&q, w.person.n);
    ts_query_str(&q, ts_str_of(req->params[0]));
    end_with_nothing(&w, &q);
}

/* ---- usage */

static bool add_usage(void *ctx, const ts_usage_row *row)
{
    char day[11];

    ts_usage_print_day(day, row->day);
    (void)json_array_append_new(ctx,
                                json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "day", day, "model",
                                          row->model, "n_requests", (json_int_t)row->n_requests,
                                          "n_prompt", (json_int_t)row->tokens.n_prompt, "n_cached",
                                          (json_int_t)row->tokens.n_cached, "n_completion",
                                          (json_int_t)row->tokens.n_completion, "n_reasoning",
                                          (json_int_t)row->tokens.n_reasoning));
    return true;
}

json_t *ts_me_read_usage(ts_app *app, int64_t key_id, int64_t n_days, tiefsee_error *err)
{
    const int64_t today = ts_usage_day(ts_app_now() / 1000);
    const ts_usage_query query = {.key_id = key_id,
                                  .first_day = n_days ? today - n_days + 1 : 0,
                                  .n_days = n_days,
                                  .by_day = true,
                                  .by_model = true};
    json_t *days = json_array();

    if (ts_usage_read(app->store, &query, add_usage, days, err) == TIEFSEE_OK)
        return days;
    json_decref(days);
    return NULL;
}

/* DeepSeek's published prices; the page says which beside its figure. */
json_t *ts_me_prices(void)
{
    return json_pack("{s:s,s:s,s:{s:f,s:f,s:f}}", "currency", "USD", "of",
                     "deepseek-flash, October 2026, peak hours", "per_million", "cache_hit", 0.006,
                     "cache_miss", 0.30, "output", 1.20);
}

void ts_me_usage(ts_http_request *req, ts_reply *reply)
{
    uint64_t n_days = 30;
    ts_str days;
    ts_work w;

    if (ts_http_query(req, "days", &days) && !ts_parse_u64(days.ptr, 1, MAX_DAYS, &n_days)) {
        ts_app_refuse(reply, 400, NULL, "days", "days is a number from 1 to 3650");
        return;
    }
    if (!ts_app_enter(&w, req, reply))
        return;
    json_t *rows = ts_me_read_usage(w.app, w.person.key_id, (int64_t)n_days, &w.err);
    if (!rows) {
        (void)ts_app_fail(&w, w.err.status);
        return;
    }
    ts_app_leave(&w);
    ts_app_send(reply, 200, json_pack("{s:o,s:o}", "days", rows, "prices", ts_me_prices()));
}

/* ---- sessions, audit, erasing */

typedef struct session_list {
    json_t *list;
    const char *current;
} session_list;

static bool add_session(void *ctx, const ts_session *s)
{
    session_list *l = ctx;

    (void)json_array_append_new(l->list, json_pack("{s:s,s:I,s:I,s:b}", "id", s->id, "created",
                                                   (json_int_t)s->created, "last_used",
                                                   (json_int_t)s->last_used, "is_this",
                                                   (int)(strcmp(s->id, l->current) == 0)));
    return true;
}

json_t *ts_me_read_sessions(ts_work *w)
{
    session_list l = {json_array(), ts_app_caller_of(w->req)->session};

    ts_sessions_list(w->app->people, w->person.n, add_session, &l);
    return l.list;
}

void ts_me_sessions(ts_http_request *req, ts_reply *reply)
{
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    json_t *list = ts_me_read_sessions(&w);
    ts_app_leave(&w);
    ts_app_send(reply, 200, json_pack("{s:o}", "sessions", list));
}

void ts_me_end_session(ts_http_request *req, ts_reply *reply)
{
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    const tiefsee_status st =
        ts_sessions_end(w.app->people, w.store, w.person.n, req->params[0], &w.err);
    if (st != TIEFSEE_OK) {
        (void)ts_app_fail(&w, st);
        return;
    }
    ts_app_leave(&w);
    ts_app_send_nothing(reply);
}

void ts_me_audit(ts_http_request *req, ts_reply *reply)
{
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    json_t *entries = ts_audit_read(w.app, w.person.id, 0, 1000, &w.err);
    if (!entries) {
        (void)ts_app_fail(&w, w.err.status);
        return;
    }
    ts_app_leave(&w);
    ts_app_send(reply, 200, json_pack("{s:o}", "entries", entries));
}

/* An account is erased by who knows its password. */
static bool may_erase(ts_app *app, ts_reply *reply, const ts_app_caller *caller, const json_t *body)
{
    return !app->opt.has_accounts ||
           ts_login_confirm(app, reply, caller,
                            json_string_value(json_object_get(body, "password")), "password");
}

static void erase(ts_http_request *req, ts_reply *reply, const json_t *body, ts_erase what)
{
    const int64_t from = json_integer_value(json_object_get(body, "from"));
    const int64_t to = json_integer_value(json_object_get(body, "to"));
    ts_work w;

    if (what == TS_ERASE_ACCOUNT &&
        !may_erase(ts_server_of(req)->app, reply, ts_app_caller_of(req), body))
        return;
    if (!ts_app_enter(&w, req, reply))
        return;
    const bool is_last = w.app->opt.has_accounts && what == TS_ERASE_ACCOUNT &&
                         w.person.role == TS_ROLE_ADMIN &&
                         ts_people_count_admins(w.app->people) <= 1;
    if (is_last) {
        (void)ts_app_no(&w, 409, NULL, NULL, "the last admin stays");
        return;
    }
    json_t *answer = ts_accounts_erase(w.app, &w.person, what, from, to,
                                       what == TS_ERASE_ACCOUNT ? "erased" : w.person.id, &w.err);
    if (!answer) {
        (void)ts_app_fail(&w, w.err.status);
        return;
    }
    ts_app_leave(&w);
    ts_cache_catch_up(w.app);
    ts_app_send(reply, 200, answer);
}

void ts_me_erase(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    const char *what = json_string_value(json_object_get(body, "what"));
    const bool is_range = what && strcmp(what, "range") == 0;

    if (!body)
        return;
    /* A limit that is missing must not mean the year 1970. */
    if (is_range && !json_is_integer(json_object_get(body, "from")))
        ts_app_refuse(reply, 400, NULL, "from", "from is a time in milliseconds");
    else if (is_range && !json_is_integer(json_object_get(body, "to")))
        ts_app_refuse(reply, 400, NULL, "to", "to is a time in milliseconds");
    else if (is_range)
        erase(req, reply, body, TS_ERASE_RANGE);
    else if (what && strcmp(what, "all") == 0)
        erase(req, reply, body, TS_ERASE_ALL);
    else if (what && strcmp(what, "account") == 0)
        erase(req, reply, body, TS_ERASE_ACCOUNT);
    else
        ts_app_refuse(reply, 400, NULL, "what", "what is range, all or account");
    json_decref(body);
}
