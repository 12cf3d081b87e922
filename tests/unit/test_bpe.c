/* test_bpe.c - byte-level BPE on a vocabulary of a few merges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "formats/bpe.h"
#include "support/tiny_vocab.h"

static const char *const merges[] = {"h e",
                                     "l l",
                                     "he ll",
                                     "hell o",
                                     "\xc4\xa0 w",
                                     "a a",
                                     "aa aa",
                                     "b c",
                                     "a b",
                                     "\xc4\xa0 \xc4\xa0",
                                     "\xc3\x83 \xc2\xa9",
                                     NULL};

static void open_bpe(ts_bpe **b, const ts_vocab *v)
{
    tiefsee_error err = {0};

    if (ts_bpe_new(b, v, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
}

/* The tokens of a text, between bars, for comparison in plain sight. */
static const char *shown(const ts_bpe *b, const char *text, bool with_special)
{
    static char out[1000];
    ts_tokens ids = {.max = 1000};
    tiefsee_error err = {0};
    size_t n = 0;

    if (ts_bpe_encode(b, text, strlen(text), with_special, &ids, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    out[0] = '\0';
    for (size_t i = 0; i < ids.n; i++) {
        const ts_str t = ts_bpe_bytes(b, ids.ids[i]);
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s", i ? "|" : "", (int)t.len, t.ptr);
    }
    ts_tokens_free(&ids);
    return out;
}

static void merges_the_lowest_rank_first_and_the_leftmost_of_equals(void **state)
{
    tiny_vocab v;
    ts_bpe *b;

    (void)state;
    tiny_vocab_init(&v, TS_PRE_QWEN2, merges);
    open_bpe(&b, &v.vocab);
    assert_string_equal(shown(b, "hello", true), "hello");
    assert_string_equal(shown(b, "hellhe", true), "hell|he");
    assert_string_equal(shown(b, "aaa", true), "aa|a");
    assert_string_equal(shown(b, "aaaaaaa", true), "aaaa|aa|a");
    assert_string_equal(shown(b, "abc", true), "a|bc"); /* "b c" outranks "a b" */
    assert_string_equal(shown(b, "hello world", true), "hello| w|o|r|l|d");
    assert_string_equal(shown(b, "", true), "");
    ts_bpe_free(b);
}

/* The definition, without cleverness. */
static size_t merge_slowly(const tiny_vocab *v, const char *text, size_t n, int32_t *id)
{
    for (size_t i = 0; i < n; i++)
        id[i] = (unsigned char)text[i];
    for (;;) {
        size_t best = n;
        uint32_t best_rank = UINT32_MAX, made = 0;
        for (size_t i = 0; i + 1 < n; i++)
            for (uint32_t r = 0; r < v->vocab.n_merges && r < best_rank; r++)
                if (ts_str_eq(v->text[id[i]], v->left[r]) &&
                    ts_str_eq(v->text[id[i + 1]], v->right[r])) {
                    best = i;
                    best_rank = r;
                }
        if (best == n)
            return n;
        char both[TINY_MAX_TEXT] = {0};
        memcpy(both, v->left[best_rank].ptr, v->left[best_rank].len);
        memcpy(both + v->left[best_rank].len, v->right[best_rank].ptr, v->right[best_rank].len);
        while (!ts_str_is(v->text[made], both))
            made++;
        id[best] = (int32_t)made;
        memmove(id + best + 1, id + best + 2, (n - best - 2) * sizeof *id);
        n--;
    }
}

/* Long pieces go through a queue, short ones do not; one list has a token that
 * is made at a later rank than a merge of it ("cb a" before "c b"). */
static void long_and_short_pieces_follow_the_definition(void **state)
{
    static const char *const lists[][12] = {
        {"a b", "b c", "ab c", "a a", "aa aa", "c c", "abc abc", "c a", "ca b", NULL},
        {"cb a", "a cb", "b a", "c b", "a a", "cba cba", "aa cb", "ba c", "b b", NULL},
    };
    tiny_vocab v;
    uint32_t random = 1;

    (void)state;
    for (size_t l = 0; l < TS_COUNT(lists); l++) {
        ts_bpe *b;
        tiny_vocab_init(&v, TS_PRE_QWEN2, lists[l]);
        open_bpe(&b, &v.vocab);
        for (size_t n = 1; n < 300; n++) {
            char text[300];
            int32_t want[300];
            ts_tokens got = {.max = 300};

            for (size_t i = 0; i < n; i++) {
                random = random * 1664525 + 1013904223;
                text[i] = "abc"[(random >> 16) % 3];
            }
            assert_int_equal(ts_bpe_encode(b, text, n, false, &got, NULL), TIEFSEE_OK);
            assert_int_equal(got.n, merge_slowly(&v, text, n, want));
            assert_memory_equal(got.ids, want, got.n * sizeof *want);
            ts_tokens_free(&got);
        }
        ts_bpe_free(b);
    }
}

static void added_tokens_are_the_longest_and_come_before_everything(void **state)
{
    tiny_vocab v;
    ts_bpe *b;

    (void)state;
    tiny_vocab_init(&v, TS_PRE_QWEN2, merges);
    const int32_t think = tiny_vocab_add(&v, "<think>", TS_TOKEN_USER_DEFINED);
    const int32_t turn = tiny_vocab_add(&v, "<|User|>", TS_TOKEN_CONTROL);
    tiny_vocab_add(&v, "<|User|>!!", TS_TOKEN_CONTROL);
    tiny_vocab_add(&v, "he<", TS_TOKEN_USER_DEFINED);
    open_bpe(&b, &v.vocab);
    assert_string_equal(shown(b, "he<think>hello<|User|>!", true),
                        "he<|t|h|i|n|k|>|hello|<|User|>|!");
    assert_string_equal(shown(b, "a<think>hello", false), "a|<think>|hello");
    assert_string_equal(shown(b, "<|User|>!!!<|User|", true), "<|User|>!!|!|<|||U|s|e|r||");
    assert_string_equal(shown(b, "<|User|>", false), "<|||U|s|e|r|||>");
    assert_int_equal(ts_bpe_find(b, "<think>"), think);
    assert_int_equal(ts_bpe_find(b, "<|User|>"), turn);
    assert_int_equal(ts_bpe_find(b, "<|Use"), -1);
    assert_int_equal(ts_bpe_find(b, " w"), 256 + 4);
    assert_true(ts_bpe_is_control(b, turn));
    assert_false(ts_bpe_is_control(b, think));
    ts_bpe_free(b);
}

static void every_byte_comes_back(void **state)
{
    tiny_vocab v;
    ts_bpe *b;
    char text[1024], back[1024];
    size_t n = 0;
    ts_tokens ids = {.max = 1024};

    (void)state;
    for (size_t i = 0; i < 1024; i++)
        text[i] = (char)(i * 7 + i / 256);
    tiny_vocab_init(&v, TS_PRE_DEEPSEEK_V3, merges);
    open_bpe(&b, &v.vocab);
    assert_int_equal(ts_bpe_encode(b, text, sizeof text, true, &ids, NULL), TIEFSEE_OK);
    for (size_t i = 0; i < ids.n; i++) {
        const ts_str t = ts_bpe_bytes(b, ids.ids[i]);
        memcpy(back + n, t.ptr, t.len);
        n += t.len;
    }
    assert_int_equal(n, sizeof text);
    assert_memory_equal(back, text, n);
    /* Bytes that are no UTF-8 stand alone, also next to what they could merge with. */
    assert_string_equal(shown(b, "he\xc3", true), "he|\xc3");
    assert_string_equal(shown(b, "\xc3\xa9\xa9", true), "\xc3\xa9|\xa9");
    ts_tokens_free(&ids);
    ts_bpe_free(b);
}

static void a_piece_that_is_a_token_is_taken_whole_if_merges_are_ignored(void **state)
{
    tiny_vocab v;
    ts_bpe *b;

    (void)state;
    tiny_vocab_init(&v, TS_PRE_LLAMA3, merges);
    const int32_t whole = tiny_vocab_add(&v, "abcd", TS_TOKEN_NORMAL);
    const int32_t control = tiny_vocab_add(&v, "wxyz", TS_TOKEN_CONTROL);
    open_bpe(&b, &v.vocab);
    assert_string_equal(shown(b, "abcd", true), "a|bc|d");
    ts_bpe_free(b);
    v.vocab.ignore_merges = true;
    open_bpe(&b, &v.vocab);
    assert_string_equal(shown(b, "abcd", true), "abcd");
    assert_string_equal(shown(b, "wxyz", false), "w|x|y|z");
    assert_int_equal(ts_bpe_find(b, "abcd"), whole);
    assert_int_equal(ts_bpe_find(b, "wxyz"), control);
    ts_bpe_free(b);
}

static void the_list_of_tokens_has_a_maximum_and_failing_leaves_it_as_it_was(void **state)
{
    tiny_vocab v;
    ts_bpe *b;
    ts_tokens ids = {.max = 3};
    tiefsee_error err = {0};

    (void)state;
    tiny_vocab_init(&v, TS_PRE_QWEN2, merges);
    open_bpe(&b, &v.vocab);
    assert_int_equal(ts_bpe_encode(b, "hello!", 6, true, &ids, NULL), TIEFSEE_OK);
    assert_int_equal(ids.n, 2);
    assert_int_equal(ts_bpe_encode(b, "xyz", 3, true, &ids, &err), TIEFSEE_E_LIMIT);
    assert_string_equal(err.message, "the text has more than 3 tokens");
    assert_int_equal(ids.n, 2);
    ts_tokens_free(&ids);
    ts_bpe_free(b);
}

static void a_broken_vocabulary_is_refused_by_name(void **state)
{
    tiny_vocab v;
    ts_bpe *b = NULL;
    tiefsee_error err = {0};

    (void)state;
    tiny_vocab_init(&v, TS_PRE_QWEN2, merges);
    v.text[0x41] = (ts_str){0};
    assert_int_equal(ts_bpe_new(&b, &v.vocab, &err), TIEFSEE_E_FORMAT);
    assert_string_equal(err.message, "tokenizer: the vocabulary has no token for byte 0x41");
    assert_null(b);

    tiny_vocab_init(&v, TS_PRE_QWEN2, merges);
    v.text[256 + 2] = (ts_str){0}; /* "hell" */
    assert_int_equal(ts_bpe_new(&b, &v.vocab, &err), TIEFSEE_E_FORMAT);
    assert_string_equal(err.message, "tokenizer: merge 2: no token 'hell'");

    tiny_vocab_init(&v, TS_PRE_UNKNOWN, merges);
    assert_int_equal(ts_bpe_new(&b, &v.vocab, &err), TIEFSEE_E_UNSUPPORTED);

    tiny_vocab_init(&v, TS_PRE_QWEN2, merges);
    v.vocab.bos = (int32_t)v.vocab.n_tokens;
    assert_int_equal(ts_bpe_new(&b, &v.vocab, &err), TIEFSEE_E_FORMAT);
    v.vocab.bos = -1;
    tiny_vocab_add(&v, "<x>", TS_TOKEN_CONTROL);
    tiny_vocab_add(&v, "<x>", TS_TOKEN_USER_DEFINED);
    assert_int_equal(ts_bpe_new(&b, &v.vocab, &err), TIEFSEE_E_FORMAT);
}

/* The bytes that no UTF-8 contains may have only a user-defined token (deepseek-llm). */
static void a_byte_may_have_its_token_among_the_added_ones(void **state)
{
    tiny_vocab v;
    ts_bpe *b;
    ts_tokens ids = {.max = 10};

    (void)state;
    tiny_vocab_init(&v, TS_PRE_DEEPSEEK_LLM, merges);
    v.text[0xff] = (ts_str){0};
    const int32_t id = tiny_vocab_add(&v, "\xc3\xbf", TS_TOKEN_USER_DEFINED);
    open_bpe(&b, &v.vocab);
    assert_int_equal(ts_bpe_encode(b, "a\xff", 2, false, &ids, NULL), TIEFSEE_OK);
    assert_int_equal(ids.n, 2);
    assert_int_equal(ids.ids[1], id);
    ts_tokens_free(&ids);
    ts_bpe_free(b);
}

static void unknown_ids_have_no_bytes(void **state)
{
    tiny_vocab v;
    ts_bpe *b;

    (void)state;
    tiny_vocab_init(&v, TS_PRE_QWEN2, merges);
    v.vocab.n_tokens += 2; /* holes */
    v.vocab.eos = 7;
    v.vocab.adds_bos = true;
    open_bpe(&b, &v.vocab);
    assert_null(ts_bpe_bytes(b, -1).ptr);
    assert_null(ts_bpe_bytes(b, (int32_t)v.vocab.n_tokens).ptr);
    assert_null(ts_bpe_bytes(b, (int32_t)v.vocab.n_tokens - 1).ptr);
    assert_int_equal(ts_bpe_size(b), v.vocab.n_tokens);
    assert_int_equal(ts_bpe_bos(b), -1);
    assert_int_equal(ts_bpe_eos(b), 7);
    assert_true(ts_bpe_adds_bos(b));
    ts_bpe_free(b);
}

/* Fail the 1st, 2nd, ... allocation: an error each time, nothing leaks. */
static void running_out_of_memory_is_an_error_everywhere(void **state)
{
    tiny_vocab v;
    char text[3000];
    bool done = false;

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "abcaab"[i % 6];
    memcpy(text + 1000, " e\xcc\xa3\xcc\x81 ", 7); /* unsettled in NFC */
    tiny_vocab_init(&v, TS_PRE_QWEN2, merges);
    v.vocab.normalizes_nfc = true;
    for (uint64_t fail_at = 1; !done; fail_at++) {
        ts_bpe *b = NULL;
        ts_tokens ids = {.max = 10000};
        tiefsee_error err = {0};

        ts_alloc_reset(fail_at);
        tiefsee_status st = ts_bpe_new(&b, &v.vocab, &err);
        if (st == TIEFSEE_OK)
            st = ts_bpe_encode(b, text, sizeof text, true, &ids, &err);
        done = ts_alloc_count() < fail_at;
        ts_alloc_reset(0);
        assert_int_equal(st, done ? TIEFSEE_OK : TIEFSEE_E_NOMEM);
        assert_true(done || (ids.n == 0 && err.message[0]));
        ts_tokens_free(&ids);
        ts_bpe_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_the_lowest_rank_first_and_the_leftmost_of_equals),
        cmocka_unit_test(long_and_short_pieces_follow_the_definition),
        cmocka_unit_test(added_tokens_are_the_longest_and_come_before_everything),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(a_piece_that_is_a_token_is_taken_whole_if_merges_are_ignored),
        cmocka_unit_test(the_list_of_tokens_has_a_maximum_and_failing_leaves_it_as_it_was),
        cmocka_unit_test(a_broken_vocabulary_is_refused_by_name),
        cmocka_unit_test(a_byte_may_have_its_token_among_the_added_ones),
        cmocka_unit_test(unknown_ids_have_no_bytes),
        cmocka_unit_test(running_out_of_memory_is_an_error_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
