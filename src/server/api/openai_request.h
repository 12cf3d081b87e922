/* openai_request.h - the body of a chat or completion request, as OpenAI and DeepSeek
 * have it, read into a turn.
 */
#ifndef TS_SERVER_OPENAI_REQUEST_H
#define TS_SERVER_OPENAI_REQUEST_H

#include "server/api/turn_request.h"

typedef struct ts_openai_request {
    ts_turn_request turn; /* to be closed by ts_turn_close */
    bool is_chat;
    bool wants_usage; /* stream_options.include_usage */
    bool wants_logprobs;
    size_t n_top; /* alternatives per token to show */
} ts_openai_request;

/* seed: for a request that names none.  On false nothing is held. */
bool ts_openai_request_read(ts_openai_request *out, const ts_models *models, ts_str body,
                            bool is_chat, uint64_t seed, ts_wrong *wrong) TS_MUST_CHECK;

#endif
