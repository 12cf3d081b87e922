/* responses_request.h - from the body of /v1/responses to a turn. */
#ifndef TS_SERVER_RESPONSES_REQUEST_H
#define TS_SERVER_RESPONSES_REQUEST_H

#include "server/api/turn_request.h"

typedef struct ts_responses_endpoint {
    bool is_deepseek; /* ignores what asks for a stored state */
    bool is_socket;   /* a message of a WebSocket: "type", the connection's last response */
    bool compacts;    /* a summary is asked for, not an answer */
    bool counts;      /* the tokens of the prompt are asked for, not an answer */
} ts_responses_endpoint;

/* The last response of a WebSocket. */
typedef struct ts_responses_past {
    const char *id; /* NULL: there is none */
    ts_str items;   /* all that led to it and came with it: JSON without the brackets */
    bool is_used;   /* set: this request names it */
} ts_responses_past;

/* A tool that came inside a namespace; its calls say so. */
typedef struct ts_tool_space {
    const char *tool, *space;
} ts_tool_space;

typedef struct ts_responses_request {
    ts_turn_request turn;
    bool wants_logprobs;
    bool wants_encrypted; /* include: reasoning.encrypted_content */
    size_t n_top;
    double temperature, top_p; /* as used; for the answer, which repeats them */
    const ts_tool_space *spaces;
    size_t n_spaces;
    bool is_socket;
    bool is_warming;         /* generate: false; the prompt is read, nothing is said */
    const char *previous_id; /* NULL: none */
} ts_responses_request;

/* past: NULL unless the endpoint is a socket.  In any case ts_turn_close(&out->turn). */
bool ts_responses_request_read(ts_responses_request *out, const ts_models *models, ts_str body,
                               const ts_responses_endpoint *endpoint, ts_responses_past *past,
                               uint64_t seed, ts_wrong *wrong) TS_MUST_CHECK;

#endif
