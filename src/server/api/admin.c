/* admin.c - see admin.h.  The handlers wait for the disk, on a worker thread. */
#include "server/api/admin.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "formats/json.h"
#include "server/api/fields.h"
#include "server/api/openai.h"
#include "server/api/turn_answer.h"
#include "server/auth/auth.h"
#include "server/server.h"

enum { MAX_BODY_VALUES = 256, MAX_DAYS = 36500 };

/* One request: what it needs, and its answer. */
typedef struct admin {
    ts_http_request *req;
    ts_auth *auth;
    ts_store *store;
    json_t *body;   /* NULL: none */
    json_t *answer; /* NULL: no memory */
    int status;
    bool has_changed;
    char key[TS_KEY_ID_LEN + 1];                  /* that was made or changed */
    bool (*is_hidden)(void *ctx, int64_t key_id); /* NULL: none is */
    void *ctx;
    ts_wrong wrong;
} admin;

static int64_t now_seconds(void)
{
    return ts_clock_unix_ms() / 1000;
}

/* ---- failures of the store */

static bool fail(admin *a, const tiefsee_error *err)
{
    if (err->status == TIEFSEE_E_INVALID)
        return ts_wrong_set(&a->wrong, 400, NULL, NULL, "%s", err->message);
    return ts_wrong_set(&a->wrong, 503, NULL, NULL, "the store cannot do this now");
}

static bool find_named(admin *a, const char *name, ts_key *key)
{
    tiefsee_error err = {0};

    const tiefsee_status st = ts_keys_find(a->store, name, key, &err);
    if (st == TIEFSEE_OK && a->is_hidden && a->is_hidden(a->ctx, key->id))
        return ts_wrong_set(&a->wrong, 404, NULL, NULL, "there is no such key");
    if (st == TIEFSEE_OK) {
        memcpy(a->key, key->public_id, sizeof a->key);
        return true;
    }
    if (err.status == TIEFSEE_E_INVALID)
        return ts_wrong_set(&a->wrong, 404, NULL, NULL, "%s", err.message);
    return fail(a, &err);
}

/* The key of the path. */
static bool find(admin *a, ts_key *key)
{
    return find_named(a, a->req->n_params > 0 ? a->req->params[0] : "", key);
}

/* Nobody shuts themselves out by a mistake. */
static bool is_own(admin *a, const ts_key *key, const char *what)
{
    const ts_identity *who = a->req->identity;

    if (who && who->key_id == key->id)
        return !ts_wrong_set(&a->wrong, 400, NULL, NULL, "a key does not %s itself", what);
    return false;
}

static bool show(admin *a, int status, const ts_key *key)
{
    a->status = status;
    a->answer = ts_key_json(key, now_seconds());
    return true;
}

/* ---- fields */

typedef struct limits {
    int64_t concurrent, tokens_per_day, requests_per_minute, context; /* -1: not given */
} limits;

#define LIMIT(name)                                                              \
    {                                                                            \
#name, TS_FIELD_INT, 0, (double)TS_KEY_LIMIT_MAX, offsetof(limits, name) \
    }

static const ts_field limit_fields[] = {LIMIT(concurrent), LIMIT(tokens_per_day),
                                        LIMIT(requests_per_minute), LIMIT(context)};

/* What is given changes; null and 0 turn a limit off. */
static bool read_limits(admin *a, ts_key_limits *out)
{
    const json_t *object = ts_field_get(a->body, "limits");
    limits l = {-1, -1, -1, -1};
    const char *name;
    json_t *value;

    if (object && !json_is_object(object))
        return ts_wrong_field(&a->wrong, "limits", "%s (an object expected)", ts_json_kind(object));
    if (!ts_fields_read(object, limit_fields, TS_COUNT(limit_fields), &l, &a->wrong))
        return false;
    const struct {
        const char *name;
        int64_t given;
        uint64_t *limit;
    } all[] = {{"concurrent", l.concurrent, &out->n_concurrent},
               {"tokens_per_day", l.tokens_per_day, &out->tokens_per_day},
               {"requests_per_minute", l.requests_per_minute, &out->requests_per_minute},
               {"context", l.context, &out->n_ctx}};
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        size_t i = 0;

        while (i < TS_COUNT(all) && strcmp(all[i].name, name) != 0)
            i++;
        if (i == TS_COUNT(all))
            return ts_wrong_field(&a->wrong, "limits", "there is no limit '%.40s'", name);
        *all[i].limit = all[i].given > 0 ? (uint64_t)all[i].given : 0;
    }
    return true;
}

