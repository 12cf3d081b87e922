/* export.c - downloads of any size in little memory.
 *
 * The I/O thread says when all that was written is on its way; then the worker writes the
 * next part, while it owns the store: some messages, until PART is reached.  What is in
 * memory is one part and the longest message.
 */
#include "server/app/export.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "server/app/audit.h"
#include "server/app/chat_json.h"
#include "server/app/login.h"
#include "server/app/personal_parts.h"

enum { PART = 256 << 10, MAX_PART = 1 << 30, MAX_AUDIT = 100000 };

/* In the request's arena. */
typedef struct exporting {
    ts_app *app;
    ts_reply *reply;
    int64_t user_n;
    ts_reply_watch watch;
    _Atomic unsigned n_wakes;

    /* of whoever was woken first */
    bool is_over, has_begun, has_everything;
    ts_out part;
    size_t n_sent; /* of it */
    json_t *ids;   /* of the conversations, as they were when it began */
    size_t next;
    bool is_inside; /* one of them, ids[next - 1] */
    int64_t seq;    /* its last message that is written */
    bool has_one;   /* a conversation is written */
} exporting;

static void write_member(ts_out *o, const char *name, json_t *value)
{
    ts_buf text = ts_buf_make(MAX_PART);

    ts_out_f(o, ",\"%s\":", name);
    if (value && ts_app_dump(&text, value))
        ts_out_bytes(o, text.ptr, text.len);
    else
        o->has_failed = true;
    json_decref(value);
    ts_buf_free(&text);
}

static void write_head(exporting *x, ts_work *w)
{
    ts_out *o = &x->part;

    ts_out_f(o,
             "{\"format\":\"tiefsee-export\",\"version\":1,\"ai_generated\":true,\"exported\":%lld",
             (long long)ts_app_now());
    if (x->has_everything) {
        write_member(o, "user", ts_login_user(&w->person));
        write_member(o, "settings", ts_me_read_settings(w));
        write_member(o, "presets", ts_me_read_presets(w));
        write_member(o, "usage", ts_me_read_usage(w->app, w->person.key_id, 0, &w->err));
        write_member(o, "sessions", ts_me_read_sessions(w));
        write_member(o, "audit", ts_audit_read(w->app, w->person.id, 0, MAX_AUDIT, &w->err));
    }
    ts_out_raw(o, ",\"conversations\":[");
}

/* Some more of the conversation, or the beginning of the next.  What was deleted since the
 * export began is not in it. */
static tiefsee_status write_more(exporting *x, ts_work *w)
{
    const size_t i = x->is_inside ? x->next - 1 : x->next++;
    bool is_done = true;
    ts_dialog c;

    tiefsee_status st = ts_chats_find(w->store, &w->owner,
                                      json_string_value(json_array_get(x->ids, i)), &c, &w->err);
    if (st == TIEFSEE_OK && c.n != 0) {
        if (!x->is_inside) {
            ts_out_raw(&x->part, x->has_one ? "," : "");
            x->has_one = true;
            x->seq = 0;
            ts_chat_write_head(w, &c, &x->part);
        }
        st = ts_chat_write_some(w, &c, &x->seq, PART, &x->part, &is_done);
    }
    if (is_done && (x->is_inside || c.n != 0))
        ts_out_raw(&x->part, "]}");
    x->is_inside = !is_done;
    ts_chat_free(&c);
    return st;
}

