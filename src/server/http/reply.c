/* reply.c - the answering half of an exchange; see exchange.h.
 *
 * Everything mutable is under the hub's lock, which is held for a copy of a few
 * hundred bytes at most and never across a callback.
 */
#include "server/http/exchange.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"

enum { DAY_MS = 86400000 };

/* -------------------------------------------------------------------- hub */

ts_hub *ts_hub_new(void)
{
    ts_hub *hub = ts_alloc_zero(1, sizeof *hub);

    if (!hub)
        return NULL;
    hub->refs = 1;
    hub->wake_fd = -1;
    hub->lock = ts_lock_new();
    if (!hub->lock) {
        ts_free(hub);
        return NULL;
    }
    return hub;
}

static void free_hub(ts_hub *hub)
{
    ts_lock_free(hub->lock);
    ts_free(hub);
}

void ts_hub_release(ts_hub *hub)
{
    ts_lock_take(hub->lock);
    const bool is_last = --hub->refs == 0;
    ts_lock_give(hub->lock);
    if (is_last)
        free_hub(hub);
}

void ts_hub_wake(ts_hub *hub)
{
    const uint64_t one = 1;
    const int saved = errno;

    if (hub->wake_fd >= 0) {
        const ssize_t n = write(hub->wake_fd, &one, sizeof one); /* full: it is awake anyway */
        (void)n;
    }
    errno = saved;
}

/* Under the lock. */
static void mark_dirty(ts_reply *r)
{
    ts_hub *hub = r->hub;

    if (r->is_dirty || hub->wake_fd < 0)
        return;
    r->is_dirty = true;
    r->refs++;
    r->next_dirty = hub->dirty;
    hub->dirty = r;
    if (!r->next_dirty && hub->n_corks == 0)
        ts_hub_wake(hub);
}

void ts_http_cork(ts_hub *hub)
{
    ts_lock_take(hub->lock);
    hub->n_corks++;
    ts_lock_give(hub->lock);
}

void ts_http_uncork(ts_hub *hub)
{
    ts_lock_take(hub->lock);
    assert(hub->n_corks > 0);
    if (--hub->n_corks == 0 && hub->dirty)
        ts_hub_wake(hub);
    ts_lock_give(hub->lock);
}

ts_reply *ts_hub_next_dirty(ts_hub *hub)
{
    ts_lock_take(hub->lock);
    ts_reply *r = hub->dirty;
    if (r) {
        hub->dirty = r->next_dirty;
        r->is_dirty = false;
    }
    ts_lock_give(hub->lock);
    return r;
}

/* --------------------------------------------------------------- lifetime */

ts_reply *ts_exchange_new(ts_hub *hub)
{
    ts_reply *r = ts_alloc_zero(1, sizeof *r);

    if (!r)
        return NULL;
    r->req.arena = ts_arena_new(TS_HTTP_REQUEST_ARENA);
    if (!r->req.arena) {
        ts_free(r);
        return NULL;
    }
    r->req.started = ts_clock_seconds();
    r->req.user_name = "";
    r->protocol = &ts_protocol_text;
    r->hub = hub;
    r->refs = 2;
    r->out = ts_buf_make(hub->output_bytes);
    r->fd = -1;
    ts_lock_take(hub->lock);
    hub->refs++;
    hub->n_alive++;
    ts_lock_give(hub->lock);
    return r;
}

