/* openai.h - OpenAI's wire: chat and text completions, models.
 *
 * POST /v1/chat/completions, POST /v1/completions, GET /v1/models[/name].
 */
#ifndef TS_SERVER_OPENAI_H
#define TS_SERVER_OPENAI_H

#include "server/http/http.h"

extern const ts_route ts_openai_routes[];
extern const size_t ts_n_openai_routes;

/* {"error":{"message","type","param","code"}}, for both dialects. */
extern const ts_protocol ts_protocol_openai;
ts_http_render ts_openai_render;

/* A route's data: which request it answers, in which dialect. */
typedef struct ts_openai_endpoint {
    bool is_chat, is_deepseek;
} ts_openai_endpoint;

ts_http_handler ts_openai_complete, ts_openai_list_models, ts_openai_show_model;

#endif
