/* page.c - see page.h.
 *
 * GET /              the page; names its files with their hashes, so it is asked for anew
 * GET /assets/...    those files; with a hash in the name they may be kept for ever
 *
 * GET /sw.js         the page's service worker, which must lie beside the page
 *
 * The policy allows nothing but what came with the page: scripts, styles and fonts
 * from here, requests to here, and no HTML made of strings anywhere: Trusted Types with
 * one policy, web/src/core/trusted.ts, which passes the addresses of the page's two workers
 * and makes no HTML, so whatever a model says can only become text.
 */
#include "server/page/page.h"

#include <string.h>

#include "core/compiler.h"
#include "server/page/pack.h"

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; require-trusted-types-for 'script'; "
    "trusted-types tiefsee";

static const char permissions[] =
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()";

static const ts_page_file *find(const char *path)
{
    for (size_t i = 0; i < ts_n_page_files; i++)
        if (strcmp(ts_page_files[i].path, path) == 0)
            return &ts_page_files[i];
    return NULL;
}

/* Some member of a comma-separated header begins with the word. */
static bool header_has(const ts_http_request *req, const char *name, const char *word)
{
    const ts_str value = ts_http_header_of(req, name);
    const size_t n = strlen(word);

    for (size_t i = 0; i + n <= value.len; i++)
        if (memcmp(value.ptr + i, word, n) == 0)
            return true;
    return false;
}

static bool add_headers(ts_reply *reply, const ts_page_file *file)
{
    return ts_reply_header(reply, "Cache-Control",
                           file->is_forever ? "public, max-age=31536000, immutable" : "no-cache") &&
           ts_reply_header(reply, "ETag", file->etag) &&
           ts_reply_header(reply, "Content-Security-Policy", policy) &&
           ts_reply_header(reply, "Permissions-Policy", permissions) &&
           ts_reply_header(reply, "Cross-Origin-Opener-Policy", "same-origin") &&
           (!file->is_gzip || ts_reply_header(reply, "Content-Encoding", "gzip"));
}

static void send_file(const ts_http_request *req, ts_reply *reply, const ts_page_file *file)
{
    if (file->is_gzip && !header_has(req, "Accept-Encoding", "gzip"))
        ts_reply_fail(reply, 406, "this file is kept compressed: send Accept-Encoding: gzip");
    else if (!add_headers(reply, file))
        ts_reply_fail(reply, 503, "out of memory");
    else if (header_has(req, "If-None-Match", file->etag))
        ts_reply_send(reply, 304, file->type, "", 0);
    else
        ts_reply_send(reply, 200, file->type, file->bytes, file->n);
}

static void asset(ts_http_request *req, ts_reply *reply)
{
    const ts_page_file *file = find(req->path + 1);

    if (file)
        send_file(req, reply, file);
    else
        ts_reply_fail(reply, 404, "no such file");
}

static void page(ts_http_request *req, ts_reply *reply)
{
    static const char text[] =
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Tiefsee</title>\n"
        "<p>This is Tiefsee: DeepSeek models on your own machine.</p>\n"
        "<p>It speaks the APIs of DeepSeek and OpenAI below this address (base URL: /v1), and "
        "says how it is at <a href=\"/health\">/health</a> and <a "
        "href=\"/metrics\">/metrics</a>.</p>\n"
        "<p>The assistant is not in this build; <code>make serve</code> puts it in.</p>\n</html>\n";
    const ts_page_file *file = find("");

    if (file)
        send_file(req, reply, file);
    else
        ts_reply_send(reply, 200, "text/html; charset=utf-8", text, sizeof text - 1);
}

const ts_route ts_page_routes[] = {
    {"GET", "/", page, TS_ROUTE_QUICK | TS_ROUTE_OPEN, NULL, NULL},
    {"GET", "/sw.js", asset, TS_ROUTE_QUICK | TS_ROUTE_OPEN | TS_ROUTE_SILENT, NULL, NULL},
    {"GET", "/assets/*", asset, TS_ROUTE_QUICK | TS_ROUTE_OPEN | TS_ROUTE_SILENT, NULL, NULL},
};
const size_t ts_n_page_routes = TS_COUNT(ts_page_routes);
