/* openapi.h - GET /openapi.json: this server's API for programs that read OpenAPI.
 *
 * The text is src/server/api/openapi.json, in the binary as it is; a test compares it
 * with the table of routes.
 */
#ifndef TS_SERVER_OPENAPI_H
#define TS_SERVER_OPENAPI_H

#include "core/str.h"
#include "server/http/http.h"

extern const ts_route ts_openapi_routes[];
extern const size_t ts_n_openapi_routes;

ts_str ts_openapi_text(void);

#endif
