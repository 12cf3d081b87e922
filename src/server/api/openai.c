/* openai.c - see openai.h. */
#include "server/api/openai.h"

#include <string.h>

#include "core/hash.h"
#include "server/api/openai_answer.h"
#include "server/api/turn_answer.h"
#include "server/server.h"

enum { MAX_LIST = 1 << 20 };

/* ---- errors */

static const char *type_of(int status, const char *code)
{
    if (code && strcmp(code, "insufficient_quota") == 0)
        return code;
    switch (status) {
    case 401: return "authentication_error";
    case 402: return "insufficient_quota";
    case 403: return "permission_error";
    case 429: return "rate_limit_error";
    default: return status >= 500 ? "server_error" : "invalid_request_error";
    }
}

static const char *code_of(int status)
{
    switch (status) {
    case 401: return "invalid_api_key";
    case 404: return "not_found";
    case 429: return "rate_limit_exceeded";
    case 503: return "server_overloaded";
    default: return type_of(status, NULL);
    }
}

bool ts_openai_render(const ts_http_request *req, const ts_http_error *error, ts_buf *out)
{
    ts_out o = ts_out_make(8192);

    (void)req;
    ts_out_raw(&o, "{\"error\":{\"message\":");
    ts_out_str(&o, error->message ? error->message : "");
    ts_out_f(&o, ",\"type\":\"%s\",\"param\":", type_of(error->status, error->code));
    ts_out_str(&o, error->param);
    ts_out_raw(&o, ",\"code\":");
    ts_out_str(&o, error->code ? error->code : code_of(error->status));
    ts_out_raw(&o, "}}");
    const bool is_good = !o.has_failed && ts_buf_append(out, o.buf.ptr, o.buf.len);
    ts_out_free(&o);
    return is_good;
}

const ts_protocol ts_protocol_openai = {"openai", "application/json", ts_openai_render, 0, NULL};

/* ---- completions */

void ts_openai_complete(ts_http_request *req, ts_reply *reply)
{
    const ts_openai_endpoint *endpoint = req->route->data;
    ts_openai_request r;
    ts_wrong wrong;

    if (!ts_openai_request_read(&r, ts_server_of(req)->models, req->body, endpoint->is_chat,
                                ts_hash(req->id, strlen(req->id)), &wrong)) {
        ts_turn_refuse(reply, &wrong);
        return;
    }
    ts_openai_answer_run(reply, &r, endpoint->is_deepseek);
    ts_turn_close(&r.turn);
}

/* ---- models */

static void write_model(ts_out *o, const ts_served_model *m)
{
    ts_out_raw(o, "{\"id\":");
    ts_out_str(o, m->name);
    ts_out_f(o, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"tiefsee\",\"name\":",
             (long long)m->created);
    ts_out_str(o, m->info.name);
    ts_out_f(o,
             ",\"context_window\":%zu,\"context_length\":%zu,\"max_model_len\":%zu,"
             "\"max_output_tokens\":%zu,\"input_modalities\":[\"text\"],"
             "\"output_modalities\":[\"text\"],\"meta\":{\"n_ctx_train\":%zu,\"n_vocab\":%zu,"
             "\"n_params\":%llu,\"size\":%llu,\"thinking\":%s}}",
             m->n_ctx, m->n_ctx, m->n_ctx, m->n_ctx - 1, m->info.n_ctx_train, m->info.n_vocab,
             (unsigned long long)m->info.n_parameters, (unsigned long long)m->bytes,
             m->info.can_think ? "true" : "false");
}

void ts_openai_list_models(ts_http_request *req, ts_reply *reply)
{
    const ts_models *models = ts_server_of(req)->models;
    ts_out o = ts_out_make(MAX_LIST);

    ts_out_raw(&o, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < ts_models_count(models); i++) {
        ts_out_raw(&o, i ? "," : "");
        write_model(&o, ts_models_at(models, i));
    }
    ts_out_raw(&o, "]}");
    ts_turn_send(reply, &o);
}

void ts_openai_show_model(ts_http_request *req, ts_reply *reply)
{
    const char *name = req->n_params > 0 ? req->params[0] : "";
    const ts_served_model *m = *name ? ts_turn_find_model(ts_server_of(req)->models, name) : NULL;
    ts_out o = ts_out_make(MAX_LIST);
    ts_wrong wrong;

    if (m) {
        write_model(&o, m);
        ts_turn_send(reply, &o);
        return;
    }
    (void)ts_wrong_set(&wrong, 404, "model_not_found", "model", "'%.100s' is not served here",
                       name);
    ts_turn_refuse(reply, &wrong);
}

static const ts_openai_endpoint chat = {.is_chat = true}, text = {0};

const ts_route ts_openai_routes[] = {
    {"POST", "/v1/chat/completions", ts_openai_complete, 0, &ts_protocol_openai, &chat},
    {"POST", "/v1/completions", ts_openai_complete, 0, &ts_protocol_openai, &text},
    {"GET", "/v1/models", ts_openai_list_models, TS_ROUTE_QUICK, &ts_protocol_openai, NULL},
    {"GET", "/v1/models/*", ts_openai_show_model, TS_ROUTE_QUICK, &ts_protocol_openai, NULL},
    {NULL, "/v1/*", NULL, 0, &ts_protocol_openai, NULL},
};
const size_t ts_n_openai_routes = TS_COUNT(ts_openai_routes);
