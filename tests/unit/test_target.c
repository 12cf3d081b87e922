/* test_target.c - paths, queries and escapes of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/http/target.h"

static char path[64];
static ts_str query;

static ts_target_result split(const char *target)
{
    return ts_target_split(ts_str_of(target), path, sizeof path, &query);
}

static void splits_and_decodes(void **state)
{
    (void)state;
    assert_int_equal(split("/v1/models"), TS_TARGET_OK);
    assert_string_equal(path, "/v1/models");
    assert_int_equal(query.len, 0);
    assert_int_equal(split("/a%20b/%C3%A4?x=%20&y"), TS_TARGET_OK);
    assert_string_equal(path, "/a b/\xc3\xa4");
    assert_true(ts_str_is(query, "x=%20&y"));
    assert_int_equal(split("http://localhost:1/x?y"), TS_TARGET_OK);
    assert_string_equal(path, "/x");
    assert_int_equal(split("/+"), TS_TARGET_OK);
    assert_string_equal(path, "/+"); /* a plus is a blank in queries only */
}

static void refuses_what_is_no_path(void **state)
{
    static const char *const bad[] = {"",     "x",         "*",      "/%",         "/%4",   "/%4g",
                                      "/%00", "/\xff",     "/%ff",   "/%ed%a0%80", "/../x", "/a/..",
                                      "/./",  "/%2e%2e/x", "/a/%2E", "http://h"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(split(bad[i]), TS_TARGET_BAD);
    char longer[80];
    memset(longer, 'x', sizeof longer);
    longer[0] = '/';
    longer[79] = '\0';
    assert_int_equal(split(longer), TS_TARGET_TOO_LONG);
    assert_int_equal(split("/..."), TS_TARGET_OK);
    assert_int_equal(split("/.well-known"), TS_TARGET_OK);
}

static void finds_values_by_their_whole_name(void **state)
{
    ts_str raw;

    (void)state;
    assert_true(ts_query_find(TS_STR("ab=1&a=2&a=3"), "a", &raw));
    assert_true(ts_str_is(raw, "2"));
    assert_true(ts_query_find(TS_STR("deep"), "deep", &raw));
    assert_int_equal(raw.len, 0);
    assert_true(ts_query_find(TS_STR("&&x=&y"), "x", &raw));
    assert_int_equal(raw.len, 0);
    assert_false(ts_query_find(TS_STR("abc=1"), "ab", &raw));
    assert_false(ts_query_find(TS_STR(""), "a", &raw));
}

static void decodes_queries(void **state)
{
    char out[16];
    size_t n;

    (void)state;
    assert_true(ts_percent_decode(TS_STR("a+b%2B"), true, out, &n));
    assert_string_equal(out, "a b+");
    assert_false(ts_percent_decode(TS_STR("%zz"), true, out, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_and_decodes),
        cmocka_unit_test(refuses_what_is_no_path),
        cmocka_unit_test(finds_values_by_their_whole_name),
        cmocka_unit_test(decodes_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
