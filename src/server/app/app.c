/* app.c - see app.h. */
#include "server/app/app.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/utf8.h"
#include "formats/json.h"
#include "server/app/audit.h"
#include "server/app/cache_erase.h"
#include "server/app/live.h"
#include "server/app/login.h"

enum { MAX_TASKS = 8192, TICK_MS = 1000, MAX_VALUES = 1 << 20, MAX_JSON = 512 << 20 };

int64_t ts_app_now(void)
{
    return ts_clock_unix_ms();
}

/* ---- errors */

static const char *code_of(int status)
{
    switch (status) {
    case 400: return "invalid";
    case 401: return "login_required";
    case 403: return "forbidden";
    case 404:
    case 405: return "not_found";
    case 409: return "conflict";
    case 413: return "too_large";
    case 429: return "rate_limited";
    case 503: return "overloaded";
    default: return status >= 500 ? "internal" : "invalid";
    }
}

static bool render(const ts_http_request *req, const ts_http_error *e, ts_buf *out)
{
    ts_out o = ts_out_make(8192);

    (void)req;
    ts_out_raw(&o, "{\"error\":{\"code\":");
    ts_out_str(&o, e->code ? e->code : code_of(e->status));
    ts_out_raw(&o, ",\"message\":");
    ts_out_str(&o, e->message ? e->message : "");
    ts_out_raw(&o, ",\"field\":");
    ts_out_str(&o, e->param);
    ts_out_raw(&o, "}}");
    const bool is_good = !o.has_failed && ts_buf_append(out, o.buf.ptr, o.buf.len);
    ts_out_free(&o);
    return is_good;
}

const ts_protocol ts_protocol_app = {
    .name = "app", .content_type = "application/json", .render = render};

void ts_app_refuse(ts_reply *reply, int status, const char *code, const char *field,
                   const char *message)
{
    const ts_http_error error = {.status = status,
                                 .code = code,
                                 .param = field,
                                 .message = message,
                                 .retry_after_s = status == 429 || status == 503 ? 1 : 0};

    ts_reply_fail_with(reply, &error);
}

void ts_app_refuse_wrong(ts_reply *reply, const ts_wrong *w)
{
    ts_app_refuse(reply, w->status, w->code, *w->param ? w->param : NULL, w->message);
}

/* ---- admission */

const ts_app_access ts_app_open_access = {.is_open = true}, ts_app_reads = {0},
                    ts_app_changes = {.changes = true}, ts_app_own = {0},
                    ts_app_stores = {.stores = true}, ts_app_admins = {.needs_admin = true};

bool ts_app_owns(const char *path)
{
    return strncmp(path, "/app/api/", 9) == 0;
}

static bool refuse(ts_http_error *e, int status, const char *code, const char *message)
{
    *e = (ts_http_error){
        .status = status, .code = code, .message = message, .retry_after_s = status == 503 ? 1 : 0};
    return false;
}

/* Another site's page can send a form, but neither this header nor this origin. */
static bool is_ours(const ts_http_request *req)
{
    const ts_str mark = ts_http_header_of(req, "X-Tiefsee");
    const ts_str site = ts_http_header_of(req, "Sec-Fetch-Site");

    return ts_str_is(mark, "1") &&
           (!site.ptr || ts_str_is(site, "same-origin") || ts_str_is(site, "none"));
}

ts_str ts_app_cookie(const ts_http_request *req, const char *name)
{
    const size_t n = strlen(name);
    ts_str rest = ts_http_header_of(req, "Cookie");

    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, ';', rest.len);
        const size_t len = end ? (size_t)(end - rest.ptr) : rest.len;

        if (len > n && memcmp(rest.ptr, name, n) == 0 && rest.ptr[n] == '=')
            return (ts_str){rest.ptr + n + 1, len - n - 1};
        rest.ptr += len + (end != NULL);
        rest.len -= len + (end != NULL);
        while (rest.len > 0 && *rest.ptr == ' ') {
            rest.ptr++;
            rest.len--;
        }
    }
    return (ts_str){0};
}

