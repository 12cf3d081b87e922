/* test_utf8_stream.c - streaming decode: whole characters, whatever the pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/utf8.h"
#include "formats/bpe.h"

static size_t decode(const char *bytes, size_t n, size_t step, char *out)
{
    ts_utf8_stream s = {0};
    size_t written = 0;

    for (size_t at = 0; at < n; at += step) {
        const size_t take = n - at < step ? n - at : step;
        const size_t more = ts_utf8_stream_feed(&s, bytes + at, take, out + written);
        assert_true(more <= 3 * (take + 4));
        assert_true(ts_utf8_is_valid(out + written, more)); /* never half a character */
        written += more;
    }
    return written + ts_utf8_stream_end(&s, out + written);
}

#define FFFD "\xef\xbf\xbd"

/* As Rust's from_utf8_lossy and the Encoding Standard of the WHATWG have it. */
static void broken_bytes_become_one_mark_per_beginning(void **state)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
        {"\xf0\x9f\x98\x80!", "\xf0\x9f\x98\x80!"},
        {"\xf0\x9f\x98", FFFD},
        {"\xf0\x9f\x98!", FFFD "!"},
        {"\xf0\x9f\xe2\x82\xac", FFFD "\xe2\x82\xac"},
        {"\xc3\xc3\xa9", FFFD "\xc3\xa9"},
        {"\xc0\x80", FFFD FFFD},
        {"\xed\xa0\x80", FFFD FFFD FFFD},
        {"\xe0\x80\x80", FFFD FFFD FFFD},
        {"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD},
        {"\xff\xfe", FFFD FFFD},
        {"\x80\xe2\x82", FFFD FFFD},
        {"\xf1\x80\x80\xc3", FFFD FFFD},
        {"\xe1\x80\x41", FFFD "A"},
    };

    (void)state;
    for (size_t i = 0; i < TS_COUNT(cases); i++)
        for (size_t step = 1; step <= 5; step++) {
            char out[100] = {0};
            const size_t n = decode(cases[i].bytes, strlen(cases[i].bytes), step, out);
            out[n] = '\0';
            assert_string_equal(out, cases[i].text);
        }
}

static void valid_text_is_unchanged_in_random_pieces(void **state)
{
    uint32_t random = 7;
    char text[4000], out[12100];
    size_t n = 0;

    (void)state;
    while (n < sizeof text - 4) {
        random = random * 1664525 + 1013904223;
        const uint32_t code = (random >> 8) % (random & 1 ? 0x110000 : 0x800);
        if (code < 0xd800 || code > 0xdfff)
            n += ts_utf8_encode(code, text + n);
    }
    for (size_t step = 1; step < 40; step++) {
        assert_int_equal(decode(text, n, step, out), n);
        assert_memory_equal(out, text, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_bytes_become_one_mark_per_beginning),
        cmocka_unit_test(valid_text_is_unchanged_in_random_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
