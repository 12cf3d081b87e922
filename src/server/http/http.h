/* http.h - connections, routes and replies; nothing of JSON, nothing of models.
 *
 * Built on libmicrohttpd.  One I/O thread (ts_http_run) owns all sockets; worker
 * threads run the handlers; any thread may answer.
 *
 * The path of a request: headers arrive -> Host, Origin, route, the admit hook (I/O
 * thread; a refusal costs no body) -> the body is read whole, bounded -> the
 * handler -> its reply is ended, now or later, on this thread or another.
 *
 *     static void echo(ts_http_request *req, ts_reply *reply)
 *     {
 *         if (req->body.len == 0) {
 *             ts_reply_fail(reply, 400, "the body is empty");
 *             return;
 *         }
 *         ts_reply_send(reply, 200, "text/plain", req->body.ptr, req->body.len);
 *     }
 *     static const ts_route routes[] = {{"POST", "/echo", echo, 0, NULL, NULL}};
 *
 * Who owns what.  A request and its reply are one object with one arena; both are
 * valid until the reply is ended (ts_reply_send, ts_reply_fail or ts_reply_end:
 * exactly one of them, exactly once), and longer for who holds them
 * (ts_reply_hold).  The client may leave, the engine may end and the server may
 * stop in any order: a reply whose client is gone swallows what is written.
 */
#ifndef TS_SERVER_HTTP_H
#define TS_SERVER_HTTP_H

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "server/http/limits.h"

typedef struct ts_http ts_http;
typedef struct ts_reply ts_reply;
typedef struct ts_route ts_route;

/* ---------------------------------------------------------------- requests */

typedef struct ts_http_header {
    ts_str name, value;
} ts_http_header;

enum { TS_HTTP_MAX_PARAMS = 4 };

/* Everything here is a copy in the arena.  The arena is for whoever answers at the
 * moment: the handler, later the engine's callbacks; never two threads at once. */
typedef struct ts_http_request {
    const char *id;     /* "req_" and 24 hex digits; every reply carries it as X-Request-Id */
    const char *method; /* "GET" also for HEAD */
    const char *path;   /* decoded, valid UTF-8, without the query */
    ts_str query;       /* as sent; see ts_http_query */
    const ts_http_header *headers;
    size_t n_headers;
    ts_str body;                            /* terminated behind its end; any bytes */
    const char *peer;                       /* "127.0.0.1", "::1" or "unix" */
    const char *params[TS_HTTP_MAX_PARAMS]; /* what :name and * of the pattern matched, in order */
    size_t n_params;
    const ts_route *route; /* NULL: there is none */
    ts_arena *arena;
    void *app;             /* ts_http_options.app */
    void *identity;        /* for the admit hook: who asks; NULL: nobody in particular */
    const char *user_name; /* fairness and cache namespace; "" unless admit sets it */
    double started;        /* ts_clock_seconds() when the headers had arrived */
} ts_http_request;

/* The first header of that name (any case); ptr NULL: there is none. */
ts_str ts_http_header_of(const ts_http_request *req, const char *name);

/* The decoded value of ?name=value from the arena; false: not there (or no memory).
 * "?name" alone gives "". */
bool ts_http_query(const ts_http_request *req, const char *name, ts_str *value);

/* ------------------------------------------------------------------ routes */

/* Runs on a worker thread (several at once; it may compute, not wait), or with
 * TS_ROUTE_QUICK on the I/O thread (then microseconds only). */
typedef void ts_http_handler(ts_http_request *req, ts_reply *reply);

typedef struct ts_http_error {
    int status;
    const char *code;  /* a word of the API for it; NULL: by status */
    const char *param; /* which field of the request; NULL: none */
    const char *message;
    int retry_after_s; /* 0: no header */
} ts_http_error;

/* How errors look in one protocol: append the body to out.  Any thread; req->body and
 * req->route may be missing.  On false (no memory) the reply has an empty body. */
typedef bool ts_http_render(const ts_http_request *req, const ts_http_error *error, ts_buf *out);

typedef struct ts_protocol {
    const char *name; /* "openai": for the log */
    const char *content_type;
    ts_http_render *render;
    int quota_status;      /* when the day's tokens of a key are used up; 0: 429 */
    const char *id_header; /* the request's id under this name too; NULL: X-Request-Id only */
} ts_protocol;

/* Plain text, for routes without a protocol. */
extern const ts_protocol ts_protocol_text;

