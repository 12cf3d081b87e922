/* test_hf_vocab.c - tokenizer.json in the forms that its writers have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forge.h"
#include "formats/hf_vocab.h"

typedef struct opened {
    json_t *tokenizer, *config;
    ts_arena *arena;
    ts_vocab v;
    bool has_vocab;
    size_t dump_flags;
    const char *why;
    tiefsee_error err;
} opened;

static json_t *json_of(const char *text, size_t flags)
{
    json_error_t e;
    json_t *j = json_loads(text, flags, &e);

    if (!j)
        fail_msg("%s in %s", e.text, text);
    return j;
}

static void read(opened *o)
{
    char *text = json_dumps(o->tokenizer, o->dump_flags);

    assert_non_null(text);
    ts_arena_free(o->arena);
    o->arena = ts_arena_new(1 << 24);
    assert_non_null(o->arena);
    o->why = "";
    if (ts_hf_vocab(&o->v, &o->has_vocab, &o->why, ts_str_of(text), o->config, o->arena, &o->err) !=
        TIEFSEE_OK)
        fail_msg("%s", o->err.message);
    free(text);
}

static int start(void **state)
{
    opened *o = calloc(1, sizeof *o);

    if (!o)
        return -1;
    o->tokenizer = json_of(forge_tokenizer, 0);
    o->config = json_of(forge_tokenizer_config, JSON_DECODE_INT_AS_REAL);
    *state = o;
    return 0;
}

static int stop(void **state)
{
    opened *o = *state;

    json_decref(o->tokenizer);
    json_decref(o->config);
    ts_arena_free(o->arena);
    free(o);
    return 0;
}

static void set(json_t *in, const char *key, const char *value)
{
    assert_int_equal(json_object_set_new(in, key, json_of(value, JSON_DECODE_ANY)), 0);
}

static void reads_tokens_merges_and_rules(void **state)
{
    static const char *const texts[] = {"a", "b", "ab", "c", "<s>", "</s>"};
    opened *o = *state;

    read(o);
    assert_true(o->has_vocab);
    assert_int_equal(o->v.n_tokens, 6);
    for (int i = 0; i < 6; i++) {
        assert_true(ts_str_is(o->v.text[i], texts[i]));
        assert_int_equal(o->v.type[i], i < 4 ? TS_TOKEN_NORMAL : TS_TOKEN_CONTROL);
    }
    assert_int_equal(o->v.n_merges, 1);
    assert_true(ts_str_is(o->v.merge_left[0], "a") && ts_str_is(o->v.merge_right[0], "b"));
    assert_int_equal(o->v.pre, TS_PRE_LLAMA3);
    assert_true(o->v.ignore_merges && o->v.adds_bos && !o->v.normalizes_nfc);
    assert_int_equal(o->v.bos, 4);
    assert_int_equal(o->v.eos, 5);
    assert_int_equal(o->v.pad, -1);
    assert_true(ts_str_is(o->v.chat_template, "{{x}}"));
}

static void merges_may_be_pairs(void **state)
{
    opened *o = *state;

    set(json_object_get(o->tokenizer, "model"), "merges", "[[\"a\",\"b\"],[\"ab\",\"c\"]]");
    read(o);
    assert_int_equal(o->v.n_merges, 2);
    assert_true(ts_str_is(o->v.merge_left[1], "ab") && ts_str_is(o->v.merge_right[1], "c"));
}

/* Written by programs that escape everything beyond ASCII, or nothing. */
static void texts_mean_the_same_with_and_without_escapes(void **state)
{
    opened *o = *state;

    set(json_object_get(o->tokenizer, "model"), "vocab",
        "{\"\u0120\":0,\"\\\"\":1,\"\u0120\\\"\":2,\"\U0001f433\":3}");
    set(json_object_get(o->tokenizer, "model"), "merges", "[[\"\u0120\",\"\\\"\"]]");
    for (int ascii = 0; ascii < 2; ascii++) {
        o->dump_flags = ascii ? JSON_ENSURE_ASCII | JSON_INDENT(2) : 0;
        read(o);
        assert_true(ts_str_is(o->v.text[0], "\u0120"));
        assert_true(ts_str_is(o->v.text[1], "\""));
        assert_true(ts_str_is(o->v.text[2], "\u0120\""));
        assert_true(ts_str_is(o->v.text[3], "\U0001f433"));
        assert_true(ts_str_is(o->v.merge_left[0], "\u0120"));
        assert_true(ts_str_is(o->v.merge_right[0], "\""));
    }
}

static void holes_are_empty_and_unused(void **state)
{
    opened *o = *state;

    set(o->tokenizer, "added_tokens",
        "[{\"id\":9,\"content\":\"<think>\",\"special\":false},"
        "{\"id\":4,\"content\":\"<s>\",\"special\":true},"
        "{\"id\":5,\"content\":\"</s>\",\"special\":true}]");
    read(o);
    assert_int_equal(o->v.n_tokens, 10);
    assert_int_equal(o->v.type[9], TS_TOKEN_USER_DEFINED);
    for (int i = 6; i < 9; i++) {
        assert_int_equal(o->v.text[i].len, 0);
        assert_int_equal(o->v.type[i], TS_TOKEN_UNUSED);
    }
}

static void an_added_token_may_be_in_the_vocabulary_too(void **state)
{
    opened *o = *state;

    set(json_object_get(o->tokenizer, "model"), "vocab",
        "{\"a\":0,\"b\":1,\"ab\":2,\"c\":3,\"<s>\":4}");
    read(o);
    assert_int_equal(o->v.n_tokens, 6);
    assert_int_equal(o->v.type[4], TS_TOKEN_CONTROL);
}

