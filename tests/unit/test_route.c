/* test_route.c - which route a path belongs to, and whose errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/route.h"

static void handler(ts_http_request *req, ts_reply *reply)
{
    (void)req;
    (void)reply;
}

static const ts_protocol alpha = {"alpha", "x/alpha", NULL, 0, NULL},
                         beta = {"beta", "x/beta", NULL, 0, NULL};

static const ts_route routes[] = {
    {NULL, "/*", NULL, 0, &alpha, NULL},
    {NULL, "/api/*", NULL, 0, &beta, NULL},
    {"GET", "/", handler, 0, NULL, NULL},
    {"GET", "/v1/models", handler, 0, NULL, NULL},
    {"GET", "/v1/models/:id", handler, 0, NULL, NULL},
    {"POST", "/v1/models/:id", handler, 0, NULL, NULL},
    {"GET", "/v1/models/all", handler, 0, NULL, NULL},
    {"GET", "/files/*", handler, 0, NULL, NULL},
    {"POST", "/api/:a/x/:b", handler, 0, NULL, NULL},
};

static ts_route_match find(const char *method, const char *path)
{
    ts_route_match match;

    ts_route_find(routes, TS_COUNT(routes), method, path, &match);
    return match;
}

static void finds_the_most_literal_route(void **state)
{
    (void)state;
    assert_ptr_equal(find("GET", "/").route, &routes[2]);
    assert_ptr_equal(find("GET", "/v1/models").route, &routes[3]);
    assert_ptr_equal(find("GET", "/v1/models/all").route, &routes[6]);
    ts_route_match m = find("GET", "/v1/models/a b");
    assert_ptr_equal(m.route, &routes[4]);
    assert_string_equal(m.params[0], "a b");
    m = find("GET", "/files/a/b/c");
    assert_ptr_equal(m.route, &routes[7]);
    assert_string_equal(m.params[0], "a/b/c");
    m = find("POST", "/api/one/x/two");
    assert_int_equal(m.n_params, 2);
    assert_string_equal(m.params[0], "one");
    assert_string_equal(m.params[1], "two");
}

static void tells_404_from_405(void **state)
{
    (void)state;
    assert_null(find("GET", "/v1/model").route);
    assert_string_equal(find("GET", "/v1/model").allow, "");
    assert_null(find("GET", "/v1/models/").route); /* an empty name is no name */
    assert_null(find("GET", "").route);
    assert_null(find("DELETE", "/v1/models/x").route);
    assert_string_equal(find("DELETE", "/v1/models/x").allow, "GET, HEAD, POST");
}

static void says_whose_errors_they_are(void **state)
{
    (void)state;
    assert_ptr_equal(find("GET", "/nothing").protocol, &alpha);
    assert_ptr_equal(find("GET", "/api/nothing").protocol, &beta);
    assert_ptr_equal(find("POST", "/api/one/x/two").protocol, &beta);
    assert_ptr_equal(find("GET", "").protocol, &ts_protocol_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_most_literal_route),
        cmocka_unit_test(tells_404_from_405),
        cmocka_unit_test(says_whose_errors_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