enum {
    TS_ROUTE_QUICK = 1,  /* the handler runs on the I/O thread */
    TS_ROUTE_OPEN = 2,   /* the admit hook is not asked (health, the page) */
    TS_ROUTE_SILENT = 4, /* not logged at level info (health checks) */
    TS_ROUTE_SOCKET = 8, /* GET that opens a WebSocket; the handler answers each message */
};

/* A message of a WebSocket is the body of a request like the one that opened it, which
 * asks to be admitted again.  Lines of its reply are the messages back, so they hold no
 * line break; an empty one is a ping (a heartbeat of "\n").  One message after the other
 * is answered.  What a handler keeps from one to the next is its session. */

/* Pattern: "/v1/models", "/v1/models/:id" (one segment, any characters but '/'),
 * "/files/" followed by a star (the rest, '/' included).  A literal beats a :name
 * beats a star.  HEAD is answered by GET without its body, OPTIONS by the table; a path with other
 * methods gives 405 and Allow.  A route without a handler only says in which protocol
 * errors below its pattern are rendered.  method NULL: any. */
struct ts_route {
    const char *method;
    const char *pattern;
    ts_http_handler *handler;
    unsigned flags;
    const ts_protocol *protocol; /* NULL: ts_protocol_text */
    const void *data;            /* the handler's own */
};

/* ----------------------------------------------------------------- replies */
/* Any thread, one at a time (start, piece, done of a job are); none ever waits. */

/* An extra header; before send, fail or begin.  False: no memory or not printable. */
bool ts_reply_header(ts_reply *r, const char *name, const char *value);

/* Answer whole and end.  The body is copied. */
void ts_reply_send(ts_reply *r, int status, const char *content_type, const void *body, size_t n);

/* Answer with an error in the route's protocol and end.  After ts_reply_begin the
 * status is gone: the connection is cut, so that no client takes half for whole
 * (streaming protocols write their own error event instead, and end). */
void ts_reply_fail(ts_reply *r, int status, const char *message);
void ts_reply_fail_with(ts_reply *r, const ts_http_error *error);

/* The status that belongs to a failure of ours: INVALID, FORMAT 400, LIMIT 429, NOMEM
 * and CANCELLED 503, others 500.  5xx say only the request's id and log the text. */
void ts_reply_fail_status(ts_reply *r, const tiefsee_error *err);

/* What Retry-After of ts_reply_fail_status says; default: 1. */
void ts_reply_retry_after(ts_reply *r, int seconds);

/* Which status and code (a literal) ts_reply_fail_status uses, whatever the error's are. */
void ts_reply_fail_as(ts_reply *r, int status, const char *code);

/* Stream: begin, write ..., end.  Write is false when the client is gone or has left
 * limits.output_bytes unread (its connection is closed then): stop the job.  Nothing
 * needs to be freed then, but the reply must still be ended. */
bool ts_reply_begin(ts_reply *r, int status, const char *content_type);
bool ts_reply_write(ts_reply *r, const void *bytes, size_t n);
void ts_reply_end(ts_reply *r);

/* Between begin and end: send text (a literal, kept by pointer) whenever nothing was
 * written for every_s; ": keep-alive\n\n" in an event stream, "\n" before a JSON text. */
void ts_reply_heartbeat(ts_reply *r, double every_s, const char *text);

bool ts_reply_is_gone(const ts_reply *r); /* the client left */

/* Called on the I/O thread, at most once, when the client is gone before the reply has
 * ended (or at the next turn of the loop if it is gone already).  It may overlap with
 * the end of the reply on another thread, so what it uses must live in the request's
 * arena; it must not end the reply.  A client that closes its sending half counts as
 * gone.  Jobs use ts_jobs_submit (server/jobs.h), which gets all this right. */
typedef struct ts_reply_watch {
    void (*on_gone)(void *user);
    void *user;
    struct ts_reply_watch *next; /* private */
} ts_reply_watch;

void ts_reply_on_gone(ts_reply *r, ts_reply_watch *watch);

/* How much ts_reply_write can take now. */
size_t ts_reply_room(ts_reply *r);

/* Called on the I/O thread whenever all that was written has gone to the connection: the
 * next part can be written then, by another thread.  user as for ts_reply_on_gone. */
void ts_reply_on_drained(ts_reply *r, void (*on_drained)(void *user), void *user);

/* Keep request, reply and arena beyond the end.  Each hold needs a release. */
void ts_reply_hold(ts_reply *r);
void ts_reply_release(ts_reply *r);

/* From gate to ungate nothing more reaches the client, also no end: what an answer took
 * is in the books before its last byte leaves.  Each gate needs an ungate, before or
 * after the end (then on a held reply); is_good false: the answer is cut instead. */
void ts_reply_gate(ts_reply *r);
void ts_reply_ungate(ts_reply *r, bool is_good);

