/* http.c - opens, turns and closes the server; see http.h.
 *
 * One epoll set holds libmicrohttpd's own set, the eventfd by which other threads
 * call, and every connection for EPOLLRDHUP: the client leaves.  A turn: events,
 * replies with news, times, libmicrohttpd.
 */
#include "server/http/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "server/http/inside.h"
#include "server/http/socket.h"

enum { MAX_EVENTS = 256, TICK_MS = 250, SETTINGS_BYTES = 1 << 20 };

/* ------------------------------------------------------------------- open */

#define OR_DEFAULT(field)               \
    do {                                \
        if (!(limits->field > 0))       \
            limits->field = base.field; \
    } while (0)

static void fill_limits(ts_http_limits *limits)
{
    const ts_http_limits base = TS_HTTP_LIMITS_DEFAULT;

    OR_DEFAULT(target_bytes);
    OR_DEFAULT(header_bytes);
    OR_DEFAULT(n_headers);
    OR_DEFAULT(body_bytes);
    OR_DEFAULT(bodies_bytes);
    OR_DEFAULT(answers_bytes);
    OR_DEFAULT(n_connections);
    OR_DEFAULT(output_bytes);
    OR_DEFAULT(header_s);
    OR_DEFAULT(body_s);
    OR_DEFAULT(idle_s);
    OR_DEFAULT(socket_s);
    OR_DEFAULT(drain_s);
    OR_DEFAULT(retry_after_s);
    OR_DEFAULT(n_workers);
}

static bool copy_text(ts_arena *arena, const char **text)
{
    return !*text || (*text = ts_arena_strdup(arena, *text, strlen(*text))) != NULL;
}

static bool copy_list(ts_arena *arena, const char *const **list, size_t n)
{
    const char **own = ts_arena_alloc_zero(arena, n + 2, sizeof *own);

    if (!own)
        return false;
    for (size_t i = 0; i < n; i++) {
        own[i] = ts_arena_strdup(arena, (*list)[i], strlen((*list)[i]));
        if (!own[i])
            return false;
    }
    *list = own;
    return true;
}

/* The name that we bind is one of our names. */
static void add_own_host(ts_http *h)
{
    const char **hosts = (const char **)(uintptr_t)h->opt.hosts; /* copy_list left room */
    char text[260];

    if (!h->opt.host)
        return;
    (void)snprintf(text, sizeof text, strchr(h->opt.host, ':') ? "[%s]" : "%s", h->opt.host);
    hosts[h->opt.n_hosts] = ts_arena_strdup(h->arena, text, strlen(text));
    if (hosts[h->opt.n_hosts])
        h->opt.n_hosts++;
}

static tiefsee_status copy_options(ts_http *h, const ts_http_options *opt, tiefsee_error *err)
{
    h->opt = *opt;
    h->arena = ts_arena_new(SETTINGS_BYTES);
    fill_limits(&h->opt.limits);
    h->first_limits = h->opt.limits;
    if (!h->arena || !copy_text(h->arena, &h->opt.host) ||
        !copy_text(h->arena, &h->opt.unix_path) || !copy_text(h->arena, &h->opt.tls_cert) ||
        !copy_text(h->arena, &h->opt.tls_key) ||
        !copy_list(h->arena, &h->opt.hosts, h->opt.n_hosts) ||
        !copy_list(h->arena, &h->opt.origins, h->opt.n_origins))
        return ts_fail_nomem(err, SETTINGS_BYTES, "the server's settings");
    add_own_host(h);
    h->guard = (ts_guard){.hosts = h->opt.hosts,
                          .n_hosts = h->opt.n_hosts,
                          .any_host = h->opt.any_host,
                          .origins = h->opt.origins,
                          .n_origins = h->opt.n_origins};
    return TIEFSEE_OK;
}

/* Under the hub's lock, or before anybody else knows it. */
static void give_limits(ts_http *h)
{
    const ts_http_limits *limits = &h->opt.limits;

    h->hub->output_bytes = limits->output_bytes;
    h->hub->bodies_bytes = limits->bodies_bytes;
    h->hub->answers_bytes = limits->answers_bytes;
    h->hub->retry_after_s = limits->retry_after_s;
}

static tiefsee_status open_hub(ts_http *h, tiefsee_error *err)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint64_t)(ts_clock_seconds() * 1e9);
    ts_rng_seed(&h->ids, seed);
    h->hub = ts_hub_new();
    if (!h->hub)
        return ts_fail_nomem(err, sizeof *h->hub, "the server");
    h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->epoll_fd < 0 || h->wake_fd < 0)
        return ts_fail_errno(err, errno, "epoll and eventfd");
    h->hub->wake_fd = h->wake_fd;
    give_limits(h);
    h->hub->finished = h->opt.finished;
    h->hub->app = h->opt.app;
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = h}};
    if (epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->wake_fd, &event) != 0)
        return ts_fail_errno(err, errno, "epoll");
    return TIEFSEE_OK;
}

