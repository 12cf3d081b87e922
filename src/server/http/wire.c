/* wire.c - what libmicrohttpd calls, and what we ask of it.
 *
 * Everything here runs on the I/O thread.  libmicrohttpd is driven from outside
 * (http.c polls), so its callbacks, suspending and resuming never race.
 *
 * It calls on_request at the headers, for each piece of the body, at the body's
 * end, and after every resume; on_completed once per request; on_connection at
 * accept and close.  What it does not do is done here: it does not watch a
 * suspended connection for the client's leaving (ts_wire_lose, by EPOLLRDHUP), and
 * it knows only a time of inactivity, which a slow sender resets with every byte
 * (ts_wire_enforce_times).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "server/http/inside.h"
#include "server/http/socket.h"
#include "server/http/vet.h"
#include "server/proof/packets.h"

/* Of a refused body this much is read and thrown away, so that the client, which may
 * be writing still, gets to read the answer instead of a reset connection. */
enum { SWALLOW_FACTOR = 2 };

/* ------------------------------------------------------------ connections */

ts_conn *ts_wire_conn(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? *(ts_conn *const *)&info->socket_context : NULL;
}

static void count_connections(ts_http *h, int change, size_t *n)
{
    ts_lock_take(h->hub->lock);
    h->n_conns += (size_t)change;
    *n = h->n_conns;
    ts_lock_give(h->hub->lock);
}

static void open_connection(ts_http *h, struct MHD_Connection *connection, void **context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    ts_conn *c = ts_alloc_zero(1, sizeof *c);
    const int one = 1;
    size_t n;

    count_connections(h, 1, &n);
    *context = c;
    if (!c)
        return; /* its requests are refused */
    c->http = h;
    c->connection = connection;
    c->fd = info ? info->connect_fd : -1;
    c->is_tls = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION) != NULL;
    c->is_beyond = ts_packets_go_beyond(c->fd);
    c->is_over = n > h->opt.limits.n_connections;
    c->since = ts_clock_seconds();
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLRDHUP, .data = {.ptr = c}};
    (void)epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, c->fd, &event); /* close removes it */
    c->next = h->conns;
    if (c->next)
        c->next->prev = c;
    h->conns = c;
}

static void close_connection(ts_http *h, ts_conn *c)
{
    size_t n;

    count_connections(h, -1, &n);
    if (!c)
        return;
    const uint64_t sent = c->is_beyond ? ts_packets_of(c->fd) : 0;
    ts_lock_take(h->hub->lock);
    h->n_sent_beyond += sent;
    ts_lock_give(h->hub->lock);
    *(c->prev ? &c->prev->next : &h->conns) = c->next;
    if (c->next)
        c->next->prev = c->prev;
    ts_free(c->target);
    ts_free(c);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        open_connection(cls, connection, context);
    else
        close_connection(cls, *context);
}

/* The request line is there.  The whole target is only known here. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
    ts_conn *c = ts_wire_conn(connection);

    (void)cls;
    if (c) {
        ts_free(c->target);
        c->target = ts_strdup_n(target, strlen(target));
        c->has_target = true;
        c->since = ts_clock_seconds();
    }
    return NULL;
}

/* --------------------------------------------------------------- requests */

typedef struct header_copy {
    ts_arena *arena;
    ts_http_header *headers;
    size_t n, max;
    bool is_short; /* of memory */
} header_copy;

static enum MHD_Result copy_header(void *cls, enum MHD_ValueKind kind, const char *key,
                                   size_t key_n, const char *value, size_t value_n)
{
    header_copy *c = cls;

    (void)kind;
    const char *own_key = ts_arena_strdup(c->arena, key, key_n);
    const char *own_value = ts_arena_strdup(c->arena, value ? value : "", value ? value_n : 0);
    if (!own_key || !own_value || c->n == c->max) {
        c->is_short = true;
        return MHD_NO;
    }
    c->headers[c->n++] = (ts_http_header){{own_key, key_n}, {own_value, value ? value_n : 0}};
    return MHD_YES;
}

static bool copy_headers(ts_reply *r, struct MHD_Connection *connection)
{
    const int n = MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL);
    header_copy copy = {.arena = r->req.arena, .max = n > 0 ? (size_t)n : 0};

    copy.headers = ts_arena_alloc_zero(copy.arena, copy.max + 1, sizeof *copy.headers);
    if (!copy.headers)
        return false;
    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, copy_header, &copy);
    r->req.headers = copy.headers;
    r->req.n_headers = copy.n;
    return !copy.is_short;
}