/* "2027-01-31", "90d", "never"; null: never. */
static bool read_expiry(admin *a, int64_t *out)
{
    const json_t *value = json_object_get(a->body, "expires");
    const char *text = json_is_null(value) ? "never" : json_string_value(value);

    if (!value)
        return true;
    return (text && ts_expiry_parse(text, now_seconds(), out)) ||
           ts_wrong_field(&a->wrong, "expires",
                          "a date (2027-01-31), days (90d) or never expected");
}

/* "chat,metrics" or a list of words. */
static bool read_scopes(admin *a, unsigned *out)
{
    const json_t *value = ts_field_get(a->body, "scopes");
    const size_t n = json_is_array(value) ? json_array_size(value) : 1;
    unsigned bits = 0;

    for (size_t i = 0; value && i < n; i++) {
        const json_t *word = json_is_array(value) ? json_array_get(value, i) : value;
        unsigned more = 0;

        if (!json_is_string(word) || !ts_scopes_parse(json_string_value(word), &more))
            return ts_wrong_field(&a->wrong, "scopes", "chat, admin or metrics expected");
        bits |= more;
    }
    if (value && bits == 0)
        return ts_wrong_field(&a->wrong, "scopes", "none (one at least expected)");
    *out = value ? bits : TS_SCOPE_CHAT;
    return true;
}

/* ---- keys */

static bool add_to_list(void *ctx, const ts_key *key)
{
    admin *a = ctx;

    return (a->is_hidden && a->is_hidden(a->ctx, key->id)) ||
           json_array_append_new(json_object_get(a->answer, "keys"),
                                 ts_key_json(key, now_seconds())) == 0;
}

static bool list_keys(admin *a)
{
    tiefsee_error err = {0};

    a->answer = json_pack("{s:[]}", "keys");
    return (a->answer && ts_keys_list(a->store, add_to_list, a, &err) == TIEFSEE_OK) ||
           fail(a, &err);
}

static bool show_key(admin *a)
{
    ts_key key;

    return find(a, &key) && show(a, 200, &key);
}

static bool add_key(admin *a)
{
    const json_t *name = ts_field_get(a->body, "name");
    ts_key_spec spec = {.name = json_string_value(name)};
    char text[TS_KEY_TEXT_LEN + 1];
    tiefsee_error err = {0};
    ts_key key;

    if (!spec.name)
        return ts_wrong_field(&a->wrong, "name", "%s (a string expected)", ts_json_kind(name));
    if (!read_scopes(a, &spec.scopes) || !read_limits(a, &spec.limits) ||
        !read_expiry(a, &spec.expires_at))
        return false;
    if (ts_keys_add(a->store, &spec, now_seconds(), &key, text, &err) != TIEFSEE_OK)
        return fail(a, &err);
    a->has_changed = true;
    memcpy(a->key, key.public_id, sizeof a->key);
    (void)show(a, 201, &key);
    if (a->answer)
        (void)json_object_set_new(a->answer, "key", json_string(text));
    ts_key_wipe(text);
    return true;
}

static tiefsee_status change_all(admin *a, const ts_key *key, bool is_enabled, int64_t expires_at,
                                 tiefsee_error *err)
{
    tiefsee_status st = ts_store_begin(a->store, err);

    if (st != TIEFSEE_OK)
        return st;
    st = ts_keys_set_limits(a->store, key->id, &key->limits, err);
    if (st == TIEFSEE_OK && expires_at != key->expires_at)
        st = ts_keys_set_expiry(a->store, key->id, expires_at, err);
    if (st == TIEFSEE_OK && is_enabled != key->is_enabled)
        st = ts_keys_enable(a->store, key->id, is_enabled, err);
    return ts_store_end(a->store, st, err);
}

