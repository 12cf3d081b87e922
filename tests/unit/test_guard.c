/* test_guard.c - which Host and which Origin may speak to us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http/guard.h"

static const char *const hosts[] = {"box.example", "[fd00::7]"};
static const char *const origins[] = {"https://app.example", "http://localhost:3000"};
static const ts_guard guard = {.hosts = hosts, .n_hosts = 2, .origins = origins, .n_origins = 2};

static bool serves(const char *host)
{
    return ts_guard_host(&guard, ts_str_of(host));
}

static void serves_loopback_and_names_that_were_given(void **state)
{
    (void)state;
    assert_true(serves("localhost"));
    assert_true(serves("LOCALHOST:8642"));
    assert_true(serves("127.0.0.1:1"));
    assert_true(serves("127.255.0.9"));
    assert_true(serves("[::1]:65535"));
    assert_true(serves("Box.Example:80"));
    assert_true(serves("[fd00::7]:80"));
}

static void refuses_names_that_only_look_like_ours(void **state)
{
    static const char *const bad[] = {"",
                                      "evil.example",
                                      "localhost.evil.example",
                                      "127.0.0.1.evil.example",
                                      "127.0.0.1x",
                                      "127.0.0",
                                      "127...5555",
                                      "127.0.0.256",
                                      "localhost:80:80",
                                      "localhost:123456",
                                      "localhost:8a",
                                      "[::1",
                                      "[::1]x",
                                      "box.example.",
                                      " localhost",
                                      "user@localhost"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(serves(bad[i]));
    assert_true(serves("localhost:")); /* RFC 3986 allows an empty port */
    const ts_guard any = {.any_host = true};
    assert_true(ts_guard_host(&any, TS_STR("evil.example")));
    assert_false(ts_guard_host(&any, TS_STR("")));
}

static ts_origin judge(const char *origin, const char *host)
{
    return ts_guard_origin(&guard, ts_str_of(origin), ts_str_of(host));
}

static void knows_origins_by_name_only(void **state)
{
    (void)state;
    assert_int_equal(judge(NULL, "localhost"), TS_ORIGIN_NONE);
    assert_int_equal(judge("http://localhost:8642", "localhost:8642"), TS_ORIGIN_NONE);
    assert_int_equal(judge("https://app.example", "localhost:8642"), TS_ORIGIN_NAMED);
    assert_int_equal(judge("http://localhost:3000", "localhost:8642"), TS_ORIGIN_NAMED);
    assert_int_equal(judge("http://app.example", "localhost:8642"), TS_ORIGIN_REFUSED);
    assert_int_equal(judge("https://app.example.evil", "localhost"), TS_ORIGIN_REFUSED);
    assert_int_equal(judge("http://localhost:8642", "localhost:8643"), TS_ORIGIN_REFUSED);
    assert_int_equal(judge("null", "localhost"), TS_ORIGIN_REFUSED);
    assert_int_equal(judge("", "localhost"), TS_ORIGIN_REFUSED);
    assert_int_equal(judge("http://", ""), TS_ORIGIN_REFUSED);

    static const char *const star[] = {"*"};
    const ts_guard all = {.origins = star, .n_origins = 1};
    assert_int_equal(ts_guard_origin(&all, TS_STR("null"), TS_STR("x")), TS_ORIGIN_ANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_loopback_and_names_that_were_given),
        cmocka_unit_test(refuses_names_that_only_look_like_ours),
        cmocka_unit_test(knows_origins_by_name_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
