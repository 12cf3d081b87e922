/* limits_file.c - see limits_file.h. */
#include "server/limits_file.h"

#include <jansson.h>
#include <string.h>

#include "core/compiler.h"
#include "formats/json.h"

enum { MAX_FILE = 64 << 10 };

typedef struct bound {
    const char *name;
    size_t offset;
    enum { SIZE, SECONDS, COUNT } kind;
    double min, max;
} bound;

#define BOUND(name, kind, min, max)                           \
    {                                                         \
#name, offsetof(ts_http_limits, name), kind, min, max \
    }

static const bound bounds[] = {
    BOUND(target_bytes, SIZE, 64, 32 << 10), /* within TS_HTTP_CONNECTION_POOL */
    BOUND(header_bytes, SIZE, 256, 32 << 10), BOUND(n_headers, SIZE, 8, 1000),
    BOUND(body_bytes, SIZE, 1024, 1 << 30),   BOUND(bodies_bytes, SIZE, 1024, 0x1p40),
    BOUND(answers_bytes, SIZE, 1024, 0x1p40), BOUND(n_connections, SIZE, 1, 1 << 16),
    BOUND(output_bytes, SIZE, 4096, 1 << 30), BOUND(header_s, SECONDS, 0.1, 86400),
    BOUND(body_s, SECONDS, 0.1, 86400),       BOUND(idle_s, SECONDS, 0.1, 86400),
    BOUND(socket_s, SECONDS, 0.1, 86400),     BOUND(drain_s, SECONDS, 0.1, 86400),
    BOUND(retry_after_s, COUNT, 1, 3600),
};

static void put(ts_http_limits *limits, const bound *b, double x)
{
    char *at = (char *)limits + b->offset;
    const size_t size = (size_t)x;
    const int count = (int)x;

    switch (b->kind) {
    case SIZE: memcpy(at, &size, sizeof size); break;
    case SECONDS: memcpy(at, &x, sizeof x); break;
    case COUNT: memcpy(at, &count, sizeof count); break;
    default: break;
    }
}

static tiefsee_status read_one(ts_http_limits *limits, const char *name, const json_t *value,
                               tiefsee_error *err)
{
    for (size_t i = 0; i < TS_COUNT(bounds); i++) {
        const bound *b = &bounds[i];
        const double x = json_number_value(value);

        if (strcmp(b->name, name) != 0)
            continue;
        if (b->kind == SECONDS ? !json_is_number(value) : !json_is_integer(value))
            return ts_fail(err, TIEFSEE_E_FORMAT, "%s is not %s", name,
                           b->kind == SECONDS ? "a number" : "an integer");
        if (!(x >= b->min && x <= b->max))
            return ts_fail(err, TIEFSEE_E_FORMAT, "%s is %g (%g to %g allowed)", name, x, b->min,
                           b->max);
        put(limits, b, x);
        return TIEFSEE_OK;
    }
    return ts_fail(err, TIEFSEE_E_FORMAT, "there is no limit '%.40s'", name);
}

tiefsee_status ts_limits_read(ts_http_limits *limits, const char *path, tiefsee_error *err)
{
    ts_http_limits all = *limits;
    json_t *object = NULL, *value;
    const char *name;
    tiefsee_status st =
        ts_json_load(&object, path, (ts_json_limits){.bytes = MAX_FILE, .values = 64}, err);

    if (st != TIEFSEE_OK)
        return st;
    json_object_foreach(object, name, value)
    {
        if (st == TIEFSEE_OK)
            st = read_one(&all, name, value, err);
    }
    json_decref(object);
    if (st != TIEFSEE_OK)
        return ts_while(err, st, "%s", path);
    *limits = all;
    return TIEFSEE_OK;
}
