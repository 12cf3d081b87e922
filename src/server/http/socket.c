/* socket.c - see socket.h.
 *
 *     client -> in -> frames -> incoming -> at_work (or next, while another is)
 *     client <- out <- frames <- lines <- at_work's reply
 *
 * libmicrohttpd hands the descriptor over with the 101 (of TLS, the near end of a pair
 * whose far end it encrypts) and takes it back by MHD_UPGRADE_ACTION_CLOSE.
 */
#include "server/http/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/utf8.h"
#include "server/http/wsframe.h"

enum {
    READ_BYTES = 16 << 10,
    READS_PER_TURN = 8,
    OUT_HIGH = 64 << 10, /* as much waits to be sent; the rest stays in the reply */
    MAX_OUT = TS_HTTP_MESSAGE + OUT_HIGH + (1 << 20), /* one message may be larger than that */
};

static const double CLOSE_S = 5;

struct ts_socket {
    ts_http *http;
    ts_conn *conn;
    ts_reply *opener;
    struct MHD_UpgradeResponseHandle *handle;
    int fd;
    unsigned events; /* that epoll watches for */
    ts_ws_parser parser;
    ts_buf in;   /* read, not parsed: a message had to wait */
    ts_buf line; /* of the answer, its end is missing */
    ts_buf out;
    size_t n_sent; /* of out */
    size_t n_held; /* of the hub's answers */
    ts_reply *incoming, *next, *at_work;
    double begun, heard, progressed, pinged, close_by;
    bool says_goodbye;  /* our close frame is in out, or sent; nothing follows it */
    bool heard_goodbye; /* the client's */
    bool is_shut;       /* our half is closed */
};

/* ------------------------------------------------------------- handshake */

static bool refuse(ts_reply *r, int status, const char *message)
{
    ts_reply_fail(r, status, message);
    return false;
}

bool ts_socket_vet(ts_reply *r)
{
    const ts_http_request *req = &r->req;
    const ts_str key = ts_http_header_of(req, "Sec-WebSocket-Key");
    char accept[TS_WS_ACCEPT_SIZE];

    if (!ts_ws_has_token(ts_http_header_of(req, "Upgrade"), "websocket") ||
        !ts_ws_has_token(ts_http_header_of(req, "Connection"), "upgrade")) {
        (void)ts_reply_header(r, "Upgrade", "websocket");
        return refuse(r, 426, "GET opens a WebSocket here; send the request with POST");
    }
    if (!ts_str_is(ts_http_header_of(req, "Sec-WebSocket-Version"), "13")) {
        (void)ts_reply_header(r, "Sec-WebSocket-Version", "13");
        return refuse(r, 426, "Sec-WebSocket-Version 13 expected");
    }
    if (!ts_ws_accept(key, accept))
        return refuse(r, 400, "Sec-WebSocket-Key is not 16 bytes in base 64");
    return (ts_reply_header(r, "Upgrade", "websocket") &&
            ts_reply_header(r, "Sec-WebSocket-Accept", accept)) ||
           refuse(r, 503, "out of memory");
}

/* ---------------------------------------------------------------- the end */

static void lose_message(ts_reply **slot)
{
    ts_reply *r = *slot;

    *slot = NULL;
    if (!r)
        return;
    ts_exchange_lose(r);
    ts_reply_fail(r, 408, "the connection ended before the request");
    ts_exchange_finish(r, false);
}

static void end_answer(ts_socket *s, bool was_complete)
{
    ts_reply *r = s->at_work;

    s->at_work = NULL;
    if (!r)
        return;
    r->socket = NULL;
    ts_wire_count(s->http, r, -1);
    ts_exchange_finish(r, was_complete);
}

