/* app_routes.h - every route of the assistant, and who may take it. */
#ifndef TS_SERVER_APP_ROUTES_H
#define TS_SERVER_APP_ROUTES_H

#include "server/http/http.h"

extern const ts_route ts_app_routes[];
extern const size_t ts_n_app_routes;

#endif
