/* worker.h - one thread that works through a bounded queue, in batches.
 *
 * For what must not wait on the thread that asks (disk, database): items are
 * copied into the queue, and the worker takes all that are there at once, so
 * that a batch costs one write.
 */
#ifndef TS_CORE_WORKER_H
#define TS_CORE_WORKER_H

#include "core/error.h"

typedef struct ts_worker ts_worker;

/* On the worker's thread: n items, in the order of their push.  n = 0: tick_ms
 * have passed since the last such call, or a little more. */
typedef void ts_worker_run(void *ctx, void *items, size_t n);

typedef struct ts_worker_options {
    size_t item_bytes, max_items; /* waiting, besides those being run */
    unsigned tick_ms;             /* 0: no ticks */
    ts_worker_run *run;
    void *ctx;
} ts_worker_options;

tiefsee_status ts_worker_new(ts_worker **out, const ts_worker_options *opt,
                             tiefsee_error *err) TS_MUST_CHECK;

/* Runs what is waiting, then ends the thread.  Nobody may push any more.  NULL allowed. */
void ts_worker_free(ts_worker *w);

/* Any thread.  False: the queue is full.  ticket may be NULL. */
bool ts_worker_push(ts_worker *w, const void *item, uint64_t *ticket) TS_MUST_CHECK;

/* Any thread but the worker's: until the item with this ticket was run. */
void ts_worker_wait(ts_worker *w, uint64_t ticket);

size_t ts_worker_waiting(ts_worker *w);

#endif
