/* anthropic.c - see anthropic.h. */
#include "server/api/anthropic.h"

#include <string.h>
#include <time.h>

#include "core/hash.h"
#include "server/api/anthropic_answer.h"
#include "server/api/anthropic_request.h"
#include "server/server.h"

enum { MAX_LIST = 1 << 20 };

/* ---- errors */

const char *ts_anthropic_error_type(int status)
{
    switch (status) {
    case 401: return "authentication_error";
    case 402: return "billing_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 413: return "request_too_large";
    case 429: return "rate_limit_error";
    case 503: return "overloaded_error";
    default: return status >= 500 ? "api_error" : "invalid_request_error";
    }
}

bool ts_anthropic_render(const ts_http_request *req, const ts_http_error *error, ts_buf *out)
{
    ts_out o = ts_out_make(8192);

    ts_out_f(&o, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":",
             ts_anthropic_error_type(error->status));
    ts_out_str(&o, error->message ? error->message : "");
    if (error->code && strcmp(error->code, TS_ANTHROPIC_NO_THREADS) == 0)
        ts_out_raw(&o, ",\"details\":{\"error_code\":\"" TS_ANTHROPIC_NO_THREADS
                       "\",\"unsupported\":[\"thread\"]}");
    ts_out_raw(&o, "},\"request_id\":");
    ts_out_str(&o, req ? req->id : NULL);
    ts_out_raw(&o, "}");
    const bool is_good = !o.has_failed && ts_buf_append(out, o.buf.ptr, o.buf.len);
    ts_out_free(&o);
    return is_good;
}

const ts_protocol ts_protocol_anthropic = {.name = "anthropic",
                                           .content_type = "application/json",
                                           .render = ts_anthropic_render,
                                           .id_header = "request-id"};

/* ---- messages */

/* Also of a prompt that is too long to be asked: clients decide by it what to drop. */
static void count(ts_reply *reply, ts_turn_request *r)
{
    ts_out o = ts_out_make(256);
    ts_wrong wrong;

    if (!ts_turn_prepare(r, &wrong) &&
        !(wrong.code && strcmp(wrong.code, "context_length_exceeded") == 0)) {
        ts_turn_refuse(reply, &wrong);
        return;
    }
    ts_out_f(&o, "{\"input_tokens\":%zu}", r->n_prompt);
    ts_turn_send(reply, &o);
}

static void ask(ts_http_request *req, ts_reply *reply)
{
    const ts_anthropic_endpoint *endpoint = req->route->data;
    ts_turn_request r;
    ts_wrong wrong;

    if (!ts_anthropic_request_read(&r, ts_server_of(req)->models, req->body, endpoint,
                                   ts_hash(req->id, strlen(req->id)), &wrong))
        ts_turn_refuse(reply, &wrong);
    else if (endpoint->counts)
        count(reply, &r);
    else
        ts_anthropic_answer_run(reply, &r);
    ts_turn_close(&r);
}

/* ---- models */

static void write_model(ts_out *o, const ts_served_model *m)
{
    const time_t t = (time_t)m->created;
    struct tm parts;
    char text[32] = "1970-01-01T00:00:00Z";

    if (gmtime_r(&t, &parts))
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    ts_out_raw(o, "{\"type\":\"model\",\"id\":");
    ts_out_str(o, m->name);
    ts_out_raw(o, ",\"display_name\":");
    ts_out_str(o, m->info.name);
    ts_out_f(o, ",\"created_at\":\"%s\",\"max_input_tokens\":%zu,\"max_tokens\":%zu}", text,
             m->n_ctx, m->n_ctx - 1);
}

static void list_models(ts_http_request *req, ts_reply *reply)
{
    const ts_models *models = ts_server_of(req)->models;
    const size_t n = ts_models_count(models);
    ts_out o = ts_out_make(MAX_LIST);

    ts_out_raw(&o, "{\"data\":[");
    for (size_t i = 0; i < n; i++) {
        ts_out_raw(&o, i ? "," : "");
        write_model(&o, ts_models_at(models, i));
    }
    ts_out_raw(&o, "],\"has_more\":false,\"first_id\":");
    ts_out_str(&o, n ? ts_models_at(models, 0)->name : NULL);
    ts_out_raw(&o, ",\"last_id\":");
    ts_out_str(&o, n ? ts_models_at(models, n - 1)->name : NULL);
    ts_out_raw(&o, "}");
    ts_turn_send(reply, &o);
}

static void show_model(ts_http_request *req, ts_reply *reply)
{
    const char *name = req->n_params > 0 ? req->params[0] : "";
    const ts_served_model *m = ts_anthropic_find_model(ts_server_of(req)->models, name);
    ts_out o = ts_out_make(MAX_LIST);
    ts_wrong wrong;

    if (m) {
        write_model(&o, m);
        ts_turn_send(reply, &o);
        return;
    }
    (void)ts_wrong_set(&wrong, 404, NULL, "model", "'%.100s' is not served here", name);
    ts_turn_refuse(reply, &wrong);
}

static const ts_anthropic_endpoint plain = {.is_deepseek = false}, plain_count = {.counts = true},
                                   deepseek = {.is_deepseek = true},
                                   deepseek_count = {.is_deepseek = true, .counts = true};

#define ROUTE(method, path, handler, flags, data)                  \
    {                                                              \
        method, path, handler, flags, &ts_protocol_anthropic, data \
    }

const ts_route ts_anthropic_routes[] = {
    ROUTE("POST", "/v1/messages", ask, 0, &plain),
    ROUTE("POST", "/v1/messages/count_tokens", ask, 0, &plain_count),
    ROUTE("POST", "/anthropic/v1/messages", ask, 0, &deepseek),
    ROUTE("POST", "/anthropic/v1/messages/count_tokens", ask, 0, &deepseek_count),
    ROUTE("GET", "/anthropic/v1/models", list_models, TS_ROUTE_QUICK, NULL),
    ROUTE("GET", "/anthropic/v1/models/*", show_model, TS_ROUTE_QUICK, NULL),
    {NULL, "/anthropic/*", NULL, 0, &ts_protocol_anthropic, NULL},
    {NULL, "/v1/messages/*", NULL, 0, &ts_protocol_anthropic, NULL},
};
const size_t ts_n_anthropic_routes = TS_COUNT(ts_anthropic_routes);
