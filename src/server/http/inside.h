/* inside.h - the server's own state, shared by http.c (loop), wire.c (what
 * libmicrohttpd calls) and listen.c (sockets). */
#ifndef TS_SERVER_INSIDE_H
#define TS_SERVER_INSIDE_H

#include <sys/types.h>

#include "core/rng.h"
#include "server/http/exchange.h"
#include "server/http/guard.h"

enum { TS_HTTP_MAX_LISTENERS = 4 };

typedef struct ts_listener {
    int fd; /* -1 once libmicrohttpd or nobody has it */
    bool is_unix;
    struct MHD_Daemon *daemon;
} ts_listener;

/* One connection, from accept to close.  I/O thread only. */
typedef struct ts_conn {
    ts_http *http;
    struct MHD_Connection *connection;
    int fd;
    bool is_tls, is_over;
    bool is_beyond;      /* its other end is on another machine */
    bool is_half_closed; /* the client will send nothing more, or is gone altogether */
    bool has_target;     /* a request line is here, its headers are not */
    char *target;        /* as sent, of the request that comes next; NULL: no memory */
    double since;        /* of being idle, or of the request line */
    ts_reply *reply;     /* the request at work */
    ts_socket *socket;   /* NULL: it speaks HTTP */
    struct ts_conn *next, *prev;
} ts_conn;

struct MHD_Response;

struct ts_http {
    ts_http_options opt;         /* texts in the arena */
    ts_http_limits first_limits; /* when it opened */
    ts_arena *arena;
    ts_guard guard;
    ts_hub *hub;
    ts_task_pool *workers;
    int epoll_fd, wake_fd, port;
    ts_listener listeners[TS_HTTP_MAX_LISTENERS];
    size_t n_listeners;
    ts_rng ids;

    /* I/O thread */
    ts_conn *conns;
    ts_reply *active;
    double next_tick;
    char trouble[160]; /* what libmicrohttpd last said */

    /* under hub->lock */
    size_t n_conns, n_active;
    uint64_t n_sent_beyond; /* packets.h: of connections that are closed */
    bool is_draining, must_stop;
};

/* listen.c: fill listeners with bound, listening, non-blocking sockets. */
tiefsee_status ts_listen_tcp(ts_http *h, const char *host, int port,
                             tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_listen_unix(ts_http *h, const char *path, tiefsee_error *err) TS_MUST_CHECK;

/* wire.c */
tiefsee_status ts_wire_start(ts_http *h, ts_listener *l, tiefsee_error *err) TS_MUST_CHECK;

/* One more request at work (1), or one less (-1). */
void ts_wire_count(ts_http *h, ts_reply *r, int change);

/* A message of the WebSocket that `opener` opened, as a request of its own with two
 * references; NULL: no memory. */
ts_reply *ts_wire_message(ts_http *h, ts_reply *opener);

/* All of its body is here: to a worker. */
void ts_wire_hand_over(ts_http *h, ts_reply *r);

/* The connection of a request; NULL: no memory was there for it. */
ts_conn *ts_wire_conn(struct MHD_Connection *connection);

bool ts_wire_is_draining(ts_http *h);

/* Let libmicrohttpd go on with a reply that was waiting, if there is news for it. */
void ts_wire_resume(ts_reply *r);

/* The client closed its sending half, or all. */
void ts_wire_lose(ts_conn *c);

/* Whoever sends too slowly, or nothing at all: told (where that is possible), closed. */
void ts_wire_enforce_times(ts_http *h, double now);

/* respond.c: hand the settled answer to libmicrohttpd.  read_more feeds a stream. */
void ts_respond_headers(const ts_reply *r, struct MHD_Response *response);
int ts_respond(ts_reply *r, ssize_t (*read_more)(void *cls, uint64_t pos, char *to, size_t max));

#endif
