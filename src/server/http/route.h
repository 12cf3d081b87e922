/* route.h - find the route of a path. */
#ifndef TS_SERVER_ROUTE_H
#define TS_SERVER_ROUTE_H

#include "server/http/http.h"

typedef struct ts_route_match {
    const ts_route *route;       /* the handler's; NULL: 404, or 405 if n_methods > 0 */
    const ts_protocol *protocol; /* of errors below this path; never NULL */
    char params[TS_HTTP_MAX_PARAMS][512];
    size_t n_params;
    char allow[64]; /* "GET, HEAD, POST": what the path answers to; "" : nothing */
} ts_route_match;

void ts_route_find(const ts_route *routes, size_t n, const char *method, const char *path,
                   ts_route_match *out);

#endif