void ts_hub_name_peer(ts_hub *hub, const char *peer, int64_t unix_ms, char out[TS_HUB_PEER])
{
    const int64_t day = unix_ms / DAY_MS + 1; /* a hub begins with day 0 */
    uint8_t hash[crypto_shorthash_BYTES], key[crypto_shorthash_KEYBYTES];
    char hex[2 * sizeof hash + 1];

    _Static_assert(sizeof key == sizeof hub->peer_key, "a key fits");
    if (!peer || !*peer || strcmp(peer, "unix") == 0 || strncmp(peer, "127.", 4) == 0 ||
        strcmp(peer, "::1") == 0) {
        (void)snprintf(out, TS_HUB_PEER, "%s", peer ? peer : "");
        return;
    }
    ts_lock_take(hub->lock);
    if (hub->peer_day != day) {
        hub->peer_day = day;
        crypto_shorthash_keygen(hub->peer_key);
    }
    memcpy(key, hub->peer_key, sizeof key);
    ts_lock_give(hub->lock);
    (void)crypto_shorthash(hash, (const unsigned char *)peer, strlen(peer), key);
    (void)sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    (void)snprintf(out, TS_HUB_PEER, "peer-%s", hex);
}

static void write_log(const ts_reply *r)
{
    const ts_http_summary *s = &r->summary;
    char peer[TS_HUB_PEER];
    const ts_log_level level = s->status >= 500 ? TS_LOG_WARN
                               : r->req.route && (r->req.route->flags & TS_ROUTE_SILENT)
                                   ? TS_LOG_DEBUG
                                   : TS_LOG_INFO;
    ts_hub_name_peer(r->hub, r->req.peer, ts_clock_unix_ms(), peer);
    const ts_log_field fields[] = {
        TS_LOG_TEXT("id", r->req.id),
        TS_LOG_TEXT("method", r->req.method),
        TS_LOG_TEXT("route", r->req.route ? r->req.route->pattern : "-"),
        TS_LOG_COUNT("status", s->status),
        TS_LOG_TEXT("user", r->req.user_name),
        TS_LOG_TEXT("peer", peer),
        TS_LOG_COUNT("cut", s->was_cut),
        TS_LOG_MS("wait_ms", s->wait_s),
        TS_LOG_MS("total_ms", s->total_s),
        TS_LOG_COUNT("in", s->body_bytes),
        TS_LOG_COUNT("out", s->sent_bytes),
        TS_LOG_TEXT("model", s->model),
        TS_LOG_COUNT("prompt", s->n_prompt),
        TS_LOG_COUNT("cached", s->n_cached),
        TS_LOG_COUNT("generated", s->n_generated),
    };

    ts_log(level, "request", fields, s->model ? TS_COUNT(fields) : TS_COUNT(fields) - 4);
}

/* Nobody else knows r any more. */
static void free_exchange(ts_reply *r, ts_finished *finished, void *app)
{
    ts_hub *hub = r->hub;
    const size_t body_bytes = r->summary.body_bytes, n_held = r->n_held;

    r->summary.total_s = ts_clock_seconds() - r->req.started;
    r->summary.wait_s = r->first_write > 0 ? r->first_write - r->req.started : r->summary.total_s;
    r->summary.status = r->is_begun ? r->status : 0;
    write_log(r);
    if (r->is_counted && finished)
        finished(app, &r->req, &r->summary);
    for (const ts_reply_free_node *f = r->frees; f; f = f->next)
        f->free_it(f->p);
    if (r->session)
        r->free_session(r->session);
    ts_reply *parent = r->parent;
    ts_buf_free(&r->out);
    ts_buf_free(&r->body);
    ts_arena_free(r->req.arena);
    ts_free(r);

    ts_lock_take(hub->lock);
    hub->n_alive--;
    hub->n_body_bytes -= body_bytes;
    hub->n_answer_bytes -= n_held;
    ts_lock_give(hub->lock);
    ts_hub_release(hub);
    if (parent)
        ts_reply_release(parent);
}

void ts_reply_hold(ts_reply *r)
{
    ts_lock_take(r->hub->lock);
    assert(r->refs > 0);
    r->refs++;
    ts_lock_give(r->hub->lock);
}

void ts_reply_release(ts_reply *r)
{
    ts_hub *hub = r->hub;

    ts_lock_take(hub->lock);
    assert(r->refs > 0);
    const bool is_last = --r->refs == 0;
    ts_finished *finished = hub->finished;
    void *app = hub->app;
    ts_lock_give(hub->lock);
    if (is_last)
        free_exchange(r, finished, app);
}

