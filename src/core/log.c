/* log.c - see log.h. */
#include "core/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/compiler.h"
#include "core/utf8.h"

enum { MAX_LINE = 2048 };

static ts_log_level shown = TS_LOG_WARN;
static bool is_json;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* A line under construction; what does not fit is left out. */
typedef struct line {
    char *out;
    size_t n, size;
} line;

static void put(line *l, const char *s, size_t n)
{
    if (n > l->size - l->n)
        n = l->size - l->n;
    memcpy(l->out + l->n, s, n);
    l->n += n;
}

TS_PRINTF(2, 3) static void put_format(line *l, const char *fmt, ...)
{
    char text[64];
    va_list args;

    va_start(args, fmt);
    const int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    put(l, text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* Whole characters only, so that a cut line is still UTF-8. */
static void put_text(line *l, const char *s, bool as_json)
{
    const size_t len = strlen(s);
    uint32_t code;

    for (size_t i = 0; i < len;) {
        const size_t n = ts_utf8_decode(s + i, len - i, &code);

        if (l->size - l->n < 4)
            return;
        if (n == 0 || code < 0x20 || code == 0x7f)
            put(l, "?", 1);
        else if (as_json && (code == '"' || code == '\\')) {
            put(l, "\\", 1);
            put(l, s + i, 1);
        } else
            put(l, s + i, n);
        i += n ? n : 1;
    }
}

static void put_time(line *l, double unix_s)
{
    const time_t seconds = (time_t)unix_s;
    struct tm tm;
    char text[32];

    (void)gmtime_r(&seconds, &tm);
    put(l, text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm));
    put_format(l, ".%03dZ", (int)((unix_s - (double)seconds) * 1e3));
}

static void put_field(line *l, const ts_log_field *f, bool as_json)
{
    if (as_json)
        put_format(l, ", \"%s\": ", f->key);
    else
        put_format(l, " %s=", f->key);
    if (f->decimals >= 0) {
        put_format(l, "%.*f", f->decimals, f->number);
        return;
    }
    const char *text = f->text ? f->text : "";
    const bool has_quotes = as_json || strpbrk(text, " =\"") || !*text;
    if (has_quotes)
        put(l, "\"", 1);
    put_text(l, text, has_quotes);
    if (has_quotes)
        put(l, "\"", 1);
}

size_t ts_log_format(char *out, size_t size, bool as_json, double unix_s, ts_log_level level,
                     const char *event, const ts_log_field *fields, size_t n)
{
    line l = {.out = out, .size = size - 8}; /* room for the end of the line */

    if (as_json)
        put(&l, "{\"time\": \"", 10);
    put_time(&l, unix_s);
    if (as_json)
        put_format(&l, "\", \"level\": \"%s\", \"event\": \"%s\"", level_names[level], event);
    else
        put_format(&l, " %-5s %s", level_names[level], event);
    for (size_t i = 0; i < n; i++) {
        const size_t before = l.n;

        put_field(&l, &fields[i], as_json);
        if (l.size - l.n < 4) { /* cut: rather no field than half of one */
            l.n = before;
            break;
        }
    }
    l.size = size - 1;
    if (as_json)
        put(&l, "}", 1);
    put(&l, "\n", 1);
    out[l.n] = '\0';
    return l.n;
}

void ts_log_setup(ts_log_level level, bool as_json)
{
    shown = level;
    is_json = as_json;
}

bool ts_log_shows(ts_log_level level)
{
    return level <= shown;
}

void ts_log(ts_log_level level, const char *event, const ts_log_field *fields, size_t n)
{
    char text[MAX_LINE];
    struct timespec now;

    if (!ts_log_shows(level))
        return;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    const size_t length =
        ts_log_format(text, sizeof text, is_json, (double)now.tv_sec + (double)now.tv_nsec * 1e-9,
                      level, event, fields, n);
    ssize_t written = write(STDERR_FILENO, text, length); /* nowhere to report a failure to */
    (void)written;
}
