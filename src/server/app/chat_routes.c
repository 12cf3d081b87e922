/* chat_routes.c - conversations and their messages: list, search, change, read. */
#include "server/app/chat_routes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/app/answer_prompt.h"
#include "server/app/cache_erase.h"
#include "server/app/chat_json.h"
#include "server/app/export.h"
#include "server/app/live.h"

enum { PAGE = 100, PAGE_MAX = 500, MAX_OUT = 512 << 20 };
static const double SEARCH_S = 0.08;

/* ---- the list */

typedef struct listing {
    ts_work *w;
    json_t *list;
    size_t limit;
    const char *folder; /* NULL: all */
    ts_dialog last;     /* without meta */
    bool is_full;
} listing;

static void remember(listing *l, const ts_dialog *c)
{
    l->last = (ts_dialog){.n = c->n, .is_pinned = c->is_pinned, .updated = c->updated};
    l->is_full = json_array_size(l->list) >= l->limit;
}

static bool is_in_folder(const ts_dialog *c, const char *folder)
{
    json_t *meta = ts_chat_meta(c);
    const char *name = json_string_value(json_object_get(meta, "folder"));
    const bool is_in = strcmp(name ? name : "", folder) == 0;

    json_decref(meta);
    return is_in;
}

static bool list_chat(void *ctx, const ts_dialog *c)
{
    listing *l = ctx;

    if (l->folder && !is_in_folder(c, l->folder))
        return true;
    (void)json_array_append_new(l->list, ts_chat_summary(l->w->app, l->w->person.n, c));
    remember(l, c);
    return !l->is_full;
}

static bool list_hit(void *ctx, const ts_hit *hit)
{
    listing *l = ctx;
    char line[512];

    if (l->folder && !is_in_folder(hit->chat, l->folder))
        return true;
    json_t *s = ts_chat_summary(l->w->app, l->w->person.n, hit->chat);
    char *snippet = ts_arena_strdup(l->w->req->arena, hit->snippet.ptr, hit->snippet.len);
    ts_app_line(line, sizeof line - 1, snippet ? snippet : "");
    (void)json_object_set_new(s, "snippet", json_string(line));
    (void)json_object_set_new(s, "message",
                              *hit->message ? json_string(hit->message) : json_null());
    (void)json_array_append_new(l->list, s);
    remember(l, hit->chat);
    return !l->is_full;
}

static const char *query_text(ts_http_request *req, const char *name)
{
    ts_str value;

    if (!ts_http_query(req, name, &value) || value.len == 0)
        return NULL;
    return ts_arena_strdup(req->arena, value.ptr, value.len);
}

/* "1.1764000000000.17": where the page before ended. */
static bool read_cursor(const char *text, ts_dialog *out)
{
    int pinned = 0;
    int64_t updated = 0, n = 0;
    char tail;

    if (sscanf(text, "%1d.%" SCNd64 ".%" SCNd64 "%c", &pinned, &updated, &n, &tail) != 3)
        return false;
    *out = (ts_dialog){.n = n, .is_pinned = pinned == 1, .updated = updated};
    return true;
}

static json_t *cursor_of(const ts_dialog *c)
{
    char text[80];

    (void)snprintf(text, sizeof text, "%d.%" PRId64 ".%" PRId64, c->is_pinned, c->updated, c->n);
    return json_string(text);
}

static tiefsee_status fill(listing *l, const char *q, const ts_dialog *after, ts_dialog *stopped)
{
    ts_work *w = l->w;
    const ts_search_query query = {.text = ts_str_of(q), .after = after, .budget_s = SEARCH_S};

    *stopped = (ts_dialog){0};
    return q ? ts_search_run(w->app->search, w->store, &w->owner, &query, list_hit, l, stopped,
                             &w->err)
             : ts_chats_list(w->store, &w->owner, after, list_chat, l, &w->err);
}

