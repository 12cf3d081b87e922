/* portable.c - everything about a user, out (in parts: export.h) and in again. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "server/app/chat_json.h"
#include "server/app/export.h"
#include "server/app/personal.h"

enum { MAX_OUT = 1 << 30 };

/* ---- export */

typedef struct id_list {
    json_t *ids;
    bool has_failed;
} id_list;

static bool add_id(void *ctx, const ts_dialog *c)
{
    id_list *l = ctx;

    l->has_failed = json_array_append_new(l->ids, json_string(c->id)) != 0;
    return !l->has_failed;
}

void ts_me_export(ts_http_request *req, ts_reply *reply)
{
    id_list l = {json_array(), false};
    ts_work w;

    if (!ts_app_enter(&w, req, reply)) {
        json_decref(l.ids);
        return;
    }
    ts_app *app = w.app;
    tiefsee_status st = ts_chats_list(w.store, &w.owner, NULL, add_id, &l, &w.err);
    if (st == TIEFSEE_OK && l.has_failed)
        st = ts_fail_nomem(&w.err, 0, "the list of an export");
    if (st != TIEFSEE_OK) {
        json_decref(l.ids);
        (void)ts_app_fail(&w, st);
        return;
    }
    ts_app_leave(&w);
    ts_export_start(app, reply, l.ids, true);
}

/* ---- import */

typedef struct importing {
    ts_work *w;
    int64_t n_chats, n_messages, n_skipped;
    ts_wrong wrong;
} importing;

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* Not in the future: retention counts from it. */
static json_int_t time_of(const json_t *object, const char *name)
{
    const json_t *time = json_object_get(object, name);
    const json_int_t now = ts_app_now();

    return json_is_integer(time) && json_integer_value(time) < now ? json_integer_value(time) : now;
}

/* A message as we would have made it: only what we know, with our types. */
static json_t *plain_message(const json_t *from, const char *id, const char *parent, json_t *files)
{
    static const char *const kept[] = {"usage", "timings", "ai_generated", "model_hash"};
    const bool is_user = strcmp(text_of(from, "role"), "user") == 0;
    json_t *m = json_pack("{s:s,s:s,s:s,s:s,s:I}", "id", id, "role", is_user ? "user" : "assistant",
                          "content", text_of(from, "content"), "reasoning",
                          text_of(from, "reasoning"), "created", time_of(from, "created"));

    (void)json_object_set_new(m, "parent", *parent ? json_string(parent) : json_null());
    (void)json_object_set(m, "files", files);
    if (!is_user) {
        (void)json_object_set_new(m, "model", json_string(text_of(from, "model")));
        (void)json_object_set_new(
            m, "finish", json_string(*text_of(from, "finish") ? text_of(from, "finish") : "stop"));
        for (size_t i = 0; i < TS_COUNT(kept); i++)
            if (json_object_get(from, kept[i]))
                (void)json_object_set(m, kept[i], json_object_get(from, kept[i]));
    }
    return m;
}

/* parent: "" or of a message that is there. */
static tiefsee_status put_message(importing *x, ts_dialog *c, const json_t *from,
                                  const char *parent)
{
    ts_work *w = x->w;
    const char *id = text_of(from, "id");
    ts_chat_message m = {0};
    ts_buf text = ts_buf_make(MAX_OUT);
    json_t *texts = NULL;
    json_t *files = ts_chat_take_files(w, NULL, json_object_get(from, "files"), &texts, &x->wrong);
    tiefsee_status st = TIEFSEE_OK;

    if (ts_id_is_valid(id))
        (void)snprintf(m.id, sizeof m.id, "%s", id);
    else
        ts_id_make(m.id);
    json_t *plain = files ? plain_message(from, m.id, parent, files) : NULL;
    if (!files)
        st = ts_fail(&w->err, TIEFSEE_E_INVALID, "%s", x->wrong.message);
    else if (!plain || !ts_app_dump(&text, plain))
        st = ts_fail_nomem(&w->err, 0, "a message");
    m.json = (ts_str){text.ptr, text.len};
    if (st == TIEFSEE_OK)
        st = ts_chats_put(w->store, &w->owner, c, &m, &w->err);
    if (st == TIEFSEE_OK)
        st = ts_chat_put_files(w, c, m.seq, texts);
    if (st == TIEFSEE_OK)
        st = ts_search_add_message(w->app->search, w->store, &w->owner, c, m.json, &w->err);
    x->n_messages += st == TIEFSEE_OK;
    json_decref(plain);
    json_decref(files);
    json_decref(texts);
    ts_buf_free(&text);
    return st;
}

