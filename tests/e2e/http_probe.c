/* http_probe.c - a small server on src/server/http for its end-to-end tests: no model, no
 * JSON, and handlers that do what is asked of them.
 *
 *     probe NAME=VALUE ...     prints "port N", serves until SIGTERM (drains) twice
 *
 * GET  /quick           on the I/O thread
 * POST /echo            the body
 * GET  /stream?n=&ms=&size=&beat=   n pieces of size bytes, ms apart, from another thread
 * GET  /slow?ms=        one answer after ms, from another thread
 * GET  /cut             half an answer
 * GET  /ws              a WebSocket; what a message asks for:
 *     stream?n=&ms=&size=&beat=   lines of size - 1 bytes, as above
 *     slow?ms=   as above; fail; count: how often on this connection; others: themselves
 * GET  /seen            counters: "gone finished open", and bytes of bodies in memory */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"
#include "server/http/http.h"

static ts_http *http;
static volatile sig_atomic_t n_signals;
static _Atomic int n_gone, n_finished, n_open;

static void finished(void *app, const ts_http_request *req, const ts_http_summary *summary)
{
    (void)app;
    (void)req;
    (void)summary;
    n_finished++;
}

static bool admit(void *app, ts_http_request *req, ts_http_error *refusal)
{
    (void)app;
    if (!ts_str_is(ts_http_header_of(req, "Authorization"), "Bearer wrong"))
        return true;
    *refusal = (ts_http_error){.status = 401, .message = "wrong key"};
    return false;
}

static void pause_ms(uint64_t ms)
{
    const struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    (void)nanosleep(&time, NULL);
}

static uint64_t number(const ts_http_request *req, const char *name, uint64_t fallback)
{
    ts_str text;
    uint64_t n;

    return ts_http_query(req, name, &text) && ts_parse_u64(text.ptr, 0, 1 << 30, &n) ? n : fallback;
}

/* ---- handlers */

static void quick(ts_http_request *req, ts_reply *reply)
{
    (void)req;
    ts_reply_send(reply, 200, "text/plain", "quick\n", 6);
}

static void echo(ts_http_request *req, ts_reply *reply)
{
    if (req->body.len == 0) {
        ts_reply_fail(reply, 400, "the body is empty");
        return;
    }
    ts_reply_send(reply, 200, "application/octet-stream", req->body.ptr, req->body.len);
}

static void seen(ts_http_request *req, ts_reply *reply)
{
    ts_http_stats stats;
    char text[64];

    (void)req;
    ts_http_read_stats(http, &stats);
    const int n = snprintf(text, sizeof text, "%d %d %d %zu\n", n_gone, n_finished, n_open,
                           stats.n_body_bytes);
    ts_reply_send(reply, 200, "text/plain", text, (size_t)n);
}

static void on_gone(void *user)
{
    _Atomic bool *is_gone = user;

    *is_gone = true;
    n_gone++;
}

typedef struct job {
    ts_reply *reply;
    ts_reply_watch watch;
    _Atomic bool is_gone;
    uint64_t n, ms, size, beat_ms;
    bool is_message;
} job;

static void pause_unless_gone(const job *j)
{
    for (uint64_t ms = 0; ms < j->ms && !j->is_gone; ms += 5)
        pause_ms(j->ms - ms < 5 ? j->ms - ms : 5);
}

static void *run_stream(void *ctx)
{
    static const char block[1 << 16];
    job *j = ctx;
    bool is_good = ts_reply_begin(j->reply, 200, "text/event-stream");

    if (j->beat_ms > 0)
        ts_reply_heartbeat(j->reply, (double)j->beat_ms / 1e3,
                           j->is_message ? "\n" : ": keep-alive\n\n");
    for (uint64_t i = 0; i < j->n && is_good && !j->is_gone; i++) {
        pause_unless_gone(j);
        const uint64_t size = j->size < sizeof block ? j->size : sizeof block;
        is_good = ts_reply_write(j->reply, block, j->is_message ? size - 1 : size) &&
                  (!j->is_message || ts_reply_write(j->reply, "\n", 1));
    }
    ts_reply_end(j->reply);
    n_open--;
    return NULL;
}

static void *run_slow(void *ctx)
{
    job *j = ctx;

    pause_unless_gone(j);
    ts_reply_send(j->reply, 200, "text/plain", "slow\n", 5);
    n_open--;
    return NULL;
}

static void start(ts_http_request *req, ts_reply *reply, void *(*run)(void *))
{
    job *j = ts_arena_alloc_zero(req->arena, 1, sizeof *j);
    pthread_t thread;
    pthread_attr_t attr;

    j->reply = reply;
    j->n = number(req, "n", 10);
    j->ms = number(req, "ms", 10);
    j->size = number(req, "size", 10);
    j->beat_ms = number(req, "beat", 0);
    j->is_message = req->body.len > 0;
    j->watch = (ts_reply_watch){.on_gone = on_gone, .user = &j->is_gone};
    ts_reply_on_gone(reply, &j->watch);
    n_open++;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attr, 256 << 10);
    if (pthread_create(&thread, &attr, run, j) != 0)
        ts_reply_fail(reply, 503, "no thread");
    (void)pthread_attr_destroy(&attr);
}

static void stream(ts_http_request *req, ts_reply *reply)
{
    start(req, reply, run_stream);
}

static void slow(ts_http_request *req, ts_reply *reply)
{
    start(req, reply, run_slow);
}

static void half(ts_http_request *req, ts_reply *reply)
{
    (void)req;
    (void)ts_reply_begin(reply, 200, "text/plain");
    (void)ts_reply_write(reply, "half", 4);
    ts_reply_fail(reply, 500, "broken");
}

