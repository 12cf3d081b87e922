/* jsonout.c - see jsonout.h. */
#include "server/api/jsonout.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/utf8.h"

ts_out ts_out_make(size_t max_bytes)
{
    return (ts_out){.buf = ts_buf_make(max_bytes)};
}

void ts_out_free(ts_out *o)
{
    ts_buf_free(&o->buf);
}

void ts_out_bytes(ts_out *o, const char *bytes, size_t n)
{
    if (!o->has_failed && !ts_buf_append(&o->buf, bytes, n))
        o->has_failed = true;
}

void ts_out_append(ts_out *o, const ts_out *other)
{
    o->has_failed = o->has_failed || other->has_failed;
    if (other->buf.len > 0)
        ts_out_bytes(o, other->buf.ptr, other->buf.len);
}

void ts_out_raw(ts_out *o, const char *text)
{
    ts_out_bytes(o, text, strlen(text));
}

void ts_out_f(ts_out *o, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    const int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text)
        o->has_failed = true;
    else
        ts_out_bytes(o, text, (size_t)n);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && c < 0x80;
}

static void escape(ts_out *o, unsigned char c)
{
    switch (c) {
    case '"': ts_out_raw(o, "\\\""); break;
    case '\\': ts_out_raw(o, "\\\\"); break;
    case '\n': ts_out_raw(o, "\\n"); break;
    case '\r': ts_out_raw(o, "\\r"); break;
    case '\t': ts_out_raw(o, "\\t"); break;
    default: ts_out_f(o, "\\u%04x", c); break;
    }
}

void ts_out_escaped(ts_out *o, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t run = i;

        while (run < n && is_plain((unsigned char)s[run]))
            run++;
        if (run > i) {
            ts_out_bytes(o, s + i, run - i);
            i = run;
        } else if ((unsigned char)s[i] < 0x80)
            escape(o, (unsigned char)s[i++]);
        else {
            uint32_t code;
            const size_t bytes = ts_utf8_decode(s + i, n - i, &code);

            if (bytes > 0)
                ts_out_bytes(o, s + i, bytes);
            else
                ts_out_raw(o, "\xef\xbf\xbd");
            i += bytes > 0 ? bytes : 1;
        }
    }
}

void ts_out_text(ts_out *o, const char *s, size_t n)
{
    if (!s) {
        ts_out_raw(o, "null");
        return;
    }
    ts_out_raw(o, "\"");
    ts_out_escaped(o, s, n);
    ts_out_raw(o, "\"");
}

void ts_out_str(ts_out *o, const char *terminated)
{
    ts_out_text(o, terminated, terminated ? strlen(terminated) : 0);
}

void ts_out_buf(ts_out *o, const ts_buf *text)
{
    ts_out_text(o, text && text->ptr ? text->ptr : "", text ? text->len : 0);
}

void ts_out_byte_array(ts_out *o, const char *s, size_t n)
{
    ts_out_raw(o, "[");
    for (size_t i = 0; i < n; i++)
        ts_out_f(o, i ? ",%u" : "%u", (unsigned)(unsigned char)s[i]);
    ts_out_raw(o, "]");
}
