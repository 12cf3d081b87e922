/* ollama_request.h - from the body of /api/chat and /api/generate to a turn. */
#ifndef TS_SERVER_OLLAMA_REQUEST_H
#define TS_SERVER_OLLAMA_REQUEST_H

#include "server/api/turn_request.h"

typedef struct ts_ollama_request {
    ts_turn_request turn;
    bool is_chat;
    bool is_load; /* nothing is asked: is the model there? */
    bool wants_logprobs;
    size_t n_top;
} ts_ollama_request;

/* In any case ts_turn_close(&out->turn). */
bool ts_ollama_request_read(ts_ollama_request *out, const ts_models *models, ts_str body,
                            bool is_chat, uint64_t seed, ts_wrong *wrong) TS_MUST_CHECK;

/* "name" or "name:latest"; NULL: not served. */
const ts_served_model *ts_ollama_find_model(const ts_models *models, const char *name);

/* The models of that name, or why not. */
bool ts_ollama_take_model(ts_turn_request *r, const ts_models *models, const char *name,
                          ts_wrong *w) TS_MUST_CHECK;

#endif