static bool change_key(admin *a)
{
    const json_t *enabled = ts_field_get(a->body, "enabled");
    tiefsee_error err = {0};
    ts_key key;

    if (!find(a, &key))
        return false;
    if (enabled && !json_is_boolean(enabled))
        return ts_wrong_field(&a->wrong, "enabled", "%s (true or false expected)",
                              ts_json_kind(enabled));
    int64_t expires_at = key.expires_at;
    const bool is_enabled = enabled ? json_is_true(enabled) : key.is_enabled;
    if (!is_enabled && is_own(a, &key, "disable"))
        return false;
    if (!read_limits(a, &key.limits) || !read_expiry(a, &expires_at))
        return false;
    if (change_all(a, &key, is_enabled, expires_at, &err) != TIEFSEE_OK)
        return fail(a, &err);
    a->has_changed = true;
    return find(a, &key) && show(a, 200, &key);
}

static bool delete_key(admin *a)
{
    tiefsee_error err = {0};
    ts_key key;

    if (!find(a, &key) || is_own(a, &key, "delete"))
        return false;
    if (ts_keys_delete(a->store, key.id, now_seconds(), &err) != TIEFSEE_OK)
        return fail(a, &err);
    a->has_changed = true;
    a->answer = json_pack("{s:s, s:b}", "name", key.name, "deleted", 1);
    return true;
}

/* ---- usage */

static bool add_row(void *ctx, const ts_usage_row *row)
{
    return json_array_append_new(ctx, ts_usage_json(row)) == 0;
}

static bool read_range(admin *a, ts_usage_query *q)
{
    const int64_t today = ts_usage_day(now_seconds());
    ts_str text;
    uint64_t days;

    if (ts_http_query(a->req, "days", &text)) {
        if (!ts_parse_u64(text.ptr, 1, MAX_DAYS, &days))
            return ts_wrong_field(&a->wrong, "days", "a number from 1 to %d expected", MAX_DAYS);
        q->n_days = (int64_t)days;
        q->first_day = today - q->n_days + 1;
    }
    if (ts_http_query(a->req, "from", &text)) {
        if (!ts_usage_parse_day(text.ptr, &q->first_day))
            return ts_wrong_field(&a->wrong, "from", "a day (2026-11-24) expected");
        if (q->n_days == 0)
            q->n_days = MAX_DAYS;
    }
    return true;
}

static bool show_usage(admin *a)
{
    ts_usage_query q = {.key_id = -1};
    json_t *list = json_array();
    tiefsee_error err = {0};
    ts_str text;
    ts_key key;

    a->answer = json_pack("{s:o}", "usage", list);
    if (!a->answer)
        return ts_turn_no_memory(&a->wrong);
    if (!ts_usage_parse_by(ts_http_query(a->req, "by", &text) ? text.ptr : "key,model", &q))
        return ts_wrong_field(&a->wrong, "by", "day, key, model or total expected");
    if (ts_http_query(a->req, "key", &text)) {
        if (strcmp(text.ptr, "local") == 0)
            q.key_id = 0;
        else if (find_named(a, text.ptr, &key))
            q.key_id = key.id;
        else
            return false;
    }
    if (ts_http_query(a->req, "model", &text))
        q.model = text.ptr;
    return read_range(a, &q) &&
           (ts_usage_read(a->store, &q, add_row, list, &err) == TIEFSEE_OK || fail(a, &err));
}

/* ---- routes */

static bool read_body(admin *a)
{
    const ts_str body = a->req->body;
    tiefsee_error err = {0};

    if (body.len == 0)
        return ts_wrong_field(&a->wrong, NULL, "the request has no body (a JSON object expected)");
    if (ts_json_parse(&a->body, body.ptr, body.len, (ts_json_limits){.values = MAX_BODY_VALUES},
                      &err) == TIEFSEE_OK)
        return true;
    return err.status == TIEFSEE_E_NOMEM ? ts_turn_no_memory(&a->wrong)
                                         : ts_wrong_field(&a->wrong, NULL, "%s", err.message);
}