static bool start_chat(ts_dialog *c, const json_t *from)
{
    static const char *const lines[] = {"title", "folder", "model"};
    json_t *meta = json_object();
    char line[TS_TITLE_MAX + 1];

    *c = (ts_dialog){.is_pinned = json_is_true(json_object_get(from, "is_pinned")),
                     .created = time_of(from, "created"),
                     .updated = time_of(from, "updated"),
                     .meta = ts_buf_make(1 << 20)};
    if (ts_id_is_valid(text_of(from, "id")))
        (void)snprintf(c->id, sizeof c->id, "%s", text_of(from, "id"));
    else
        ts_id_make(c->id);
    for (size_t i = 0; i < TS_COUNT(lines); i++) {
        ts_app_line(line, TS_TITLE_MAX, text_of(from, lines[i]));
        (void)json_object_set_new(meta, lines[i], json_string(line));
    }
    if (strlen(text_of(from, "system")) <= TS_SYSTEM_MAX)
        (void)json_object_set_new(meta, "system", json_string(text_of(from, "system")));
    if (ts_id_is_valid(text_of(from, "leaf")))
        (void)json_object_set_new(meta, "leaf", json_string(text_of(from, "leaf")));
    const bool is_good = ts_chat_set_meta(c, meta);
    json_decref(meta);
    return is_good;
}

/* Exporters list messages in any order, and a file may say anything: here parents come
 * first, but for one message of each circle.  order has room for all. */
static bool order_messages(const json_t *messages, size_t *order)
{
    const size_t n = json_array_size(messages);
    json_t *places = json_object();
    bool *is_begun = ts_alloc_zero(n + 1, sizeof *is_begun), is_good = places && is_begun;
    size_t n_ordered = 0;

    for (size_t i = 0; i < n && is_good; i++)
        is_good = json_object_set_new(places, text_of(json_array_get(messages, i), "id"),
                                      json_integer((json_int_t)i)) == 0;
    for (size_t i = 0; i < n && is_good; i++) {
        const size_t first = n_ordered;

        for (size_t at = i; !is_begun[at];) {
            const json_t *parent =
                json_object_get(places, text_of(json_array_get(messages, at), "parent"));
            is_begun[at] = true;
            order[n_ordered++] = at;
            at = parent ? (size_t)json_integer_value(parent) : at;
        }
        for (size_t a = first, b = n_ordered; a + 1 < b; a++) {
            const size_t child = order[a];
            order[a] = order[--b];
            order[b] = child;
        }
    }
    ts_free(is_begun);
    json_decref(places);
    return is_good;
}

/* A message whose parent is not there before it is a first one: whoever walks up the tree
 * walks to earlier rows only. */
static tiefsee_status put_messages(importing *x, ts_dialog *c, const json_t *messages)
{
    tiefsee_error *err = &x->w->err;
    const size_t n = json_array_size(messages);
    size_t *order = ts_alloc((n + 1) * sizeof *order);
    json_t *there = json_object();
    tiefsee_status st = order && there && order_messages(messages, order)
                            ? TIEFSEE_OK
                            : ts_fail_nomem(err, n * sizeof *order, "the messages");

    for (size_t i = 0; i < n && st == TIEFSEE_OK; i++) {
        const json_t *from = json_array_get(messages, order[i]);
        const char *id = text_of(from, "id"), *parent = text_of(from, "parent");

        if (json_object_get(there, id))
            st = ts_fail(err, TIEFSEE_E_INVALID, "two messages with the id %s", id);
        else
            st = put_message(x, c, from, json_object_get(there, parent) ? parent : "");
        if (st == TIEFSEE_OK && ts_id_is_valid(id) &&
            json_object_set_new(there, id, json_true()) != 0)
            st = ts_fail_nomem(err, 0, "the messages");
    }
    ts_free(order);
    json_decref(there);
    return st;
}