static void count_messages(ts_reply *reply)
{
    const int *before = ts_reply_session(reply);
    int *n = malloc(sizeof *n);
    char text[16];

    if (!n || !ts_reply_charge_session(reply, sizeof *n)) {
        free(n);
        ts_reply_fail(reply, 503, "no memory");
        return;
    }
    *n = before ? *before + 1 : 1;
    const int size = snprintf(text, sizeof text, "%d", *n);
    ts_reply_set_session(reply, n, free);
    ts_reply_send(reply, 200, "text/plain", text, (size_t)size);
}

static void message(ts_http_request *req, ts_reply *reply)
{
    const ts_str body = req->body;
    const char *question = memchr(body.ptr, '?', body.len);

    if (question)
        req->query = (ts_str){question + 1, body.len - (size_t)(question + 1 - body.ptr)};
    if (ts_str_starts(body, "stream?"))
        start(req, reply, run_stream);
    else if (ts_str_starts(body, "slow?"))
        start(req, reply, run_slow);
    else if (ts_str_is(body, "count"))
        count_messages(reply);
    else if (ts_str_is(body, "fail"))
        ts_reply_fail(reply, 400, "as asked");
    else
        ts_reply_send(reply, 200, "text/plain", body.ptr, body.len);
}

static bool render_braces(const ts_http_request *req, const ts_http_error *error, ts_buf *out)
{
    char text[600];

    (void)snprintf(text, sizeof text, "{%d %s %s}", error->status, req->path, error->message);
    return ts_buf_append_str(out, text);
}

static const ts_protocol braces = {"braces", "application/braces", render_braces, 0, NULL};

static const ts_route routes[] = {
    {NULL, "/braces/*", NULL, 0, &braces, NULL},
    {"POST", "/braces/echo", echo, 0, NULL, NULL},
    {"GET", "/quick", quick, TS_ROUTE_QUICK, NULL, NULL},
    {"POST", "/echo", echo, 0, NULL, NULL},
    {"GET", "/stream", stream, 0, NULL, NULL},
    {"GET", "/slow", slow, 0, NULL, NULL},
    {"GET", "/cut", half, 0, NULL, NULL},
    {"GET", "/ws", message, TS_ROUTE_SOCKET, &braces, NULL},
    {"GET", "/seen", seen, TS_ROUTE_QUICK | TS_ROUTE_OPEN, NULL, NULL},
};

/* ---- start and stop */

static void on_signal(int number_of)
{
    (void)number_of;
    n_signals++;
    ts_http_wake(http);
}

static void on_turn(void *app)
{
    (void)app;
    if (n_signals > 0)
        ts_http_drain(http);
    if (n_signals > 1 || (n_signals > 0 && ts_http_is_idle(http) && n_open == 0))
        ts_http_stop(http);
}

static const char *read_text(const char *path)
{
    static ts_buf texts[2]; /* live as long as the process */
    static int n;

    if (n == 2 || ts_file_read(&texts[n], path, 1 << 20, NULL) != TIEFSEE_OK)
        exit(3);
    return texts[n++].ptr;
}

static void take(ts_http_options *o, const char *name, const char *value)
{
    static const char *origin;
    const double x = strtod(value, NULL);

    if (strcmp(name, "unix") == 0)
        o->unix_path = value;
    else if (strcmp(name, "cert") == 0)
        o->tls_cert = read_text(value);
    else if (strcmp(name, "key") == 0)
        o->tls_key = read_text(value);
    else if (strcmp(name, "origin") == 0) {
        origin = value;
        o->origins = &origin;
        o->n_origins = 1;
    } else if (strcmp(name, "body") == 0)
        o->limits.body_bytes = (size_t)x;
    else if (strcmp(name, "bodies") == 0)
        o->limits.bodies_bytes = (size_t)x;
    else if (strcmp(name, "answers") == 0)
        o->limits.answers_bytes = (size_t)x;
    else if (strcmp(name, "connections") == 0)
        o->limits.n_connections = (size_t)x;
    else if (strcmp(name, "output") == 0)
        o->limits.output_bytes = (size_t)x;
    else if (strcmp(name, "life") == 0)
        o->limits.socket_s = x;
    else if (strcmp(name, "seconds") == 0)
        o->limits.header_s = o->limits.body_s = o->limits.idle_s = x;
    else
        exit(2);
}

int main(int argc, char **argv)
{
    ts_http_options options = {.routes = routes,
                               .n_routes = sizeof routes / sizeof *routes,
                               .host = "127.0.0.1",
                               .admit = admit,
                               .finished = finished};
    tiefsee_error err = {0};

    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');

        if (!equals)
            return 2;
        *equals = '\0';
        take(&options, argv[i], equals + 1);
    }
    ts_log_setup(TS_LOG_DEBUG, true);
    if (ts_http_open(&http, &options, &err) != TIEFSEE_OK) {
        (void)fprintf(stderr, "probe: %s\n", err.message);
        return 1;
    }
    (void)signal(SIGTERM, on_signal);
    (void)signal(SIGPIPE, SIG_IGN);
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
    (void)printf("port %d sanitized\n", ts_http_port(http));
#else
    (void)printf("port %d\n", ts_http_port(http));
#endif
    (void)fflush(stdout);
    ts_http_run(http, on_turn, NULL);
    (void)signal(SIGTERM, SIG_IGN);
    ts_http_close(http);
    while (n_open > 0) /* the answerers outlive the server */
        pause_ms(5);
    pause_ms(20);
    return 0;
}
