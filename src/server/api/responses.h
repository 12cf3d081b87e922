/* responses.h - OpenAI's Responses, stateless: nothing of a request is kept.
 *
 * POST /v1/responses, /v1/responses/input_tokens and /v1/responses/compact; GET
 * /v1/responses as a WebSocket; POST /responses as DeepSeek has it.
 */
#ifndef TS_SERVER_RESPONSES_H
#define TS_SERVER_RESPONSES_H

#include "server/http/http.h"

extern const ts_route ts_responses_routes[];
extern const size_t ts_n_responses_routes;

#endif
