/* guard.c - see guard.h. */
#include "server/http/guard.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool is_digits(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return true;
}

ts_str ts_guard_name(ts_str host)
{
    const ts_str none = {NULL, 0};
    size_t n;

    if (host.len == 0 || host.len > 255)
        return none;
    if (host.ptr[0] == '[') {
        const char *end = memchr(host.ptr, ']', host.len);
        if (!end)
            return none;
        n = (size_t)(end - host.ptr) + 1;
    } else {
        const char *colon = memchr(host.ptr, ':', host.len);
        n = colon ? (size_t)(colon - host.ptr) : host.len;
    }
    if (n == 0)
        return none;
    if (n < host.len &&
        (host.ptr[n] != ':' || host.len - n > 6 || !is_digits(host.ptr + n + 1, host.len - n - 1)))
        return none;
    return (ts_str){host.ptr, n};
}

static bool is_name(ts_str name, const char *want)
{
    const size_t n = strlen(want);

    return name.len == n && strncasecmp(name.ptr, want, n) == 0;
}

/* 127.a.b.c, written as four decimal numbers. */
static bool is_loopback_v4(ts_str name)
{
    struct in_addr address;
    char text[INET_ADDRSTRLEN];

    if (name.len >= sizeof text)
        return false;
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

bool ts_guard_host(const ts_guard *g, ts_str host)
{
    const ts_str name = ts_guard_name(host);

    if (!name.ptr)
        return false;
    if (g->any_host || is_name(name, "localhost") || is_name(name, "[::1]") || is_loopback_v4(name))
        return true;
    for (size_t i = 0; i < g->n_hosts; i++)
        if (is_name(name, g->hosts[i]))
            return true;
    return false;
}

static bool is_own(ts_str origin, ts_str host)
{
    const size_t skip = ts_str_starts(origin, "http://")    ? 7
                        : ts_str_starts(origin, "https://") ? 8
                                                            : 0;

    return skip > 0 && host.len > 0 && origin.len - skip == host.len &&
           strncasecmp(origin.ptr + skip, host.ptr, host.len) == 0;
}

ts_origin ts_guard_origin(const ts_guard *g, ts_str origin, ts_str host)
{
    bool allows_all = false;

    if (!origin.ptr || is_own(origin, host))
        return TS_ORIGIN_NONE;
    for (size_t i = 0; i < g->n_origins; i++) {
        const size_t n = strlen(g->origins[i]);

        if (n == origin.len && strncasecmp(origin.ptr, g->origins[i], n) == 0)
            return TS_ORIGIN_NAMED;
        allows_all = allows_all || strcmp(g->origins[i], "*") == 0;
    }
    return allows_all ? TS_ORIGIN_ANY : TS_ORIGIN_REFUSED;
}