void ts_reply_gate(ts_reply *r)
{
    ts_lock_take(r->hub->lock);
    r->n_gates++;
    ts_lock_give(r->hub->lock);
}

void ts_reply_ungate(ts_reply *r, bool is_good)
{
    ts_lock_take(r->hub->lock);
    assert(r->n_gates > 0);
    r->n_gates--;
    r->is_cut = r->is_cut || !is_good;
    mark_dirty(r);
    ts_lock_give(r->hub->lock);
}

bool ts_reply_on_free(ts_reply *r, void (*free_it)(void *p), void *p)
{
    ts_reply_free_node *node = ts_arena_alloc(r->req.arena, sizeof *node);

    if (!node) {
        free_it(p);
        return false;
    }
    ts_lock_take(r->hub->lock);
    *node = (ts_reply_free_node){free_it, p, r->frees};
    r->frees = node;
    ts_lock_give(r->hub->lock);
    return true;
}

/* --------------------------------------------------------------- the I/O side */

/* A watch is taken out before it is called, so it is called once. */
void ts_exchange_call_watches(ts_reply *r)
{
    for (;;) {
        ts_lock_take(r->hub->lock);
        ts_reply_watch *watch = r->is_gone && !r->is_ended ? r->watches : NULL;
        if (watch)
            r->watches = watch->next;
        ts_lock_give(r->hub->lock);
        if (!watch)
            return;
        watch->on_gone(watch->user);
    }
}

void ts_exchange_lose(ts_reply *r)
{
    ts_lock_take(r->hub->lock);
    r->is_gone = true;
    r->is_cut = r->is_cut || (r->is_stream && !r->is_ended);
    if (!r->is_ended)
        r->summary.was_cut = true;
    ts_lock_give(r->hub->lock);
    ts_exchange_call_watches(r);
}

void ts_exchange_finish(ts_reply *r, bool was_complete)
{
    ts_lock_take(r->hub->lock);
    r->summary.was_cut = r->summary.was_cut || !was_complete || !r->is_ended;
    r->is_gone = true;
    ts_lock_give(r->hub->lock);
    ts_exchange_call_watches(r);
    ts_reply_release(r);
}

ts_exchange_news ts_exchange_look(ts_reply *r)
{
    ts_lock_take(r->hub->lock);
    const bool is_open = r->n_gates == 0;
    const ts_exchange_news news = {.can_queue = (r->is_begun && is_open) || r->is_cut,
                                   .has_bytes = r->out.len > r->n_taken && is_open,
                                   .is_ended = r->is_ended && is_open,
                                   .is_cut = r->is_cut};
    ts_lock_give(r->hub->lock);
    return news;
}

long ts_exchange_take(ts_reply *r, char *to, size_t max)
{
    ts_lock_take(r->hub->lock);
    const size_t left = r->out.len - r->n_taken;
    const size_t n = left < max ? left : max;
    void (*on_drained)(void *user) = NULL;
    void *user = r->drained_user;
    long result = (long)n;

    if (r->is_cut)
        result = -2;
    else if (r->n_gates > 0)
        result = 0;
    else if (n == 0)
        result = r->is_ended ? -1 : 0;
    else {
        memcpy(to, r->out.ptr + r->n_taken, n);
        r->n_taken += n;
        r->summary.sent_bytes += n;
        if (r->n_taken == r->out.len) {
            ts_buf_clear(&r->out);
            r->n_taken = 0;
            on_drained = r->is_ended ? NULL : r->on_drained;
        }
    }
    ts_lock_give(r->hub->lock);
    if (on_drained)
        on_drained(user); /* the connection's reference holds r */
    return result;
}