static bool find_person(ts_app *app, const ts_http_request *req, ts_person *out,
                        ts_app_caller *caller)
{
    ts_session session;

    if (!app->opt.has_accounts)
        return ts_people_by_n(app->people, app->local_n, out);
    if (!ts_sessions_find(app->people, ts_app_cookie(req, ts_login_cookie(app)), ts_app_now(), out,
                          &session))
        return false;
    memcpy(caller->session, session.id, sizeof caller->session);
    return true;
}

static void take_person(ts_app_caller *caller, const ts_person *p)
{
    caller->user_n = p->n;
    caller->role = p->role;
    caller->who = (ts_identity){.key_id = p->key_id, .scopes = TS_SCOPE_CHAT};
    (void)snprintf(caller->who.name, sizeof caller->who.name, "%s", p->name);
    _Static_assert(sizeof caller->who.user >= TS_SPACE_MAX, "a name space fits");
    ts_cache_space(caller->who.user, p->n);
}

static const ts_app_access *access_of(const ts_http_request *req)
{
    return req->route->data ? req->route->data : &ts_app_own;
}

static bool may(const ts_app_access *access, const ts_person *p, ts_http_error *refusal)
{
    if (access->needs_admin && p->role != TS_ROLE_ADMIN)
        return refuse(refusal, 403, NULL, "this is for admins");
    if (access->changes && p->role == TS_ROLE_READER)
        return refuse(refusal, 403, NULL, "this account may only read");
    if ((access->changes || access->stores) && p->is_frozen)
        return refuse(refusal, 403, "frozen", "this account is frozen");
    return true;
}

bool ts_app_admit(ts_app *app, ts_http_request *req, ts_http_error *refusal)
{
    const ts_app_access *access = access_of(req);
    ts_app_caller *caller = ts_arena_alloc_zero(req->arena, 1, sizeof *caller);
    ts_person person;

    if (!app)
        return refuse(refusal, 503, "no_store",
                      "this server keeps nothing: it has no store, or asks for keys and has no "
                      "accounts (serve --accounts)");
    if (!caller)
        return refuse(refusal, 503, NULL, "out of memory");
    if (strcmp(req->method, "GET") != 0 && !is_ours(req))
        return refuse(refusal, 403, "csrf",
                      "the header X-Tiefsee: 1 is needed, from this server's own pages");
    req->identity = caller;
    if (!find_person(app, req, &person, caller))
        return access->is_open || refuse(refusal, 401, "login_required", "log in first");
    take_person(caller, &person);
    req->user_name = caller->who.user;
    const bool is_good = may(access, &person, refusal);
    ts_person_wipe(&person);
    return is_good;
}

/* ---- handlers */

/* Between the headers and the end of a body there are minutes in which an account may be
 * disabled, frozen or made a reader, and a session be ended. */
static bool is_still_there(ts_work *w, const ts_app_caller *caller)
{
    return ts_people_by_n(w->app->people, caller->user_n, &w->person) &&
           (!w->app->opt.has_accounts ||
            (!w->person.is_disabled &&
             ts_sessions_is_there(w->app->people, caller->user_n, caller->session)));
}

bool ts_app_enter(ts_work *w, ts_http_request *req, ts_reply *reply)
{
    ts_http_error no = {0};

    *w = (ts_work){.app = ts_server_of(req)->app, .req = req, .reply = reply};
    ts_lock_take(w->app->store_lock);
    w->store = w->app->store;
    if (!is_still_there(w, ts_app_caller_of(req)))
        return ts_app_no(w, 401, "login_required", NULL, "this account or its session is gone");
    if (!may(access_of(req), &w->person, &no))
        return ts_app_no(w, no.status, no.code, NULL, no.message);
    w->owner = ts_person_owner(&w->person);
    return true;
}

void ts_app_leave(ts_work *w)
{
    if (!w->store)
        return;
    w->store = NULL;
    ts_person_wipe(&w->person);
    ts_lock_give(w->app->store_lock);
}

