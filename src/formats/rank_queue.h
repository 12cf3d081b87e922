/* rank_queue.h - the least of a changing set of keys (rank << 32 | position).
 *
 * A radix heap: keys are kept in 65 buckets by the highest bit in which they
 * differ from the last key taken, so that all work runs through memory in order.
 * (A binary heap of ten million keys misses the cache at every level: 4 s where
 * this takes under one.)  It needs keys that are not less than the last one
 * taken; those of a vocabulary that breaks this go to a small binary heap.
 */
#ifndef TS_FORMATS_RANK_QUEUE_H
#define TS_FORMATS_RANK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"

enum { RANK_QUEUE_BUCKETS = 65 };

typedef struct rank_block rank_block;

/* Zero is an empty queue. */
typedef struct ts_rank_queue {
    rank_block *bucket[RANK_QUEUE_BUCKETS];
    rank_block *unused;
    uint64_t last;
    uint64_t *late; /* binary heap of keys below last */
    size_t n_late, cap_late;
} ts_rank_queue;

bool ts_rank_queue_push(ts_rank_queue *q, uint64_t key) TS_MUST_CHECK; /* false: no memory */

/* 1: *key was taken; 0: empty; -1: no memory. */
int ts_rank_queue_pop(ts_rank_queue *q, uint64_t *key) TS_MUST_CHECK;

/* Of an empty queue: any key may come again. */
void ts_rank_queue_restart(ts_rank_queue *q);
void ts_rank_queue_free(ts_rank_queue *q); /* leaves a zero queue */

#endif