/* Call free_it(p) when request and arena go, in reverse order (any thread).  False: no
 * memory; then it was called at once. */
bool ts_reply_on_free(ts_reply *r, void (*free_it)(void *p), void *p);

/* For the log line and the metrics: numbers, never text.  model: from the registry. */
void ts_reply_note(ts_reply *r, const char *model, size_t n_prompt, size_t n_cached,
                   size_t n_generated);

ts_http_request *ts_reply_request(ts_reply *r);

/* What the last message's handler has kept for this WebSocket; NULL: nothing, or none.
 * Setting frees what was there; free_it is called when connection and messages are gone.
 * For whoever answers. */
void *ts_reply_session(ts_reply *r);
void ts_reply_set_session(ts_reply *r, void *session, void (*free_it)(void *session));

/* n_bytes are kept in the session: they count among the bodies in memory.  False: too
 * many; then none are counted. */
bool ts_reply_charge_session(ts_reply *r, size_t n_bytes);

/* ------------------------------------------------------------------ server */

/* How one request ended, told once, when client and handler are both through. */
typedef struct ts_http_summary {
    int status;    /* 0: no answer began */
    bool was_cut;  /* the client left before the end */
    double wait_s; /* from headers to the first byte of the answer */
    double total_s;
    size_t body_bytes, sent_bytes;
    const char *model;
    size_t n_prompt, n_cached, n_generated;
} ts_http_summary;

typedef struct ts_http_options {
    const ts_route *routes; /* must outlive the server */
    size_t n_routes;
    const char *host;               /* address or name to bind; NULL: no TCP */
    int port;                       /* 0: any free one */
    const char *unix_path;          /* NULL: none; a stale socket is replaced; mode 0600 */
    const char *tls_cert, *tls_key; /* PEM texts; NULL: plain HTTP */
    const char *const *hosts;       /* names accepted in Host beside loopback ones and host */
    size_t n_hosts;
    bool any_host;
    const char *const *origins; /* "https://app.example", or a star for all; others get no CORS */
    size_t n_origins;
    ts_http_limits limits;
    void *app;

    /* I/O thread, headers only: may this request go on?  False: *refusal is sent
     * (texts must be static or in the arena).  Must not block.  NULL: all may. */
    bool (*admit)(void *app, ts_http_request *req, ts_http_error *refusal);
    /* Any thread, once for each request, refused ones too; app outlives all replies.  Must
     * not block.  NULL allowed. */
    void (*finished)(void *app, const ts_http_request *req, const ts_http_summary *summary);
} ts_http_options;

/* Bind and listen; nothing is answered before ts_http_run.  Strings are copied. */
tiefsee_status ts_http_open(ts_http **out, const ts_http_options *opt,
                            tiefsee_error *err) TS_MUST_CHECK;

int ts_http_port(const ts_http *h); /* the real one; 0: no TCP */

/* Serve on the calling thread until ts_http_stop.  on_turn (NULL allowed) is called on
 * it after every wake-up and at least twice a second. */
void ts_http_run(ts_http *h, void (*on_turn)(void *app), void *app);

/* Any thread. */
void ts_http_drain(ts_http *h);   /* no new connections; new requests get 503 */
void ts_http_stop(ts_http *h);    /* run returns; open replies are cut */
bool ts_http_is_idle(ts_http *h); /* no request is being answered */
void ts_http_wake(ts_http *h);    /* also from a signal handler: run a turn now */

/* Between cork and uncork, replies that are written to do not wake the I/O thread one
 * by one.  A bell outlives its server; any thread. */
typedef struct ts_hub ts_hub;
ts_hub *ts_http_hold_bell(ts_http *h);
void ts_http_release_bell(ts_hub *hub); /* NULL allowed */
void ts_http_cork(ts_hub *hub);
void ts_http_uncork(ts_hub *hub);

/* From on_turn: other limits from now on (0: the default).  n_workers stays; n_connections
 * and idle_s do not rise above what they were when it opened.  A body that has begun to
 * arrive may have the size that it was promised. */
void ts_http_set_limits(ts_http *h, const ts_http_limits *limits);

typedef struct ts_http_stats {
    size_t n_connections, n_active; /* open; requests being read or answered */
    size_t n_body_bytes;            /* of the requests that are here, or coming */
    uint64_t n_sent_beyond; /* TCP segments to others' machines, on connections that are closed */
} ts_http_stats;

void ts_http_read_stats(ts_http *h, ts_http_stats *out);

/* After run has returned.  Replies that are still held keep working into the void. */
void ts_http_close(ts_http *h);

#endif
