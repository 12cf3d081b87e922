/* test_limits_file.c - limits from a file: taken, or refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/compiler.h"
#include "core/file.h"
#include "core/str.h"
#include "server/limits_file.h"

static char path[] = "/tmp/tiefsee-limits-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    const int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static tiefsee_status take(ts_http_limits *limits, const char *text, tiefsee_error *err)
{
    assert_int_equal(ts_file_write(path, text, strlen(text), err), TIEFSEE_OK);
    return ts_limits_read(limits, path, err);
}

static void takes_what_is_said_and_keeps_the_rest(void **state)
{
    ts_http_limits l = {.n_headers = 7, .idle_s = 9};
    tiefsee_error err = {0};

    (void)state;
    assert_int_equal(
        take(&l, "{\"body_bytes\": 4096, \"idle_s\": 1.5, \"retry_after_s\": 3}", &err),
        TIEFSEE_OK);
    assert_int_equal(l.body_bytes, 4096);
    assert_true(l.idle_s > 1.49 && l.idle_s < 1.51);
    assert_int_equal(l.retry_after_s, 3);
    assert_int_equal(l.n_headers, 7);
}

static void refuses_by_name_and_changes_nothing(void **state)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"", "JSON"},
        {"[]", "object"},
        {"{\"body\": 1}", "no limit 'body'"},
        {"{\"n_workers\": 1}", "no limit 'n_workers'"},
        {"{\"n_headers\": 9, \"body_bytes\": 0}", "body_bytes is 0"},
        {"{\"n_headers\": 9, \"body_bytes\": \"1\"}", "body_bytes is not an integer"},
        {"{\"n_headers\": 9, \"body_bytes\": 4096.5}", "body_bytes is not an integer"},
        {"{\"n_headers\": 9, \"idle_s\": -1}", "idle_s is -1"},
        {"{\"n_headers\": 9, \"idle_s\": null}", "idle_s is not a number"},
    };

    (void)state;
    for (size_t i = 0; i < TS_COUNT(wrong); i++) {
        ts_http_limits l = {.n_headers = 7};
        tiefsee_error err = {0};

        assert_int_not_equal(take(&l, wrong[i].text, &err), TIEFSEE_OK);
        if (*wrong[i].text && wrong[i].text[0] == '{' && !strstr(err.message, wrong[i].says))
            fail_msg("%s: %s", wrong[i].text, err.message);
        assert_int_equal(l.n_headers, 7);
    }
}

static void refuses_a_file_that_is_not_there(void **state)
{
    ts_http_limits l = {0};
    tiefsee_error err = {0};

    (void)state;
    assert_int_equal(ts_limits_read(&l, "/tmp/tiefsee-no-such-file", &err), TIEFSEE_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_is_said_and_keeps_the_rest),
        cmocka_unit_test(refuses_by_name_and_changes_nothing),
        cmocka_unit_test(refuses_a_file_that_is_not_there),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
