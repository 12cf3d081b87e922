/* base_routes.h - what every server answers: health and metrics. */
#ifndef TS_SERVER_BASE_ROUTES_H
#define TS_SERVER_BASE_ROUTES_H

#include "server/http/http.h"

extern const ts_route ts_base_routes[];
extern const size_t ts_n_base_routes;

/* Count a request that ended. */
void ts_base_count(void *app, const ts_http_request *req, const ts_http_summary *summary);

#endif
