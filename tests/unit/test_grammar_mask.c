/* test_grammar_mask.c - masks over a vocabulary, bit by bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/rng.h"
#include "engine/grammar.h"
#include "support/tiny_vocab.h"

typedef struct fixture {
    tiny_vocab v;
    ts_bpe *bpe;
    ts_grammar_vocab *vocab;
    size_t n;
} fixture;

static const struct {
    ts_grammar_kind kind;
    const char *source;
} grammars[] = {
    {TS_GRAMMAR_JSON, ""},
    {TS_GRAMMAR_SCHEMA, "{\"type\":\"string\",\"maxLength\":5}"},
    {TS_GRAMMAR_SCHEMA, "{\"type\":\"string\",\"minLength\":3}"},
    {TS_GRAMMAR_SCHEMA, "{\"type\":\"string\",\"pattern\":\"^[a-c]*$\"}"},
    {TS_GRAMMAR_SCHEMA, "{\"type\":\"object\",\"properties\":{\"ab\":{\"type\":\"integer\"},"
                        "\"abc\":{}},\"required\":[\"abc\"]}"},
    {TS_GRAMMAR_SCHEMA, "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"array\","
                        "\"items\":{\"enum\":[\"ab\",\"abab\",1.5,null]},\"maxItems\":3}}"},
    {TS_GRAMMAR_REGEX, "(ab|cab){2,5}[^a]*"},
    {TS_GRAMMAR_REGEX, ".*"},
    {TS_GRAMMAR_GBNF, "root ::= \"(\" root \")\" | [a-c]{1,4}"},
};

static int make_fixture(void **state)
{
    static const char *const merges[] = {"a b", "ab c", "ab ab", "\" :",   "\" ,", "} }",
                                         "1 2", "\\ u", "\" \"", "{ \"",   "] }",  "c ab",
                                         "( (", ") )",  "a \"",  "ab \":", NULL};
    fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    tiny_vocab_init(&f->v, TS_PRE_DEEPSEEK_V3, merges);
    tiny_vocab_add(&f->v, "<|EOT|>", TS_TOKEN_CONTROL);
    tiny_vocab_add(&f->v, "abc", TS_TOKEN_NORMAL); /* the same bytes as another one */
    tiny_vocab_add(&f->v, "\xc3\xa9\xc3\xa9", TS_TOKEN_USER_DEFINED);
    assert_int_equal(ts_bpe_new(&f->bpe, &f->v.vocab, NULL), TIEFSEE_OK);
    f->n = ts_bpe_size(f->bpe) + 37; /* the model may have more rows than tokens */
    assert_int_equal(ts_grammar_vocab_new(&f->vocab, f->bpe, f->n, NULL), TIEFSEE_OK);
    *state = f;
    return 0;
}

static int free_fixture(void **state)
{
    fixture *f = *state;

    ts_grammar_vocab_free(f->vocab);
    ts_bpe_free(f->bpe);
    free(f);
    return 0;
}

/* A position at the end of the tokens so far. */
static ts_grammar *position(const fixture *f, ts_grammar_rules *rules, const ts_tokens *before)
{
    ts_grammar *g;

    assert_int_equal(ts_grammar_start(&g, rules, f->vocab, NULL), TIEFSEE_OK);
    for (size_t i = 0; i < before->n; i++)
        assert_true(ts_grammar_accept(g, before->ids[i]));
    return g;
}

static bool bit(const uint64_t *mask, size_t i)
{
    return mask[i / 64] >> (i % 64) & 1;
}

/* Every token is tried on a copy of its own. */
static int32_t compare_with_trials(const fixture *f, ts_grammar_rules *rules,
                                   const ts_tokens *before, ts_rng *rng)
{
    uint64_t mask[16] = {0};
    bool may_end;
    int32_t chosen = -1;
    uint64_t n_allowed = 0;

    ts_grammar *g = position(f, rules, before);
    ts_grammar_mask(g, mask, &may_end);
    ts_grammar_free(g);
    for (size_t i = 0; i < f->n; i++) {
        g = position(f, rules, before);
        const bool accepted = ts_grammar_accept(g, (int32_t)i);
        ts_grammar_free(g);
        if (accepted != bit(mask, i))
            fail_msg("token %zu is %s but %s", i, bit(mask, i) ? "in the mask" : "not in the mask",
                     accepted ? "accepted" : "refused");
        if (accepted && ts_rng_below(rng, ++n_allowed) == 0)
            chosen = (int32_t)i;
    }
    assert_true(chosen >= 0 || may_end);
    return chosen;
}

