/* fuzz_wsframe.c - a client's bytes on a WebSocket, in pieces of any size, and the headers
 * that open one.  The first byte says which, and how large the pieces are. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "server/http/wsframe.h"

enum { MAX_TEXT = 1 << 16 };

typedef struct heard {
    size_t n_text, n_messages;
    bool is_closed;
} heard;

static bool on_text(void *user, const char *bytes, size_t n)
{
    heard *h = user;

    MUST(bytes && n > 0);
    h->n_text += n;
    return h->n_text <= MAX_TEXT;
}

static bool on_end(void *user)
{
    heard *h = user;

    h->n_messages++;
    return h->n_messages % 3 != 0; /* sometimes the next has to wait */
}

static bool on_control(void *user, ts_ws_opcode opcode, const char *bytes, size_t n)
{
    heard *h = user;

    MUST(n <= TS_WS_MAX_CONTROL && opcode >= TS_WS_CLOSE && opcode <= TS_WS_PONG);
    if (opcode != TS_WS_CLOSE)
        return true;
    MUST(ts_ws_close_code(bytes, n) >= TS_WS_NORMAL);
    h->is_closed = true;
    return false;
}

static void feed(char *bytes, size_t n, size_t piece)
{
    static const ts_ws_events events = {on_text, on_end, on_control};
    ts_ws_parser p = {0};
    heard h = {0};
    size_t at = 0;

    while (at < n && !p.error && !h.is_closed && h.n_text <= MAX_TEXT) {
        const size_t part = n - at < piece ? n - at : piece;
        const size_t taken = ts_ws_feed(&p, bytes + at, part, &events, &h);

        MUST(taken > 0 && taken <= part);
        at += taken;
    }
    MUST(h.n_text <= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *copy = malloc(size);
    MUST(copy);
    memcpy(copy, data, size);
    const ts_str s = {copy + 1, size - 1};
    char accept[TS_WS_ACCEPT_SIZE];
    if (data[0] == 0) {
        (void)ts_ws_has_token(s, "websocket");
        if (ts_ws_accept(s, accept))
            MUST(strlen(accept) == TS_WS_ACCEPT_SIZE - 1);
    } else
        feed(copy + 1, size - 1, data[0]);
    free(copy);
    return 0;
}
