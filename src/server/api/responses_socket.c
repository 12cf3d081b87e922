/* responses_socket.c - see responses_socket.h. */
#include "server/api/responses_socket.h"

#include <string.h>

#include "core/alloc.h"
#include "core/hash.h"
#include "server/api/jsonout.h"
#include "server/api/openai.h"
#include "server/api/responses_answer.h"
#include "server/server.h"

enum { MAX_ERROR = 8192, ID_SIZE = 64 };

/* ---- the last response */

typedef struct past {
    char id[ID_SIZE];
    ts_buf items;
} past;

static void free_past(void *session)
{
    past *p = session;

    ts_buf_free(&p->items);
    ts_free(p);
}

static void forget(ts_reply *reply)
{
    ts_reply_set_session(reply, NULL, free_past);
    (void)ts_reply_charge_session(reply, 0);
}

/* "[a]" and "b" become "[a,b]". */
static past *new_past(const char *id, ts_str items, ts_str output)
{
    past *p = strlen(id) < ID_SIZE ? ts_alloc_zero(1, sizeof *p) : NULL;

    if (!p)
        return NULL;
    memcpy(p->id, id, strlen(id));
    p->items = ts_buf_make(items.len + output.len + 1);
    if (ts_buf_append(&p->items, items.ptr, items.len - (output.len > 0)) &&
        (output.len == 0 ||
         (ts_buf_append(&p->items, ",", items.len > 2) &&
          ts_buf_append(&p->items, output.ptr, output.len) && ts_buf_append(&p->items, "]", 1))))
        return p;
    free_past(p);
    return NULL;
}

void ts_responses_remember(ts_reply *reply, const char *id, ts_str items, ts_str output)
{
    forget(reply);
    if (!ts_reply_charge_session(reply, items.len + output.len + 1))
        return;
    past *p = new_past(id, items, output);
    if (p)
        ts_reply_set_session(reply, p, free_past);
    else
        (void)ts_reply_charge_session(reply, 0);
}

/* ---- messages */

void ts_responses_message(ts_http_request *req, ts_reply *reply)
{
    static const ts_responses_endpoint endpoint = {.is_socket = true};
    const past *p = ts_reply_session(reply);
    ts_responses_past told = {.id = p ? p->id : NULL,
                              .items = p ? (ts_str){p->items.ptr, p->items.len} : (ts_str){0}};
    ts_responses_request r;
    ts_wrong wrong;
    const bool is_good =
        ts_responses_request_read(&r, ts_server_of(req)->models, req->body, &endpoint, &told,
                                  ts_hash(req->id, strlen(req->id)), &wrong);

    /* If this fails, it cannot be tried again; if not, another takes its place. */
    if (told.is_used)
        forget(reply);
    if (is_good)
        ts_responses_answer_run(reply, &r);
    else
        ts_turn_refuse(reply, &wrong);
    ts_turn_close(&r.turn);
}

/* {"type": "error", "status": 400, "error": {...}}: OpenAI's envelope, and around it. */
static bool render(const ts_http_request *req, const ts_http_error *error, ts_buf *out)
{
    ts_buf inner = ts_buf_make(MAX_ERROR);
    ts_out o = ts_out_make(2 * MAX_ERROR);
    bool is_good = ts_openai_render(req, error, &inner) && inner.len > 1;

    if (is_good) {
        ts_out_f(&o, "{\"type\":\"error\",\"status\":%d,", error->status);
        ts_out_bytes(&o, inner.ptr + 1, inner.len - 1);
        is_good = !o.has_failed && ts_buf_append(out, o.buf.ptr, o.buf.len);
    }
    ts_buf_free(&inner);
    ts_out_free(&o);
    return is_good;
}

const ts_protocol ts_responses_socket_protocol = {
    .name = "openai", .content_type = "application/json", .render = render};