static void a_mask_is_what_every_single_token_says(void **state)
{
    fixture *f = *state;
    ts_rng rng;

    ts_rng_seed(&rng, 7);
    for (size_t k = 0; k < TS_COUNT(grammars); k++) {
        ts_grammar_rules *rules;
        assert_int_equal(ts_grammar_compile(&rules, grammars[k].kind, grammars[k].source,
                                            strlen(grammars[k].source), NULL),
                         TIEFSEE_OK);
        for (int run = 0; run < 4; run++) {
            ts_tokens ids = {.max = 64};
            for (int step = 0; step < 16; step++) {
                const int32_t token = compare_with_trials(f, rules, &ids, &rng);
                if (token < 0)
                    break;
                assert_true(ts_tokens_push(&ids, token));
            }
            ts_tokens_free(&ids);
        }
        ts_grammar_rules_free(rules);
    }
}

static void a_refused_token_changes_nothing(void **state)
{
    fixture *f = *state;
    uint64_t before[16] = {0}, after[16] = {0};
    bool may_end;
    ts_grammar_rules *rules;
    ts_grammar *g;

    assert_int_equal(ts_grammar_compile(&rules, TS_GRAMMAR_REGEX, "abc*", 4, NULL), TIEFSEE_OK);
    assert_int_equal(ts_grammar_start(&g, rules, f->vocab, NULL), TIEFSEE_OK);
    ts_grammar_rules_free(rules); /* the position keeps it */
    assert_true(ts_grammar_accept(g, 'a'));
    ts_grammar_mask(g, before, &may_end);
    assert_false(may_end);
    assert_false(ts_grammar_accept(g, 'c'));
    assert_false(ts_grammar_accept(g, -1));
    assert_false(ts_grammar_accept(g, 1 << 30));
    assert_false(ts_grammar_accept(g, ts_bpe_find(f->bpe, "<|EOT|>")));
    ts_grammar_mask(g, after, &may_end);
    assert_memory_equal(before, after, sizeof before);
    assert_true(ts_grammar_accept(g, 'b'));
    ts_grammar_mask(g, after, &may_end);
    assert_true(may_end);
    ts_grammar_free(g);
}

static void running_out_of_memory_is_an_error_and_leaks_nothing(void **state)
{
    static const char source[] = "{\"type\":\"object\",\"properties\":{\"a\":{\"pattern\":\"x\"}},"
                                 "\"anyOf\":[{\"required\":[\"a\"]},{\"maxProperties\":1}]}";
    fixture *f = *state;
    bool is_done = false;

    for (uint64_t fail_at = 1; !is_done; fail_at++) {
        uint64_t mask[16];
        bool may_end;
        ts_grammar_rules *rules;
        ts_grammar *g = NULL;
        ts_alloc_reset(fail_at);
        tiefsee_status st =
            ts_grammar_compile(&rules, TS_GRAMMAR_SCHEMA, source, sizeof source - 1, NULL);
        if (st == TIEFSEE_OK)
            st = ts_grammar_start(&g, rules, f->vocab, NULL);
        if (st == TIEFSEE_OK)
            ts_grammar_mask(g, mask, &may_end);
        is_done = ts_alloc_count() < fail_at;
        if (!is_done && st != TIEFSEE_OK)
            assert_int_equal(st, TIEFSEE_E_NOMEM);
        ts_grammar_free(g);
        ts_grammar_rules_free(rules);
    }
    ts_alloc_reset(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mask_is_what_every_single_token_says, make_fixture,
                                        free_fixture),
        cmocka_unit_test_setup_teardown(a_refused_token_changes_nothing, make_fixture,
                                        free_fixture),
        cmocka_unit_test_setup_teardown(running_out_of_memory_is_an_error_and_leaks_nothing,
                                        make_fixture, free_fixture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
