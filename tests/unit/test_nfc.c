/* test_nfc.c - normalisation form C, case by case of the standard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/utf8.h"
#include "formats/nfc.h"

static void expect_nfc(const char *text, const char *want)
{
    ts_buf out = ts_buf_make(1000);

    assert_int_equal(ts_nfc_append(&out, text, strlen(text), NULL), TIEFSEE_OK);
    assert_string_equal(out.ptr ? out.ptr : "", want);
    if (ts_nfc_is_settled(text, strlen(text)))
        assert_string_equal(text, want);
    ts_buf_free(&out);
}

static void composes_orders_and_leaves_alone(void **state)
{
    static const struct {
        const char *text, *nfc;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"e\u0301t\u0301", "\u00e9t\u0301"},                         /* t has no acute */
        {"\u00e9\u0301", "\u00e9\u0301"},                            /* blocked: the same class */
        {"\u00e9\u0323", "\u1eb9\u0301"},                            /* below goes before above */
        {"a\u0301\u0323", "\u1ea1\u0301"},                           /* sorted by class */
        {"\u1e9b\u0323", "\u1e9b\u0323"},                            /* standard, figure 5 */
        {"\u212b\u2126", "\u00c5\u03a9"},                            /* singletons */
        {"\u0958", "\u0915\u093c"},                                  /* excluded from composition */
        {"\u0344", "\u0308\u0301"},                                  /* a mark of two marks */
        {"\u1100\u1161\u11a8", "\uac01"},                            /* Hangul */
        {"\uac00\u11a8", "\uac01"},                                  /* Hangul, partly composed */
        {"\uac01\u11a8", "\uac01\u11a8"},                            /* nothing takes two tails */
        {"\u09c7\u09be", "\u09cb"},                                  /* a starter as second */
        {"\u0301\u0301", "\u0301\u0301"},                            /* no letter at all */
        {"\u03b1\u0313\u0301\u0345", "\u1f84"},                      /* three marks into one */
        {"x\u0338 =\u0338<\u0338", "x\u0338 \u2260\u226e"},          /* symbols */
        {"a\u0315\u0300\u05ae\u0300b", "\u00e0\u05ae\u0300\u0315b"}, /* of NormalizationTest.txt */
    };

    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        expect_nfc(cases[i].text, cases[i].nfc);
        expect_nfc(cases[i].nfc, cases[i].nfc);
    }
}

/* Marks of two classes in turn, far more than are sorted by insertion: all of
 * the lower class come first, in their order.  In quadratic time this hangs. */
static void sorts_a_million_marks_in_time(void **state)
{
    enum { N = 1000000 };
    ts_buf in = ts_buf_make(4 * N + 8), out = ts_buf_make(12 * N);

    (void)state;
    assert_true(ts_buf_append_str(&in, "q"));
    for (size_t i = 0; i < N / 2; i++)
        assert_true(ts_buf_append_str(&in, i % 2 ? "\u0301\u0323" : "\u0302\u0324"));
    assert_int_equal(ts_nfc_append(&out, in.ptr, in.len, NULL), TIEFSEE_OK);
    assert_int_equal(out.len, in.len);
    assert_memory_equal(out.ptr, "q\u0324\u0323\u0324", 7);
    assert_memory_equal(out.ptr + 1 + N, "\u0302\u0301\u0302", 6);
    ts_buf_free(&in);
    ts_buf_free(&out);
}

static void never_exceeds_three_times_the_text(void **state)
{
    (void)state;
    for (uint32_t code = 1; code < 0x110000; code++) {
        char text[4];
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        const size_t n = ts_utf8_encode(code, text);
        ts_buf out = ts_buf_make(3 * n);
        assert_int_equal(ts_nfc_append(&out, text, n, NULL), TIEFSEE_OK);
        ts_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(composes_orders_and_leaves_alone),
        cmocka_unit_test(sorts_a_million_marks_in_time),
        cmocka_unit_test(never_exceeds_three_times_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
