/* target.c - see target.h.  RFC 3986 for escapes, RFC 9112 (3.2) for the forms. */
#include "server/http/target.h"

#include <string.h>

#include "core/utf8.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool ts_percent_decode(ts_str s, bool is_query, char *out, size_t *n)
{
    size_t at = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == '%') {
            const int high = s.len - i > 2 ? hex(s.ptr[i + 1]) : -1;
            const int low = s.len - i > 2 ? hex(s.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && is_query)
            c = ' ';
        if (c == '\0')
            return false;
        out[at++] = c;
    }
    out[at] = '\0';
    *n = at;
    return ts_utf8_is_valid(out, at);
}

/* "http://host:1/path" is allowed to origin servers as well. */
static ts_str without_authority(ts_str s)
{
    size_t i = ts_str_starts(s, "http://") ? 7 : ts_str_starts(s, "https://") ? 8 : 0;

    if (i == 0)
        return s;
    while (i < s.len && s.ptr[i] != '/' && s.ptr[i] != '?')
        i++;
    return (ts_str){s.ptr + i, s.len - i};
}

static bool has_dot_segment(const char *path)
{
    for (const char *p = path; (p = strchr(p, '/')) != NULL; p++) {
        const size_t n = strcspn(p + 1, "/");

        if ((n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.'))
            return true;
    }
    return false;
}

ts_target_result ts_target_split(ts_str target, char *path, size_t size, ts_str *query)
{
    const ts_str s = without_authority(target);
    const char *mark = s.len ? memchr(s.ptr, '?', s.len) : NULL;
    const size_t n_raw = mark ? (size_t)(mark - s.ptr) : s.len;
    size_t n;

    *query = mark ? (ts_str){mark + 1, s.len - n_raw - 1} : (ts_str){s.ptr + s.len, 0};
    if (n_raw + 1 > size)
        return TS_TARGET_TOO_LONG;
    if (!ts_percent_decode((ts_str){s.ptr, n_raw}, false, path, &n))
        return TS_TARGET_BAD;
    if (path[0] != '/' || has_dot_segment(path))
        return TS_TARGET_BAD;
    return TS_TARGET_OK;
}

bool ts_query_find(ts_str query, const char *name, ts_str *raw)
{
    const size_t n_name = strlen(name);

    for (size_t i = 0; i < query.len;) {
        const char *part = query.ptr + i;
        const char *end = memchr(part, '&', query.len - i);
        const size_t n = end ? (size_t)(end - part) : query.len - i;

        if (n >= n_name && memcmp(part, name, n_name) == 0 &&
            (n == n_name || part[n_name] == '=')) {
            const size_t skip = n == n_name ? n : n_name + 1;

            *raw = (ts_str){part + skip, n - skip};
            return true;
        }
        i += n + 1;
    }
    return false;
}
