/* ollama.h - Ollama's native API, for the clients that find local models by it.
 *
 * POST /api/chat and /api/generate, GET /api/tags, /api/ps and /api/version,
 * POST /api/show.  What manages or embeds is refused by name: models are files that
 * `tiefsee serve` was given.
 */
#ifndef TS_SERVER_OLLAMA_H
#define TS_SERVER_OLLAMA_H

#include "server/http/http.h"

extern const ts_route ts_ollama_routes[];
extern const size_t ts_n_ollama_routes;

/* {"error": "..."} */
extern const ts_protocol ts_protocol_ollama;
ts_http_render ts_ollama_render;

#endif
