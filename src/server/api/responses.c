/* responses.c - see responses.h. */
#include "server/api/responses.h"

#include <string.h>

#include "core/hash.h"
#include "server/api/openai.h"
#include "server/api/responses_answer.h"
#include "server/api/responses_compact.h"
#include "server/api/responses_socket.h"
#include "server/server.h"

/* Also of an input that is too long to be asked. */
static void count(ts_reply *reply, ts_turn_request *r)
{
    ts_out o = ts_out_make(256);
    ts_wrong wrong;

    if (!ts_turn_prepare(r, &wrong) &&
        !(wrong.code && strcmp(wrong.code, "context_length_exceeded") == 0)) {
        ts_turn_refuse(reply, &wrong);
        return;
    }
    ts_out_f(&o, "{\"object\":\"response.input_tokens\",\"input_tokens\":%zu}", r->n_prompt);
    ts_turn_send(reply, &o);
}

static void ask(ts_http_request *req, ts_reply *reply)
{
    const ts_responses_endpoint *endpoint = req->route->data;
    ts_responses_request r;
    ts_wrong wrong;

    if (!ts_responses_request_read(&r, ts_server_of(req)->models, req->body, endpoint, NULL,
                                   ts_hash(req->id, strlen(req->id)), &wrong))
        ts_turn_refuse(reply, &wrong);
    else if (endpoint->counts)
        count(reply, &r.turn);
    else if (endpoint->compacts)
        ts_responses_compact_run(reply, &r);
    else
        ts_responses_answer_run(reply, &r);
    ts_turn_close(&r.turn);
}

static const ts_protocol deepseek_protocol = {.name = "deepseek",
                                              .content_type = "application/json",
                                              .render = ts_openai_render,
                                              .quota_status = 402};

static const ts_responses_endpoint plain = {.is_deepseek = false}, counting = {.counts = true},
                                   compacting = {.compacts = true},
                                   deepseek = {.is_deepseek = true};

const ts_route ts_responses_routes[] = {
    {"POST", "/v1/responses", ask, 0, &ts_protocol_openai, &plain},
    {"POST", "/v1/responses/input_tokens", ask, 0, &ts_protocol_openai, &counting},
    {"POST", "/v1/responses/compact", ask, 0, &ts_protocol_openai, &compacting},
    {"GET", "/v1/responses", ts_responses_message, TS_ROUTE_SOCKET, &ts_responses_socket_protocol,
     NULL},
    {"POST", "/responses", ask, 0, &deepseek_protocol, &deepseek},
};
const size_t ts_n_responses_routes = TS_COUNT(ts_responses_routes);
