/* rank_queue.h - the least (rank, position) of a changing set.
 *
 * Positions wait in one list per rank; the lowest rank that has any is found in
 * a bitmap, its positions are sorted (they mostly are) and taken from left to
 * right.  So all work runs through memory in order: a heap of ten million pairs
 * misses the cache at every level, and that took 3 s where this takes 0.5 s.
 *
 * Taking a rank closes it.  In a well-made vocabulary nothing is added to a
 * closed rank or below, because a token is made before it is merged; for the
 * others a binary heap takes what comes late.
 */
#ifndef TS_FORMATS_RANK_QUEUE_H
#define TS_FORMATS_RANK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"

typedef struct rank_block rank_block;

/* Zero is a queue that was not started. */
typedef struct ts_rank_queue {
    uint32_t n_ranks;
    uint32_t *head;    /* [n_ranks] block of the latest positions; 0: none */
    uint64_t *bits[4]; /* ranks with positions; words of the level below that are not zero */
    size_t n_words[4];
    rank_block *block; /* block[0] is not used */
    uint32_t n_blocks, cap_blocks, unused;
    uint32_t *batch, *spare; /* positions of the open rank, in order */
    size_t at, n_batch, cap_batch;
    uint64_t open; /* the rank that was last taken, + 1 */
    uint64_t *late;
    size_t n_late, cap_late;
} ts_rank_queue;

/* Ready for ranks below n_ranks, the same in every call; the queue is empty. */
bool ts_rank_queue_start(ts_rank_queue *q, uint32_t n_ranks) TS_MUST_CHECK; /* false: no memory */

bool ts_rank_queue_push(ts_rank_queue *q, uint32_t rank,
                        uint32_t position) TS_MUST_CHECK; /* false: no memory */

/* 1: the least was taken; 0: empty; -1: no memory. */
int ts_rank_queue_pop(ts_rank_queue *q, uint32_t *rank, uint32_t *position) TS_MUST_CHECK;

void ts_rank_queue_free(ts_rank_queue *q); /* leaves a zero queue */

#endif