/* The pre-tokenizers as the published files spell them: line breaks as such in
 * DeepSeek's, as \r\n in the others. */
static void knows_the_published_patterns(void **state)
{
    static const char v3[] =
        "[\"\\\\p{N}{1,3}\",\"[一-龥\u3040-ゟ゠-ヿ]+\",\"[!\\\"#$%&'()*+,\\\\-./"
        ":;<=>?@\\\\[\\\\\\\\"
        "\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\\\p{L}\\\\p{P}\\\\p{S}]?[\\\\p{L}\\\\p{M}]+| ?"
        "[\\\\p{P}\\\\p{S}]+[\\r\\n]*|\\\\s*[\\r\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"]";
    static const char qwen[] =
        "[\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| ?"
        "[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"]";
    static const char coder[] = "[\"[\\r\\n]\",\"\\\\s?\\\\p{L}+\",\"\\\\s?\\\\p{P}+\","
                                "\"[一-龥ࠀ-一가-퟿]+\",\"\\\\p{N}\"]";
    static const struct {
        const char *patterns;
        ts_pretokenizer pre;
    } cases[] = {{v3, TS_PRE_DEEPSEEK_V3},
                 {qwen, TS_PRE_QWEN2},
                 {coder, TS_PRE_DEEPSEEK_CODER},
                 {"[\"\\\\s+\"]", TS_PRE_UNKNOWN},
                 {"[\"\\\\p{N}{1,3}\"]", TS_PRE_UNKNOWN}};
    opened *o = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *list = json_of(cases[i].patterns, 0);
        json_t *parts = json_array();
        json_t *p;
        size_t k;
        json_array_foreach(list, k, p) assert_int_equal(
            json_array_append_new(parts,
                                  json_pack("{s:s,s:{s:O},s:s,s:b}", "type", "Split", "pattern",
                                            "Regex", p, "behavior", "Isolated", "invert", 0)),
            0);
        assert_int_equal(
            json_array_append_new(parts, json_pack("{s:s,s:b,s:b}", "type", "ByteLevel",
                                                   "add_prefix_space", 0, "use_regex", 0)),
            0);
        json_decref(list);
        json_t *pre = json_object_get(o->tokenizer, "pre_tokenizer");
        assert_int_equal(json_object_set_new(pre, "pretokenizers", parts), 0);
        read(o);
        assert_int_equal(o->has_vocab, cases[i].pre != TS_PRE_UNKNOWN);
        if (o->has_vocab)
            assert_int_equal(o->v.pre, cases[i].pre);
        else
            assert_non_null(strstr(o->why, "pre_tokenizer"));
    }
}

static void nfc_is_known_and_other_normalizers_are_not(void **state)
{
    static const struct {
        const char *value;
        bool supported, nfc;
    } cases[] = {
        {"null", true, false},
        {"{\"type\":\"NFC\"}", true, true},
        {"{\"type\":\"Sequence\",\"normalizers\":[]}", true, false},
        {"{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}]}", true, true},
        {"{\"type\":\"Lowercase\"}", false, false},
        {"{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Lowercase\"}]}",
         false, false},
    };
    opened *o = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set(o->tokenizer, "normalizer", cases[i].value);
        read(o);
        assert_int_equal(o->has_vocab, cases[i].supported);
        if (cases[i].supported)
            assert_int_equal(o->v.normalizes_nfc, cases[i].nfc);
    }
}

static void other_kinds_of_tokenizer_are_no_error_but_a_reason(void **state)
{
    static const struct {
        const char *key, *value;
    } cases[] = {{"type", "\"Unigram\""},
                 {"byte_fallback", "true"},
                 {"continuing_subword_prefix", "\"##\""},
                 {"end_of_word_suffix", "\"</w>\""},
                 {"dropout", "0.1"}};
    opened *o = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set(json_object_get(o->tokenizer, "model"), cases[i].key, cases[i].value);
        read(o);
        assert_false(o->has_vocab);
        if (!strstr(o->why, cases[i].key))
            fail_msg("'%s' does not name %s", o->why, cases[i].key);
        assert_int_equal(json_object_del(json_object_get(o->tokenizer, "model"), cases[i].key), 0);
    }
}

static void bos_comes_from_the_post_processor_if_nothing_says_it(void **state)
{
    opened *o = *state;

    assert_int_equal(json_object_del(o->config, "add_bos_token"), 0);
    read(o);
    assert_false(o->v.adds_bos);
    set(o->tokenizer, "post_processor",
        "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},"
        "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}}]}]}");
    read(o);
    assert_true(o->v.adds_bos);
    set(o->config, "add_bos_token", "false");
    read(o);
    assert_false(o->v.adds_bos);
}

static void the_default_of_several_templates_counts(void **state)
{
    opened *o = *state;

    set(o->config, "chat_template",
        "[{\"name\":\"tools\",\"template\":\"t\"},{\"name\":\"default\",\"template\":\"d\"}]");
    read(o);
    assert_true(ts_str_is(o->v.chat_template, "d"));
    json_decref(o->config);
    o->config = NULL;
    read(o);
    assert_int_equal(o->v.chat_template.len, 0);
    assert_int_equal(o->v.bos, -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_tokens_merges_and_rules),
        TEST(merges_may_be_pairs),
        TEST(texts_mean_the_same_with_and_without_escapes),
        TEST(holes_are_empty_and_unused),
        TEST(an_added_token_may_be_in_the_vocabulary_too),
        TEST(knows_the_published_patterns),
        TEST(nfc_is_known_and_other_normalizers_are_not),
        TEST(other_kinds_of_tokenizer_are_no_error_but_a_reason),
        TEST(bos_comes_from_the_post_processor_if_nothing_says_it),
        TEST(the_default_of_several_templates_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