void ts_chat_list(ts_http_request *req, ts_reply *reply)
{
    const char *limit = query_text(req, "limit"), *before = query_text(req, "before");
    const char *q = query_text(req, "q");
    uint64_t n = PAGE;
    ts_dialog after = {0}, stopped;
    ts_work w;

    if (limit && !ts_parse_u64(limit, 1, PAGE_MAX, &n)) {
        ts_app_refuse(reply, 400, NULL, "limit", "limit is a number from 1 to 500");
        return;
    }
    if (before && !read_cursor(before, &after)) {
        ts_app_refuse(reply, 400, NULL, "before", "before is no cursor of ours");
        return;
    }
    if (!ts_app_enter(&w, req, reply))
        return;
    listing l = {.w = &w, .list = json_array(), .limit = n, .folder = query_text(req, "folder")};
    const tiefsee_status st = fill(&l, q, before ? &after : NULL, &stopped);
    if (st != TIEFSEE_OK) {
        json_decref(l.list);
        (void)ts_app_fail(&w, st);
        return;
    }
    ts_app_leave(&w);
    json_t *next = stopped.n ? cursor_of(&stopped) : l.is_full ? cursor_of(&l.last) : json_null();
    ts_app_send(reply, 200,
                json_pack("{s:o,s:o,s:b}", "conversations", l.list, "next", next, "is_partial",
                          (int)(stopped.n != 0)));
}

static bool count_folder(void *ctx, const ts_dialog *c)
{
    json_t *counts = ctx, *meta = ts_chat_meta(c);
    const char *name = json_string_value(json_object_get(meta, "folder"));

    if (name && *name)
        (void)json_object_set_new(
            counts, name, json_integer(json_integer_value(json_object_get(counts, name)) + 1));
    json_decref(meta);
    return true;
}

void ts_chat_folders(ts_http_request *req, ts_reply *reply)
{
    json_t *counts = json_object(), *list = json_array(), *n;
    const char *name;
    ts_work w;

    if (ts_app_enter(&w, req, reply)) {
        const tiefsee_status st =
            ts_chats_list(w.store, &w.owner, NULL, count_folder, counts, &w.err);
        ts_app_leave(&w);
        json_object_foreach(counts, name, n)(void)
            json_array_append_new(list, json_pack("{s:s,s:O}", "name", name, "n", n));
        if (st == TIEFSEE_OK)
            ts_app_send(reply, 200, json_pack("{s:O}", "folders", list));
        else
            (void)ts_app_fail(&w, st);
    }
    json_decref(counts);
    json_decref(list);
}

/* ---- making and changing */

static bool take_line(json_t *meta, json_t *body, const char *name, ts_wrong *wrong)
{
    char line[TS_TITLE_MAX + 1];
    bool is_wrong = false;
    const char *text = ts_app_text(body, name, 1 << 16, wrong, &is_wrong);

    if (!text)
        return !is_wrong;
    ts_app_line(line, TS_TITLE_MAX, text);
    return json_object_set_new(meta, name, json_string(line)) == 0;
}

static bool take_text(json_t *meta, json_t *body, const char *name, size_t max, ts_wrong *wrong)
{
    bool is_wrong = false;
    const char *text = ts_app_text(body, name, max, wrong, &is_wrong);

    return text ? json_object_set_new(meta, name, json_string(text)) == 0 : !is_wrong;
}

/* The members that may be set, from body into c. */
static bool take_changes(ts_dialog *c, json_t *body, ts_wrong *wrong)
{
    json_t *meta = ts_chat_meta(c);
    const json_t *pinned = ts_field_get(body, "is_pinned");
    bool is_good = meta && take_line(meta, body, "title", wrong) &&
                   take_line(meta, body, "folder", wrong) &&
                   take_text(meta, body, "system", TS_SYSTEM_MAX, wrong) &&
                   take_text(meta, body, "model", TS_MODEL_NAME_MAX, wrong) &&
                   take_text(meta, body, "leaf", TS_ID_MAX, wrong);

    if (is_good && pinned && !json_is_boolean(pinned))
        is_good =
            ts_wrong_field(wrong, "is_pinned", "%s (true or false expected)", ts_json_kind(pinned));
    if (is_good && pinned)
        c->is_pinned = json_is_true(pinned);
    if (is_good && !ts_chat_set_meta(c, meta))
        is_good = ts_wrong_set(wrong, 503, NULL, NULL, "out of memory for this request");
    json_decref(meta);
    return is_good;
}