static const char *peer_of(struct MHD_Connection *connection, ts_arena *arena)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    const void *ip = NULL;
    char text[INET6_ADDRSTRLEN];

    if (address && address->sa_family == AF_INET)
        ip = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address && address->sa_family == AF_INET6)
        ip = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (!ip || !inet_ntop(address->sa_family, ip, text, sizeof text))
        return "unix";
    const char *peer = ts_arena_strdup(arena, text, strlen(text));
    return peer ? peer : "";
}

static const char *make_id(ts_http *h, ts_arena *arena)
{
    char text[40];
    const int n =
        snprintf(text, sizeof text, "req_%016llx%08x", (unsigned long long)ts_rng_u64(&h->ids),
                 (unsigned)(ts_rng_u64(&h->ids) >> 32));
    const char *id = ts_arena_strdup(arena, text, (size_t)n);

    return id ? id : "";
}

void ts_wire_count(ts_http *h, ts_reply *r, int change)
{
    if (change > 0) {
        r->next = h->active;
        if (r->next)
            r->next->prev = r;
        h->active = r;
    } else {
        *(r->prev ? &r->prev->next : &h->active) = r->next;
        if (r->next)
            r->next->prev = r->prev;
    }
    ts_lock_take(h->hub->lock);
    h->n_active += (size_t)change;
    ts_lock_give(h->hub->lock);
}

bool ts_wire_is_draining(ts_http *h)
{
    ts_lock_take(h->hub->lock);
    const bool result = h->is_draining || h->must_stop;
    ts_lock_give(h->hub->lock);
    return result;
}

