/* routes.h - the table of everything that the server answers. */
#ifndef TS_SERVER_ROUTES_H
#define TS_SERVER_ROUTES_H

#include "server/http/http.h"

enum { TS_MAX_ROUTES = 256 };

/* Fills out with at most TS_MAX_ROUTES routes and returns their number. */
size_t ts_routes_list(ts_route out[TS_MAX_ROUTES]);

#endif