static tiefsee_status put_chat(importing *x, const json_t *from)
{
    ts_work *w = x->w;
    const json_t *messages = json_object_get(from, "messages");
    bool is_new = false;
    ts_dialog c;
    tiefsee_status st =
        start_chat(&c, from) ? TIEFSEE_OK : ts_fail_nomem(&w->err, 0, "a conversation");

    if (st == TIEFSEE_OK)
        st = ts_chats_create(w->store, &w->owner, &c, &is_new, &w->err);
    if (st == TIEFSEE_OK && is_new)
        st = put_messages(x, &c, messages);
    if (st == TIEFSEE_OK && is_new)
        st = ts_search_add(w->app->search, w->store, &w->owner, &c,
                           ts_str_of(text_of(from, "title")), &w->err);
    ts_chat_free(&c);
    x->n_chats += st == TIEFSEE_OK && is_new;
    x->n_skipped += st == TIEFSEE_OK && !is_new;
    return st;
}

static tiefsee_status import_all(importing *x, const json_t *chats)
{
    ts_work *w = x->w;
    tiefsee_status st = TIEFSEE_OK;

    for (size_t i = 0; i < json_array_size(chats) && st == TIEFSEE_OK; i++) {
        const int64_t n_before = x->n_messages;

        st = ts_store_begin(w->store, &w->err);
        if (st == TIEFSEE_OK)
            st = ts_store_end(w->store, put_chat(x, json_array_get(chats, i)), &w->err);
        if (st != TIEFSEE_OK) {
            x->n_messages = n_before;
            ts_search_forget(w->app->search, w->person.n, 0);
        }
    }
    return st;
}

void ts_me_import(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    const json_t *chats = json_object_get(body, "conversations");
    ts_work w;
    importing x = {.w = &w};

    if (!body)
        return;
    if (!json_is_array(chats))
        ts_app_refuse(reply, 400, NULL, "conversations", "conversations is an array");
    else if (ts_app_enter(&w, req, reply)) {
        const tiefsee_status st = import_all(&x, chats);
        if (st != TIEFSEE_OK)
            (void)ts_app_fail(&w, st);
        else {
            ts_app_leave(&w);
            ts_app_send(reply, 200,
                        json_pack("{s:I,s:I,s:I}", "n_conversations", (json_int_t)x.n_chats,
                                  "n_messages", (json_int_t)x.n_messages, "n_skipped",
                                  (json_int_t)x.n_skipped));
        }
    }
    json_decref(body);
}

/* ---- one message */

static bool is_message_there(ts_work *w, const ts_dialog *c, const char *id)
{
    ts_buf text = ts_buf_make(MAX_OUT);
    ts_chat_message m = {0};
    const bool is_there =
        ts_chats_find_message(w->store, &w->owner, c, id, &m, &text, &w->err) == TIEFSEE_OK &&
        m.seq != 0;

    ts_buf_free(&text);
    return is_there;
}

static void add_one(ts_work *w, ts_dialog *c, json_t *body)
{
    importing x = {.w = w};
    char id[TS_ID_MAX + 1];

    if (!ts_id_is_valid(text_of(body, "id"))) {
        ts_id_make(id);
        (void)json_object_set_new(body, "id", json_string(id));
    }
    const char *parent = text_of(body, "parent");
    if (is_message_there(w, c, text_of(body, "id")))
        (void)ts_app_no(w, 409, NULL, "id", "there is a message of that id already");
    else if (*parent && !is_message_there(w, c, parent))
        (void)ts_app_no(w, 404, NULL, "parent", "there is no such message");
    else {
        json_t *meta = ts_chat_meta(c);
        tiefsee_status st = ts_store_begin(w->store, &w->err);

        if (st == TIEFSEE_OK) {
            st = put_message(&x, c, body, parent);
            (void)json_object_set(meta, "leaf", json_object_get(body, "id"));
            c->updated = ts_app_now();
            if (st == TIEFSEE_OK && ts_chat_set_meta(c, meta))
                st = ts_chats_save(w->store, &w->owner, c, &w->err);
            st = ts_store_end(w->store, st, &w->err);
        }
        json_decref(meta);
        if (st != TIEFSEE_OK)
            (void)ts_app_fail(w, st);
        else {
            ts_app_leave(w);
            ts_app_send(w->reply, 201, json_incref(body));
        }
    }
}

void ts_me_add_message(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    const char *role = text_of(body, "role");
    ts_dialog c;
    ts_work w;

    if (!body)
        return;
    /* First whose it is: what is wrong with a body is the owner's business. */
    if (ts_app_enter(&w, req, reply) && ts_chat_of_path(&w, &c)) {
        if (strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0)
            (void)ts_app_no(&w, 400, NULL, "role", "role is user or assistant");
        else
            add_one(&w, &c, body);
        ts_chat_free(&c);
    }
    json_decref(body);
}