static tiefsee_status add_title_words(ts_work *w, const ts_dialog *c, json_t *body)
{
    const char *title = json_string_value(json_object_get(body, "title"));

    return title ? ts_search_add(w->app->search, w->store, &w->owner, c, ts_str_of(title), &w->err)
                 : TIEFSEE_OK;
}

static bool take_id(char id[TS_ID_MAX + 1], json_t *body, const char *name, ts_wrong *wrong)
{
    bool is_wrong = false;
    const char *text = ts_app_text(body, name, TS_ID_MAX, wrong, &is_wrong);

    if (is_wrong)
        return false;
    if (!text) {
        ts_id_make(id);
        return true;
    }
    if (!ts_id_is_valid(text))
        return ts_wrong_field(wrong, name, "not an id (8 to 32 of 0-9 A-Z a-z _ -)");
    (void)snprintf(id, TS_ID_MAX + 1, "%s", text);
    return true;
}

static void answer_chat(ts_work *w, int status, tiefsee_status st, ts_dialog *c)
{
    json_t *summary = st == TIEFSEE_OK ? ts_chat_summary(w->app, w->person.n, c) : NULL;

    ts_chat_free(c);
    if (st != TIEFSEE_OK) {
        (void)ts_app_fail(w, st);
        return;
    }
    ts_app_leave(w);
    ts_app_send(w->reply, status, summary);
}

void ts_chat_create(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    const int64_t now = ts_app_now();
    ts_dialog c = {.created = now, .updated = now, .meta = ts_buf_make(1 << 20)};
    ts_wrong wrong;
    bool is_new = false;
    ts_work w;

    if (!body)
        return;
    if (!take_id(c.id, body, "id", &wrong) || !take_changes(&c, body, &wrong)) {
        ts_chat_free(&c);
        ts_app_refuse_wrong(reply, &wrong);
    } else if (ts_app_enter(&w, req, reply)) {
        tiefsee_status st = ts_store_begin(w.store, &w.err);
        if (st == TIEFSEE_OK) {
            st = ts_chats_create(w.store, &w.owner, &c, &is_new, &w.err);
            if (st == TIEFSEE_OK && is_new)
                st = add_title_words(&w, &c, body);
            st = ts_store_end(w.store, st, &w.err);
        }
        answer_chat(&w, is_new ? 201 : 200, st, &c);
    } else
        ts_chat_free(&c);
    json_decref(body);
}

void ts_chat_change(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    ts_wrong wrong;
    ts_dialog c;
    ts_work w;

    if (!body)
        return;
    if (ts_app_enter(&w, req, reply) && ts_chat_of_path(&w, &c)) {
        if (!take_changes(&c, body, &wrong)) {
            ts_chat_free(&c);
            ts_app_leave(&w);
            ts_app_refuse_wrong(reply, &wrong);
        } else {
            tiefsee_status st = ts_store_begin(w.store, &w.err);
            if (st == TIEFSEE_OK) {
                st = ts_chats_save(w.store, &w.owner, &c, &w.err);
                if (st == TIEFSEE_OK)
                    st = add_title_words(&w, &c, body);
                st = ts_store_end(w.store, st, &w.err);
            }
            answer_chat(&w, 200, st, &c);
        }
    }
    json_decref(body);
}

static void answer_nothing(ts_work *w, tiefsee_status st)
{
    if (st != TIEFSEE_OK) {
        (void)ts_app_fail(w, st);
        return;
    }
    ts_app_leave(w);
    ts_cache_catch_up(w->app);
    ts_app_send_nothing(w->reply);
}

