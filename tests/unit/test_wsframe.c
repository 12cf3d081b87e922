/* test_wsframe.c - frames of RFC 6455, its examples, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/http/wsframe.h"

typedef struct heard {
    char text[512];
    size_t n_text, n_messages;
    ts_ws_opcode control;
    char payload[TS_WS_MAX_CONTROL];
    size_t n_payload;
    bool waits; /* behind a message */
} heard;

static bool on_text(void *user, const char *bytes, size_t n)
{
    heard *h = user;

    assert_true(n > 0 && n <= sizeof h->text - h->n_text);
    memcpy(h->text + h->n_text, bytes, n);
    h->n_text += n;
    return true;
}

static bool on_end(void *user)
{
    heard *h = user;

    h->n_messages++;
    return !h->waits;
}

static bool on_control(void *user, ts_ws_opcode opcode, const char *bytes, size_t n)
{
    heard *h = user;

    h->control = opcode;
    memcpy(h->payload, bytes, n);
    h->n_payload = n;
    return opcode != TS_WS_CLOSE;
}

static const ts_ws_events events = {on_text, on_end, on_control};

/* "Hello", masked; RFC 6455, 5.7. */
static const char hello[] = "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

static size_t feed(ts_ws_parser *p, heard *h, const char *bytes, size_t n, size_t piece)
{
    char copy[1024];
    size_t at = 0;

    assert_true(n <= sizeof copy);
    memcpy(copy, bytes, n);
    while (at < n && !p->error) {
        const size_t part = n - at < piece ? n - at : piece;
        const size_t taken = ts_ws_feed(p, copy + at, part, &events, h);

        at += taken;
        if (taken < part)
            break;
    }
    return at;
}

static void reads_a_message_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof hello; piece++) {
        ts_ws_parser p = {0};
        heard h = {0};

        assert_int_equal(feed(&p, &h, hello, sizeof hello - 1, piece), sizeof hello - 1);
        assert_int_equal(p.error, 0);
        assert_int_equal(h.n_messages, 1);
        assert_int_equal(h.n_text, 5);
        assert_memory_equal(h.text, "Hello", 5);
    }
}

static void joins_fragments_and_hears_what_comes_between(void **state)
{
    static const char bytes[] = "\x01\x83\0\0\0\0Hel\x89\x81\0\0\0\0?\x80\x82\0\0\0\0lo";
    ts_ws_parser p = {0};
    heard h = {0};

    (void)state;
    assert_int_equal(feed(&p, &h, bytes, sizeof bytes - 1, 4), sizeof bytes - 1);
    assert_true(h.n_messages == 1 && h.n_text == 5 && memcmp(h.text, "Hello", 5) == 0);
    assert_true(h.control == TS_WS_PING && h.n_payload == 1 && h.payload[0] == '?');
}

static void stops_behind_a_message_that_must_wait(void **state)
{
    char twice[2 * sizeof hello];
    ts_ws_parser p = {0};
    heard h = {.waits = true};
    const size_t n = sizeof hello - 1;

    (void)state;
    memcpy(twice, hello, n);
    memcpy(twice + n, hello, n);
    assert_int_equal(feed(&p, &h, twice, 2 * n, 2 * n), n);
    assert_int_equal(h.n_messages, 1);
    assert_int_equal(feed(&p, &h, twice + n, n, n), n);
    assert_int_equal(h.n_messages, 2);
}

static void refuses_what_is_no_clients_frame(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        ts_ws_code code;
    } cases[] = {
        {"\x81\x00", 2, TS_WS_PROTOCOL},                            /* no mask */
        {"\xc1\x80\0\0\0\0", 6, TS_WS_PROTOCOL},                    /* a reserved bit */
        {"\x83\x80\0\0\0\0", 6, TS_WS_PROTOCOL},                    /* a reserved opcode */
        {"\x8b\x80\0\0\0\0", 6, TS_WS_PROTOCOL},                    /* and one for control */
        {"\x80\x80\0\0\0\0", 6, TS_WS_PROTOCOL},                    /* nothing to continue */
        {"\x09\x80\0\0\0\0", 6, TS_WS_PROTOCOL},                    /* a ping in pieces */
        {"\x89\xfe\0\x7e\0\0\0\0", 8, TS_WS_PROTOCOL},              /* a long ping */
        {"\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 14, TS_WS_PROTOCOL}, /* 2^63 bytes */
        {"\x82\x80\0\0\0\0", 6, TS_WS_UNSUPPORTED},                 /* binary */
        {"\x01\x80\0\0\0\0\x81\x80\0\0\0\0", 12, TS_WS_PROTOCOL},   /* one within another */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ts_ws_parser p = {0};
        heard h = {0};

        (void)feed(&p, &h, cases[i].bytes, cases[i].n, 3);
        assert_int_equal(p.error, cases[i].code);
        assert_int_equal(h.n_messages, 0);
    }
}

static void knows_which_codes_may_close(void **state)
{
    (void)state;
    assert_int_equal(ts_ws_close_code("", 0), TS_WS_NO_CODE);
    assert_int_equal(ts_ws_close_code("\x03\xe8"
                                      "bye",
                                      5),
                     1000);
    assert_int_equal(ts_ws_close_code("\x0f\xa0", 2), 4000);
    assert_int_equal(ts_ws_close_code("\x03", 1), TS_WS_PROTOCOL);
    assert_int_equal(ts_ws_close_code("\x03\xe7", 2), TS_WS_PROTOCOL); /* 999 */
    assert_int_equal(ts_ws_close_code("\x03\xee", 2), TS_WS_PROTOCOL); /* 1006 */
    assert_int_equal(ts_ws_close_code("\x03\xe8\xff", 3), TS_WS_PROTOCOL);
}

static void writes_heads_of_every_length(void **state)
{
    uint8_t head[TS_WS_MAX_HEAD];

    (void)state;
    assert_int_equal(ts_ws_head(head, TS_WS_TEXT, 125), 2);
    assert_true(head[0] == 0x81 && head[1] == 125);
    assert_int_equal(ts_ws_head(head, TS_WS_TEXT, 256), 4);
    assert_true(head[1] == 126 && head[2] == 1 && head[3] == 0);
    assert_int_equal(ts_ws_head(head, TS_WS_PONG, 65536), 10);
    assert_true(head[0] == 0x8a && head[1] == 127 && head[7] == 1 && head[9] == 0);
}

static void answers_the_standards_key(void **state)
{
    char accept[TS_WS_ACCEPT_SIZE];

    (void)state;
    assert_true(ts_ws_accept(TS_STR("dGhlIHNhbXBsZSBub25jZQ=="), accept));
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_false(ts_ws_accept(TS_STR("dGhlIHNhbXBsZSBub25jZQ="), accept));
    assert_false(ts_ws_accept(TS_STR("************************"), accept));
    assert_true(ts_ws_has_token(TS_STR("keep-alive, Upgrade"), "upgrade"));
    assert_false(ts_ws_has_token(TS_STR("upgraded, up grade"), "upgrade"));
    assert_false(ts_ws_has_token((ts_str){NULL, 0}, "upgrade"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_message_in_pieces_of_any_size),
        cmocka_unit_test(joins_fragments_and_hears_what_comes_between),
        cmocka_unit_test(stops_behind_a_message_that_must_wait),
        cmocka_unit_test(refuses_what_is_no_clients_frame),
        cmocka_unit_test(knows_which_codes_may_close),
        cmocka_unit_test(writes_heads_of_every_length),
        cmocka_unit_test(answers_the_standards_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