bool ts_app_no(ts_work *w, int status, const char *code, const char *field, const char *message)
{
    ts_app_leave(w);
    ts_app_refuse(w->reply, status, code, field, message);
    return false;
}

bool ts_app_fail(ts_work *w, tiefsee_status st)
{
    const char *message = w->err.message;

    ts_app_leave(w);
    if (st == TIEFSEE_E_IO && (strstr(message, "full") || strstr(message, "No space"))) {
        const ts_log_field why = TS_LOG_TEXT("why", message);
        ts_log(TS_LOG_ERROR, "store", &why, 1);
        ts_app_refuse(w->reply, 503, "disk_full", NULL, "the server's disk is full");
    } else
        ts_reply_fail_status(w->reply, &w->err);
    return false;
}

json_t *ts_app_body(ts_http_request *req, ts_reply *reply)
{
    json_t *body = NULL;
    tiefsee_error err = {0};

    if (req->body.len == 0)
        body = json_object();
    else if (ts_json_parse(&body, req->body.ptr, req->body.len,
                           (ts_json_limits){.values = MAX_VALUES}, &err) != TIEFSEE_OK) {
        ts_app_refuse(reply, err.status == TIEFSEE_E_NOMEM ? 503 : 400, NULL, NULL, err.message);
        return NULL;
    }
    if (!body)
        ts_app_refuse(reply, 503, NULL, NULL, "out of memory for this request");
    return body;
}

static int append(const char *bytes, size_t n, void *out)
{
    return ts_buf_append(out, bytes, n) ? 0 : -1;
}

bool ts_app_dump(ts_buf *out, const json_t *value)
{
    return json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
}

static void send_text(ts_reply *reply, int status, const char *text, size_t n)
{
    if (ts_reply_header(reply, "Cache-Control", "no-store"))
        ts_reply_send(reply, status, "application/json", text, n);
    else
        ts_app_refuse(reply, 503, NULL, NULL, "out of memory for this request");
}

void ts_app_send(ts_reply *reply, int status, json_t *value)
{
    ts_buf text = ts_buf_make(MAX_JSON);

    if (value && ts_app_dump(&text, value))
        send_text(reply, status, text.ptr, text.len);
    else
        ts_app_refuse(reply, 503, NULL, NULL, "out of memory for this request");
    ts_buf_free(&text);
    json_decref(value);
}

void ts_app_send_out(ts_reply *reply, ts_out *o)
{
    if (o->has_failed)
        ts_app_refuse(reply, 503, NULL, NULL, "out of memory for this request");
    else
        send_text(reply, 200, o->buf.ptr, o->buf.len);
    ts_out_free(o);
}

void ts_app_send_nothing(ts_reply *reply)
{
    ts_reply_send(reply, 204, NULL, "", 0);
}

const char *ts_app_text(json_t *object, const char *name, size_t max, ts_wrong *wrong,
                        bool *is_wrong)
{
    const json_t *value = ts_field_get(object, name);

    if (!value)
        return NULL;
    if (json_is_string(value) && json_string_length(value) <= max)
        return json_string_value(value);
    *is_wrong = true;
    if (json_is_string(value))
        (void)ts_wrong_field(wrong, name, "%zu bytes (%zu allowed)", json_string_length(value),
                             max);
    else
        (void)ts_wrong_field(wrong, name, "%s (a string expected)", ts_json_kind(value));
    return NULL;
}

