/* anthropic_request.h - from the body of /v1/messages to a turn. */
#ifndef TS_SERVER_ANTHROPIC_REQUEST_H
#define TS_SERVER_ANTHROPIC_REQUEST_H

#include "server/api/turn_request.h"

typedef struct ts_anthropic_endpoint {
    bool is_deepseek; /* thinks unless told otherwise */
    bool counts;      /* the tokens of the prompt are asked for, not an answer */
} ts_anthropic_endpoint;

/* The code by which Anthropic's clients see that they must send whole conversations. */
#define TS_ANTHROPIC_NO_THREADS "thread_unsupported_request"

/* In any case ts_turn_close(r). */
bool ts_anthropic_request_read(ts_turn_request *r, const ts_models *models, ts_str body,
                               const ts_anthropic_endpoint *endpoint, uint64_t seed,
                               ts_wrong *wrong) TS_MUST_CHECK;

/* Names of Claude mean the first model. */
const ts_served_model *ts_anthropic_find_model(const ts_models *models, const char *name);

#endif
