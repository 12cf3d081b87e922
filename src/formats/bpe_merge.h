/* bpe_merge.h - byte pair encoding of one piece.
 *
 * Start with one token per byte; as long as there is one, merge the adjacent
 * pair with the lowest rank, the leftmost of equals.
 */
#ifndef TS_FORMATS_BPE_MERGE_H
#define TS_FORMATS_BPE_MERGE_H

#include "core/arena.h"
#include "core/error.h"
#include "formats/bpe.h"
#include "formats/rank_queue.h"

typedef struct ts_merges {
    uint64_t *slot; /* hash table of pairs: left, right and rank in one word */
    size_t mask;
    uint32_t n_merges;
    int32_t *result;     /* [n_merges] the token that rank r makes */
    uint32_t *byte_rank; /* [256 * 256] ranks of pairs of bytes: most look-ups by far */
    int32_t byte_token[256];
} ts_merges;

/* False: the arena is exhausted. */
bool ts_merges_init(ts_merges *m, uint32_t n_merges, ts_arena *arena) TS_MUST_CHECK;
void ts_merges_add(ts_merges *m, uint32_t rank, int32_t left, int32_t right, int32_t id);
void ts_merges_finish(ts_merges *m); /* byte_token is filled and all are added */

/* Working memory of long pieces; zero is empty.  One per call of encode. */
typedef struct ts_merge_scratch {
    struct ts_symbol *symbol;
    size_t cap;
    ts_rank_queue queue;
} ts_merge_scratch;

void ts_merge_scratch_free(ts_merge_scratch *s);

/* Append the tokens of n > 0 bytes.  Long pieces take up to 16 + 13 bytes of
 * memory per byte while they are merged. */
tiefsee_status ts_merge_piece(const ts_merges *m, const char *piece, size_t n,
                              ts_merge_scratch *scratch, ts_tokens *out,
                              tiefsee_error *err) TS_MUST_CHECK;

/* As ts_tokens_push, with the error. */
tiefsee_status ts_tokens_add(ts_tokens *out, int32_t id, tiefsee_error *err) TS_MUST_CHECK;

#endif
