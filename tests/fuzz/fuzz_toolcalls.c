/* fuzz_toolcalls.c - calls taken apart in any pieces are those of the whole text, in
 * the order begin, arguments, end, with names within their bounds. */
#include "fuzz.h"

#include <string.h>

#include "formats/toolcalls.h"

typedef struct record {
    char *text;
    size_t n;
    bool is_open;
} record;

static void put(record *r, const char *text, size_t n)
{
    memcpy(r->text + r->n, text, n);
    r->n += n;
}

static void on_begin(void *user, const char *name)
{
    record *r = user;

    MUST(!r->is_open && *name && strlen(name) <= TS_CALL_NAME_MAX);
    r->is_open = true;
    put(r, name, strlen(name));
    put(r, "(", 1);
}

static void on_arguments(void *user, const char *text, size_t n)
{
    record *r = user;

    MUST(r->is_open && n > 0);
    put(r, text, n);
}

static void on_end(void *user)
{
    record *r = user;

    MUST(r->is_open);
    r->is_open = false;
    put(r, ")", 1);
}

static const ts_call_events events = {on_begin, on_arguments, on_end};

/* Markers are long: a byte below 9 stands for one. */
static size_t spell(const uint8_t *data, size_t size, char *out)
{
    static const char *const texts[] = {TS_CALLS_BEGIN, TS_CALLS_END, TS_CALL_BEGIN,
                                        TS_CALL_END,    TS_CALL_SEP,  "\n```json\n",
                                        "\n```",        "function",   "\\\""};
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        const char *text = data[i] < 9 ? texts[data[i]] : NULL;
        const size_t bytes = text ? strlen(text) : 1;
        memcpy(out + n, text ? text : (const char *)&data[i], bytes);
        n += bytes;
    }
    return n;
}

static record run(ts_call_style style, const char *text, size_t n, size_t step)
{
    ts_call_parser p = {.style = style};
    record r = {.text = malloc(n + 16)};

    MUST(r.text);
    for (size_t at = 0; at < n; at += step)
        ts_call_parser_feed(&p, text + at, n - at < step ? n - at : step, &events, &r);
    ts_call_parser_end(&p, &events, &r);
    MUST(r.n <= n);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[32 * 2048];

    if (size < 2 || size > 2048)
        return 0;
    const ts_call_style style = data[0] & 1 ? TS_CALLS_PLAIN : TS_CALLS_FENCED;
    const size_t n = spell(data + 2, size - 2, text);
    record whole = run(style, text, n, n + 1), parts = run(style, text, n, 1 + data[1] % 40);

    MUST(whole.n == parts.n && memcmp(whole.text, parts.text, whole.n) == 0);
    free(whole.text);
    free(parts.text);
    return 0;
}