static void send(ts_reply *reply, const admin *a)
{
    const size_t n = a->answer ? json_dumpb(a->answer, NULL, 0, 0) : 0;
    char *text = n > 0 ? ts_alloc(n) : NULL;

    if (text && json_dumpb(a->answer, text, n, 0) == n)
        ts_reply_send(reply, a->status, "application/json", text, n);
    else
        ts_reply_fail(reply, 503, "out of memory for this request");
    ts_free(text);
}

/* What a route does; false: a->wrong says why not. */
typedef struct ts_admin_action {
    bool (*act)(admin *a);
    const char *const *members; /* of its body, ends with NULL; NULL: it has none */
} ts_admin_action;

/* A misspelt limit would be none. */
static bool check_members(admin *a, const char *const *members)
{
    const char *name;
    json_t *value;

    json_object_foreach(a->body, name, value)
    {
        size_t i = 0;

        while (members[i] && strcmp(members[i], name) != 0)
            i++;
        if (!members[i])
            return ts_wrong_field(&a->wrong, NULL, "there is no member '%.40s' here", name);
    }
    return true;
}

static bool act(admin *a, ts_reply *reply, const ts_admin_action *action)
{
    if (!a->auth) {
        ts_reply_fail(reply, 404, "this server keeps no keys and no books");
        return false;
    }
    bool is_good = !action->members || (read_body(a) && check_members(a, action->members));
    if (is_good) {
        a->store = ts_auth_take_store(a->auth);
        is_good = action->act(a);
        ts_auth_give_store(a->auth, a->has_changed);
    }
    if (is_good)
        send(reply, a);
    else
        ts_turn_refuse(reply, &a->wrong);
    json_decref(a->answer);
    json_decref(a->body);
    return is_good;
}

static void run(ts_http_request *req, ts_reply *reply)
{
    admin a = {.req = req, .auth = ts_server_of(req)->auth, .status = 200};

    (void)act(&a, reply, req->route->data);
}

static const char *const of_new[] = {"name", "scopes", "limits", "expires", NULL};
static const char *const of_change[] = {"enabled", "limits", "expires", NULL};

static const ts_admin_action list_action = {list_keys, NULL}, show_action = {show_key, NULL},
                             add_action = {add_key, of_new},
                             change_action = {change_key, of_change},
                             delete_action = {delete_key, NULL}, usage_action = {show_usage, NULL};

bool ts_admin_keys(ts_http_request *req, ts_reply *reply, ts_admin_what what,
                   bool (*is_hidden)(void *ctx, int64_t key_id), void *ctx,
                   char key[TS_KEY_ID_LEN + 1])
{
    static const ts_admin_action *const actions[] = {&list_action, &add_action, &change_action,
                                                     &delete_action};
    admin a = {.req = req,
               .auth = ts_server_of(req)->auth,
               .status = 200,
               .is_hidden = is_hidden,
               .ctx = ctx};
    const bool is_good = act(&a, reply, actions[what]);

    memcpy(key, a.key, sizeof a.key);
    return is_good;
}

const ts_route ts_admin_routes[] = {
    {"GET", "/admin/keys", run, 0, &ts_protocol_openai, &list_action},
    {"POST", "/admin/keys", run, 0, &ts_protocol_openai, &add_action},
    {"GET", "/admin/keys/:key", run, 0, &ts_protocol_openai, &show_action},
    {"PATCH", "/admin/keys/:key", run, 0, &ts_protocol_openai, &change_action},
    {"DELETE", "/admin/keys/:key", run, 0, &ts_protocol_openai, &delete_action},
    {"GET", "/admin/usage", run, 0, &ts_protocol_openai, &usage_action},
    {NULL, "/admin/*", NULL, 0, &ts_protocol_openai, NULL},
};
const size_t ts_n_admin_routes = TS_COUNT(ts_admin_routes);
