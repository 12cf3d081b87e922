/* vet.c - see vet.h.  The order of the checks is the order of the statuses that a
 * client gets: first what says that we may not listen to it at all. */
#include "server/http/vet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/http/route.h"
#include "server/http/socket.h"
#include "server/http/target.h"

TS_PRINTF(3, 4) static bool refuse(ts_reply *r, int status, const char *fmt, ...)
{
    char message[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    ts_reply_fail(r, status, message);
    return false;
}

static bool refuse_for_now(ts_http *h, ts_reply *r, const char *message)
{
    r->must_close = true;
    ts_reply_fail_with(r, &(ts_http_error){.status = 503,
                                           .message = message,
                                           .retry_after_s = h->opt.limits.retry_after_s});
    return false;
}

ts_str ts_http_header_of(const ts_http_request *req, const char *name)
{
    const size_t n = strlen(name);

    for (size_t i = 0; i < req->n_headers; i++)
        if (req->headers[i].name.len == n && strncasecmp(req->headers[i].name.ptr, name, n) == 0)
            return req->headers[i].value;
    return (ts_str){NULL, 0};
}

bool ts_http_query(const ts_http_request *req, const char *name, ts_str *value)
{
    ts_str raw;
    size_t n;

    if (!ts_query_find(req->query, name, &raw))
        return false;
    char *out = ts_arena_alloc(req->arena, raw.len + 1);
    if (!out || !ts_percent_decode(raw, true, out, &n))
        return false;
    *value = (ts_str){out, n};
    return true;
}

static size_t count_headers(const ts_http_request *req, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < req->n_headers; i++)
        n += req->headers[i].name.len == strlen(name) &&
             strncasecmp(req->headers[i].name.ptr, name, strlen(name)) == 0;
    return n;
}

bool ts_vet_length(const ts_http_request *req, uint64_t *length)
{
    const ts_str text = ts_http_header_of(req, "Content-Length");
    char number[32];

    if (!text.ptr || text.len >= sizeof number)
        return false;
    memcpy(number, text.ptr, text.len);
    number[text.len] = '\0';
    return ts_parse_u64(number, 0, UINT64_MAX, length);
}

/* Two lengths, or a length and chunks, are how requests are smuggled past a proxy. */
static bool vet_framing(ts_reply *r)
{
    const ts_http_request *req = &r->req;
    const ts_str encoding = ts_http_header_of(req, "Transfer-Encoding");
    const size_t n_lengths = count_headers(req, "Content-Length");
    uint64_t length;

    r->must_close = true;
    if (n_lengths > 1 || (n_lengths == 1 && encoding.ptr))
        return refuse(r, 400, "more than one Content-Length or Transfer-Encoding");
    if (n_lengths == 1 && !ts_vet_length(req, &length))
        return refuse(r, 400, "Content-Length is not a number");
    if (encoding.ptr &&
        !(encoding.len == 7 && strncasecmp(encoding.ptr, "chunked", encoding.len) == 0))
        return refuse(r, 501, "Transfer-Encoding '%.*s' is not supported", TS_STR_ARG(encoding));
    if (ts_http_header_of(req, "Content-Encoding").len > 0 &&
        !ts_str_is(ts_http_header_of(req, "Content-Encoding"), "identity"))
        return refuse(r, 415, "Content-Encoding is not supported: send the body as it is");
    r->must_close = false;
    return true;
}

static bool vet_host(ts_http *h, ts_reply *r, bool has_host_rule)
{
    const ts_str host = ts_http_header_of(&r->req, "Host");

    if (count_headers(&r->req, "Host") > 1)
        return refuse(r, 400, "more than one Host");
    if (!host.ptr)
        return has_host_rule ? refuse(r, 400, "the Host header is missing") : true;
    if (!ts_guard_host(&h->guard, host))
        return refuse(r, 403, "Host '%.*s' is not served here (--allow-host adds names)",
                      TS_STR_ARG(host));
    return true;
}

static bool vet_origin(ts_http *h, ts_reply *r)
{
    const ts_str origin = ts_http_header_of(&r->req, "Origin");

    switch (ts_guard_origin(&h->guard, origin, ts_http_header_of(&r->req, "Host"))) {
    case TS_ORIGIN_NONE: return true;
    case TS_ORIGIN_ANY: r->origin = "*"; return true;
    case TS_ORIGIN_NAMED:
        r->origin = ts_arena_strdup(r->req.arena, origin.ptr, origin.len);
        return true;
    default:
        return refuse(r, 403, "pages of '%.*s' may not use this server (--cors allows an origin)",
                      TS_STR_ARG(origin));
    }
}

