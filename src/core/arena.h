/* arena.h - bump allocation with one owner and one end.
 *
 * Two kinds.  A growing arena (ts_arena_new) takes blocks from ts_alloc and is
 * for metadata.  A fixed arena (ts_arena_fixed) takes its one block at creation
 * and never calls the allocator again: the scratch of a step.  Released parts
 * are poisoned under ASan and, in debug builds, filled with NaN patterns.
 */
#ifndef TS_CORE_ARENA_H
#define TS_CORE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"

typedef struct ts_arena ts_arena;

ts_arena *ts_arena_new(size_t max_bytes) TS_MUST_CHECK; /* NULL: out of memory */
ts_arena *ts_arena_fixed(size_t bytes) TS_MUST_CHECK;   /* NULL: out of memory */
void ts_arena_free(ts_arena *a);                        /* NULL allowed */

/* 64-byte aligned, not cleared.  NULL when the maximum or memory is exhausted. */
void *ts_arena_alloc(ts_arena *a, size_t bytes) TS_MUST_CHECK;
void *ts_arena_alloc_zero(ts_arena *a, size_t n, size_t size) TS_MUST_CHECK;
char *ts_arena_strdup(ts_arena *a, const char *s, size_t n) TS_MUST_CHECK;

size_t ts_arena_used(const ts_arena *a);

/* Fixed arenas: remember a position and go back to it. */
size_t ts_arena_mark(const ts_arena *a);
void ts_arena_release(ts_arena *a, size_t mark);

#endif
