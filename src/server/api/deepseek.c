/* deepseek.c - see deepseek.h. */
#include "server/api/deepseek.h"

#include <string.h>

#include "server/api/openai.h"

/* Nothing is charged here.  Clients parse this strictly: these members, amounts as
 * strings, one entry at least. */
static void show_balance(ts_http_request *req, ts_reply *reply)
{
    static const char body[] = "{\"is_available\":true,\"balance_infos\":[{\"currency\":\"USD\","
                               "\"total_balance\":\"0.00\",\"granted_balance\":\"0.00\","
                               "\"topped_up_balance\":\"0.00\"}]}";

    (void)req;
    ts_reply_send(reply, 200, "application/json", body, sizeof body - 1);
}

static const ts_openai_endpoint chat = {.is_chat = true, .is_deepseek = true};

const ts_route ts_deepseek_routes[] = {
    {"POST", "/chat/completions", ts_openai_complete, 0, &ts_protocol_openai, &chat},
    {"GET", "/models", ts_openai_list_models, TS_ROUTE_QUICK, &ts_protocol_openai, NULL},
    {"GET", "/models/*", ts_openai_show_model, TS_ROUTE_QUICK, &ts_protocol_openai, NULL},
    {"GET", "/user/balance", show_balance, TS_ROUTE_QUICK, &ts_protocol_openai, NULL},
};
const size_t ts_n_deepseek_routes = TS_COUNT(ts_deepseek_routes);
