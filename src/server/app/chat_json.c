/* chat_json.c - see chat_json.h. */
#include "server/app/chat_json.h"

#include <string.h>

#include "formats/json.h"
#include "server/app/live.h"

enum { MAX_VALUES = 1 << 20, MAX_OUT = 512 << 20, MAX_FILE_NAME = 255 };

json_t *ts_chat_meta(const ts_dialog *c)
{
    json_t *meta = NULL;

    if (ts_json_parse(&meta, c->meta.ptr ? c->meta.ptr : "", c->meta.len,
                      (ts_json_limits){.values = 1024}, NULL) == TIEFSEE_OK)
        return meta;
    return json_object();
}

bool ts_chat_set_meta(ts_dialog *c, const json_t *meta)
{
    ts_buf_clear(&c->meta);
    return ts_app_dump(&c->meta, meta);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

json_t *ts_chat_summary(ts_app *app, int64_t user_n, const ts_dialog *c)
{
    json_t *meta = ts_chat_meta(c);
    json_t *s = json_pack("{s:s,s:s,s:s,s:b,s:I,s:I,s:I,s:b}", "id", c->id, "title",
                          text_of(meta, "title"), "folder", text_of(meta, "folder"), "is_pinned",
                          (int)c->is_pinned, "created", (json_int_t)c->created, "updated",
                          (json_int_t)c->updated, "n_messages", (json_int_t)c->n_messages,
                          "is_live", (int)ts_live_is_busy(app, user_n, c->id, NULL));

    json_decref(meta);
    return s;
}

json_t *ts_chat_message_json(const ts_chat_message *m, const char *live_id)
{
    json_t *message = NULL;

    if (ts_json_parse(&message, m->json.ptr, m->json.len, (ts_json_limits){.values = MAX_VALUES},
                      NULL) != TIEFSEE_OK)
        return NULL;
    if (m->is_live && strcmp(m->id, live_id) != 0)
        (void)json_object_set_new(message, "finish", json_string("broken"));
    return message;
}

tiefsee_status ts_chat_add_file_texts(ts_work *w, const ts_dialog *c, int64_t seq, json_t *message)
{
    ts_buf text = ts_buf_make(MAX_OUT);
    tiefsee_status st = TIEFSEE_OK;
    size_t i;
    json_t *file;

    json_array_foreach(json_object_get(message, "files"), i, file)
    {
        bool is_there = false;

        st = ts_chats_find_file(w->store, &w->owner, c, seq, (int64_t)i, &text, &is_there, &w->err);
        if (st != TIEFSEE_OK)
            break;
        if (is_there)
            (void)json_object_set_new(file, "text",
                                      json_stringn_nocheck(text.ptr ? text.ptr : "", text.len));
    }
    ts_buf_free(&text);
    return st;
}

typedef struct writing {
    ts_work *w;
    const ts_dialog *chat;
    ts_out *out;
    const char *live_id;
    bool with_files, has_failed, is_cut;
    size_t n, max_bytes; /* of out; 0: no bound */
    int64_t seq;         /* of the last that was written */
    tiefsee_status status;
} writing;

static void write_json(writing *x, const json_t *value)
{
    ts_buf text = ts_buf_make(MAX_OUT);

    ts_out_raw(x->out, x->n++ ? "," : "");
    if (value && ts_app_dump(&text, value))
        ts_out_bytes(x->out, text.ptr, text.len);
    else
        x->has_failed = true;
    ts_buf_free(&text);
}

/* What is stored is JSON already; only what needs a change is parsed. */
static bool write_message(void *ctx, const ts_chat_message *m)
{
    writing *x = ctx;

    if (x->max_bytes && x->out->buf.len >= x->max_bytes) {
        x->is_cut = true;
        return false;
    }
    x->seq = m->seq;
    if (!m->is_live && !x->with_files) {
        ts_out_raw(x->out, x->n++ ? "," : "");
        ts_out_bytes(x->out, m->json.ptr, m->json.len);
        return true;
    }
    json_t *message = ts_chat_message_json(m, x->live_id);
    if (message && x->with_files)
        x->status = ts_chat_add_file_texts(x->w, x->chat, m->seq, message);
    write_json(x, message);
    json_decref(message);
    return !x->has_failed && x->status == TIEFSEE_OK;
}

void ts_chat_write_head(ts_work *w, const ts_dialog *c, ts_out *o)
{
    json_t *meta = ts_chat_meta(c), *head = ts_chat_summary(w->app, w->person.n, c);
    ts_buf text = ts_buf_make(MAX_OUT);
    char live_id[TS_ID_MAX + 1];

    (void)ts_live_is_busy(w->app, w->person.n, c->id, live_id);
    (void)json_object_set_new(head, "system", json_string(text_of(meta, "system")));
    (void)json_object_set_new(head, "model", json_string(text_of(meta, "model")));
    const char *leaf = text_of(meta, "leaf");
    (void)json_object_set_new(head, "leaf", *leaf ? json_string(leaf) : json_null());
    (void)json_object_set_new(head, "live", *live_id ? json_string(live_id) : json_null());
    json_decref(meta);
    if (head && ts_app_dump(&text, head) && text.len >= 2) {
        ts_out_bytes(o, text.ptr, text.len - 1);
        ts_out_raw(o, ",\"messages\":[");
    } else
        o->has_failed = true;
    json_decref(head);
    ts_buf_free(&text);
}

static tiefsee_status write_messages(writing *x, int64_t behind)
{
    ts_work *w = x->w;
    char live_id[TS_ID_MAX + 1];

    (void)ts_live_is_busy(w->app, w->person.n, x->chat->id, live_id);
    x->live_id = live_id;
    const tiefsee_status st =
        ts_chats_read_behind(w->store, &w->owner, x->chat, behind, write_message, x, &w->err);
    x->live_id = NULL;
    if (x->has_failed || x->out->has_failed)
        return ts_fail_nomem(&w->err, 0, "a conversation");
    return x->status == TIEFSEE_OK ? st : x->status;
}

tiefsee_status ts_chat_write(ts_work *w, const ts_dialog *c, ts_out *o)
{
    writing x = {.w = w, .chat = c, .out = o};

    ts_chat_write_head(w, c, o);
    const tiefsee_status st = write_messages(&x, -1);
    ts_out_raw(o, "]}");
    return st;
}

tiefsee_status ts_chat_write_some(ts_work *w, const ts_dialog *c, int64_t *seq, size_t max_bytes,
                                  ts_out *o, bool *is_done)
{
    writing x = {.w = w,
                 .chat = c,
                 .out = o,
                 .with_files = true,
                 .n = *seq > 0,
                 .max_bytes = max_bytes,
                 .seq = *seq};
    const tiefsee_status st = write_messages(&x, *seq);

    *seq = x.seq;
    *is_done = !x.is_cut;
    return st;
}

bool ts_chat_of_path(ts_work *w, ts_dialog *c)
{
    const tiefsee_status st = ts_chats_find(w->store, &w->owner, w->req->params[0], c, &w->err);

    if (st == TIEFSEE_OK && c->n != 0)
        return true;
    ts_chat_free(c);
    return st == TIEFSEE_OK ? ts_app_no(w, 404, NULL, NULL, "there is no such conversation")
                            : ts_app_fail(w, st);
}

/* ---- files that a client sends */

static bool find_other_file(ts_work *w, const ts_dialog *c, const json_t *file, json_t **meta,
                            json_t **text, ts_wrong *wrong)
{
    const char *of = json_string_value(json_object_get(file, "of"));
    const json_int_t index = json_integer_value(json_object_get(file, "index"));
    ts_buf body = ts_buf_make(MAX_OUT);
    ts_chat_message m = {0};
    bool is_there = false;

    if (of && c && index >= 0 &&
        ts_chats_find_message(w->store, &w->owner, c, of, &m, &body, &w->err) == TIEFSEE_OK &&
        m.seq != 0) {
        json_t *message = ts_chat_message_json(&m, "");
        *meta = json_deep_copy(json_array_get(json_object_get(message, "files"), (size_t)index));
        json_decref(message);
        if (ts_chats_find_file(w->store, &w->owner, c, m.seq, index, &body, &is_there, &w->err) !=
            TIEFSEE_OK)
            is_there = false;
        if (is_there)
            *text = json_stringn_nocheck(body.ptr ? body.ptr : "", body.len);
    }
    ts_buf_free(&body);
    return (*meta && *text) || ts_wrong_field(wrong, "files", "no such file to take along");
}

static bool new_file(const json_t *file, json_t **meta, json_t **text, ts_wrong *wrong)
{
    const char *name = json_string_value(json_object_get(file, "name"));
    const json_t *said = json_object_get(file, "bytes");
    char line[MAX_FILE_NAME + 1];

    *text = json_incref(json_object_get(file, "text"));
    if (!name || !json_is_string(*text))
        return ts_wrong_field(wrong, "files", "an entry without name or text");
    if (strlen(name) > MAX_FILE_NAME)
        return ts_wrong_field(wrong, "files", "a name of %zu bytes (%d allowed)", strlen(name),
                              MAX_FILE_NAME);
    ts_app_line(line, MAX_FILE_NAME, name);
    const json_int_t n = (json_int_t)json_string_length(*text);
    *meta = json_pack("{s:s,s:I,s:I}", "name", line, "bytes",
                      json_is_integer(said) ? json_integer_value(said) : n, "chars", n);
    return *meta || ts_wrong_set(wrong, 503, NULL, NULL, "out of memory for this request");
}

json_t *ts_chat_take_files(ts_work *w, const ts_dialog *c, const json_t *files, json_t **texts,
                           ts_wrong *wrong)
{
    json_t *list = json_array(), *file;
    size_t i;
    bool is_good = list && (*texts = json_array());

    if (files && !json_is_array(files))
        is_good = ts_wrong_field(wrong, "files", "%s (an array expected)", ts_json_kind(files));
    if (json_array_size(files) > TS_MAX_FILES)
        is_good = ts_wrong_field(wrong, "files", "%zu files (%d allowed)", json_array_size(files),
                                 TS_MAX_FILES);
    json_array_foreach((json_t *)(uintptr_t)files, i, file)
    {
        json_t *meta = NULL, *text = NULL;

        is_good = is_good &&
                  (json_object_get(file, "of") ? find_other_file(w, c, file, &meta, &text, wrong)
                                               : new_file(file, &meta, &text, wrong));
        is_good =
            is_good && json_array_append(list, meta) == 0 && json_array_append(*texts, text) == 0;
        json_decref(meta);
        json_decref(text);
    }
    if (is_good)
        return list;
    json_decref(list);
    json_decref(*texts);
    *texts = NULL;
    return NULL;
}

tiefsee_status ts_chat_put_files(ts_work *w, const ts_dialog *c, int64_t seq, const json_t *texts)
{
    tiefsee_status st = TIEFSEE_OK;
    size_t i;
    json_t *text;

    json_array_foreach((json_t *)(uintptr_t)texts, i, text) if (st == TIEFSEE_OK) st =
        ts_chats_put_file(w->store, &w->owner, c, seq, (int64_t)i,
                          (ts_str){json_string_value(text), json_string_length(text)}, &w->err);
    return st;
}