static tiefsee_status start_listener(ts_http *h, ts_listener *l, tiefsee_error *err)
{
    const tiefsee_status st = ts_wire_start(h, l, err);
    if (st != TIEFSEE_OK)
        return st;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = h}};
    if (!info || epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, info->epoll_fd, &event) != 0)
        return ts_fail_errno(err, errno, "epoll");
    return TIEFSEE_OK;
}

static tiefsee_status open_listeners(ts_http *h, tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;

    if (h->opt.host)
        st = ts_listen_tcp(h, h->opt.host, h->opt.port, err);
    if (st == TIEFSEE_OK && h->opt.unix_path)
        st = ts_listen_unix(h, h->opt.unix_path, err);
    if (st == TIEFSEE_OK && h->n_listeners == 0)
        st = ts_fail(err, TIEFSEE_E_INVALID, "neither a host nor a socket to listen on");
    for (size_t i = 0; i < h->n_listeners && st == TIEFSEE_OK; i++)
        st = start_listener(h, &h->listeners[i], err);
    return st;
}

tiefsee_status ts_http_open(ts_http **out, const ts_http_options *opt, tiefsee_error *err)
{
    ts_http *h = ts_alloc_zero(1, sizeof *h);

    *out = NULL;
    if (!h)
        return ts_fail_nomem(err, sizeof *h, "the server");
    h->epoll_fd = h->wake_fd = -1;
    tiefsee_status st = copy_options(h, opt, err);
    if (st == TIEFSEE_OK)
        st = open_hub(h, err);
    if (st == TIEFSEE_OK)
        st = ts_task_pool_new(&h->workers, h->opt.limits.n_workers, err);
    if (st == TIEFSEE_OK)
        st = open_listeners(h, err);
    if (st != TIEFSEE_OK) {
        ts_http_close(h);
        return st;
    }
    *out = h;
    return TIEFSEE_OK;
}

int ts_http_port(const ts_http *h)
{
    return h->port;
}

/* ------------------------------------------------------------------- turns */

static void handle_news(ts_http *h)
{
    ts_reply *r;

    while ((r = ts_hub_next_dirty(h->hub)) != NULL) {
        ts_exchange_call_watches(r);
        ts_wire_resume(r);
        ts_reply_release(r);
    }
}

static void tick(ts_http *h, double now)
{
    if (now < h->next_tick)
        return;
    h->next_tick = now + TICK_MS / 1e3;
    for (ts_reply *r = h->active; r; r = r->next)
        ts_exchange_beat(r, now);
    ts_wire_enforce_times(h, now);
}

/* libmicrohttpd is asked again while it says that it could go on at once. */
static int run_daemons(ts_http *h)
{
    MHD_UNSIGNED_LONG_LONG ms = 0, one;

    for (int i = 0; i < 16 && ms == 0; i++) {
        ms = TICK_MS;
        for (size_t k = 0; k < h->n_listeners; k++) {
            (void)MHD_run(h->listeners[k].daemon);
            if (MHD_get_timeout(h->listeners[k].daemon, &one) == MHD_YES && one < ms)
                ms = one;
        }
    }
    return (int)ms;
}

static void handle_events(ts_http *h, int timeout_ms)
{
    struct epoll_event events[MAX_EVENTS];
    const int n = epoll_wait(h->epoll_fd, events, MAX_EVENTS, timeout_ms);
    uint64_t count;

    for (int i = 0; i < n; i++) {
        ts_conn *c = events[i].data.ptr;

        if (events[i].data.ptr == h) /* c is alive: connections end in run_daemons only */
            continue;
        if (c->socket)
            ts_socket_ready(c->socket, events[i].events);
        else
            ts_wire_lose(c);
    }
    const ssize_t got = read(h->wake_fd, &count, sizeof count);
    (void)got;
}

static bool must_stop(ts_http *h)
{
    ts_lock_take(h->hub->lock);
    const bool result = h->must_stop;
    ts_lock_give(h->hub->lock);
    return result;
}

static void quiesce(ts_http *h)
{
    ts_lock_take(h->hub->lock);
    const bool is_due = h->is_draining || h->must_stop;
    ts_lock_give(h->hub->lock);
    if (!is_due)
        return;
    for (size_t i = 0; i < h->n_listeners; i++) {
        const MHD_socket fd = MHD_quiesce_daemon(h->listeners[i].daemon);

        if (fd != MHD_INVALID_SOCKET) /* once per listener */
            (void)close(fd);
    }
}

