/* limits.h - every bound of the HTTP layer in one table, with the status that a
 * request beyond it gets.
 *
 * All can be set when the server opens; 0 means the default below.  What comes
 * before a request exists (a request line or headers beyond CONNECTION_POOL, or
 * not HTTP at all) is answered by libmicrohttpd itself: the right status, but its
 * own page instead of the protocol's error envelope.
 */
#ifndef TS_SERVER_LIMITS_H
#define TS_SERVER_LIMITS_H

#include <stddef.h>

typedef struct ts_http_limits {
    size_t target_bytes;  /* path and query as sent: 414 */
    size_t header_bytes;  /* request line and headers together: 431 */
    size_t n_headers;     /* 431 */
    size_t body_bytes;    /* one body: 413 */
    size_t bodies_bytes;  /* all bodies in memory: 503 with Retry-After */
    size_t answers_bytes; /* of answers sent whole and WebSockets, unread: 503 with Retry-After */
    size_t n_connections; /* open at once: 503 with Retry-After, then closed */
    size_t n_per_peer;    /* connections of one address; 0: as n_connections */
    size_t output_bytes;  /* unread bytes of one stream; beyond it ts_reply_write is false */
    double header_s;      /* from request line to end of headers: 408 */
    double body_s;        /* from headers to end of body: 408 */
    double idle_s;        /* nothing asked, or nothing read by the client: closed */
    double socket_s;      /* a WebSocket's life: it is told and closed */
    double drain_s;       /* how long a graceful stop waits for running requests */
    int retry_after_s;    /* what a 503 of the HTTP layer says */
    int n_workers;        /* threads that run handlers */
} ts_http_limits;

#define TS_HTTP_LIMITS_DEFAULT                                                             \
    {                                                                                      \
        .target_bytes = 8 << 10, .header_bytes = 16 << 10, .n_headers = 100,               \
        .body_bytes = 32 << 20, .bodies_bytes = 256 << 20, .answers_bytes = 256 << 20,     \
        .n_connections = 2048, .output_bytes = 1 << 20, .header_s = 15, .body_s = 120,     \
        .idle_s = 120, .socket_s = 3600, .drain_s = 30, .retry_after_s = 1, .n_workers = 2 \
    }

enum {
    /* libmicrohttpd's memory per connection: the header limit, what the parser makes of
     * it, and the window through which a body is read and an answer written. */
    TS_HTTP_CONNECTION_POOL = 40 << 10,
    TS_HTTP_REQUEST_ARENA = 4 << 20, /* of one request, the body not counted */
    TS_HTTP_BACKLOG = 512,
    TS_HTTP_ANSWER = 1 << 30,        /* one answer that is sent whole */
    TS_HTTP_MESSAGE = 64 << 20,      /* one message of a WebSocket's answer */
    TS_HTTP_SMALL_ANSWER = 16 << 10, /* is sent whatever waits: errors are such */
};

/* Requests on one connection are answered one after the other: a pipelined request
 * waits in the socket, unread, until the one before it is answered.  So there is no
 * number to limit. */

#endif
