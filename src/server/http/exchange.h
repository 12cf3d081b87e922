/* exchange.h - the inside of a reply: one request on its way through the server.
 *
 *            I/O thread                          whoever answers
 *     new -> vet -> read body -> handler ----->  header ... send | fail
 *                                                begin, write ..., end
 *     queue the answer, feed it  <---- dirty ----+
 *     completed (or the client left) ----------> ts_reply_is_gone
 *
 * Two references to begin with: the connection's and the answer's; the first ends
 * when libmicrohttpd is through with the request, the second with the end of the
 * reply.  The last reference writes the log line and frees.
 *
 * The hub is what outlives the server: the lock over all mutable fields, the list
 * of replies that the I/O thread must look at, and the way to wake it.
 */
#ifndef TS_SERVER_EXCHANGE_H
#define TS_SERVER_EXCHANGE_H

#include "core/task_pool.h"
#include "core/thread.h"
#include "server/http/http.h"

struct MHD_Connection;

typedef void ts_finished(void *app, const ts_http_request *req, const ts_http_summary *summary);

struct ts_hub {
    ts_lock *lock;
    size_t refs;
    int wake_fd;     /* eventfd; -1 after the server has closed */
    ts_reply *dirty; /* replies with news, each once */
    int n_corks;     /* > 0: who uncorks wakes, not every piece of news */
    size_t n_alive;  /* replies that are not freed */
    size_t output_bytes, bodies_bytes, answers_bytes; /* limits */
    size_t n_body_bytes;                              /* of all requests */
    size_t n_answer_bytes;                            /* of whole answers and WebSockets */
    int retry_after_s;
    ts_finished *finished;
    void *app;
    uint8_t peer_key[16]; /* of the day, for the log */
    int64_t peer_day;
};

/* What the log calls an address: itself within this machine; beyond it a hash under a
 * key that is made each day and kept nowhere, so that the lines of one day belong together
 * and the address is not in them. */
enum { TS_HUB_PEER = 24 };
void ts_hub_name_peer(ts_hub *hub, const char *peer, int64_t unix_ms, char out[TS_HUB_PEER]);

ts_hub *ts_hub_new(void) TS_MUST_CHECK;
void ts_hub_release(ts_hub *hub);
void ts_hub_wake(ts_hub *hub); /* lock not needed; from signal handlers too */

typedef struct ts_reply_header_node {
    const char *name, *value;
    struct ts_reply_header_node *next;
} ts_reply_header_node;

typedef struct ts_reply_free_node {
    void (*free_it)(void *p);
    void *p;
    struct ts_reply_free_node *next;
} ts_reply_free_node;

typedef enum ts_phase {
    TS_PHASE_READING, /* headers are here, the body is not */
    TS_PHASE_WAITING, /* the handler has it */
    TS_PHASE_QUEUED   /* libmicrohttpd sends the answer */
} ts_phase;

typedef struct ts_socket ts_socket;

struct ts_reply {
    ts_http_request req;
    ts_hub *hub;

    /* Under hub->lock. */
    size_t refs;
    bool is_begun;   /* status and headers are final */
    bool is_stream;  /* begun by ts_reply_begin */
    bool is_ended;   /* the answerer is through */
    bool is_gone;    /* the connection is through */
    bool is_cut;     /* the answer must not look complete */
    bool is_overrun; /* output_bytes were not enough */
    int n_gates;     /* > 0: what was written stays here */
    bool is_dirty;
    ts_reply *next_dirty;
    ts_buf out;
    size_t n_taken; /* bytes of out that libmicrohttpd has */
    size_t n_held;  /* of the hub's answers */
    int status;
    const char *content_type;
    ts_reply_header_node *headers;
    double heartbeat_s, last_write, first_write;
    const char *heartbeat;
    ts_reply_watch *watches;
    void (*on_drained)(void *user);
    void *drained_user;
    ts_reply_free_node *frees;
    ts_http_summary summary;

    /* Before the handler runs and by it: one at a time. */
    const ts_protocol *protocol;
    ts_buf body;
    int retry_after_s;
    int fail_status; /* 0: by the error */
    const char *fail_code;
    const char *origin; /* CORS: the value to allow; NULL: none */
    bool is_counted;    /* `finished` will be told */
    ts_reply *parent;   /* of a WebSocket's message: the request that opened it, held */
    void *session;      /* of a WebSocket's first request: what its handler keeps */
    void (*free_session)(void *session);

    /* I/O thread only. */
    ts_phase phase;
    struct MHD_Connection *connection;
    bool is_suspended, is_refused, must_close;
    bool is_upgraded;   /* libmicrohttpd's connection is a WebSocket now */
    ts_socket *socket;  /* that sends what this message is answered; NULL: libmicrohttpd does */
    size_t n_swallowed; /* of a body that nobody wants */
    int fd;
    double deadline; /* of the phase; 0: none */
    ts_reply *next, *prev;
    struct ts_http *http;
    ts_task task;
};

/* With two references; NULL: out of memory. */
ts_reply *ts_exchange_new(ts_hub *hub);

/* I/O thread: the connection is through.  Calls the watches if the answer was not
 * complete, and drops the connection's reference. */
void ts_exchange_finish(ts_reply *r, bool was_complete);

/* I/O thread: the client closed its sending half or all; the connection is still there.
 * A stream is cut; an answer that is sent whole still goes out (the client may have
 * been `printf ... | nc`). */
void ts_exchange_lose(ts_reply *r);

/* I/O thread: what there is to do for this reply? */
typedef struct ts_exchange_news {
    bool can_queue; /* begun, or must be cut: libmicrohttpd can have the answer */
    bool has_bytes, is_ended, is_cut;
} ts_exchange_news;

ts_exchange_news ts_exchange_look(ts_reply *r);

/* Bytes for the connection: > 0 copied; 0 none yet; -1 the end; -2 cut off here. */
long ts_exchange_take(ts_reply *r, char *to, size_t max);

/* Unlink and return one reply with news, with a reference that the caller drops by
 * ts_reply_release; NULL: none. */
ts_reply *ts_hub_next_dirty(ts_hub *hub);

/* Call watches that were registered after the client had left. */
void ts_exchange_call_watches(ts_reply *r);

/* Write the heartbeat if it is due. */
void ts_exchange_beat(ts_reply *r, double now);

/* Count n more bytes of a body; false: all bodies together are too large. */
bool ts_exchange_reserve_body(ts_reply *r, size_t n);

void ts_exchange_release_body(ts_reply *r); /* it was thrown away */

/* Of what all whole answers and WebSockets have to send, *held is one's own: make it
 * `wanted`.  False, and nothing changed: together that would be too much.  Less is always
 * granted, and so is TS_HTTP_SMALL_ANSWER. */
bool ts_hub_hold_answer(ts_hub *hub, size_t *held, size_t wanted);
#define TS_HTTP_ANSWERS_FULL "too many large answers wait to be read"

/* Is name set by ts_reply_header? */
bool ts_exchange_has_header(const ts_reply *r, const char *name);

#endif
