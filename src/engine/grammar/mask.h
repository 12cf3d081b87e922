/* mask.h - masks of a machine over one vocabulary, kept by DFA state.
 *
 * A mask of few tokens is kept as their list, another one as bits.  What was used
 * longest ago goes first when the bytes run out.
 */
#ifndef TS_ENGINE_MASK_H
#define TS_ENGINE_MASK_H

#include "engine/grammar/machine.h"
#include "engine/grammar/token_tree.h"

enum { GR_MASK_BYTES = 32 << 20, GR_MAX_MASKS = 1 << 15 };

typedef struct ts_mask_entry {
    uint64_t *bits;  /* or */
    int32_t *tokens; /* (n) */
    uint32_t n, bytes;
    uint32_t d;            /* its DFA state */
    uint32_t newer, older; /* GR_UNKNOWN: none */
} ts_mask_entry;

typedef struct ts_masks {
    ts_gr_machine *machine;
    const ts_grammar_vocab *vocab;
    ts_mask_entry *entries;
    uint32_t n, newest, oldest;
    size_t bytes;
    uint64_t *scratch; /* (n_words) */
    uint32_t *path;    /* DFA state by depth of the walk */
    uint64_t n_hits, n_walks;
} ts_masks;

tiefsee_status ts_masks_open(ts_masks *m, ts_gr_machine *machine, const ts_grammar_vocab *vocab,
                             tiefsee_error *err) TS_MUST_CHECK;
void ts_masks_close(ts_masks *m);
void ts_masks_clear(ts_masks *m); /* the machine was compacted */

/* Writes n_words; false: the machine ran out of room, so tokens may be missing. */
bool ts_masks_get(ts_masks *m, uint32_t d, uint64_t *mask);

#endif
