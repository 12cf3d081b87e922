/* test_splitter.c - reasoning and content apart, wherever the pieces break. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "formats/encoding.h"

typedef struct split {
    char text[3][256];
} split;

static void on_text(void *user, tiefsee_channel channel, const char *text, size_t n)
{
    split *out = user;
    char *to = out->text[channel];

    assert_true(n > 0 && strlen(to) + n < sizeof out->text[0]);
    strncat(to, text, n);
}

static const struct {
    bool in_reasoning;
    const char *text, *reasoning, *content;
} cases[] = {
    {true, "because</think>\n\nanswer", "because", "answer"},
    {true, "because\n</think>\n\nanswer\n\nmore\n", "because\n", "answer\n\nmore\n"},
    {true, "a < b and a </ b </thin </think>c", "a < b and a </ b </thin ", "c"},
    {true, "<think>\nbecause</think>answer", "because", "answer"},
    {true, "\n<think>because</think>answer", "\nbecause", "answer"},
    {true, "because <think> again</think>x", "because <think> again", "x"},
    {true, "one</think>two</think>three", "one", "two</think>three"},
    {true, "one</think><think>two", "one", "<think>two"},
    {true, "</think>at once", "", "at once"},
    {true, "never closed", "never closed", ""},
    {true, "never closed </think", "never closed </think", ""},
    {true, "</think></think>x", "", "</think>x"},
    {true, "<</think>x", "<", "x"},
    {true, "<</<</think>\r\n\r\nx", "<</<", "x"},
    {true, "because</think>  \nanswer", "because", "  \nanswer"},
    {true, "Größe → 10 </think>Größe", "Größe → 10 ", "Größe"},
    {true, "", "", ""},
    {true, "<", "<", ""},
    {false, "plain answer", "", "plain answer"},
    {false, "\n\nplain", "", "\n\nplain"},
    {false, "<think>\nbecause\n</think>\n\nanswer", "because\n", "answer"},
    {false, " \n<think>because</think>answer", "because", " \nanswer"},
    {false, "say <think> here", "", "say <think> here"},
    {false, "say </think> here", "", "say </think> here"},
    {false, "</think>\nanswer", "", "answer"},
    {false, "<thin", "", "<thin"},
    {false, "<b>bold</b>", "", "<b>bold</b>"},
    {false, "<think></think>x", "", "x"},
};

static void check(size_t i, const split *got)
{
    assert_string_equal(got->text[TIEFSEE_REASONING], cases[i].reasoning);
    assert_string_equal(got->text[TIEFSEE_CONTENT], cases[i].content);
}

static void splits_alike_for_every_pair_of_breaks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = cases[i].text;
        const size_t n = strlen(text);

        for (size_t a = 0; a <= n; a++)
            for (size_t b = a; b <= n; b++) {
                ts_splitter s;
                split got = {0};

                ts_splitter_start(&s, cases[i].in_reasoning);
                ts_splitter_feed(&s, text, a, on_text, &got);
                ts_splitter_feed(&s, text + a, b - a, on_text, &got);
                ts_splitter_feed(&s, text + b, n - b, on_text, &got);
                ts_splitter_end(&s, on_text, &got);
                check(i, &got);
            }
    }
}

static void splits_alike_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ts_splitter s;
        split got = {0};

        ts_splitter_start(&s, cases[i].in_reasoning);
        for (const char *p = cases[i].text; *p; p++)
            ts_splitter_feed(&s, p, 1, on_text, &got);
        ts_splitter_end(&s, on_text, &got);
        check(i, &got);
    }
}

static void holds_back_no_more_than_a_beginning_of_a_marker(void **state)
{
    (void)state;
    ts_splitter s;
    split got = {0};

    ts_splitter_start(&s, true);
    ts_splitter_feed(&s, "thought</thin", 13, on_text, &got);
    assert_string_equal(got.text[TIEFSEE_REASONING], "thought");
    ts_splitter_feed(&s, "g", 1, on_text, &got);
    assert_string_equal(got.text[TIEFSEE_REASONING], "thought</thing");
    ts_splitter_feed(&s, "</think>a<", 10, on_text, &got);
    assert_string_equal(got.text[TIEFSEE_CONTENT], "a<"); /* no marker counts any more */
}

static const struct {
    bool in_reasoning;
    const char *text, *reasoning, *content, *calls;
} with_calls[] = {
    {false, "so <｜tool▁calls▁begin｜>x<｜tool▁calls▁begin｜></think>", "", "so ",
     "x<｜tool▁calls▁begin｜></think>"},
    {true, "r<｜tool▁calls▁begin｜>s</think>\n<｜tool▁calls▁begin｜>\nc",
     "r<｜tool▁calls▁begin｜>s", "", "\nc"},
    {false, "<｜tool▁calls▁end｜> <｜tool▁calls▁begi", "",
     "<｜tool▁calls▁end｜> <｜tool▁calls▁begi", ""},
    {false, "<<｜tool▁calls▁begin｜>", "", "<", ""},
    {false, "<think>r</think><｜tool▁calls▁begin｜>c", "r", "", "c"},
};

static void calls_are_a_channel_of_their_own_wherever_the_text_breaks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof with_calls / sizeof *with_calls; i++) {
        const char *text = with_calls[i].text;
        const size_t n = strlen(text);

        for (size_t a = 0; a <= n; a++) {
            ts_splitter s;
            split got = {0};

            ts_splitter_start(&s, with_calls[i].in_reasoning);
            s.splits_calls = true;
            ts_splitter_feed(&s, text, a, on_text, &got);
            ts_splitter_feed(&s, text + a, n - a, on_text, &got);
            ts_splitter_end(&s, on_text, &got);
            assert_string_equal(got.text[TIEFSEE_REASONING], with_calls[i].reasoning);
            assert_string_equal(got.text[TIEFSEE_CONTENT], with_calls[i].content);
            assert_string_equal(got.text[TIEFSEE_CALLS], with_calls[i].calls);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_alike_for_every_pair_of_breaks),
        cmocka_unit_test(splits_alike_byte_by_byte),
        cmocka_unit_test(calls_are_a_channel_of_their_own_wherever_the_text_breaks),
        cmocka_unit_test(holds_back_no_more_than_a_beginning_of_a_marker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