/* Marks that nobody sees and that turn the direction of writing. */
static bool is_odd(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

void ts_app_line(char *out, size_t max, const char *text)
{
    size_t n = 0;

    while (*text) {
        uint32_t c = 0;
        const size_t len = ts_utf8_decode(text, strlen(text) < 4 ? strlen(text) : 4, &c);

        if (n + (len ? len : 1) > max)
            break;
        if (len == 0 || is_odd(c))
            out[n++] = ' ';
        else {
            memcpy(out + n, text, len);
            n += len;
        }
        text += len ? len : 1;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

/* ---- the worker */

void ts_app_later(ts_app *app, void (*run)(void *ctx), void *ctx)
{
    const ts_app_task task = {run, ctx};

    /* Answers are looked at with every tick, so a wake-up that is lost is a second. */
    if (!ts_worker_push(app->worker, &task, NULL) && run)
        run(ctx);
}

static void on_tasks(void *ctx, void *items, size_t n)
{
    ts_app *app = ctx;
    const ts_app_task *tasks = items;

    for (size_t i = 0; i < n; i++)
        if (tasks[i].run)
            tasks[i].run(tasks[i].ctx);
    ts_live_look(app);
    if (n == 0)
        ts_login_tidy(app);
}

/* ---- open, close */

static tiefsee_status find_local(ts_app *app, tiefsee_error *err)
{
    ts_person person;

    if (ts_people_by_name(app->people, "local", &person) && !person.has_password) {
        app->local_n = person.n;
        return TIEFSEE_OK;
    }
    person = (ts_person){.name = "local", .role = TS_ROLE_ADMIN, .created = ts_app_now()};
    const tiefsee_status st = ts_people_add(app->people, app->store, &person, NULL, err);
    app->local_n = person.n;
    ts_person_wipe(&person);
    return st;
}

static tiefsee_status open_parts(ts_app *app, tiefsee_error *err)
{
    const ts_store_options synced = {.is_synced = true};
    const ts_worker_options work = {.item_bytes = sizeof(ts_app_task),
                                    .max_items = MAX_TASKS,
                                    .tick_ms = TICK_MS,
                                    .run = on_tasks,
                                    .ctx = app};

    app->store_lock = ts_lock_new();
    app->live_lock = ts_lock_new();
    app->login_lock = ts_lock_new();
    app->search = ts_search_new();
    if (!app->store_lock || !app->live_lock || !app->login_lock || !app->search)
        return ts_fail_nomem(err, sizeof *app, "the assistant");
    tiefsee_status st = ts_store_open(&app->store, app->opt.store_path, &synced, err);
    if (st == TIEFSEE_OK)
        st = ts_people_open(&app->people, app->store, app->opt.key_path, app->opt.secret, err);
    if (st == TIEFSEE_OK)
        st = ts_audit_open(app, err);
    if (st == TIEFSEE_OK && !app->opt.has_accounts)
        st = find_local(app, err);
    if (st == TIEFSEE_OK)
        st = ts_cache_open(app, err);
    app->opt.secret = (ts_str){0}; /* the caller's again */
    if (st == TIEFSEE_OK)
        st = ts_login_open(app, err);
    return st == TIEFSEE_OK ? ts_worker_new(&app->worker, &work, err) : st;
}

tiefsee_status ts_app_open(ts_app **out, ts_server *server, const ts_app_options *opt,
                           tiefsee_error *err)
{
    ts_app *app = ts_alloc_zero(1, sizeof *app);

    *out = NULL;
    if (!app)
        return ts_fail_nomem(err, sizeof *app, "the assistant");
    app->server = server;
    app->opt = *opt;
    (void)snprintf(app->store_path, sizeof app->store_path, "%s", opt->store_path);
    (void)snprintf(app->key_path, sizeof app->key_path, "%s", opt->key_path);
    app->opt.store_path = app->store_path;
    app->opt.key_path = app->key_path;
    const tiefsee_status st = open_parts(app, err);
    if (st != TIEFSEE_OK) {
        ts_app_close(app);
        return st;
    }
    ts_cache_catch_up(app); /* what a crash left */
    *out = app;
    return TIEFSEE_OK;
}

void ts_app_close(ts_app *app)
{
    if (!app)
        return;
    ts_worker_free(app->worker);
    if (app->live_lock)
        ts_live_look(app); /* the last ones */
    ts_login_close(app);
    ts_search_free(app->search);
    ts_people_close(app->people);
    ts_audit_close(app);
    ts_store_close(app->store);
    ts_lock_free(app->store_lock);
    ts_lock_free(app->live_lock);
    ts_lock_free(app->login_lock);
    ts_free(app);
}
