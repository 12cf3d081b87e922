/* test_learn_bpe.c - vocabularies: what merges, what never does, and that every reader
 * of the result agrees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/arena.h"
#include "core/rng.h"
#include "formats/bpe.h"
#include "formats/hf_vocab.h"
#include "formats/hf_vocab_write.h"
#include "train/dataset.h"
#include "train/learn_bpe.h"

enum { FIRST_MERGE = 16 + 256 };

static void add(ts_bpe_learner *l, const char *text)
{
    tiefsee_error err;

    assert_int_equal(ts_bpe_learner_add(l, text, strlen(text), &err), TIEFSEE_OK);
}

static void finish(ts_bpe_learner *l, uint32_t n, ts_vocab *v)
{
    tiefsee_error err = {0};

    if (ts_bpe_learner_finish(l, n, v, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
}

static void the_most_frequent_pair_merges_first(void **state)
{
    static const char *const want[] = {"lo", "low", "Ġlow", "er", "Ġlower"};
    ts_bpe_learner *l = ts_bpe_learner_new();
    ts_vocab v;

    (void)state;
    add(l, "low low low low low low lower lower lower");
    finish(l, 512, &v);
    assert_int_equal(v.n_merges, TS_COUNT(want));
    for (size_t i = 0; i < TS_COUNT(want); i++)
        if (!ts_str_is(v.text[FIRST_MERGE + i], want[i]))
            fail_msg("merge %zu is %.*s, not %s", i, TS_STR_ARG(v.text[FIRST_MERGE + i]), want[i]);
    ts_bpe_learner_free(l);
}

/* A corpus of problems, in some order. */
static void learn_items(ts_bpe_learner *l, uint64_t n, uint64_t stride)
{
    ts_item it = ts_item_empty();
    tiefsee_error err = {0};

    for (uint64_t i = 0; i < n; i++) {
        const ts_item_spec spec = {.seed = 9, .index = i * stride % n, .lang = -1};

        assert_int_equal(ts_item_make(&it, &spec, &err), TIEFSEE_OK);
        add(l, it.question.ptr);
        add(l, it.trace.ptr);
        add(l, it.answer.ptr);
    }
    ts_item_free(&it);
}

static void the_order_of_the_texts_does_not_matter(void **state)
{
    ts_bpe_learner *a = ts_bpe_learner_new(), *b = ts_bpe_learner_new();
    ts_vocab v, w;

    (void)state;
    learn_items(a, 2000, 1);
    learn_items(b, 2000, 7);
    finish(a, 1024, &v);
    finish(b, 1024, &w);
    assert_int_equal(v.n_tokens, 1024);
    assert_int_equal(ts_vocab_fingerprint(&v), ts_vocab_fingerprint(&w));
    ts_bpe_learner_free(a);
    ts_bpe_learner_free(b);
}

static void digits_signs_and_line_breaks_stay_alone(void **state)
{
    static const char probe[] = "12+345=357\n\n(7*8)→56✓, \"name\": x12 ab12";
    ts_bpe_learner *l = ts_bpe_learner_new();
    ts_tokens t = {.max = 1 << 16};
    tiefsee_error err;
    ts_vocab v;
    ts_bpe *bpe;

    (void)state;
    for (int i = 0; i < 50; i++)
        add(l, probe);
    learn_items(l, 1000, 1);
    finish(l, 1024, &v);
    assert_int_equal(ts_bpe_new(&bpe, &v, &err), TIEFSEE_OK);
    assert_int_equal(ts_bpe_encode(bpe, probe, strlen(probe), false, &t, &err), TIEFSEE_OK);
    for (size_t i = 0; i < t.n; i++) {
        const ts_str s = ts_bpe_bytes(bpe, t.ids[i]);

        for (size_t k = 0; k < s.len; k++)
            if (strchr("0123456789+=*()\n,\":", s.ptr[k]))
                assert_int_equal(s.len, 1);
    }
    ts_tokens_free(&t);
    ts_bpe_free(bpe);
    ts_bpe_learner_free(l);
}

static void any_bytes_come_back_and_the_json_says_the_same(void **state)
{
    ts_bpe_learner *l = ts_bpe_learner_new();
    ts_buf json = ts_buf_make(1 << 24);
    ts_arena *arena = ts_arena_new(1 << 26);
    const char *why = "";
    bool has_vocab = false;
    tiefsee_error err = {0};
    ts_vocab v, w;
    ts_bpe *bpe;
    ts_rng rng;

    (void)state;
    learn_items(l, 2000, 1);
    finish(l, 1536, &v);
    assert_int_equal(ts_hf_vocab_write(&v, &json, &err), TIEFSEE_OK);
    assert_int_equal(
        ts_hf_vocab(&w, &has_vocab, &why, (ts_str){json.ptr, json.len}, NULL, arena, &err),
        TIEFSEE_OK);
    if (!has_vocab)
        fail_msg("%s", why);
    assert_int_equal(w.pre, TS_PRE_DEEPSEEK_V3);
    assert_int_equal(ts_vocab_fingerprint(&v), ts_vocab_fingerprint(&w));
    assert_int_equal(ts_bpe_new(&bpe, &w, &err), TIEFSEE_OK);
    assert_int_equal(ts_bpe_find(bpe, "<think>"), 5);
    assert_int_equal(ts_bpe_find(bpe, "<｜tool▁calls▁begin｜>"), 7);
    ts_rng_seed(&rng, 1);
    for (int round = 0; round < 200; round++) {
        char text[64], back[64];
        ts_tokens t = {.max = 1 << 16};
        size_t len = 0;

        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (char)ts_rng_u64(&rng);
        assert_int_equal(ts_bpe_encode(bpe, text, sizeof text, false, &t, &err), TIEFSEE_OK);
        for (size_t i = 0; i < t.n; i++) {
            const ts_str s = ts_bpe_bytes(bpe, t.ids[i]);

            assert_true(len + s.len <= sizeof back);
            memcpy(back + len, s.ptr, s.len);
            len += s.len;
        }
        assert_int_equal(len, sizeof text);
        assert_memory_equal(text, back, len);
        ts_tokens_free(&t);
    }
    ts_bpe_free(bpe);
    ts_arena_free(arena);
    ts_buf_free(&json);
    ts_bpe_learner_free(l);
}

static void broken_utf8_and_strange_sizes_are_refused(void **state)
{
    ts_bpe_learner *l = ts_bpe_learner_new();
    tiefsee_error err;
    ts_vocab v;

    (void)state;
    assert_int_equal(ts_bpe_learner_add(l, "\xff", 1, &err), TIEFSEE_E_FORMAT);
    assert_int_equal(ts_bpe_learner_finish(l, 100, &v, &err), TIEFSEE_E_INVALID);
    finish(l, 4096, &v); /* no text at all: bytes and markers */
    assert_int_equal(v.n_tokens, FIRST_MERGE);
    ts_bpe_learner_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_frequent_pair_merges_first),
        cmocka_unit_test(the_order_of_the_texts_does_not_matter),
        cmocka_unit_test(digits_signs_and_line_breaks_stay_alone),
        cmocka_unit_test(any_bytes_come_back_and_the_json_says_the_same),
        cmocka_unit_test(broken_utf8_and_strange_sizes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