void ts_chat_delete(ts_http_request *req, ts_reply *reply)
{
    ts_work w;
    ts_dialog c;

    if (!ts_app_enter(&w, req, reply) || !ts_chat_of_path(&w, &c))
        return;
    ts_live_drop(w.app, w.person.n, c.id);
    const tiefsee_status st = ts_chats_delete(w.store, &w.owner, &c, &w.err);
    ts_search_forget(w.app->search, w.person.n, c.n);
    /* The log still has what the row said; a store that is busy is emptied later. */
    w.app->is_compact_due = ts_store_compact(w.store, NULL) != TIEFSEE_OK;
    w.app->is_cache_due = true;
    ts_chat_free(&c);
    answer_nothing(&w, st);
}

void ts_chat_show(ts_http_request *req, ts_reply *reply)
{
    ts_out o = ts_out_make(MAX_OUT);
    ts_work w;
    ts_dialog c;

    if (ts_app_enter(&w, req, reply) && ts_chat_of_path(&w, &c)) {
        const tiefsee_status st = ts_chat_write(&w, &c, &o);
        ts_chat_free(&c);
        if (st == TIEFSEE_OK) {
            ts_app_leave(&w);
            ts_app_send_out(reply, &o);
            return;
        }
        (void)ts_app_fail(&w, st);
    }
    ts_out_free(&o);
}

/* ---- messages */

/* The message in the path; false: answered and left, c freed. */
static bool message_of_path(ts_work *w, ts_dialog *c, ts_chat_message *m, ts_buf *text)
{
    const tiefsee_status st =
        ts_chats_find_message(w->store, &w->owner, c, w->req->params[1], m, text, &w->err);

    if (st == TIEFSEE_OK && m->seq != 0)
        return true;
    ts_chat_free(c);
    return st == TIEFSEE_OK ? ts_app_no(w, 404, NULL, NULL, "there is no such message")
                            : ts_app_fail(w, st);
}

void ts_chat_show_message(ts_http_request *req, ts_reply *reply)
{
    ts_buf text = ts_buf_make(MAX_OUT);
    char live_id[TS_ID_MAX + 1];
    ts_chat_message m;
    ts_work w;
    ts_dialog c;

    if (ts_app_enter(&w, req, reply) && ts_chat_of_path(&w, &c) &&
        message_of_path(&w, &c, &m, &text)) {
        (void)ts_live_is_busy(w.app, w.person.n, c.id, live_id);
        json_t *message = ts_chat_message_json(&m, live_id);
        const tiefsee_status st =
            message ? ts_chat_add_file_texts(&w, &c, m.seq, message) : TIEFSEE_E_NOMEM;
        ts_chat_free(&c);
        if (st == TIEFSEE_OK) {
            ts_app_leave(&w);
            ts_app_send(reply, 200, message);
        } else {
            json_decref(message);
            (void)ts_app_fail(&w, st);
        }
    }
    ts_buf_free(&text);
}

typedef struct subtree {
    json_t *doomed; /* id to seq; children come behind their parents */
    ts_work *w;
    bool has_failed;
} subtree;

static bool add_to_subtree(void *ctx, const ts_chat_message *m)
{
    subtree *t = ctx;
    json_t *message = ts_chat_message_json(m, "");
    const char *parent = json_string_value(json_object_get(message, "parent"));

    t->has_failed = !message;
    if (json_object_get(t->doomed, m->id) || (parent && json_object_get(t->doomed, parent)))
        t->has_failed = json_object_set_new(t->doomed, m->id, json_integer(m->seq)) != 0;
    json_decref(message);
    return !t->has_failed;
}

static tiefsee_status remove_subtree(subtree *t, ts_dialog *c)
{
    ts_work *w = t->w;
    tiefsee_status st = ts_store_begin(w->store, &w->err);
    const char *id;
    json_t *seq;

    if (st != TIEFSEE_OK)
        return st;
    json_object_foreach(t->doomed, id, seq)
    {
        if (st == TIEFSEE_OK)
            st = ts_chats_remove_message(w->store, &w->owner, c, json_integer_value(seq), &w->err);
    }
    if (st == TIEFSEE_OK)
        st = ts_cache_note(w->store, w->person.n, c->id, &w->err);
    w->app->is_cache_due = true;
    return ts_store_end(w->store, st, &w->err);
}

