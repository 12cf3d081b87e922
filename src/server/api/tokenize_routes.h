/* tokenize_routes.h - POST /tokenize and /detokenize: text to token ids and back, in the
 * shapes of llama.cpp ("content") and vLLM ("prompt"), whose clients count with it. */
#ifndef TS_SERVER_TOKENIZE_ROUTES_H
#define TS_SERVER_TOKENIZE_ROUTES_H

#include "server/http/http.h"

extern const ts_route ts_tokenize_routes[];
extern const size_t ts_n_tokenize_routes;

#endif
