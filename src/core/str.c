/* str.c - see str.h. */
#include "core/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"

ts_str ts_str_of(const char *terminated)
{
    return (ts_str){terminated, terminated ? strlen(terminated) : 0};
}

bool ts_str_eq(ts_str a, ts_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool ts_str_is(ts_str a, const char *terminated)
{
    return ts_str_eq(a, ts_str_of(terminated));
}

bool ts_str_starts(ts_str a, const char *prefix)
{
    const size_t n = strlen(prefix);
    return a.len >= n && memcmp(a.ptr, prefix, n) == 0;
}

ts_buf ts_buf_make(size_t max_bytes)
{
    return (ts_buf){.max = max_bytes};
}

void ts_buf_free(ts_buf *b)
{
    ts_free(b->ptr);
    *b = (ts_buf){.max = b->max};
}

void ts_buf_clear(ts_buf *b)
{
    b->len = 0;
    if (b->ptr)
        b->ptr[0] = '\0';
}

bool ts_buf_append(ts_buf *b, const void *bytes, size_t n)
{
    if (n > b->max - b->len)
        return false;
    if (b->len + n + 1 > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < b->len + n + 1)
            cap *= 2;
        char *grown = ts_realloc(b->ptr, b->len, cap);
        if (!grown)
            return false;
        b->ptr = grown;
        b->cap = cap;
    }
    if (n)
        memcpy(b->ptr + b->len, bytes, n);
    b->len += n;
    b->ptr[b->len] = '\0';
    return true;
}

bool ts_buf_append_str(ts_buf *b, const char *terminated)
{
    return ts_buf_append(b, terminated, strlen(terminated));
}

bool ts_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (!text || !*text)
        return false;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9' || v > (UINT64_MAX - (uint64_t)(*p - '0')) / 10)
            return false;
        v = v * 10 + (uint64_t)(*p - '0');
    }
    if (v < min || v > max)
        return false;
    *out = v;
    return true;
}

bool ts_parse_double(const char *text, double min, double max, double *out)
{
    char *end;

    if (!text || !*text || strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    errno = 0;
    const double v = strtod(text, &end);
    if (*end || errno == ERANGE || !isfinite(v) || v < min || v > max)
        return false;
    *out = v;
    return true;
}
