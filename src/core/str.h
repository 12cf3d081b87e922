/* str.h - borrowed strings and growing buffers.
 *
 * A ts_str points into memory that somebody else owns (a mapped file, an
 * arena) and need not be terminated.  A ts_buf grows up to a maximum given at
 * creation; it is always terminated behind its len bytes.
 */
#ifndef TS_CORE_STR_H
#define TS_CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"

typedef struct ts_str {
    const char *ptr;
    size_t len;
} ts_str;

#define TS_STR(literal) ((ts_str){literal, sizeof(literal) - 1})
/* For printf: "%.*s", TS_STR_ARG(s) - lengths beyond 200 are cut. */
#define TS_STR_ARG(s) (int)((s).len < 200 ? (s).len : 200), (s).ptr ? (s).ptr : ""

ts_str ts_str_of(const char *terminated); /* NULL gives the empty string */
bool ts_str_eq(ts_str a, ts_str b);
bool ts_str_is(ts_str a, const char *terminated);
bool ts_str_starts(ts_str a, const char *prefix);

typedef struct ts_buf {
    char *ptr; /* NULL until the first append */
    size_t len, cap, max;
} ts_buf;

ts_buf ts_buf_make(size_t max_bytes);
void ts_buf_free(ts_buf *b);
void ts_buf_clear(ts_buf *b); /* keeps the memory */

/* False when the maximum or memory is exhausted; then nothing was appended. */
bool ts_buf_append(ts_buf *b, const void *bytes, size_t n) TS_MUST_CHECK;
bool ts_buf_append_str(ts_buf *b, const char *terminated) TS_MUST_CHECK;

/* The whole text as a number: no blanks, no trailing bytes, in [min, max]. */
bool ts_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);
bool ts_parse_double(const char *text, double min, double max, double *out);

#endif
