/* test_pretokenize.c - where the five pre-tokenizers cut; the many cases are in
 * tests/conformance/tokenizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/str.h"
#include "formats/pretokenize.h"

static bool add_piece(void *user, const char *piece, size_t n)
{
    ts_buf *out = user;

    assert_true(n > 0);
    return ts_buf_append_str(out, out->len ? "|" : "") && ts_buf_append(out, piece, n);
}

static void expect_pieces(ts_pretokenizer pre, const char *text, const char *want)
{
    ts_buf out = ts_buf_make(1000);

    assert_true(ts_pretokenize(pre, text, strlen(text), add_piece, &out));
    assert_string_equal(out.ptr ? out.ptr : "", want);
    ts_buf_free(&out);
}

static void cuts_as_the_published_regexes_do(void **state)
{
    static const struct {
        ts_pretokenizer pre;
        const char *text, *pieces;
    } cases[] = {
        {TS_PRE_DEEPSEEK_V3, "", ""},
        {TS_PRE_DEEPSEEK_V3, "Hello, world! 12345", "Hello|,| world|!| |123|45"},
        {TS_PRE_DEEPSEEK_V3, "a.b  c\n\n  d", "a|.b| | c|\n\n| | d"},
        {TS_PRE_DEEPSEEK_V3, "x  5", "x|  |5"}, /* the piece ends before the digit */
        {TS_PRE_DEEPSEEK_V3, "\u4e2d\u30a2\u30fb\u30a4\u7684x",
         "\u4e2d\u30a2|\u30fb|\u30a4\u7684|x"},
        {TS_PRE_DEEPSEEK_V3,
         "\x01\x01"
         "a\x01",
         "\x01|\x01"
         "a|\x01"}, /* a gap is a piece */
        {TS_PRE_DEEPSEEK_V3, "e\u0301\u0301 \u0301", "e\u0301\u0301| \u0301"},
        {TS_PRE_QWEN2, "it's IT'LL 'x 12", "it|'s| IT|'LL| '|x| |1|2"},
        {TS_PRE_QWEN2, "it'\u017fo", "it|'\u017f|o"}, /* long s folds to s */
        {TS_PRE_QWEN2, " \n \t\n x", " \n \t\n| x"},
        {TS_PRE_LLAMA3, "1234 ?!\r\n\r\n.", "123|4| ?!\r\n\r\n|."},
        {TS_PRE_LLAMA3, "a\u00a0\u00a0b\t", "a|\u00a0|\u00a0b|\t"},
        {TS_PRE_DEEPSEEK_LLM, "ab  cd\n12 ,;x  ", "ab| | cd|\n|1|2| ,;|x|  "},
        {TS_PRE_DEEPSEEK_LLM, "vi\u1ec7t \u4f60\u597d", "vi|\u1ec7|t| |\u4f60\u597d"},
        {TS_PRE_DEEPSEEK_LLM, "a \u3000b\u3000", "a| |\u3000|b|\u3000"},
        {TS_PRE_DEEPSEEK_CODER, "if (a_1)\r\n  b", "if| (|a|_|1|)|\r|\n| | b"},
    };

    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++)
        expect_pieces(cases[i].pre, cases[i].text, cases[i].pieces);
}

static bool stop_at_second(void *user, const char *piece, size_t n)
{
    int *calls = user;

    (void)piece;
    (void)n;
    return ++*calls < 2;
}

static void stops_when_told(void **state)
{
    (void)state;
    for (int pre = TS_PRE_DEEPSEEK_LLM; pre <= TS_PRE_LLAMA3; pre++) {
        int calls = 0;
        assert_false(ts_pretokenize((ts_pretokenizer)pre, "a 1 b 2 c", 9, stop_at_second, &calls));
        assert_int_equal(calls, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_as_the_published_regexes_do),
        cmocka_unit_test(stops_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
