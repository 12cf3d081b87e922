/* target.h - what stands behind the method: path, query, and their escapes. */
#ifndef TS_SERVER_TARGET_H
#define TS_SERVER_TARGET_H

#include "core/str.h"

typedef enum ts_target_result {
    TS_TARGET_OK = 0,
    TS_TARGET_BAD,     /* not a path, a broken escape, a NUL, or no UTF-8 */
    TS_TARGET_TOO_LONG /* the decoded path does not fit */
} ts_target_result;

/* Split "/v1/models/a%20b?x=1" ("http://host/..." too) and decode the path into out,
 * which is terminated.  Dot segments are refused, not resolved. */
ts_target_result ts_target_split(ts_str target, char *path, size_t size, ts_str *query);

/* The raw value of the first name=value; '+' and escapes are not decoded yet. */
bool ts_query_find(ts_str query, const char *name, ts_str *raw);

/* Decode escapes ('+' to a blank too, if is_query) into out of at least s.len + 1
 * bytes.  False: a broken escape, a NUL or no UTF-8. */
bool ts_percent_decode(ts_str s, bool is_query, char *out, size_t *n);

#endif
