/* anthropic.h - Anthropic's Messages API.
 *
 * POST /v1/messages and /v1/messages/count_tokens; the same below /anthropic, where
 * DeepSeek has it (and thinks unless told otherwise), with GET /anthropic/v1/models.
 */
#ifndef TS_SERVER_ANTHROPIC_H
#define TS_SERVER_ANTHROPIC_H

#include "server/http/http.h"

extern const ts_route ts_anthropic_routes[];
extern const size_t ts_n_anthropic_routes;

/* {"type":"error","error":{"type","message"},"request_id"} */
extern const ts_protocol ts_protocol_anthropic;
ts_http_render ts_anthropic_render;

const char *ts_anthropic_error_type(int status);

#endif
