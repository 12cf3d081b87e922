/* alloc.h - the one place that asks the system for memory.
 *
 * ts_alloc() and friends call a hook that tests replace: by one that counts
 * (the token loop must not allocate) or one that fails (every failure path is
 * walked).  All memory is aligned to 64 bytes, a cache line and a zmm register.
 */
#ifndef TS_CORE_ALLOC_H
#define TS_CORE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"

/* NULL when out of memory.  Zero bytes give a valid pointer. */
void *ts_alloc(size_t bytes) TS_MUST_CHECK;
void *ts_alloc_zero(size_t n, size_t size) TS_MUST_CHECK; /* n * size, checked */
void *ts_realloc(void *old, size_t old_bytes, size_t bytes) TS_MUST_CHECK;
void ts_free(void *p);

/* Duplicate n bytes and terminate them. */
char *ts_strdup_n(const char *s, size_t n) TS_MUST_CHECK;

/* Tests only: how often ts_alloc was called, and fail the call number
 * fail_at (counted from 1; 0: never).  Both count from the last reset. */
uint64_t ts_alloc_count(void);
void ts_alloc_reset(uint64_t fail_at);

#endif