bool ts_exchange_reserve_body(ts_reply *r, size_t n)
{
    ts_hub *hub = r->hub;

    ts_lock_take(hub->lock);
    /* The limit may be less now than what is there. */
    const bool fits =
        hub->n_body_bytes <= hub->bodies_bytes && n <= hub->bodies_bytes - hub->n_body_bytes;
    if (fits) {
        hub->n_body_bytes += n;
        r->summary.body_bytes += n;
    }
    ts_lock_give(hub->lock);
    return fits;
}

void ts_exchange_release_body(ts_reply *r)
{
    ts_lock_take(r->hub->lock);
    r->hub->n_body_bytes -= r->summary.body_bytes;
    r->summary.body_bytes = 0;
    ts_lock_give(r->hub->lock);
}

/* Under the lock. */
static bool hold_answer(ts_hub *hub, size_t *held, size_t wanted)
{
    const size_t others = hub->n_answer_bytes - *held;

    /* The limit may be less now than what is there. */
    if (wanted > *held && wanted > TS_HTTP_SMALL_ANSWER &&
        (others > hub->answers_bytes || wanted > hub->answers_bytes - others))
        return false;
    hub->n_answer_bytes = others + wanted;
    *held = wanted;
    return true;
}

bool ts_hub_hold_answer(ts_hub *hub, size_t *held, size_t wanted)
{
    ts_lock_take(hub->lock);
    const bool result = hold_answer(hub, held, wanted);
    ts_lock_give(hub->lock);
    return result;
}

/* Under the lock.  Room is made by moving what is unsent to the front. */
static bool append(ts_reply *r, const void *bytes, size_t n)
{
    if (r->n_taken > 0 && n > r->out.max - r->out.len) {
        memmove(r->out.ptr, r->out.ptr + r->n_taken, r->out.len - r->n_taken);
        r->out.len -= r->n_taken;
        r->n_taken = 0;
    }
    const double now = ts_clock_seconds();
    r->last_write = now;
    if (r->first_write <= 0)
        r->first_write = now;
    return ts_buf_append(&r->out, bytes, n);
}

void ts_exchange_beat(ts_reply *r, double now)
{
    ts_lock_take(r->hub->lock);
    /* With a client that reads nothing, beats pile up to nothing: one at a time. */
    if (r->heartbeat && r->is_stream && !r->is_ended && !r->is_gone && r->out.len == 0 &&
        now - r->last_write >= r->heartbeat_s && append(r, r->heartbeat, strlen(r->heartbeat)))
        mark_dirty(r);
    ts_lock_give(r->hub->lock);
}

/* ----------------------------------------------------------- the answering side */

ts_http_request *ts_reply_request(ts_reply *r)
{
    return &r->req;
}

bool ts_exchange_has_header(const ts_reply *r, const char *name)
{
    for (const ts_reply_header_node *h = r->headers; h; h = h->next)
        if (strcasecmp(h->name, name) == 0)
            return true;
    return false;
}

static bool is_printable(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    return true;
}

bool ts_reply_header(ts_reply *r, const char *name, const char *value)
{
    assert(!r->is_begun);
    ts_reply_header_node *node = ts_arena_alloc(r->req.arena, sizeof *node);
    char *own_name = ts_arena_strdup(r->req.arena, name, strlen(name));
    char *own_value = ts_arena_strdup(r->req.arena, value, strlen(value));

    if (!node || !own_name || !own_value || !is_printable(name) || !is_printable(value))
        return false;
    *node = (ts_reply_header_node){own_name, own_value, r->headers};
    r->headers = node;
    return true;
}

/* Under the lock: the answer is settled. */
static void settle(ts_reply *r, int status, const char *content_type)
{
    assert(!r->is_begun && !r->is_ended);
    r->is_begun = true;
    r->status = status;
    r->content_type = content_type;
    r->last_write = ts_clock_seconds();
}

/* Drops the answer's reference. */
static void end(ts_reply *r)
{
    r->is_ended = true;
    mark_dirty(r);
}