/* Nothing more is sent or read; s is gone. */
static void drop(ts_socket *s)
{
    struct MHD_UpgradeResponseHandle *handle = s->handle;

    (void)epoll_ctl(s->http->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
    s->conn->socket = NULL;
    lose_message(&s->incoming);
    lose_message(&s->next);
    end_answer(s, false);
    (void)ts_hub_hold_answer(s->http->hub, &s->n_held, 0);
    ts_buf_free(&s->in);
    ts_buf_free(&s->line);
    ts_buf_free(&s->out);
    ts_free(s);
    (void)MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

/* ---------------------------------------------------------------- sending */

static size_t unsent(const ts_socket *s)
{
    return s->out.len - s->n_sent;
}

static bool put_frame(ts_socket *s, ts_ws_opcode opcode, const char *bytes, size_t n)
{
    uint8_t head[TS_WS_MAX_HEAD];
    const size_t n_head = ts_ws_head(head, opcode, n);

    if (s->says_goodbye)
        return true;
    if (unsent(s) == 0)
        s->progressed = ts_clock_seconds();
    return ts_buf_append(&s->out, head, n_head) && (n == 0 || ts_buf_append(&s->out, bytes, n));
}

static void say_goodbye(ts_socket *s, ts_ws_code code, double now)
{
    const char bytes[] = {(char)(code >> 8), (char)(code & 0xff)};
    const bool has_code = code != TS_WS_NO_CODE;

    if (s->says_goodbye)
        return;
    (void)put_frame(s, TS_WS_CLOSE, bytes, has_code ? sizeof bytes : 0);
    s->says_goodbye = true;
    s->close_by = now + CLOSE_S;
    lose_message(&s->incoming);
    lose_message(&s->next);
    end_answer(s, false);
}

/* What was sent makes room, also while a slow client never has everything. */
static void forget_sent(ts_socket *s)
{
    const size_t left = unsent(s);

    if (s->n_sent > 0 && s->n_sent >= left) {
        memmove(s->out.ptr, s->out.ptr + s->n_sent, left);
        s->out.len = left;
        s->n_sent = 0;
    }
    if (s->out.len == 0 && s->out.cap > OUT_HIGH)
        ts_buf_free(&s->out);
    (void)ts_hub_hold_answer(s->http->hub, &s->n_held, s->line.len + s->out.len);
}

/* False: the connection is broken. */
static bool send_out(ts_socket *s)
{
    bool is_good = true;

    while (unsent(s) > 0) {
        const ssize_t n =
            send(s->fd, s->out.ptr + s->n_sent, unsent(s), MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0) {
            is_good = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
            break;
        }
        s->n_sent += (size_t)n;
        s->progressed = ts_clock_seconds();
    }
    forget_sent(s);
    return is_good;
}

static void put_error(ts_socket *s, const ts_http_error *error)
{
    ts_buf text = ts_buf_make(1 << 14);

    if (s->opener->protocol->render(&s->opener->req, error, &text))
        (void)put_frame(s, TS_WS_TEXT, text.ptr, text.len);
    ts_buf_free(&text);
}

static bool put_message(ts_socket *s)
{
    const bool is_good = s->line.len == 0 ? put_frame(s, TS_WS_PING, "", 0)
                                          : put_frame(s, TS_WS_TEXT, s->line.ptr, s->line.len);

    ts_buf_clear(&s->line);
    if (s->line.cap > OUT_HIGH)
        ts_buf_free(&s->line);
    return is_good;
}

static bool put_lines(ts_socket *s, const char *bytes, size_t n)
{
    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        const size_t part = end ? (size_t)(end - bytes) : n;

        if (!ts_buf_append(&s->line, bytes, part) || (end && !put_message(s)))
            return false;
        bytes += part + (end != NULL);
        n -= part + (end != NULL);
    }
    return true;
}

/* --------------------------------------------------------------- messages */

static void start(ts_socket *s, ts_reply *r)
{
    ts_http *h = s->http;
    ts_http_error refusal = {.status = 401, .message = "not allowed"};

    s->at_work = r;
    r->socket = s;
    r->phase = TS_PHASE_WAITING;
    ts_wire_count(h, r, 1);
    if (ts_wire_is_draining(h)) {
        refusal = (ts_http_error){.status = 503,
                                  .message = "the server is stopping",
                                  .retry_after_s = h->opt.limits.retry_after_s};
        ts_reply_fail_with(r, &refusal);
    } else if (h->opt.admit && !h->opt.admit(h->opt.app, &r->req, &refusal))
        ts_reply_fail_with(r, &refusal); /* the key may be gone since */
    else
        ts_wire_hand_over(h, r);
}

static void start_next(ts_socket *s)
{
    ts_reply *next = s->next;

    s->next = NULL;
    if (next) {
        s->heard = ts_clock_seconds(); /* nobody has listened since it came */
        start(s, next);
    }
}

/* The answer is out: on with the next one. */
static void finish(ts_socket *s)
{
    if (s->line.len > 0 && !put_message(s))
        say_goodbye(s, TS_WS_OURS, ts_clock_seconds());
    end_answer(s, true);
    start_next(s);
}

/* There is no room for the rest of the answer. */
static void give_up(ts_socket *s)
{
    const ts_http_error error = {.status = 503,
                                 .message = TS_HTTP_ANSWERS_FULL,
                                 .retry_after_s = s->http->opt.limits.retry_after_s};

    ts_buf_free(&s->line);
    end_answer(s, false);
    put_error(s, &error);
    start_next(s);
}

/* Frames from the answer, as far as they may wait here. */
static void take_answer(ts_socket *s)
{
    char bytes[READ_BYTES];

    while (s->at_work && unsent(s) < OUT_HIGH) {
        const long n = ts_exchange_take(s->at_work, bytes, sizeof bytes);

        if (n == 0)
            return;
        if (n == -1)
            finish(s);
        else if (n > 0 && !ts_hub_hold_answer(s->http->hub, &s->n_held,
                                              s->line.len + s->out.len + (size_t)n))
            give_up(s);
        else if (n < 0 || !put_lines(s, bytes, (size_t)n))
            say_goodbye(s, TS_WS_OURS, ts_clock_seconds());
    }
}

static bool on_text(void *user, const char *bytes, size_t n)
{
    ts_socket *s = user;

    if (!s->incoming)
        s->incoming = ts_wire_message(s->http, s->opener);
    ts_reply *r = s->incoming;
    if (!r) {
        say_goodbye(s, TS_WS_OURS, ts_clock_seconds());
        return false;
    }
    if (n <= r->body.max - r->body.len && ts_exchange_reserve_body(r, n) &&
        ts_buf_append(&r->body, bytes, n))
        return true;
    say_goodbye(s, TS_WS_TOO_BIG, ts_clock_seconds());
    return false;
}

static bool on_end(void *user)
{
    ts_socket *s = user;
    ts_reply *r = s->incoming;

    if (!r)
        r = ts_wire_message(s->http, s->opener); /* empty */
    s->incoming = NULL;
    if (!r || !ts_buf_append(&r->body, "", 0) || !ts_utf8_is_valid(r->body.ptr, r->body.len)) {
        say_goodbye(s, r ? TS_WS_BAD_TEXT : TS_WS_OURS, ts_clock_seconds());
        lose_message(&r);
        return false;
    }
    if (!s->at_work) {
        start(s, r);
        return true;
    }
    s->next = r;
    return false;
}

static bool on_control(void *user, ts_ws_opcode opcode, const char *bytes, size_t n)
{
    ts_socket *s = user;

    if (opcode == TS_WS_PING && unsent(s) < OUT_HIGH) /* who does not read gets no answer */
        (void)put_frame(s, TS_WS_PONG, bytes, n);
    if (opcode != TS_WS_CLOSE)
        return true;
    s->heard_goodbye = true;
    say_goodbye(s, ts_ws_close_code(bytes, n), ts_clock_seconds());
    return false;
}

/* ---------------------------------------------------------------- reading */

static const ts_ws_events events = {on_text, on_end, on_control};

/* What cannot be parsed yet is kept. */
static void parse(ts_socket *s, char *bytes, size_t n)
{
    const size_t taken = s->says_goodbye ? n : ts_ws_feed(&s->parser, bytes, n, &events, s);

    if (s->parser.error)
        say_goodbye(s, s->parser.error, ts_clock_seconds());
    if (!s->says_goodbye && taken < n && !ts_buf_append(&s->in, bytes + taken, n - taken))
        say_goodbye(s, TS_WS_OURS, ts_clock_seconds());
}

static void parse_kept(ts_socket *s)
{
    while (!s->next && !s->says_goodbye && s->in.len > 0) {
        ts_buf kept = s->in;

        s->in = ts_buf_make(kept.max);
        parse(s, kept.ptr, kept.len);
        ts_buf_free(&kept);
    }
}

/* False: the client is gone. */
static bool read_in(ts_socket *s)
{
    char bytes[READ_BYTES];

    for (int i = 0; i < READS_PER_TURN && !s->next; i++) {
        const ssize_t n = recv(s->fd, bytes, sizeof bytes, MSG_DONTWAIT);

        if (n == 0)
            return false;
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        s->heard = ts_clock_seconds();
        parse(s, bytes, (size_t)n);
    }
    return true;
}

/* ------------------------------------------------------------------- turns */

static void watch(ts_socket *s)
{
    const unsigned wanted = (s->next ? 0u : (unsigned)EPOLLIN) | (unsigned)EPOLLRDHUP |
                            (unsent(s) > 0 ? (unsigned)EPOLLOUT : 0u);
    struct epoll_event event = {.events = wanted, .data = {.ptr = s->conn}};

    if (wanted == s->events)
        return;
    s->events = wanted;
    (void)epoll_ctl(s->http->epoll_fd, EPOLL_CTL_MOD, s->fd, &event);
}

/* Whatever can be done now.  s may be gone then. */
static void go_on(ts_socket *s)
{
    parse_kept(s);
    take_answer(s);
    parse_kept(s);
    if (!send_out(s) || (s->says_goodbye && s->heard_goodbye && unsent(s) == 0)) {
        drop(s);
        return;
    }
    if (s->says_goodbye && unsent(s) == 0 && !s->is_shut) {
        (void)shutdown(s->fd, SHUT_WR); /* the client closes then */
        s->is_shut = true;
    }
    watch(s);
}

void ts_socket_ready(ts_socket *s, unsigned what)
{
    const unsigned gone = (unsigned)EPOLLHUP | (unsigned)EPOLLERR;

    parse_kept(s); /* what came with the handshake, before what came after it */
    /* A half-closed WebSocket is none; what was sent before is still read. */
    if ((what & gone) || ((what & (unsigned)EPOLLRDHUP) && s->next) ||
        ((what & ((unsigned)EPOLLIN | (unsigned)EPOLLRDHUP)) && !read_in(s))) {
        drop(s);
        return;
    }
    go_on(s);
}

void ts_socket_news(ts_socket *s)
{
    if (s->at_work && ts_exchange_look(s->at_work).is_cut)
        say_goodbye(s, TS_WS_OURS, ts_clock_seconds());
    go_on(s);
}

static void end_life(ts_socket *s, double now)
{
    const ts_http_error error = {.status = 400,
                                 .code = "websocket_connection_limit_reached",
                                 .message = "this WebSocket is too old: open a new one"};

    put_error(s, &error);
    say_goodbye(s, TS_WS_NORMAL, now);
}

void ts_socket_tick(ts_socket *s, double now)
{
    const ts_http_limits *limits = &s->http->opt.limits;
    const double patience = limits->idle_s;

    if ((s->says_goodbye && now > s->close_by) || (!s->next && now - s->heard > patience) ||
        (unsent(s) > 0 && now - s->progressed > patience)) {
        drop(s);
        return;
    }
    if (s->incoming && now > s->incoming->deadline)
        say_goodbye(s, TS_WS_POLICY, now);
    else if (!s->at_work && ts_wire_is_draining(s->http))
        say_goodbye(s, TS_WS_GOING_AWAY, now);
    else if (!s->at_work && now - s->begun > limits->socket_s)
        end_life(s, now);
    else if (now - s->heard > patience / 4 && now - s->pinged > patience / 4) {
        s->pinged = now;
        (void)put_frame(s, TS_WS_PING, "", 0);
    }
    go_on(s);
}

void ts_socket_cut(ts_socket *s)
{
    say_goodbye(s, TS_WS_GOING_AWAY, ts_clock_seconds());
    (void)send_out(s);
    drop(s);
}

/* ------------------------------------------------------------------- begin */

static ts_socket *new_socket(ts_reply *opener, int fd, struct MHD_UpgradeResponseHandle *handle)
{
    ts_socket *s = ts_alloc_zero(1, sizeof *s);
    const double now = ts_clock_seconds();

    if (!s)
        return NULL;
    *s = (ts_socket){.http = opener->http,
                     .conn = ts_wire_conn(opener->connection),
                     .opener = opener,
                     .handle = handle,
                     .fd = fd,
                     .in = ts_buf_make(4 * READ_BYTES),
                     .line = ts_buf_make(TS_HTTP_MESSAGE),
                     .out = ts_buf_make(MAX_OUT),
                     .begun = now,
                     .heard = now,
                     .progressed = now,
                     .pinged = now};
    return s;
}

static void on_upgrade(void *cls, struct MHD_Connection *connection, void *con_cls,
                       const char *extra, size_t n_extra, MHD_socket fd,
                       struct MHD_UpgradeResponseHandle *handle)
{
    ts_reply *opener = cls;
    ts_conn *c = ts_wire_conn(connection);
    ts_socket *s = c ? new_socket(opener, fd, handle) : NULL;
    const int flags = fcntl(fd, F_GETFL);

    (void)con_cls;
    opener->is_upgraded = true;
    ts_wire_count(opener->http, opener, -1);
    if (!s || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        (n_extra > 0 && !ts_buf_append(&s->in, extra, n_extra))) {
        if (s)
            ts_buf_free(&s->in);
        ts_free(s);
        (void)MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
        return;
    }
    /* Writable at once, so that `extra` is looked at in the next turn. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP, .data = {.ptr = c}};
    s->events = event.events;
    (void)epoll_ctl(s->http->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL); /* of TLS: another one */
    (void)epoll_ctl(s->http->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    c->socket = s;
}

int ts_socket_upgrade(ts_reply *r)
{
    struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgrade, r);

    if (!response)
        return MHD_NO;
    r->phase = TS_PHASE_QUEUED;
    ts_reply_send(r, MHD_HTTP_SWITCHING_PROTOCOLS, NULL, "", 0);
    ts_respond_headers(r, response);
    const int queued =
        (int)MHD_queue_response(r->connection, MHD_HTTP_SWITCHING_PROTOCOLS, response);
    MHD_destroy_response(response);
    return queued;
}