void ts_chat_delete_message(ts_http_request *req, ts_reply *reply)
{
    ts_buf text = ts_buf_make(MAX_OUT);
    ts_chat_message m;
    ts_work w;
    ts_dialog c;

    if (ts_app_enter(&w, req, reply) && ts_chat_of_path(&w, &c) &&
        message_of_path(&w, &c, &m, &text)) {
        subtree t = {.w = &w, .doomed = json_object()};
        t.has_failed = json_object_set_new(t.doomed, m.id, json_integer(m.seq)) != 0;
        ts_live_drop(w.app, w.person.n, c.id);
        tiefsee_status st = ts_chats_read(w.store, &w.owner, &c, add_to_subtree, &t, &w.err);
        if (st == TIEFSEE_OK && t.has_failed)
            st = ts_fail_nomem(&w.err, 0, "a part of a conversation");
        if (st == TIEFSEE_OK)
            st = remove_subtree(&t, &c);
        json_decref(t.doomed);
        w.app->is_compact_due = ts_store_compact(w.store, NULL) != TIEFSEE_OK;
        ts_chat_free(&c);
        answer_nothing(&w, st);
    }
    ts_buf_free(&text);
}

/* ---- export of one */

/* The branch that is shown, for people to read. */
static bool write_markdown(ts_work *w, const ts_dialog *c, ts_out *o)
{
    json_t *tree = ts_app_answer_tree(w, c), *meta = ts_chat_meta(c);
    json_t **path = ts_arena_alloc_zero(w->req->arena, json_array_size(tree) + 1, sizeof *path);
    const char *leaf = json_string_value(json_object_get(meta, "leaf"));
    const char *title = json_string_value(json_object_get(meta, "title"));

    ts_out_raw(o, "# ");
    ts_out_raw(o, title && *title ? title : "Conversation");
    ts_out_raw(o, "\n\nParts of this text were made by AI.\n");
    for (size_t i = path ? ts_app_answer_path(tree, leaf ? leaf : "", path) : 0; i-- > 0;) {
        const json_t *m = path[i];
        const char *role = json_string_value(json_object_get(m, "role"));
        const char *content = json_string_value(json_object_get(m, "content"));
        const char *model = json_string_value(json_object_get(m, "model"));

        ts_out_raw(o, "\n## ");
        ts_out_raw(o, role && strcmp(role, "user") == 0 ? "User" : "AI: ");
        ts_out_raw(o, role && strcmp(role, "user") == 0 ? "" : model ? model : "");
        ts_out_raw(o, "\n\n");
        ts_out_raw(o, content ? content : "");
        ts_out_raw(o, "\n");
    }
    const bool is_good = tree && path && !o->has_failed;
    json_decref(tree);
    json_decref(meta);
    return is_good;
}

static void export_markdown(ts_http_request *req, ts_reply *reply)
{
    ts_out o = ts_out_make(MAX_OUT);
    ts_dialog c;
    ts_work w;

    if (ts_app_enter(&w, req, reply) && ts_chat_of_path(&w, &c)) {
        const bool is_good = write_markdown(&w, &c, &o);
        ts_chat_free(&c);
        ts_app_leave(&w);
        if (is_good &&
            ts_reply_header(reply, "Content-Disposition",
                            "attachment; filename=\"conversation.md\"") &&
            ts_reply_header(reply, "X-AI-Generated", "true"))
            ts_reply_send(reply, 200, "text/markdown; charset=utf-8", o.buf.ptr, o.buf.len);
        else
            ts_app_refuse(reply, 503, NULL, NULL, "out of memory for this request");
    }
    ts_out_free(&o);
}

void ts_chat_export(ts_http_request *req, ts_reply *reply)
{
    const char *format = query_text(req, "format");

    if (format && strcmp(format, "markdown") == 0) {
        export_markdown(req, reply);
        return;
    }
    ts_work w;
    ts_dialog c;

    if (ts_app_enter(&w, req, reply) && ts_chat_of_path(&w, &c)) {
        ts_app *app = w.app;
        json_t *ids = json_pack("[s]", c.id);
        ts_chat_free(&c);
        ts_app_leave(&w);
        ts_export_start(app, reply, ids, false);
    }
}