/* OPTIONS: a browser's question before the request, or anybody's. */
static bool answer_options(ts_reply *r, const char *allow)
{
    const ts_str method = ts_http_header_of(&r->req, "Access-Control-Request-Method");
    const ts_str headers = ts_http_header_of(&r->req, "Access-Control-Request-Headers");

    if (!*allow)
        return refuse(r, 404, "there is nothing at %.200s", r->req.path);
    (void)ts_reply_header(r, "Allow", allow);
    if (method.ptr && r->origin) {
        char *wanted = ts_arena_strdup(r->req.arena, headers.ptr ? headers.ptr : "", headers.len);

        (void)ts_reply_header(r, "Access-Control-Allow-Methods", allow);
        if (wanted && headers.len > 0)
            (void)ts_reply_header(r, "Access-Control-Allow-Headers", wanted);
        (void)ts_reply_header(r, "Access-Control-Max-Age", "600");
        if (ts_http_header_of(&r->req, "Access-Control-Request-Private-Network").ptr)
            (void)ts_reply_header(r, "Access-Control-Allow-Private-Network", "true");
    }
    ts_reply_send(r, 204, NULL, "", 0);
    return false;
}

static bool take_match(ts_reply *r, const ts_route_match *match)
{
    ts_http_request *req = &r->req;

    req->route = match->route;
    for (size_t i = 0; i < match->n_params; i++) {
        req->params[i] = ts_arena_strdup(req->arena, match->params[i], strlen(match->params[i]));
        if (!req->params[i])
            return false;
    }
    req->n_params = match->n_params;
    return true;
}

static bool vet_route(ts_http *h, ts_reply *r, const ts_route_match *match)
{
    const ts_http_limits *limits = &h->opt.limits;
    uint64_t length;

    if (strcmp(r->req.method, "OPTIONS") == 0)
        return answer_options(r, match->allow);
    if (!match->route && !*match->allow)
        return refuse(r, 404, "there is nothing at %.200s", r->req.path);
    if (!match->route) {
        (void)ts_reply_header(r, "Allow", match->allow);
        return refuse(r, 405, "%.200s answers to %s", r->req.path, match->allow);
    }
    if (!take_match(r, match))
        return refuse_for_now(h, r, "out of memory");
    if (ts_vet_length(&r->req, &length) && length > limits->body_bytes)
        return refuse(r, 413, "the body has %llu bytes (%zu allowed)", (unsigned long long)length,
                      limits->body_bytes);
    return true;
}

static bool vet_admission(ts_http *h, ts_reply *r)
{
    ts_http_error refusal = {.status = 401, .message = "not allowed"};

    if (!h->opt.admit || (r->req.route->flags & TS_ROUTE_OPEN))
        return true;
    if (h->opt.admit(h->opt.app, &r->req, &refusal))
        return true;
    ts_reply_fail_with(r, &refusal);
    return false;
}

bool ts_vet(ts_http *h, ts_reply *r, const ts_vet_facts *facts)
{
    const ts_http_limits *limits = &h->opt.limits;
    const ts_str target = ts_str_of(facts->target);
    ts_http_request *req = &r->req;
    ts_route_match match;

    req->path = "";
    req->method = strcmp(facts->method, "HEAD") == 0
                      ? "GET"
                      : ts_arena_strdup(req->arena, facts->method, strlen(facts->method));
    char *raw = ts_arena_strdup(req->arena, target.ptr ? target.ptr : "", target.len);
    char *path = ts_arena_alloc(req->arena, target.len + 1);
    if (!req->method || !raw || !path || !facts->target)
        return refuse_for_now(h, r, "out of memory");
    const ts_target_result split =
        ts_target_split((ts_str){raw, target.len}, path, target.len + 1, &req->query);
    if (split == TS_TARGET_OK)
        req->path = path;
    /* First of all: in which protocol errors are told. */
    ts_route_find(h->opt.routes, h->opt.n_routes, req->method, req->path, &match);
    r->protocol = match.protocol;

    if (facts->is_over)
        return refuse_for_now(h, r, "too many connections");
    if (facts->is_draining)
        return refuse_for_now(h, r, "the server is stopping");
    if (target.len > limits->target_bytes)
        return refuse(r, 414, "the request's path and query have %zu bytes (%zu allowed)",
                      target.len, limits->target_bytes);
    if (facts->header_bytes > limits->header_bytes || req->n_headers > limits->n_headers)
        return refuse(r, 431, "%zu headers of %zu bytes together (%zu and %zu allowed)",
                      req->n_headers, facts->header_bytes, limits->n_headers, limits->header_bytes);
    if (split != TS_TARGET_OK)
        return refuse(r, 400, "the request's path is not valid");
    return vet_framing(r) && vet_host(h, r, facts->has_host_rule) && vet_origin(h, r) &&
           vet_route(h, r, &match) && vet_admission(h, r) &&
           (!(req->route->flags & TS_ROUTE_SOCKET) || ts_socket_vet(r));
}
