/* deepseek.c - see deepseek.h. */
#include "server/api/deepseek.h"

#include "server/api/openai.h"
#include "server/api/turn_answer.h"
#include "server/auth/auth.h"
#include "server/server.h"

static const ts_protocol protocol = {"deepseek", "application/json", ts_openai_render, 402, NULL};

/* What the key may still use today, in millions of tokens, as nothing is charged.
 * Clients parse this strictly: these members, amounts as strings, one entry at least,
 * a currency of the two. */
static void show_balance(ts_http_request *req, ts_reply *reply)
{
    const ts_server *server = ts_server_of(req);
    ts_balance b = {0};
    ts_out o = ts_out_make(1024);

    if (server->auth && req->identity)
        ts_auth_balance(server->auth, req->identity, &b);
    const double millions = (double)b.n_left / 1e6;
    ts_out_f(
        &o,
        "{\"is_available\":%s,\"balance_infos\":[{\"currency\":\"USD\",\"total_balance\":\"%.6f\","
        "\"granted_balance\":\"%.6f\",\"topped_up_balance\":\"0.00\"}]}",
        b.is_limited && b.n_left == 0 ? "false" : "true", millions, millions);
    ts_turn_send(reply, &o);
}

static const ts_openai_endpoint chat = {.is_chat = true, .is_deepseek = true},
                                text = {.is_deepseek = true};

const ts_route ts_deepseek_routes[] = {
    {"POST", "/chat/completions", ts_openai_complete, 0, &protocol, &chat},
    {"POST", "/beta/chat/completions", ts_openai_complete, 0, &protocol, &chat},
    {"POST", "/beta/completions", ts_openai_complete, 0, &protocol, &text},
    {"GET", "/models", ts_openai_list_models, TS_ROUTE_QUICK, &protocol, NULL},
    {"GET", "/models/*", ts_openai_show_model, TS_ROUTE_QUICK, &protocol, NULL},
    {"GET", "/user/balance", show_balance, TS_ROUTE_QUICK, &protocol, NULL},
};
const size_t ts_n_deepseek_routes = TS_COUNT(ts_deepseek_routes);
