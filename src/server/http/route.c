/* route.c - see route.h.
 *
 * Patterns are compared segment by segment.  Of several that match, the one that
 * is more literal at the first difference wins; tables are short, so all of them
 * are tried.
 */
#include "server/http/route.h"

#include <stdio.h>
#include <string.h>

/* How well a pattern fits, one digit per segment: literal 3, name 2, star 1. */
typedef struct fit {
    uint64_t score; /* 0: does not match */
    ts_str params[TS_HTTP_MAX_PARAMS];
    size_t n_params;
} fit;

static void add_param(fit *f, const char *s, size_t n)
{
    if (f->n_params < TS_HTTP_MAX_PARAMS)
        f->params[f->n_params++] = (ts_str){s, n};
}

static fit match(const char *pattern, const char *path)
{
    const fit none = {0};
    fit f = {0};
    int shift = 62;

    while (*pattern && *path) {
        if (*pattern++ != '/' || *path++ != '/')
            return none;
        const size_t n_pattern = strcspn(pattern, "/"), n_path = strcspn(path, "/");
        uint64_t digit = 3;

        if (*pattern == '*') {
            add_param(&f, path, strlen(path));
            f.score |= 1ull << shift;
            return f;
        }
        if (*pattern == ':' && n_path > 0) {
            add_param(&f, path, n_path);
            digit = 2;
        } else if (n_pattern != n_path || memcmp(pattern, path, n_path) != 0)
            return none;
        f.score |= digit << shift;
        shift -= shift > 0 ? 2 : 0;
        pattern += n_pattern;
        path += n_path;
    }
    return *pattern || *path ? none : f;
}

static void add_method(char *allow, size_t size, const char *method)
{
    const size_t n = strlen(allow);

    if (!strstr(allow, method))
        (void)snprintf(allow + n, size - n, "%s%s", n ? ", " : "", method);
}

void ts_route_find(const ts_route *routes, size_t n, const char *method, const char *path,
                   ts_route_match *out)
{
    uint64_t best = 0, best_protocol = 0;

    *out = (ts_route_match){.protocol = &ts_protocol_text};
    for (size_t i = 0; i < n; i++) {
        const ts_route *route = &routes[i];
        const fit f = match(route->pattern, path);

        if (f.score == 0)
            continue;
        if (route->protocol && f.score > best_protocol) {
            best_protocol = f.score;
            out->protocol = route->protocol;
        }
        if (!route->handler)
            continue;
        if (route->method) {
            add_method(out->allow, sizeof out->allow, route->method);
            if (strcmp(route->method, "GET") == 0)
                add_method(out->allow, sizeof out->allow, "HEAD");
        }
        if (f.score <= best || (route->method && strcmp(route->method, method) != 0))
            continue;
        best = f.score;
        out->route = route;
        out->n_params = f.n_params;
        for (size_t k = 0; k < f.n_params; k++)
            (void)snprintf(out->params[k], sizeof out->params[k], "%.*s", (int)f.params[k].len,
                           f.params[k].ptr);
    }
    if (out->route && out->route->protocol)
        out->protocol = out->route->protocol;
}
