/* fuzz_http_target.c - what a client may put into the request line and Host: path,
 * query, host, origin.  The first byte says which. */
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "fuzz.h"
#include "server/http/guard.h"
#include "server/http/target.h"

static void fuzz_target(ts_str s)
{
    char *path = malloc(s.len + 1);
    ts_str query, raw;

    MUST(path);
    if (ts_target_split(s, path, s.len + 1, &query) == TS_TARGET_OK) {
        MUST(path[0] == '/' && strlen(path) <= s.len && !strstr(path, "/../"));
        MUST(ts_utf8_is_valid(path, strlen(path)));
    }
    MUST(query.len <= s.len);
    if (ts_query_find(query, "deep", &raw)) {
        char *out = malloc(raw.len + 1);
        size_t n;

        MUST(out && raw.len <= query.len);
        if (ts_percent_decode(raw, true, out, &n))
            MUST(n <= raw.len && strlen(out) == n);
        free(out);
    }
    free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"box.example", "https://app.example"};
    const ts_guard guard = {.hosts = names, .n_hosts = 1, .origins = names + 1, .n_origins = 1};

    if (size == 0)
        return 0;
    char *copy = malloc(size);
    MUST(copy);
    memcpy(copy, data, size);
    const ts_str s = {copy + 1, size - 1};
    if (data[0] & 1)
        fuzz_target(s);
    else {
        const ts_str name = ts_guard_name(s);

        MUST(name.len <= s.len && (name.ptr != NULL || name.len == 0));
        if (ts_guard_host(&guard, s))
            MUST(name.ptr);
        (void)ts_guard_origin(&guard, s, name);
    }
    free(copy);
    return 0;
}