/* Small, so it goes out. */
static void refuse_large(ts_reply *r, int retry_after_s)
{
    r->headers = NULL; /* of another answer, which might say that it may be cached */
    ts_reply_fail_with(r, &(ts_http_error){.status = 503,
                                           .message = TS_HTTP_ANSWERS_FULL,
                                           .retry_after_s = retry_after_s});
}

void ts_reply_send(ts_reply *r, int status, const char *content_type, const void *body, size_t n)
{
    /* Handlers pass literals or texts of the arena; both last long enough. */
    ts_lock_take(r->hub->lock);
    if (!hold_answer(r->hub, &r->n_held, n)) {
        const int retry_after_s = r->hub->retry_after_s;
        ts_lock_give(r->hub->lock);
        refuse_large(r, retry_after_s);
        return;
    }
    settle(r, status, content_type);
    r->out.max = TS_HTTP_ANSWER;
    if (!append(r, body, n))
        r->is_cut = true;
    end(r);
    ts_lock_give(r->hub->lock);
    ts_reply_release(r);
}

bool ts_reply_begin(ts_reply *r, int status, const char *content_type)
{
    ts_lock_take(r->hub->lock);
    settle(r, status, content_type);
    r->is_stream = true;
    r->is_cut = r->is_cut || r->is_gone;
    mark_dirty(r);
    const bool is_there = !r->is_gone;
    ts_lock_give(r->hub->lock);
    return is_there;
}

bool ts_reply_write(ts_reply *r, const void *bytes, size_t n)
{
    ts_lock_take(r->hub->lock);
    assert(r->is_stream && !r->is_ended);
    bool is_good = !r->is_gone && !r->is_cut;
    if (is_good && n > 0) {
        is_good = append(r, bytes, n);
        if (!is_good) {
            r->is_overrun = true;
            r->is_cut = true;
            r->summary.was_cut = true;
        }
        mark_dirty(r);
    }
    ts_lock_give(r->hub->lock);
    return is_good;
}

void ts_reply_end(ts_reply *r)
{
    ts_lock_take(r->hub->lock);
    assert(r->is_stream && !r->is_ended);
    end(r);
    ts_lock_give(r->hub->lock);
    ts_reply_release(r);
}

size_t ts_reply_room(ts_reply *r)
{
    ts_lock_take(r->hub->lock);
    const size_t used = r->out.len - r->n_taken;
    const size_t room = used < r->out.max ? r->out.max - used : 0;
    ts_lock_give(r->hub->lock);
    return room;
}

void ts_reply_on_drained(ts_reply *r, void (*on_drained)(void *user), void *user)
{
    ts_lock_take(r->hub->lock);
    r->on_drained = on_drained;
    r->drained_user = user;
    ts_lock_give(r->hub->lock);
}

void ts_reply_heartbeat(ts_reply *r, double every_s, const char *text)
{
    ts_lock_take(r->hub->lock);
    r->heartbeat_s = every_s;
    r->heartbeat = every_s > 0 ? text : NULL;
    ts_lock_give(r->hub->lock);
}

bool ts_reply_is_gone(const ts_reply *r)
{
    ts_lock_take(r->hub->lock);
    const bool is_gone = r->is_gone || r->is_cut;
    ts_lock_give(r->hub->lock);
    return is_gone;
}

void ts_reply_on_gone(ts_reply *r, ts_reply_watch *watch)
{
    ts_lock_take(r->hub->lock);
    watch->next = r->watches;
    r->watches = watch;
    if (r->is_gone)
        mark_dirty(r); /* the I/O thread calls it */
    ts_lock_give(r->hub->lock);
}

void ts_reply_note(ts_reply *r, const char *model, size_t n_prompt, size_t n_cached,
                   size_t n_generated)
{
    ts_lock_take(r->hub->lock);
    r->summary.model = model;
    r->summary.n_prompt = n_prompt;
    r->summary.n_cached = n_cached;
    r->summary.n_generated = n_generated;
    ts_lock_give(r->hub->lock);
}

