/* thread.h - a pool that runs loops.
 *
 * A loop of n items is cut into chunks whose borders depend on n and the chunk
 * size only; threads claim chunks in order.  Which thread runs a chunk depends
 * on timing, what the chunk computes does not, so results never depend on the
 * number of threads.  Idle workers spin briefly, then sleep.
 */
#ifndef TS_CORE_THREAD_H
#define TS_CORE_THREAD_H

#include "core/error.h"

typedef struct ts_pool ts_pool;

/* Items [begin, end); thread in [0, n_threads) names private scratch. */
typedef void ts_loop_body(void *ctx, size_t begin, size_t end, int thread);

/* n_threads >= 1 counts the calling thread. */
tiefsee_status ts_pool_new(ts_pool **out, int n_threads, tiefsee_error *err) TS_MUST_CHECK;
void ts_pool_free(ts_pool *p); /* NULL allowed; no loop may be running */
int ts_pool_threads(const ts_pool *p);

/* Run body over [0, n) in chunks of `chunk` items (the last may be shorter).
 * Returns when all are done.  One loop at a time, from one thread at a time. */
void ts_pool_loop(ts_pool *p, size_t n, size_t chunk, ts_loop_body *body, void *ctx);

/* One owner at a time of something that several threads share; the owner may
 * wait for a change that another owner announces. */
typedef struct ts_lock ts_lock;

ts_lock *ts_lock_new(void) TS_MUST_CHECK; /* NULL: out of memory */
void ts_lock_free(ts_lock *l);            /* NULL allowed */
void ts_lock_take(ts_lock *l);
void ts_lock_give(ts_lock *l);
void ts_lock_wait(ts_lock *l, double seconds); /* given up meanwhile; may wake early; 0: no limit */
void ts_lock_wake(ts_lock *l);                 /* all who wait */

/* A thread of its own, joined by ts_thread_join().  Signals are left to others. */
typedef struct ts_thread ts_thread;

tiefsee_status ts_thread_start(ts_thread **out, void (*run)(void *ctx), void *ctx,
                               tiefsee_error *err) TS_MUST_CHECK;
void ts_thread_join(ts_thread *t); /* NULL allowed */

#endif
