/* test_stop.c - stop strings across every cut of the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/utf8.h"
#include "engine/stop.h"

typedef struct sink {
    char text[256];
    size_t n;
} sink;

static void collect(void *user, const char *text, size_t n)
{
    sink *s = user;

    assert_true(ts_utf8_is_valid(text, n));
    assert_true(s->n + n < sizeof s->text);
    memcpy(s->text + s->n, text, n);
    s->n += n;
    s->text[s->n] = '\0';
}

/* Feed text in pieces that end at every set of borders, at most two cuts. */
static void expect(const char *const *stops, size_t n_stops, const char *text, const char *want,
                   int want_index)
{
    const size_t n = strlen(text);

    for (size_t a = 0; a <= n; a++)
        for (size_t b = a; b <= n; b++) {
            if (ts_utf8_whole(text, a) != a || ts_utf8_whole(text, b) != b)
                continue; /* the matcher is given whole characters */
            sink out = {.n = 0};
            ts_stop s;
            int met = -1;
            const size_t border[4] = {0, a, b, n};

            assert_int_equal(ts_stop_start(&s, stops, n_stops, NULL), TIEFSEE_OK);
            for (int i = 0; i < 3 && met < 0; i++)
                met = ts_stop_feed(&s, text + border[i], border[i + 1] - border[i], collect, &out);
            if (met < 0)
                ts_stop_end(&s, collect, &out);
            assert_int_equal(met, want_index);
            assert_string_equal(out.text, want);
        }
}

static void finds_a_stop_string_wherever_the_text_is_cut(void **state)
{
    static const char *const stops[] = {"\nUser:", "END"};

    (void)state;
    expect(stops, 2, "hello\nUser: x", "hello", 0);
    expect(stops, 2, "the EN of ENDs", "the EN of ", 1);
    expect(stops, 2, "no stop\nUse", "no stop\nUse", -1);
}

static void keeps_a_beginning_that_overlaps_itself(void **state)
{
    static const char *const stops[] = {"aab", "ababac"};

    (void)state;
    expect(stops, 2, "aaaab", "aa", 0);
    expect(stops, 2, "abababac", "ab", 1);
    expect(stops, 2, "ababaxa", "ababaxa", -1);
}

static void passes_on_whole_characters_only(void **state)
{
    static const char *const stops[] = {"\xc3\xa9t\xc3\xa9"};

    (void)state;
    expect(stops, 1, "\xc3\xa9t\xc3\xa0 \xe4\xb8\xad\xe6\x96\x87",
           "\xc3\xa9t\xc3\xa0 \xe4\xb8\xad\xe6\x96\x87", -1);
    expect(stops, 1, "x\xc3\xa9t\xc3\xa9x", "x", 0);
}

static void refuses_empty_long_and_too_many(void **state)
{
    static char long_one[300];
    const char *const empty[] = {"a", ""}, *const too_long[] = {long_one};
    const char *many[TS_MAX_STOPS + 1];
    tiefsee_error err;
    ts_stop s;

    (void)state;
    memset(long_one, 'x', sizeof long_one - 1);
    for (size_t i = 0; i < TS_MAX_STOPS + 1; i++)
        many[i] = "x";
    assert_int_equal(ts_stop_start(&s, empty, 2, &err), TIEFSEE_E_INVALID);
    assert_string_equal(err.message, "stop string 1 has 0 bytes (1 to 256 allowed)");
    assert_int_equal(ts_stop_start(&s, too_long, 1, &err), TIEFSEE_E_INVALID);
    assert_int_equal(ts_stop_start(&s, many, TS_MAX_STOPS + 1, &err), TIEFSEE_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_stop_string_wherever_the_text_is_cut),
        cmocka_unit_test(keeps_a_beginning_that_overlaps_itself),
        cmocka_unit_test(passes_on_whole_characters_only),
        cmocka_unit_test(refuses_empty_long_and_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
