/* test_turn_title.c - the name of a conversation is one line of whole words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/compiler.h"
#include "core/utf8.h"
#include "server/api/turn_title.h"

static const struct {
    const char *text, *title;
} cases[] = {
    {"What is 17 + 25?", "What is 17 + 25?"},
    {"  # Plan\n\tfor   today \n", "Plan for today"},
    {"", ""},
    {" \n ", ""},
    {"a word and another one until there is no more room for it at all",
     "a word and another one until there is no more room for it at…"},
    {"012345678901234567890123456789012345678901234567890123456789012345",
     "012345678901234567890123456789012345678901234567890123456789…"},
    {"01234567890123456789012345678901234567890123456789012345678  ",
     "01234567890123456789012345678901234567890123456789012345678"},
};

static void is_the_first_words(void **state)
{
    char title[TS_TITLE_SIZE];

    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        ts_turn_title(title, cases[i].text);
        assert_string_equal(title, cases[i].title);
    }
}

static void is_cut_between_characters(void **state)
{
    char title[TS_TITLE_SIZE], text[400] = "";

    (void)state;
    for (int lead = 0; lead < 4; lead++) {
        memset(text, 'x', (size_t)lead);
        text[lead] = '\0';
        while (strlen(text) < 200)
            memcpy(text + strlen(text), lead % 2 ? "深" : "🌊", lead % 2 ? 4 : 5);
        ts_turn_title(title, text);
        assert_true(ts_utf8_is_valid(title, strlen(title)));
        assert_true(strlen(title) > 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_first_words),
        cmocka_unit_test(is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
