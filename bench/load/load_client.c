/* load_client.c - see load_client.h.
 *
 * Events are not parsed as JSON: a load tool that shares the machine with the
 * server must be cheap.  A token is an event whose "content", "reasoning_content"
 * or "text" is a text that is not empty; the numbers of "usage" are found by name.
 */
#include "load_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include "core/alloc.h"
#include "core/clock.h"

enum { MAX_BYTES = 64 << 20 };

void load_client_init(load_client *c, const load_target *t, const load_mix *mix, load_report *r,
                      size_t index, size_t n_requests)
{
    *c = (load_client){.target = t,
                       .mix = mix,
                       .report = r,
                       .index = index,
                       .n_left = n_requests,
                       .fd = -1,
                       .request = ts_buf_make(MAX_BYTES),
                       .history = ts_buf_make(MAX_BYTES),
                       .said = ts_buf_make(MAX_BYTES),
                       .body = ts_buf_make(MAX_BYTES),
                       .in = ts_buf_make(MAX_BYTES),
                       .events = ts_buf_make(MAX_BYTES)};
}

static void disconnect(load_client *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
}

void load_client_free(load_client *c)
{
    disconnect(c);
    ts_buf_free(&c->request);
    ts_buf_free(&c->history);
    ts_buf_free(&c->said);
    ts_buf_free(&c->body);
    ts_buf_free(&c->in);
    ts_buf_free(&c->events);
}

int load_connect(const load_target *t)
{
    const int fd = socket(t->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)&t->address, t->address_len) != 0 &&
        errno != EINPROGRESS) {
        const int e = errno;
        (void)close(fd);
        errno = e;
        return -1;
    }
    return fd;
}

void load_client_give_up(load_client *c, const char *why)
{
    load_error(c->report, "client %zu, request %zu: %s", c->index, c->n_done, why);
    disconnect(c);
    ts_buf_clear(&c->history);
    c->turn = 0;
    c->has_ended = true;
}

static bool write_request(load_client *c)
{
    char head[1024];

    const int n =
        snprintf(head, sizeof head,
                 "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                 "%s%.200s%sContent-Length: %zu\r\n\r\n",
                 c->target->path, c->target->host, c->target->key ? "Authorization: Bearer " : "",
                 c->target->key ? c->target->key : "", c->target->key ? "\r\n" : "", c->body.len);
    ts_buf_clear(&c->request);
    return n > 0 && (size_t)n < sizeof head && ts_buf_append(&c->request, head, (size_t)n) &&
           ts_buf_append(&c->request, c->body.ptr, c->body.len);
}

bool load_client_start(load_client *c)
{
    if (c->n_left == 0) {
        disconnect(c);
        return false;
    }
    c->n_left--;
    ts_buf_clear(&c->in);
    ts_buf_clear(&c->events);
    ts_buf_clear(&c->said);
    c->n_sent = c->n_read = 0;
    c->has_head = c->is_last_chunk = c->is_done = c->has_all = c->has_ended = false;
    c->chunk_left = c->n_prompt = c->n_cached = c->n_completion = 0;
    c->last_token = 0;
    c->asked = ts_clock_seconds();
    if (!load_mix_body(c->mix, c->index, c->n_done, &c->history, &c->body) || !write_request(c)) {
        load_client_give_up(c, "out of memory");
        return true;
    }
    if (c->fd < 0 && (c->fd = load_connect(c->target)) < 0)
        load_client_give_up(c, strerror(errno));
    return true;
}

short load_client_wants(const load_client *c)
{
    return c->n_sent < c->request.len ? POLLOUT | POLLIN : POLLIN;
}

/* ------------------------------------------------------------------ events */

/* The text behind `name`: as it is written, without quotes. */
static ts_str text_of(const char *event, const char *name)
{
    const char *at = strstr(event, name);

    if (!at)
        return (ts_str){"", 0};
    at += strlen(name);
    const char *end = at;
    while (*end && *end != '"')
        end += end[0] == '\\' && end[1] ? 2 : 1;
    return (ts_str){at, (size_t)(end - at)};
}

static void read_number(const char *event, const char *name, uint64_t *out)
{
    const char *at = strstr(event, name);

    if (at)
        *out = strtoull(at + strlen(name), NULL, 10);
}

static void count_token(load_client *c)
{
    const double now = ts_clock_seconds();

    if (c->last_token == 0)
        load_sample(&c->report->first[c->turn], now - c->asked);
    else
        load_sample(&c->report->gap, now - c->last_token);
    c->last_token = now;
    c->report->n_events++;
}

static void end_answer(load_client *c)
{
    load_report *r = c->report;

    load_sample(&r->whole, ts_clock_seconds() - c->asked);
    r->n_answers++;
    r->n_prompt += c->n_prompt;
    r->n_cached += c->n_cached;
    r->n_completion += c->n_completion;
    c->n_done++;
    c->is_done = true;
    if (++c->turn < r->n_turns) {
        if (ts_buf_append_str(&c->history, ",{\"role\":\"assistant\",\"content\":\"") &&
            (c->said.len == 0 || ts_buf_append(&c->history, c->said.ptr, c->said.len)) &&
            ts_buf_append_str(&c->history, "\"}"))
            return;
    }
    ts_buf_clear(&c->history);
    c->turn = 0;
}

