/* automaton.h - what every front end of constrained output compiles to.
 *
 * Rules of states; an edge consumes one byte of a range, nothing, or calls a rule
 * between min and max times.  So what is regular is a finite automaton over bytes
 * (UTF-8), recursion is a call, and counting (items, characters) costs no states:
 * the count lies on the stack.  A builder collects; freezing removes what cannot
 * reach the end of its rule and refuses left recursion, so that every text that a
 * position has accepted can still be finished.
 */
#ifndef TS_ENGINE_AUTOMATON_H
#define TS_ENGINE_AUTOMATON_H

#include "core/error.h"
#include "core/str.h"

enum {
    GR_MAX_STATES = 1 << 18,
    GR_MAX_EDGES = 1 << 20,
    GR_MAX_RULES = 1 << 16,
    GR_MAX_NULLABLE_COUNT = 64 /* repeats of something that may be empty */
};
#define GR_INFINITE UINT32_MAX

typedef enum ts_gr_kind { GR_BYTES, GR_EMPTY, GR_CALL } ts_gr_kind;

typedef struct ts_gr_edge {
    uint32_t from, to;
    uint32_t rule, min, max; /* GR_CALL */
    uint8_t kind, lo, hi;
    bool is_tail; /* the caller has nothing left to do: no stack frame */
} ts_gr_edge;

typedef struct ts_gr_rule {
    uint32_t start, end; /* nothing leaves end */
    const char *name;    /* borrowed, for messages; may be NULL */
} ts_gr_rule;

/* Collects; the first failure stays, and ids given after it are 0. */
typedef struct ts_gr_builder {
    ts_gr_edge *edges;
    ts_gr_rule *rules;
    uint32_t n_states, n_edges, n_rules, cap_edges, cap_rules;
    uint32_t tail_of, tails[3]; /* states with n + 1 bytes 80..bf to come before tail_of */
    tiefsee_status status;      /* TIEFSEE_OK, _LIMIT or _NOMEM */
} ts_gr_builder;

void ts_gr_builder_init(ts_gr_builder *b);
void ts_gr_builder_free(ts_gr_builder *b);

uint32_t ts_gr_add_rule(ts_gr_builder *b, const char *name);
uint32_t ts_gr_add_state(ts_gr_builder *b);

static inline uint32_t ts_gr_start(const ts_gr_builder *b, uint32_t rule)
{
    return b->status == TIEFSEE_OK ? b->rules[rule].start : 0;
}

static inline uint32_t ts_gr_end(const ts_gr_builder *b, uint32_t rule)
{
    return b->status == TIEFSEE_OK ? b->rules[rule].end : 0;
}

void ts_gr_bytes(ts_gr_builder *b, uint32_t from, int lo, int hi, uint32_t to);
void ts_gr_empty(ts_gr_builder *b, uint32_t from, uint32_t to);
void ts_gr_call(ts_gr_builder *b, uint32_t from, uint32_t rule, uint32_t to);
void ts_gr_repeat(ts_gr_builder *b, uint32_t from, uint32_t rule, uint32_t min, uint32_t max,
                  uint32_t to);
uint32_t ts_gr_text(ts_gr_builder *b, uint32_t from, ts_str text); /* the state behind it */

/* Code points lo..hi as UTF-8. */
void ts_gr_chars(ts_gr_builder *b, uint32_t from, uint32_t lo, uint32_t hi, uint32_t to);

tiefsee_status ts_gr_builder_status(const ts_gr_builder *b, tiefsee_error *err) TS_MUST_CHECK;

/* Immutable: edges sorted by state, those that consume a byte first. */
typedef struct ts_gr_automaton {
    uint32_t n_states, n_edges, n_rules, root;
    uint32_t *first;      /* (n_states + 1) */
    uint32_t *first_free; /* (n_states) first edge that consumes nothing */
    ts_gr_edge *edges;
    ts_gr_rule *rules;
    bool *is_end; /* (n_states) */
} ts_gr_automaton;

/* root: the rule that an answer must match. */
tiefsee_status ts_gr_freeze(ts_gr_automaton *out, const ts_gr_builder *b, uint32_t root,
                            tiefsee_error *err) TS_MUST_CHECK;
void ts_gr_automaton_free(ts_gr_automaton *a);

#endif
