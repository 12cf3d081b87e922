/* test_str.c - strings, buffers and numbers from text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/str.h"

static void a_buffer_refuses_to_grow_past_its_maximum(void **state)
{
    ts_buf b = ts_buf_make(5);

    (void)state;
    assert_true(ts_buf_append(&b, "abc", 3));
    assert_false(ts_buf_append(&b, "def", 3));
    assert_true(ts_buf_append(&b, "de", 2));
    assert_string_equal(b.ptr, "abcde");
    ts_buf_free(&b);
}

static void numbers_take_no_blanks_signs_or_trailing_bytes(void **state)
{
    static const char *const bad[] = {
        "", " 1", "1 ", "-1", "+1", "0x1", "1e3", "11", "18446744073709551616"};
    uint64_t v = 7;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(ts_parse_u64(bad[i], 0, 10, &v));
    assert_int_equal(v, 7);
    assert_true(ts_parse_u64("10", 0, 10, &v));
    assert_int_equal(v, 10);
}

static void doubles_are_finite_and_in_range(void **state)
{
    double v = 7;

    (void)state;
    assert_false(ts_parse_double("nan", -1, 1, &v));
    assert_false(ts_parse_double("1e999", -1, 1e300, &v));
    assert_false(ts_parse_double("0.5x", 0, 1, &v));
    assert_false(ts_parse_double("1.5", 0, 1, &v));
    assert_true(ts_parse_double("0.5", 0, 1, &v));
    assert_true(v == 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_refuses_to_grow_past_its_maximum),
        cmocka_unit_test(numbers_take_no_blanks_signs_or_trailing_bytes),
        cmocka_unit_test(doubles_are_finite_and_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
