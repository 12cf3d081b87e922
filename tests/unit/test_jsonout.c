/* test_jsonout.c - texts escaped for JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/api/jsonout.h"

static void escapes_what_json_cannot_carry(void **state)
{
    ts_out o = ts_out_make(256);

    (void)state;
    ts_out_text(&o, "a\"\\\n\t\x01\x7f<ü", 10);
    assert_string_equal(o.buf.ptr, "\"a\\\"\\\\\\n\\t\\u0001\\u007f<ü\"");
    ts_out_free(&o);
}

static void replaces_broken_characters(void **state)
{
    ts_out o = ts_out_make(256);

    (void)state;
    ts_out_text(&o, "x\xff\xc3", 3);
    assert_string_equal(o.buf.ptr, "\"x\xef\xbf\xbd\xef\xbf\xbd\"");
    ts_out_free(&o);
}

static void gives_null_and_bytes(void **state)
{
    ts_out o = ts_out_make(256);

    (void)state;
    ts_out_str(&o, NULL);
    ts_out_byte_array(&o, "\x00\xff", 2);
    assert_string_equal(o.buf.ptr, "null[0,255]");
    ts_out_free(&o);
}

static void remembers_that_it_was_full(void **state)
{
    ts_out o = ts_out_make(4);

    (void)state;
    ts_out_raw(&o, "abcdef");
    assert_true(o.has_failed);
    ts_out_raw(&o, "x");
    assert_int_equal(o.buf.len, 0);
    ts_out_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_what_json_cannot_carry),
        cmocka_unit_test(replaces_broken_characters),
        cmocka_unit_test(gives_null_and_bytes),
        cmocka_unit_test(remembers_that_it_was_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
