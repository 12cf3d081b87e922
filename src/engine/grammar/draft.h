/* draft.h - a charset while its states are written, one after the other. */
#ifndef TS_ENGINE_DRAFT_H
#define TS_ENGINE_DRAFT_H

#include "engine/grammar/charset.h"

typedef struct ts_draft {
    ts_arena *arena;
    uint32_t *first;
    ts_char_edge *edges;
    bool *accepts;
    uint32_t n_states, n_edges, cap_states, cap_edges;
    bool is_out_of_memory;
} ts_draft;

void ts_draft_init(ts_draft *d, ts_arena *arena);
void ts_draft_state(ts_draft *d, bool accepts); /* begin the next state */
/* Of the state begun last; ranges come in ascending order. */
void ts_draft_edge(ts_draft *d, uint32_t lo, uint32_t hi, uint32_t to);

/* Without the states that lead nowhere. */
tiefsee_status ts_draft_finish(ts_charset *out, ts_draft *d, tiefsee_error *err) TS_MUST_CHECK;

/* A list in the arena with room for one more. */
bool ts_arena_grow(ts_arena *arena, void *list, uint32_t n, uint32_t *cap,
                   size_t size) TS_MUST_CHECK;

#endif
