/* task_pool.h - threads that do tasks, one after the other, first come first served.
 *
 * A task is part of its owner's object, so adding one never fails and allocates
 * nothing.  For work that computes; loops over rows belong to core/thread.h.
 */
#ifndef TS_CORE_TASK_POOL_H
#define TS_CORE_TASK_POOL_H

#include "core/error.h"

typedef struct ts_task_pool ts_task_pool;

typedef struct ts_task {
    void (*run)(struct ts_task *task); /* on a worker; the task may be freed or added again */
    struct ts_task *next;              /* private */
} ts_task;

tiefsee_status ts_task_pool_new(ts_task_pool **out, int n_threads,
                                tiefsee_error *err) TS_MUST_CHECK;

/* Does what was added, then ends.  Nothing may be added any more.  NULL allowed. */
void ts_task_pool_free(ts_task_pool *w);

/* Any thread.  The task must not be waiting already. */
void ts_task_pool_add(ts_task_pool *w, ts_task *task);

#endif
