/* grammar_walk.h - what must hold of every grammar that compiles. */
#ifndef TS_TESTS_GRAMMAR_WALK_H
#define TS_TESTS_GRAMMAR_WALK_H

#include "fuzz.h"

#include <string.h>

#include <jansson.h>

#include "engine/grammar.h"
#include "support/tiny_vocab.h"

enum { WALK_STEPS = 48, WALK_TEXT = WALK_STEPS * TINY_MAX_TEXT };

static ts_bpe *walk_bpe;
static ts_grammar_vocab *walk_vocab;

static inline void make_walk_vocab(void)
{
    static const char *const merges[] = {"a b", "\" :", "\" ,", "} }", "1 2", "\\ u", NULL};
    static tiny_vocab v;

    tiny_vocab_init(&v, TS_PRE_DEEPSEEK_V3, merges);
    tiny_vocab_add(&v, "<|EOT|>", TS_TOKEN_CONTROL);
    MUST(ts_bpe_new(&walk_bpe, &v.vocab, NULL) == TIEFSEE_OK);
    MUST(ts_grammar_vocab_new(&walk_vocab, walk_bpe, ts_bpe_size(walk_bpe), NULL) == TIEFSEE_OK);
}

/* The n-th token of a mask, counted around. */
static inline int32_t pick(const uint64_t *mask, size_t n_vocab, uint32_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n_vocab; i++)
        count += mask[i / 64] >> (i % 64) & 1;
    if (count == 0)
        return -1;
    n %= (uint32_t)count;
    for (size_t i = 0; i < n_vocab; i++)
        if ((mask[i / 64] >> (i % 64) & 1) && n-- == 0)
            return (int32_t)i;
    return -1;
}

/* Walks under the mask: what it allows is accepted, what it does not is refused, and
 * there is always a way on or an end.  Writes the text; true if it is complete. */
static inline bool walk_grammar(ts_grammar_rules *rules, uint32_t seed, char *text, size_t *n)
{
    const size_t n_vocab = ts_bpe_size(walk_bpe);
    uint64_t mask[(TINY_MAX_TOKENS + 63) / 64];
    bool may_end = false;
    ts_grammar *g;

    *n = 0;
    MUST(ts_grammar_start(&g, rules, walk_vocab, NULL) == TIEFSEE_OK);
    for (int step = 0; step < WALK_STEPS; step++) {
        ts_grammar_mask(g, mask, &may_end);
        if (step % 16 == 5) /* it builds everything anew */
            MUST(may_end == ts_grammar_matches(rules, text, *n));
        seed = seed * 1664525 + 1013904223;
        const int32_t token = pick(mask, n_vocab, seed >> 8);
        MUST(token >= 0 || may_end);
        if (token < 0 || (may_end && seed % 3 == 0))
            break;
        const int32_t other = (int32_t)(seed >> 16) % (int32_t)n_vocab;
        if (!(mask[other / 64] >> (other % 64) & 1))
            MUST(!ts_grammar_accept(g, other));
        MUST(!ts_bpe_is_control(walk_bpe, token) && ts_grammar_accept(g, token));
        const ts_str bytes = ts_bpe_bytes(walk_bpe, token);
        memcpy(text + *n, bytes.ptr, bytes.len);
        *n += bytes.len;
    }
    ts_grammar_mask(g, mask, &may_end);
    ts_grammar_free(g);
    return may_end;
}

static inline void walk_kind(ts_grammar_kind kind, const uint8_t *data, size_t size, bool is_json)
{
    char *source = malloc(size ? size : 1), text[WALK_TEXT]; /* exact: ASan guards the end */
    ts_grammar_rules *rules;
    tiefsee_error err = {0};
    size_t n;

    if (!walk_vocab)
        make_walk_vocab();
    MUST(source);
    memcpy(source, data, size);
    if (ts_grammar_compile(&rules, kind, source, size, &err) != TIEFSEE_OK) {
        MUST(!rules && err.message[0] && !strchr(err.message, '\n'));
    } else {
        for (uint32_t seed = 1; seed < 4; seed++)
            if (walk_grammar(rules, seed, text, &n) && is_json) {
                json_t *j = json_loadb(
                    text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
                MUST(j || memchr(text, 'u', n)); /* jansson has no NUL in names */
                json_decref(j);
            }
        ts_grammar_rules_free(rules);
    }
    free(source);
}

#endif