/* ---------------------------------------------------------------- sessions */

void *ts_reply_session(ts_reply *r)
{
    return r->parent ? r->parent->session : NULL;
}

void ts_reply_set_session(ts_reply *r, void *session, void (*free_it)(void *session))
{
    ts_reply *opener = r->parent;

    if (opener && opener->session)
        opener->free_session(opener->session);
    if (opener) {
        opener->session = session;
        opener->free_session = free_it;
    } else if (session)
        free_it(session);
}

bool ts_reply_charge_session(ts_reply *r, size_t n_bytes)
{
    if (!r->parent)
        return false;
    ts_exchange_release_body(r->parent);
    return ts_exchange_reserve_body(r->parent, n_bytes);
}

/* ----------------------------------------------------------------- errors */

static bool render_text(const ts_http_request *req, const ts_http_error *error, ts_buf *out)
{
    (void)req;
    return ts_buf_append_str(out, error->message) && ts_buf_append_str(out, "\n");
}

const ts_protocol ts_protocol_text = {"text", "text/plain; charset=utf-8", render_text, 0, NULL};

/* Half an answer is out: the client must see that it is not whole. */
static void cut(ts_reply *r)
{
    ts_lock_take(r->hub->lock);
    r->is_cut = true;
    r->summary.was_cut = true;
    end(r);
    ts_lock_give(r->hub->lock);
    ts_reply_release(r);
}

void ts_reply_fail_with(ts_reply *r, const ts_http_error *error)
{
    ts_buf body = ts_buf_make(1 << 16);
    char seconds[16];

    if (r->is_begun) {
        cut(r);
        return;
    }
    if (error->retry_after_s > 0) {
        (void)snprintf(seconds, sizeof seconds, "%d", error->retry_after_s);
        (void)ts_reply_header(r, "Retry-After", seconds);
    }
    if (!r->protocol->render(&r->req, error, &body))
        ts_buf_clear(&body);
    ts_reply_send(r, error->status, r->protocol->content_type, body.ptr ? body.ptr : "", body.len);
    ts_buf_free(&body);
}

void ts_reply_fail(ts_reply *r, int status, const char *message)
{
    ts_reply_fail_with(r, &(ts_http_error){.status = status, .message = message});
}

static int status_of(tiefsee_status st)
{
    switch (st) {
    case TIEFSEE_E_INVALID:
    case TIEFSEE_E_FORMAT: return 400;
    case TIEFSEE_E_LIMIT: return 429;
    case TIEFSEE_E_UNSUPPORTED: return 501;
    case TIEFSEE_E_NOMEM:
    case TIEFSEE_E_CANCELLED: return 503;
    default: return 500;
    }
}

void ts_reply_retry_after(ts_reply *r, int seconds)
{
    r->retry_after_s = seconds;
}

void ts_reply_fail_as(ts_reply *r, int status, const char *code)
{
    r->fail_status = status;
    r->fail_code = code;
}

void ts_reply_fail_status(ts_reply *r, const tiefsee_error *err)
{
    const int status = r->fail_status ? r->fail_status : status_of(err->status);
    ts_http_error error = {.status = status,
                           .code = r->fail_code,
                           .message = err->message,
                           .retry_after_s = status != 429 && status != 503 ? 0
                                            : r->retry_after_s > 0         ? r->retry_after_s
                                                                           : 1};
    char message[96];

    if (status == 500 || err->status == TIEFSEE_E_NOMEM) {
        const ts_log_field fields[] = {TS_LOG_TEXT("id", r->req.id),
                                       TS_LOG_TEXT("why", err->message)};

        ts_log(TS_LOG_ERROR, "failed", fields, TS_COUNT(fields));
        (void)snprintf(message, sizeof message, "the server could not do this (request %s)",
                       r->req.id);
        error.message = message;
    }
    ts_reply_fail_with(r, &error);
}