/* Every open reply is lost; libmicrohttpd must not hold a suspended connection when
 * it is stopped. */
static void cut_all(ts_http *h)
{
    for (ts_conn *c = h->conns; c; c = c->next)
        if (c->socket)
            ts_socket_cut(c->socket);
    for (int i = 0; i < 8 && h->active; i++) {
        for (ts_reply *r = h->active; r; r = r->next) {
            ts_lock_take(h->hub->lock);
            r->is_cut = true;
            ts_lock_give(h->hub->lock);
            ts_exchange_lose(r);
            ts_wire_resume(r);
        }
        (void)run_daemons(h);
    }
}

void ts_http_run(ts_http *h, void (*on_turn)(void *app), void *app)
{
    int timeout_ms = 0;

    while (!must_stop(h)) {
        handle_events(h, timeout_ms);
        handle_news(h);
        tick(h, ts_clock_seconds());
        quiesce(h);
        timeout_ms = run_daemons(h);
        if (on_turn)
            on_turn(app);
    }
    quiesce(h);
    cut_all(h);
}

/* ------------------------------------------------------------- any thread */

void ts_http_wake(ts_http *h)
{
    ts_hub_wake(h->hub);
}

ts_hub *ts_http_hold_bell(ts_http *h)
{
    ts_lock_take(h->hub->lock);
    h->hub->refs++;
    ts_lock_give(h->hub->lock);
    return h->hub;
}

void ts_http_release_bell(ts_hub *hub)
{
    if (hub)
        ts_hub_release(hub);
}

void ts_http_drain(ts_http *h)
{
    ts_lock_take(h->hub->lock);
    h->is_draining = true;
    ts_lock_give(h->hub->lock);
    ts_http_wake(h);
}

void ts_http_stop(ts_http *h)
{
    ts_lock_take(h->hub->lock);
    h->must_stop = true;
    ts_lock_give(h->hub->lock);
    ts_http_wake(h);
}

bool ts_http_is_idle(ts_http *h)
{
    ts_lock_take(h->hub->lock);
    const bool is_idle = h->n_active == 0;
    ts_lock_give(h->hub->lock);
    return is_idle;
}

void ts_http_set_limits(ts_http *h, const ts_http_limits *limits)
{
    ts_http_limits new = *limits;

    fill_limits(&new);
    new.n_workers = h->opt.limits.n_workers;
    if (new.n_connections > h->first_limits.n_connections) /* libmicrohttpd has these two */
        new.n_connections = h->first_limits.n_connections;
    if (new.idle_s > h->first_limits.idle_s)
        new.idle_s = h->first_limits.idle_s;
    h->opt.limits = new;
    ts_lock_take(h->hub->lock);
    give_limits(h);
    ts_lock_give(h->hub->lock);
}

void ts_http_read_stats(ts_http *h, ts_http_stats *out)
{
    ts_lock_take(h->hub->lock);
    *out = (ts_http_stats){.n_connections = h->n_conns,
                           .n_active = h->n_active,
                           .n_body_bytes = h->hub->n_body_bytes,
                           .n_sent_beyond = h->n_sent_beyond};
    ts_lock_give(h->hub->lock);
}

/* ------------------------------------------------------------------- close */

static void drop_hub(ts_http *h)
{
    ts_reply *r;

    ts_lock_take(h->hub->lock);
    h->hub->wake_fd = -1;
    ts_lock_give(h->hub->lock);
    while ((r = ts_hub_next_dirty(h->hub)) != NULL) {
        ts_exchange_call_watches(r);
        ts_reply_release(r);
    }
    ts_hub_release(h->hub);
}

void ts_http_close(ts_http *h)
{
    if (!h)
        return;
    ts_task_pool_free(h->workers);
    for (size_t i = 0; i < h->n_listeners; i++) {
        if (h->listeners[i].daemon)
            MHD_stop_daemon(h->listeners[i].daemon);
        if (h->listeners[i].fd >= 0)
            (void)close(h->listeners[i].fd);
        if (h->listeners[i].is_unix)
            (void)unlink(h->opt.unix_path);
    }
    if (h->hub)
        drop_hub(h);
    if (h->epoll_fd >= 0)
        (void)close(h->epoll_fd);
    if (h->wake_fd >= 0)
        (void)close(h->wake_fd);
    ts_arena_free(h->arena);
    ts_free(h);
}
