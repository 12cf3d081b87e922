/* server.h - what every handler can reach: req->app points to a ts_server. */
#ifndef TS_SERVER_SERVER_H
#define TS_SERVER_SERVER_H

#include "server/http/http.h"
#include "server/metrics.h"
#include "server/models.h"

typedef struct ts_server {
    ts_models *models;
    ts_metrics *metrics;
    ts_http *http;
    struct ts_auth *auth;            /* NULL: no keys, no books */
    struct ts_app *app;              /* NULL: the assistant has no store */
    ts_kvstore *disk;                /* context cache; NULL: in memory only */
    const struct ts_netseal *seal;   /* NULL: none */
    const struct ts_fileseal *files; /* NULL: none */
    uint64_t machine_sent;           /* packets.h, when the server began; UINT64_MAX: unknown */
    double started;                  /* ts_clock_seconds() */
    bool is_draining;
    _Atomic int n_deep; /* deep health checks under way */
} ts_server;

static inline ts_server *ts_server_of(const ts_http_request *req)
{
    return req->app;
}

/* API files export their routes; src/server/routes.c lists the tables:
 *     extern const ts_route ts_openai_routes[];
 *     extern const size_t ts_n_openai_routes;
 */

#endif
