/* grammar.h - constrained output: which tokens may come next.
 *
 * A ts_grammar_rules is compiled once from a JSON Schema, "any JSON", a regular
 * expression or a GBNF-style text; it is immutable and shared.  A ts_grammar is
 * one answer's position in it.  Masks are over the model's real vocabulary.
 */
#ifndef TS_ENGINE_GRAMMAR_H
#define TS_ENGINE_GRAMMAR_H

#include "core/error.h"
#include "engine/constraint.h"
#include "formats/bpe.h"

typedef struct ts_grammar_rules ts_grammar_rules;
typedef struct ts_grammar ts_grammar;

typedef enum ts_grammar_kind {
    TS_GRAMMAR_JSON,   /* any JSON object; text is ignored */
    TS_GRAMMAR_SCHEMA, /* text is a JSON Schema */
    TS_GRAMMAR_REGEX,  /* text is a regular expression, anchored at both ends */
    TS_GRAMMAR_GBNF    /* text is a grammar with the rule "root" */
} ts_grammar_kind;

/* Tables over a vocabulary that every grammar of a model shares. */
typedef struct ts_grammar_vocab ts_grammar_vocab;

tiefsee_status ts_grammar_vocab_new(ts_grammar_vocab **out, const ts_bpe *bpe, size_t n_vocab,
                                    tiefsee_error *err) TS_MUST_CHECK;
void ts_grammar_vocab_free(ts_grammar_vocab *v);

/* Compile.  Bounded in time, depth and memory; what is not supported is refused by
 * the name of the keyword and its place (a JSON pointer, or line and column). */
tiefsee_status ts_grammar_compile(ts_grammar_rules **out, ts_grammar_kind kind, const char *text,
                                  size_t n, tiefsee_error *err) TS_MUST_CHECK;
/* One of several texts: what stands before, JSON, what stands behind.  kind:
 * TS_GRAMMAR_JSON or _SCHEMA; is_fixed: no JSON in between. */
typedef struct ts_grammar_part {
    ts_str before, after;
    bool is_fixed;
    ts_grammar_kind kind;
    ts_str text;
} ts_grammar_part;

/* On failure *failed is the part that is to blame, or n. */
tiefsee_status ts_grammar_compile_parts(ts_grammar_rules **out, const ts_grammar_part *parts,
                                        size_t n, size_t *failed, tiefsee_error *err) TS_MUST_CHECK;
void ts_grammar_rules_free(ts_grammar_rules *r); /* counted: positions keep it alive */

tiefsee_status ts_grammar_start(ts_grammar **out, ts_grammar_rules *rules,
                                const ts_grammar_vocab *vocab, tiefsee_error *err) TS_MUST_CHECK;
void ts_grammar_free(ts_grammar *g);

/* Set bit i of mask (n_vocab bits, 64 per word) iff token i may come next.
 * may_end: the answer could end here (the caller allows its end tokens then). */
void ts_grammar_mask(ts_grammar *g, uint64_t *mask, bool *may_end);

/* Move on; false (and no change) if the token is not allowed here. */
bool ts_grammar_accept(ts_grammar *g, int32_t token) TS_MUST_CHECK;

/* The position as a job's constraint, which owns it from then on. */
ts_constraint ts_grammar_constraint(ts_grammar *g);

/* Judge a whole text without tokens (tests): is it complete and accepted? */
bool ts_grammar_matches(const ts_grammar_rules *rules, const char *text, size_t n);

#endif
