/* test_toolcalls.c - calls taken apart, wherever the text breaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/compiler.h"
#include "formats/toolcalls.h"

#define B TS_CALL_BEGIN
#define S TS_CALL_SEP
#define E TS_CALL_END
#define Z TS_CALLS_END

/* "name(arguments);" for each call; without ";" it is not complete. */
static const struct {
    ts_call_style style;
    const char *text, *calls;
} cases[] = {
    {TS_CALLS_PLAIN, B "f" S "{}" E Z, "f({});"},
    {TS_CALLS_PLAIN, B "f" S "{\"a\": 1}" E B "g" S "{}" E Z, "f({\"a\": 1});g({});"},
    {TS_CALLS_PLAIN, B "f" S "{\"a\": \"" E B "\\\"" E "\"}" E Z,
     "f({\"a\": \"" E B "\\\"" E "\"});"},
    {TS_CALLS_PLAIN, "noise " B "f" S "{}" E "noise" B "g" S "{}" E, "f({});g({});"},
    {TS_CALLS_PLAIN, B "f" S "{\"a\": ", "f({\"a\": "},
    {TS_CALLS_PLAIN, B "f" S "{} <｜tool▁call▁e", "f({} <｜tool▁call▁e"},
    {TS_CALLS_PLAIN, B "f", ""},
    {TS_CALLS_PLAIN, B S "{}" E B "g" S "{}" E, "g({});"},
    {TS_CALLS_PLAIN, "", ""},
    {TS_CALLS_PLAIN, B B "f" S "{<<｜tool<}" E, B "f({<<｜tool<});"},
    {TS_CALLS_FENCED, B "function" S "f\n```json\n{}\n```" E Z, "f({});"},
    {TS_CALLS_FENCED,
     B "function" S "f\n```json\n{\"a\":\n1}\n```" E "\n" B "function" S "g\n```json\n{}\n```" E Z,
     "f({\"a\":\n1});g({});"},
    {TS_CALLS_FENCED, B "function" S "f\n```json\n{\n\n``\n```" E, "f({\n\n``);"},
    {TS_CALLS_FENCED, B "function" S "f\n```json\n{}\n``", "f({}\n``"},
    {TS_CALLS_FENCED, B "function" S "f\n```jso", ""},
};

typedef struct record {
    char text[512];
} record;

static void add(record *r, const char *text, size_t n)
{
    const size_t at = strlen(r->text);

    assert_true(at + n < sizeof r->text);
    memcpy(r->text + at, text, n);
    r->text[at + n] = '\0';
}

static void on_begin(void *user, const char *name)
{
    add(user, name, strlen(name));
    add(user, "(", 1);
}

static void on_arguments(void *user, const char *text, size_t n)
{
    assert_true(n > 0);
    add(user, text, n);
}

static void on_end(void *user)
{
    add(user, ");", 2);
}

static const ts_call_events events = {on_begin, on_arguments, on_end};

static void feed(ts_call_parser *p, const char *text, size_t n, record *r)
{
    ts_call_parser_feed(p, text, n, &events, r);
}

static void finds_the_same_calls_for_every_pair_of_breaks(void **state)
{
    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++) {
        const char *text = cases[i].text;
        const size_t n = strlen(text);

        for (size_t a = 0; a <= n; a++)
            for (size_t b = a; b <= n; b++) {
                ts_call_parser p = {.style = cases[i].style};
                record r = {0};

                feed(&p, text, a, &r);
                feed(&p, text + a, b - a, &r);
                feed(&p, text + b, n - b, &r);
                ts_call_parser_end(&p, &events, &r);
                assert_string_equal(r.text, cases[i].calls);
            }
    }
}

static void drops_a_call_whose_name_has_no_end(void **state)
{
    ts_call_parser p = {.style = TS_CALLS_PLAIN};
    record r = {0};

    (void)state;
    feed(&p, B, strlen(B), &r);
    for (int i = 0; i <= TS_CALL_NAME_MAX; i++)
        feed(&p, "x", 1, &r);
    feed(&p, S "{}" E B "g" S "{}" E, strlen(S "{}" E B "g" S "{}" E), &r);
    ts_call_parser_end(&p, &events, &r);
    assert_string_equal(r.text, "g({});");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_same_calls_for_every_pair_of_breaks),
        cmocka_unit_test(drops_a_call_whose_name_has_no_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
