/* test_json_reader.c - the grammar of RFC 8259, and what texts mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "formats/json_reader.h"

static const char *problem_of(const char *text)
{
    ts_json_reader r = ts_json_reader_of(ts_str_of(text));

    (void)ts_json_read_any(&r);
    ts_json_end(&r);
    return r.problem;
}

static void accepts_what_is_json(void **state)
{
    static const char *const good[] = {"null",
                                       "true",
                                       "false",
                                       "0",
                                       "-0",
                                       "1.5e-7",
                                       "-10E+2",
                                       "123456789012345678901234567890",
                                       "\"\"",
                                       "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
                                       "\"\\ud83d\\udc33\"",
                                       "\"\xf0\x9f\x90\xb3\"",
                                       "[]",
                                       " [ ] ",
                                       "[1]",
                                       "[1,2,[3]]",
                                       "{}",
                                       "{\"a\":1}",
                                       "\t{ \"a\" : [ ] , \"b\" : { } }\r\n",
                                       "{\"a\":1,\"a\":2}",
                                       "[\"\x7f\"]"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (problem_of(good[i]))
            fail_msg("%s: %s", good[i], problem_of(good[i]));
}

static void refuses_what_is_not(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "nul",
                                      "True",
                                      "nan",
                                      "Infinity",
                                      "01",
                                      "-",
                                      "+1",
                                      ".5",
                                      "1.",
                                      "1e",
                                      "1e+",
                                      "0x1",
                                      "\"",
                                      "\"a",
                                      "\"\\\"",
                                      "\"\\x41\"",
                                      "\"\\u00\"",
                                      "\"\\u12g4\"",
                                      "\"\\ud83d\"",
                                      "\"\\ud83d\\u0041\"",
                                      "\"\\udc33\"",
                                      "\"\\u0000\"",
                                      "\"\n\"",
                                      "\"\t\"",
                                      "\"\xff\"",
                                      "\"\xc0\x80\"",
                                      "\"\xed\xa0\x80\"",
                                      "'a'",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "[1}",
                                      "{",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":1",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{1:1}",
                                      "{\"a\" 1}",
                                      "{\"a\":1]",
                                      "{,}",
                                      "1 2",
                                      "[] []",
                                      "// a\n1",
                                      "\xef\xbb\xbf[]"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!problem_of(bad[i]))
            fail_msg("accepted: %s", bad[i]);
}

static void depth_is_limited(void **state)
{
    char text[2 * JSON_READER_DEPTH + 3];

    (void)state;
    memset(text, '[', JSON_READER_DEPTH);
    memset(text + JSON_READER_DEPTH, ']', JSON_READER_DEPTH);
    text[2 * JSON_READER_DEPTH] = '\0';
    assert_null(problem_of(text));
    memset(text, '[', JSON_READER_DEPTH + 1);
    memset(text + JSON_READER_DEPTH + 1, ']', JSON_READER_DEPTH + 1);
    text[2 * JSON_READER_DEPTH + 2] = '\0';
    assert_string_equal(problem_of(text), "nested deeper than 32");
}

static void texts_mean_characters(void **state)
{
    static const struct {
        const char *text, *meaning;
    } cases[] = {{"\"abc\"", "abc"},
                 {"\"\\u0041\\n\\\\\\\"\\/\"", "A\n\\\"/"},
                 {"\"\\u0120\\u4e2d\"", "\u0120\u4e2d"},
                 {"\"\\ud83d\\udc33x\"", "\U0001f433x"},
                 {"\"\u0120\"", "\u0120"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ts_json_reader r = ts_json_reader_of(ts_str_of(cases[i].text));
        char out[64];
        const ts_str text = ts_json_read_text(&r);
        const size_t n = ts_json_unescape(text, out);
        assert_null(r.problem);
        assert_true(n <= text.len);
        assert_true(ts_str_is((ts_str){out, n}, cases[i].meaning));
    }
}

static void sizes_are_whole_and_fit_64_bits(void **state)
{
    static const char *const bad[] = {"-1", "1.0", "1e3", "18446744073709551616", "\"1\"", "null"};
    ts_json_reader r = ts_json_reader_of(TS_STR("18446744073709551615"));

    (void)state;
    assert_true(ts_json_read_size(&r) == UINT64_MAX && !r.problem);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        r = ts_json_reader_of(ts_str_of(bad[i]));
        (void)ts_json_read_size(&r);
        assert_non_null(r.problem);
    }
}

static void the_first_problem_stays_and_names_its_place(void **state)
{
    ts_json_reader r = ts_json_reader_of(TS_STR("{\"a\": x, \"b\": \"\\q\"}"));
    tiefsee_error err = {0};
    ts_str key;

    (void)state;
    assert_true(ts_json_enter(&r, '{'));
    assert_true(ts_json_next_key(&r, &key));
    assert_int_equal(ts_json_read_text(&r).len, 0);
    assert_false(ts_json_next_key(&r, &key));
    assert_int_equal(ts_json_read_any(&r).len, 0);
    assert_int_equal(ts_json_reader_status(&r, "file", &err), TIEFSEE_E_FORMAT);
    assert_string_equal(err.message, "file: JSON, byte 6: a text expected");
    assert_int_equal(err.offset, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_is_json),
        cmocka_unit_test(refuses_what_is_not),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(texts_mean_characters),
        cmocka_unit_test(sizes_are_whole_and_fit_64_bits),
        cmocka_unit_test(the_first_problem_stays_and_names_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
