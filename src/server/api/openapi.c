/* openapi.c - see openapi.h.  The assembler copies the file into read-only data;
 * TS_OPENAPI_PATH comes from the build. */
#include "server/api/openapi.h"

#include "core/compiler.h"

__asm__(".section .rodata\n"
        ".hidden ts_openapi_begin\n"
        ".globl ts_openapi_begin\n"
        "ts_openapi_begin:\n"
        ".incbin \"" TS_OPENAPI_PATH "\"\n"
        ".hidden ts_openapi_end\n"
        ".globl ts_openapi_end\n"
        "ts_openapi_end:\n"
        ".previous\n");

extern const char ts_openapi_begin[], ts_openapi_end[];

ts_str ts_openapi_text(void)
{
    return (ts_str){ts_openapi_begin, (size_t)(ts_openapi_end - ts_openapi_begin)};
}

static void show(ts_http_request *req, ts_reply *reply)
{
    const ts_str text = ts_openapi_text();

    (void)req;
    ts_reply_send(reply, 200, "application/json", text.ptr, text.len);
}

const ts_route ts_openapi_routes[] = {
    {"GET", "/openapi.json", show, TS_ROUTE_QUICK | TS_ROUTE_OPEN, NULL, NULL},
};
const size_t ts_n_openapi_routes = TS_COUNT(ts_openapi_routes);
