/* test_openapi.c - /openapi.json says what the table of routes says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "core/compiler.h"
#include "formats/json.h"
#include "server/api/openapi.h"
#include "server/routes.h"

static ts_route routes[TS_MAX_ROUTES];
static size_t n_routes;
static json_t *doc;

static int set_up(void **state)
{
    const ts_str text = ts_openapi_text();

    (void)state;
    n_routes = ts_routes_list(routes);
    return ts_json_parse(&doc, text.ptr, text.len, (ts_json_limits){.values = 1 << 20}, NULL) !=
           TIEFSEE_OK;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(doc);
    return 0;
}

/* "/v1/models/:x", "/v1/models/(star)" and "/v1/models/{model}" are one path. */
static void plain_path(char out[128], const char *path)
{
    size_t n = 0;

    while (*path && n < 120) {
        out[n++] = *path++;
        if (out[n - 1] == '/' && (*path == ':' || *path == '*' || *path == '{')) {
            out[n++] = '*';
            path += strcspn(path, "/");
        }
    }
    out[n] = '\0';
}

/* Files of the assistant in the browser are no API, and what it speaks is its own. */
static bool is_api(const ts_route *r)
{
    return r->handler && strcmp(r->pattern, "/") != 0 && strcmp(r->pattern, "/*") != 0 &&
           strcmp(r->pattern, "/sw.js") != 0 && strncmp(r->pattern, "/assets", 7) != 0 &&
           strncmp(r->pattern, "/app/", 5) != 0;
}

static bool is_described(const ts_route *r)
{
    char wanted[128], path[128];
    const char *key, *method;
    json_t *item, *operation;

    plain_path(wanted, r->pattern);
    json_object_foreach(json_object_get(doc, "paths"), key, item)
    {
        plain_path(path, key);
        if (strcmp(path, wanted) != 0)
            continue;
        json_object_foreach(item, method, operation)
        {
            if (!r->method || strcasecmp(method, r->method) == 0)
                return true;
        }
    }
    return false;
}

static bool is_served(const char *path, const char *method)
{
    char wanted[128], pattern[128];

    plain_path(wanted, path);
    for (size_t i = 0; i < n_routes; i++) {
        plain_path(pattern, routes[i].pattern);
        if (is_api(&routes[i]) && strcmp(pattern, wanted) == 0 &&
            (!routes[i].method || strcasecmp(routes[i].method, method) == 0))
            return true;
    }
    return false;
}

static void describes_every_route(void **state)
{
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < n_routes; i++) {
        if (!is_api(&routes[i]))
            continue;
        n++;
        if (!is_described(&routes[i]))
            fail_msg("openapi.json lacks %s %s", routes[i].method, routes[i].pattern);
    }
    assert_true(n > 10);
}

static void describes_nothing_else(void **state)
{
    const char *path, *method;
    json_t *item, *operation;

    (void)state;
    json_object_foreach(json_object_get(doc, "paths"), path, item)
    {
        json_object_foreach(item, method, operation)
        {
            if (!is_served(path, method))
                fail_msg("openapi.json has %s %s, which is not served", method, path);
            assert_non_null(json_object_get(operation, "responses"));
        }
    }
}

static void check_references(const json_t *value)
{
    static const char prefix[] = "#/components/schemas/";
    const char *key;
    json_t *member;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        if (strcmp(key, "$ref") == 0) {
            const char *target = json_string_value(member);

            assert_non_null(target);
            assert_int_equal(strncmp(target, prefix, sizeof prefix - 1), 0);
            const json_t *schemas = json_object_get(json_object_get(doc, "components"), "schemas");
            if (!json_object_get(schemas, target + sizeof prefix - 1))
                fail_msg("openapi.json has no %s", target);
        }
        check_references(member);
    }
    json_array_foreach(value, i, member) check_references(member);
}

static void refers_only_to_what_it_has(void **state)
{
    (void)state;
    check_references(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(describes_every_route),
        cmocka_unit_test(describes_nothing_else),
        cmocka_unit_test(refers_only_to_what_it_has),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
