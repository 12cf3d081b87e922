/* guard.h - who may speak to us from a browser: Host, Origin, CORS.
 *
 * A page on the web can make a browser send requests here, and with DNS rebinding
 * even read the answers.  So Host must be a name of ours, and a request that names
 * an Origin must come from this server's own pages or from an origin that was
 * allowed by name.  Programs send no Origin and are not concerned.
 */
#ifndef TS_SERVER_GUARD_H
#define TS_SERVER_GUARD_H

#include "core/str.h"

typedef struct ts_guard {
    const char *const *hosts; /* beside localhost, 127.0.0.0/8 and [::1] */
    size_t n_hosts;
    bool any_host;
    const char *const *origins; /* "*": all */
    size_t n_origins;
} ts_guard;

/* "name", "name:port", "[::1]:port"; ASCII case ignored. */
bool ts_guard_host(const ts_guard *g, ts_str host);

/* The name in a Host header or behind the scheme of an origin, without the port;
 * {NULL, 0} if it is not one. */
ts_str ts_guard_name(ts_str host);

typedef enum ts_origin {
    TS_ORIGIN_NONE = 0, /* no such header, or our own page: nothing to add */
    TS_ORIGIN_NAMED,    /* allowed: answer with this origin */
    TS_ORIGIN_ANY,      /* allowed: answer with "*" */
    TS_ORIGIN_REFUSED
} ts_origin;

/* host: the request's Host header, for "our own page". */
ts_origin ts_guard_origin(const ts_guard *g, ts_str origin, ts_str host);

#endif
