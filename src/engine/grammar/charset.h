/* charset.h - deterministic automata over code points: what a pattern, a format or
 * a set of names means before it is spelt as bytes.
 *
 * They live in the arena of one compilation.  State 0 is the start; from every
 * state an accepting one can be reached; edges of a state are sorted, disjoint
 * ranges.  An automaton of no states accepts nothing.
 */
#ifndef TS_ENGINE_CHARSET_H
#define TS_ENGINE_CHARSET_H

#include "core/arena.h"
#include "engine/grammar/automaton.h"

enum {
    GR_MAX_CHAR = 0x10ffff,
    GR_BEGIN = 0x110000, /* markers around a text while a pattern is compiled */
    GR_END = 0x110001,
    GR_MAX_CHAR_STATES = 8192,
    GR_MAX_CHAR_NFA = 1 << 15, /* states of a pattern before it is deterministic */
    GR_MAX_CHAR_WORK = 1 << 25 /* steps of one construction: well below a second */
};

typedef struct ts_char_edge {
    uint32_t lo, hi, to;
} ts_char_edge;

typedef struct ts_charset {
    uint32_t n_states;
    const uint32_t *first; /* (n_states + 1) */
    const ts_char_edge *edges;
    const bool *accepts; /* (n_states) */
} ts_charset;

/* Under construction; lists grow in the arena. */
typedef struct ts_char_nfa {
    ts_arena *arena;
    struct ts_char_move {
        uint32_t from, to, lo, hi; /* lo > hi: nothing is consumed */
    } * moves;
    uint32_t n_states, n_moves, cap_moves;
    bool is_full, is_out_of_memory;
} ts_char_nfa;

void ts_char_nfa_init(ts_char_nfa *n, ts_arena *arena);
uint32_t ts_char_state(ts_char_nfa *n);
void ts_char_move(ts_char_nfa *n, uint32_t from, uint32_t lo, uint32_t hi, uint32_t to);
void ts_char_empty(ts_char_nfa *n, uint32_t from, uint32_t to);

/* Deterministic: texts that lead from start to end.  has_markers: only what stands
 * between GR_BEGIN and GR_END, and `end` has all characters and markers as a loop. */
tiefsee_status ts_charset_of_nfa(ts_charset *out, const ts_char_nfa *n, uint32_t start,
                                 uint32_t end, bool has_markers, tiefsee_error *err) TS_MUST_CHECK;

/* The given UTF-8 texts and no other; every text. */
tiefsee_status ts_charset_of_texts(ts_charset *out, const ts_str *texts, size_t n, ts_arena *arena,
                                   tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_charset_any(ts_charset *out, ts_arena *arena, tiefsee_error *err) TS_MUST_CHECK;

typedef enum ts_charset_op { GR_BOTH, GR_EITHER, GR_WITHOUT } ts_charset_op;

tiefsee_status ts_charset_combine(ts_charset *out, const ts_charset *a, ts_charset_op op,
                                  const ts_charset *b, ts_arena *arena,
                                  tiefsee_error *err) TS_MUST_CHECK;

/* Texts of min..max characters; max may be GR_INFINITE. */
tiefsee_status ts_charset_of_length(ts_charset *out, uint32_t min, uint32_t max, ts_arena *arena,
                                    tiefsee_error *err) TS_MUST_CHECK;

/* Shortest and longest text (GR_INFINITE) in characters; not of an empty set. */
tiefsee_status ts_charset_lengths(const ts_charset *c, uint32_t *min, uint32_t *max,
                                  ts_arena *arena, tiefsee_error *err) TS_MUST_CHECK;

bool ts_charset_has(const ts_charset *c, ts_str text);

/* Spell it as bytes between two states.  is_json: inside the quotes of a JSON text,
 * each character in its one canonical form (plain where that is allowed). */
void ts_charset_lower(ts_gr_builder *b, const ts_charset *c, bool is_json, uint32_t from,
                      uint32_t to);

#endif
