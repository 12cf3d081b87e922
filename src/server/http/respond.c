/* respond.c - a settled answer becomes a response of libmicrohttpd. */
#include <microhttpd.h>

#include "server/http/inside.h"

enum { STREAM_BLOCK = 16 << 10 };

/* What a browser must know about every answer; a handler's own header wins. */
static const struct {
    const char *name, *value;
} defaults[] = {
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
};

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value); /* false: no memory; goes without */
}

void ts_respond_headers(const ts_reply *r, struct MHD_Response *response)
{
    if (r->status != MHD_HTTP_NO_CONTENT && r->content_type)
        add(response, "Content-Type", r->content_type);
    if (r->req.id)
        add(response, "X-Request-Id", r->req.id);
    if (r->req.id && r->protocol && r->protocol->id_header)
        add(response, r->protocol->id_header, r->req.id);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (!ts_exchange_has_header(r, defaults[i].name))
            add(response, defaults[i].name, defaults[i].value);
    add(response, "Cross-Origin-Resource-Policy", r->origin ? "cross-origin" : "same-origin");
    if (r->origin) {
        add(response, "Access-Control-Allow-Origin", r->origin);
        add(response, "Access-Control-Expose-Headers", "X-Request-Id, Request-Id, Retry-After");
    }
    add(response, "Vary", "Origin");
    for (const ts_reply_header_node *h = r->headers; h; h = h->next)
        add(response, h->name, h->value);
    if (r->must_close)
        add(response, "Connection", "close");
}

int ts_respond(ts_reply *r, ssize_t (*read_more)(void *cls, uint64_t pos, char *to, size_t max))
{
    struct MHD_Response *response;

    /* begun and out's end are final: no lock is needed to read them. */
    if (r->is_stream)
        response =
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_more, r, NULL);
    else
        response = MHD_create_response_from_buffer(r->out.len, r->out.ptr, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    ts_respond_headers(r, response);
    r->phase = TS_PHASE_QUEUED;
    if (!r->is_stream)
        r->summary.sent_bytes = r->out.len;
    const int queued = (int)MHD_queue_response(r->connection, (unsigned)r->status, response);
    MHD_destroy_response(response);
    return queued;
}
