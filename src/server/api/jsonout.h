/* jsonout.h - JSON written piece by piece into a buffer.
 *
 * What a request's answer costs per token is here, so nothing builds a tree.  A
 * failed append (the maximum, or memory) is remembered; the caller asks once.
 */
#ifndef TS_SERVER_JSONOUT_H
#define TS_SERVER_JSONOUT_H

#include "core/compiler.h"
#include "core/str.h"

typedef struct ts_out {
    ts_buf buf;
    bool has_failed;
} ts_out;

ts_out ts_out_make(size_t max_bytes);
void ts_out_free(ts_out *o);

void ts_out_raw(ts_out *o, const char *text);
void ts_out_bytes(ts_out *o, const char *bytes, size_t n);
void ts_out_append(ts_out *o, const ts_out *other);             /* its failure, too */
void ts_out_f(ts_out *o, const char *fmt, ...) TS_PRINTF(2, 3); /* at most 511 bytes */

/* Escaped as in a JSON text; broken UTF-8 becomes U+FFFD. */
void ts_out_escaped(ts_out *o, const char *s, size_t n);

/* The same between quotes; NULL gives null. */
void ts_out_text(ts_out *o, const char *s, size_t n);
void ts_out_str(ts_out *o, const char *terminated);
void ts_out_buf(ts_out *o, const ts_buf *text); /* of NULL and of an empty one: "" */

/* [1,2,3] */
void ts_out_byte_array(ts_out *o, const char *s, size_t n);

#endif
