/* jobshares.h - who has jobs in an engine, what they were given, and how many may wait. */
#ifndef TS_ENGINE_JOBSHARES_H
#define TS_ENGINE_JOBSHARES_H

#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"
#include "engine/kvcache.h"

/* Tokens that a user's jobs were given while any of them was here. */
typedef struct ts_share {
    char name[TS_MAX_NAME_SPACE + 1];
    size_t n_jobs, n_waiting; /* queued or running; queued */
    uint64_t served;
} ts_share;

typedef struct ts_shares {
    ts_share *list; /* room for one of each job */
    size_t n;
} ts_shares;

ts_share *ts_shares_find(const ts_shares *a, const char *name); /* NULL: none */

/* A job is queued; a job has ended. */
void ts_shares_enter(ts_shares *a, const char *name);
void ts_shares_leave(ts_shares *a, const char *name);

/* May one more job of this user wait in a queue of max?  Its last quarter is for those of
 * whom less than a quarter waits, so that nobody fills it alone.  What a name has behind
 * a slash is the same owner's; jobs without a name are the program's own. */
bool ts_shares_may_wait(const ts_shares *a, const char *name, size_t max);

#endif