static ssize_t read_more(void *cls, uint64_t pos, char *to, size_t max)
{
    ts_reply *r = cls;
    const long n = ts_exchange_take(r, to, max);

    (void)pos;
    if (n > 0)
        return n;
    if (n == 0) {
        r->is_suspended = true;
        MHD_suspend_connection(r->connection);
        return 0;
    }
    return n == -1 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

static enum MHD_Result answer_or_wait(ts_reply *r)
{
    const ts_exchange_news news = ts_exchange_look(r);

    r->phase = TS_PHASE_WAITING;
    r->deadline = 0;
    if (news.is_cut)
        return MHD_NO;
    if (news.can_queue)
        return (enum MHD_Result)ts_respond(r, read_more);
    r->is_suspended = true;
    MHD_suspend_connection(r->connection);
    return MHD_YES;
}

/* Will the client send a body only after "100 Continue"? */
static bool waits_for_continue(const ts_http_request *req)
{
    return ts_http_header_of(req, "Expect").len > 0;
}

/* Answer a refused request before its body when that would not come, not end, or be too
 * much. */
static bool must_answer_now(const ts_http *h, const ts_reply *r)
{
    const ts_str encoding = ts_http_header_of(&r->req, "Transfer-Encoding");
    uint64_t length;

    if (encoding.ptr && !(encoding.len == 7 && strncasecmp(encoding.ptr, "chunked", 7) == 0))
        return true;
    if (!ts_vet_length(&r->req, &length))
        return false;
    return (length > 0 && waits_for_continue(&r->req)) ||
           length > h->opt.limits.body_bytes * SWALLOW_FACTOR;
}

static enum MHD_Result begin_request(ts_http *h, struct MHD_Connection *connection,
                                     const char *method, const char *version, void **con_cls)
{
    ts_conn *c = ts_wire_conn(connection);
    ts_reply *r = ts_exchange_new(h->hub);
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    if (!r)
        return MHD_NO;
    *con_cls = r;
    r->http = h;
    r->is_counted = true;
    r->connection = connection;
    r->fd = c ? c->fd : -1;
    r->body = ts_buf_make(h->opt.limits.body_bytes);
    r->deadline = r->req.started + h->opt.limits.body_s;
    r->req.app = h->opt.app;
    r->req.id = make_id(h, r->req.arena);
    r->req.peer = peer_of(connection, r->req.arena);
    if (c) {
        c->reply = r;
        c->has_target = false;
    }
    ts_wire_count(h, r, 1);

    const bool has_headers = copy_headers(r, connection);
    const ts_vet_facts facts = {
        .target = c && has_headers ? c->target : NULL,
        .method = method,
        .header_bytes = size ? size->header_size : 0,
        .has_host_rule = strcmp(version, MHD_HTTP_VERSION_1_1) == 0,
        .is_over = c && c->is_over,
        .is_draining = ts_wire_is_draining(h),
    };
    r->is_refused = !ts_vet(h, r, &facts);
    if (r->is_refused && must_answer_now(h, r)) {
        r->must_close = true;
        return answer_or_wait(r);
    }
    return MHD_YES;
}

static void refuse_body(ts_reply *r, int status, const char *message, int retry_after_s)
{
    r->is_refused = true;
    ts_reply_fail_with(
        r, &(ts_http_error){.status = status, .message = message, .retry_after_s = retry_after_s});
}

static enum MHD_Result read_body(ts_http *h, ts_reply *r, const char *bytes, size_t n)
{
    const ts_http_limits *limits = &h->opt.limits;
    char message[96];

    if (r->is_refused) {
        r->n_swallowed += n;
        return r->n_swallowed > limits->body_bytes * SWALLOW_FACTOR ? MHD_NO : MHD_YES;
    }
    if (n > r->body.max - r->body.len) { /* the limit when its headers came */
        (void)snprintf(message, sizeof message, "the body has more than %zu bytes", r->body.max);
        refuse_body(r, 413, message, 0);
    } else if (!ts_exchange_reserve_body(r, n) || !ts_buf_append(&r->body, bytes, n))
        refuse_body(r, 503, "too many large requests at once", limits->retry_after_s);
    if (r->is_refused) {
        ts_buf_free(&r->body);
        ts_exchange_release_body(r);
    }
    return MHD_YES;
}

static void run_handler(ts_task *task)
{
    ts_reply *r = (ts_reply *)(void *)((char *)task - offsetof(ts_reply, task));

    r->req.route->handler(&r->req, r);
}

void ts_wire_hand_over(ts_http *h, ts_reply *r)
{
    r->req.body = (ts_str){r->body.ptr, r->body.len};
    r->task.run = run_handler;
    r->phase = TS_PHASE_WAITING;
    r->deadline = 0;
    ts_task_pool_add(h->workers, &r->task);
}

ts_reply *ts_wire_message(ts_http *h, ts_reply *opener)
{
    ts_reply *r = ts_exchange_new(h->hub);

    if (!r)
        return NULL;
    ts_reply_hold(opener); /* whose arena has the texts */
    r->parent = opener;
    r->http = h;
    r->is_counted = true;
    r->protocol = opener->protocol;
    r->body = ts_buf_make(h->opt.limits.body_bytes);
    r->deadline = r->req.started + h->opt.limits.body_s;
    ts_arena *arena = r->req.arena;
    const double started = r->req.started;
    r->req = opener->req;
    r->req.arena = arena;
    r->req.started = started;
    r->req.identity = NULL;
    r->req.user_name = "";
    r->req.id = make_id(h, arena);
    return r;
}

static enum MHD_Result start_handler(ts_http *h, ts_reply *r)
{
    const ts_conn *c = ts_wire_conn(r->connection);

    if (r->is_refused)
        return answer_or_wait(r);
    if (c && c->is_half_closed)
        ts_exchange_lose(r);
    if (!ts_buf_append(&r->body, "", 0)) {
        refuse_body(r, 503, "out of memory", h->opt.limits.retry_after_s);
        return answer_or_wait(r);
    }
    if (r->req.route->flags & TS_ROUTE_SOCKET)
        return (enum MHD_Result)ts_socket_upgrade(r);
    if (r->req.route->flags & TS_ROUTE_QUICK) {
        r->req.body = (ts_str){r->body.ptr, r->body.len};
        r->task.run = run_handler;
        r->phase = TS_PHASE_WAITING; /* the handler will end it */
        run_handler(&r->task);
        return answer_or_wait(r);
    }
    r->is_suspended = true;
    MHD_suspend_connection(r->connection);
    ts_wire_hand_over(h, r);
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_n, void **con_cls)
{
    ts_http *h = cls;
    ts_reply *r = *con_cls;

    (void)url; /* on_target saw more of it */
    if (!r)
        return begin_request(h, connection, method, version, con_cls);
    if (r->phase != TS_PHASE_READING)
        return answer_or_wait(r);
    if (*upload_n > 0) {
        const size_t n = *upload_n;

        *upload_n = 0;
        return read_body(h, r, upload, n);
    }
    return start_handler(h, r);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    ts_http *h = cls;
    ts_reply *r = *con_cls;
    ts_conn *c = ts_wire_conn(connection);

    *con_cls = NULL;
    if (!r)
        return;
    if (c && c->reply == r) {
        c->reply = NULL;
        c->since = ts_clock_seconds();
    }
    r->connection = NULL;
    r->fd = -1;
    if (!r->is_upgraded)
        ts_wire_count(h, r, -1);
    /* No handler has seen it, so nobody else will end it. */
    if (r->phase == TS_PHASE_READING && !r->is_refused) {
        ts_exchange_lose(r);
        ts_reply_fail(r, 408, "the request was not whole");
    }
    ts_exchange_finish(r, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
}

void ts_wire_resume(ts_reply *r)
{
    if (r->socket)
        ts_socket_news(r->socket);
    if (!r->connection || r->is_upgraded)
        return;
    const ts_exchange_news news = ts_exchange_look(r);
    if (news.is_cut && r->phase == TS_PHASE_QUEUED)
        (void)shutdown(r->fd, SHUT_RDWR); /* libmicrohttpd may be waiting for a slow reader */
    if (!r->is_suspended)
        return;
    if (r->phase == TS_PHASE_WAITING ? news.can_queue
                                     : news.has_bytes || news.is_ended || news.is_cut) {
        r->is_suspended = false;
        MHD_resume_connection(r->connection);
    }
}

/* ------------------------------------------------------------------- times */

/* libmicrohttpd answers only when a request is whole, so this goes past it.  Nothing
 * else was sent for this request: the connection is still reading. */
static void send_timeout(const ts_conn *c, const ts_reply *r)
{
    const ts_protocol *protocol = r ? r->protocol : &ts_protocol_text;
    const ts_http_error error = {.status = 408, .message = "the request came too slowly"};
    ts_buf body = ts_buf_make(1 << 14);
    char head[512];

    if (c->is_tls)
        return;
    if (!protocol->render(r ? &r->req : &(ts_http_request){.path = ""}, &error, &body))
        ts_buf_clear(&body);
    const int n = snprintf(head, sizeof head,
                           "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
                           "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                           protocol->content_type, body.len);
    ssize_t sent = send(c->fd, head, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
    if (sent == n)
        sent = send(c->fd, body.ptr, body.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent; /* a courtesy */
    ts_buf_free(&body);
}

/* Did the client leave before its request was whole?  Then nothing will come, also
 * from libmicrohttpd: it can miss the end of a socket (0.9.75 forgets that there is
 * more to read after a short read, and the edge of the end has passed). */
static bool is_abandoned(const ts_conn *c)
{
    int n_unread = 0;

    return c->is_half_closed && (!c->reply || c->reply->phase == TS_PHASE_READING) &&
           ioctl(c->fd, FIONREAD, &n_unread) == 0 && n_unread == 0;
}

void ts_wire_lose(ts_conn *c)
{
    c->is_half_closed = true;
    (void)epoll_ctl(c->http->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    if (c->reply && c->reply->phase != TS_PHASE_READING) {
        ts_exchange_lose(c->reply);
        ts_wire_resume(c->reply);
    }
}

void ts_wire_enforce_times(ts_http *h, double now)
{
    const ts_http_limits *limits = &h->opt.limits;

    for (ts_conn *c = h->conns; c; c = c->next) {
        if (c->socket) {
            ts_socket_tick(c->socket, now);
            continue;
        }
        const ts_reply *r = c->reply;
        const bool is_late =
            r ? r->phase == TS_PHASE_READING && now > r->deadline
              : now - c->since > (c->has_target ? limits->header_s : limits->idle_s);

        if (is_abandoned(c)) {
            (void)shutdown(c->fd, SHUT_RDWR);
            continue;
        }
        if (!is_late)
            continue;
        if (r || c->has_target)
            send_timeout(c, r);
        (void)shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd sees the end and closes */
        c->since = now;
    }
}

/* ------------------------------------------------------------------- start */

TS_PRINTF(2, 0) static void on_trouble(void *cls, const char *fmt, va_list args)
{
    ts_http *h = cls;

    (void)vsnprintf(h->trouble, sizeof h->trouble, fmt, args);
    h->trouble[strcspn(h->trouble, "\r\n")] = '\0';
    const ts_log_field field = TS_LOG_TEXT("what", h->trouble);
    ts_log(TS_LOG_DEBUG, "libmicrohttpd", &field, 1);
}

/* Escapes are decoded by target.c, which refuses what it should. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *s)
{
    (void)cls;
    (void)connection;
    return strlen(s);
}

tiefsee_status ts_wire_start(ts_http *h, ts_listener *l, tiefsee_error *err)
{
    const bool is_tls = h->opt.tls_cert && !l->is_unix;
    const ts_http_limits *limits = &h->opt.limits;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)h->opt.tls_cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)h->opt.tls_key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

    h->trouble[0] = '\0';
    l->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG |
            (is_tls ? (unsigned)MHD_USE_TLS : 0u),
        0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_trouble, h,
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)l->fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)limits->n_connections + 64u, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)limits->n_per_peer, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)limits->idle_s + 1u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)TS_HTTP_CONNECTION_POOL,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        h, MHD_OPTION_URI_LOG_CALLBACK, on_target, h, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, h,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, is_tls ? tls : none,
        MHD_OPTION_END);
    if (!l->daemon)
        return ts_fail(err, TIEFSEE_E_INVALID, "starting the server%s: %s",
                       is_tls ? " with this certificate and key" : "",
                       *h->trouble ? h->trouble : "libmicrohttpd refused");
    l->fd = -1;
    return TIEFSEE_OK;
}