/* The next part; nothing in it: that was all. */
static tiefsee_status make_part(exporting *x)
{
    ts_work w = {.app = x->app, .reply = x->reply, .req = ts_reply_request(x->reply)};
    tiefsee_status st = TIEFSEE_OK;

    ts_buf_clear(&x->part.buf);
    x->n_sent = 0;
    if (x->has_begun && !x->ids)
        return TIEFSEE_OK;
    ts_lock_take(x->app->store_lock);
    w.store = x->app->store;
    if (!ts_people_by_n(x->app->people, x->user_n, &w.person))
        st = ts_fail(&w.err, TIEFSEE_E_INVALID, "the account is gone");
    w.owner = ts_person_owner(&w.person);
    if (st == TIEFSEE_OK && !x->has_begun)
        write_head(x, &w);
    x->has_begun = true;
    while (st == TIEFSEE_OK && x->part.buf.len < PART &&
           (x->is_inside || x->next < json_array_size(x->ids)))
        st = write_more(x, &w);
    if (st == TIEFSEE_OK && !x->is_inside && x->next == json_array_size(x->ids)) {
        ts_out_raw(&x->part, "]}");
        json_decref(x->ids);
        x->ids = NULL;
    }
    ts_app_leave(&w);
    return st == TIEFSEE_OK && x->part.has_failed ? TIEFSEE_E_NOMEM : st;
}

static void finish(exporting *x, bool is_good)
{
    x->is_over = true;
    json_decref(x->ids);
    x->ids = NULL;
    ts_out_free(&x->part);
    if (is_good)
        ts_reply_end(x->reply);
    else
        ts_reply_fail(x->reply, 500, "the export broke off"); /* cut: half is not whole */
}

static void go_on(exporting *x)
{
    for (;;) {
        if (ts_reply_is_gone(x->reply)) {
            finish(x, false);
            return;
        }
        if (x->n_sent == x->part.buf.len) {
            if (make_part(x) != TIEFSEE_OK) {
                finish(x, false);
                return;
            }
            if (x->part.buf.len == 0) {
                finish(x, true);
                return;
            }
        }
        const size_t room = ts_reply_room(x->reply), left = x->part.buf.len - x->n_sent;
        const size_t n = left < room ? left : room;

        if (n == 0)
            return; /* drained comes */
        if (!ts_reply_write(x->reply, x->part.buf.ptr + x->n_sent, n)) {
            finish(x, false);
            return;
        }
        x->n_sent += n;
    }
}

/* On the worker; one at a time per export (wake). */
static void run(void *ctx)
{
    exporting *x = ctx;
    ts_reply *reply = x->reply;
    unsigned seen = atomic_load(&x->n_wakes);

    do
        if (!x->is_over)
            go_on(x);
    while (!atomic_compare_exchange_strong(&x->n_wakes, &seen, 0));
    ts_reply_release(reply); /* of wake; x may be gone */
}

static void wake(void *user)
{
    exporting *x = user;

    if (atomic_fetch_add(&x->n_wakes, 1) > 0)
        return;
    ts_reply_hold(x->reply);
    ts_app_later(x->app, run, x);
}

void ts_export_start(ts_app *app, ts_reply *reply, json_t *ids, bool has_everything)
{
    ts_http_request *req = ts_reply_request(reply);
    exporting *x = ts_arena_alloc_zero(req->arena, 1, sizeof *x);
    const bool is_good =
        x && ids && ts_reply_header(reply, "Cache-Control", "no-store") &&
        ts_reply_header(reply, "Content-Disposition",
                        has_everything ? "attachment; filename=\"tiefsee.json\""
                                       : "attachment; filename=\"conversation.json\"") &&
        ts_reply_header(reply, "X-AI-Generated", "true");

    if (!is_good) {
        json_decref(ids);
        ts_app_refuse(reply, 503, NULL, NULL, "out of memory for this request");
        return;
    }
    x->app = app;
    x->reply = reply;
    x->user_n = ts_app_caller_of(req)->user_n;
    x->has_everything = has_everything;
    x->ids = ids;
    x->part = ts_out_make(MAX_PART);
    x->watch = (ts_reply_watch){.on_gone = wake, .user = x};
    ts_reply_hold(reply); /* x is in its arena until the first wake has its own */
    (void)ts_reply_begin(reply, 200, "application/json");
    ts_reply_on_drained(reply, wake, x);
    ts_reply_on_gone(reply, &x->watch);
    wake(x);
    ts_reply_release(reply);
}