static void on_event(load_client *c, const char *event)
{
    if (strcmp(event, "[DONE]") == 0) {
        end_answer(c);
        return;
    }
    const ts_str content = text_of(event, "\"content\":\""),
                 thought = text_of(event, "\"reasoning_content\":\""),
                 text = text_of(event, "\"text\":\"");
    if (content.len + thought.len + text.len > 0)
        count_token(c);
    if (content.len > 0 && !ts_buf_append(&c->said, content.ptr, content.len))
        load_client_give_up(c, "out of memory");
    read_number(event, "\"prompt_tokens\":", &c->n_prompt);
    read_number(event, "\"completion_tokens\":", &c->n_completion);
    read_number(event, "\"cached_tokens\":", &c->n_cached);
    if (strncmp(event, "{\"error\"", 8) == 0)
        load_client_give_up(c, event);
}

/* Whole lines of what was decoded. */
static void read_lines(load_client *c)
{
    size_t at = 0;

    while (c->events.len > at && !c->has_ended) {
        char *line = c->events.ptr + at, *end = memchr(line, '\n', c->events.len - at);
        if (!end)
            break;
        *end = '\0';
        at = (size_t)(end - c->events.ptr) + 1;
        if (strncmp(line, "data: ", 6) == 0)
            on_event(c, line + 6);
    }
    if (at > 0) {
        memmove(c->events.ptr, c->events.ptr + at, c->events.len - at);
        c->events.len -= at;
    }
}

/* -------------------------------------------------------------------- HTTP */

static bool read_head(load_client *c)
{
    char *end = c->in.len > 0 ? strstr(c->in.ptr, "\r\n\r\n") : NULL;
    char why[200];

    if (!end)
        return false;
    c->has_head = true;
    c->n_read = (size_t)(end - c->in.ptr) + 4;
    *end = '\0';
    const int status = c->in.len > 12 ? (int)strtol(c->in.ptr + 9, NULL, 10) : 0;
    if (status == 200 && strcasestr(c->in.ptr, "transfer-encoding: chunked"))
        return true;
    (void)snprintf(why, sizeof why, "status %d: %.120s", status, c->in.ptr + c->n_read);
    load_client_give_up(c, why);
    return false;
}

/* "1a\r\n", then as many bytes and "\r\n"; false: more is needed. */
static bool read_chunk_head(load_client *c)
{
    const char *at = c->in.ptr + c->n_read, *end = strstr(at, "\r\n");

    if (!end)
        return false;
    c->chunk_left = strtoull(at, NULL, 16) + 2;
    c->is_last_chunk = c->chunk_left == 2;
    c->n_read = (size_t)(end - c->in.ptr) + 2;
    return true;
}

static void read_body(load_client *c)
{
    while (c->n_read < c->in.len) {
        if (c->chunk_left == 0 && !read_chunk_head(c))
            break;
        const size_t have = c->in.len - c->n_read;
        const size_t n = have < c->chunk_left ? have : (size_t)c->chunk_left;
        /* The last two bytes of a chunk are its line end. */
        const size_t text_left = c->chunk_left > 2 ? (size_t)c->chunk_left - 2 : 0;
        const size_t text = n < text_left ? n : text_left;
        if (text > 0 && !ts_buf_append(&c->events, c->in.ptr + c->n_read, text)) {
            load_client_give_up(c, "out of memory");
            return;
        }
        c->n_read += n;
        c->chunk_left -= n;
        c->has_all = c->is_last_chunk && c->chunk_left == 0;
    }
    if (c->n_read == c->in.len) {
        ts_buf_clear(&c->in);
        c->n_read = 0;
    }
}

static void take_bytes(load_client *c)
{
    if (!c->has_head && !read_head(c))
        return;
    read_body(c);
    if (!c->has_ended)
        read_lines(c);
    if (c->has_all && !c->has_ended) {
        if (c->is_done)
            c->has_ended = true;
        else
            load_client_give_up(c, "the stream ended without [DONE]");
    }
}

static void receive(load_client *c)
{
    char bytes[16384];

    for (;;) {
        const ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            load_client_give_up(c, n < 0 ? strerror(errno) : "closed before the end");
            return;
        }
        if (!ts_buf_append(&c->in, bytes, (size_t)n)) {
            load_client_give_up(c, "out of memory");
            return;
        }
        take_bytes(c);
        if (c->has_ended || (size_t)n < sizeof bytes)
            return;
    }
}

static void transmit(load_client *c)
{
    while (c->n_sent < c->request.len) {
        const ssize_t n =
            send(c->fd, c->request.ptr + c->n_sent, c->request.len - c->n_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            load_client_give_up(c, strerror(errno));
            return;
        }
        c->n_sent += (size_t)n;
    }
}

void load_client_turn(load_client *c, short events)
{
    if (events & POLLOUT)
        transmit(c);
    if (c->fd >= 0 && (events & (POLLIN | POLLHUP | POLLERR)))
        receive(c);
}
