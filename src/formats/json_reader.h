/* json_reader.h - walk a large JSON text without building a tree of it.
 *
 * Headers of safetensors, shard indexes and vocabularies have a fixed shape and
 * up to a hundred megabytes: they are read in place, in one direction, with no
 * allocation.  The first problem stays, and from then on every call fails, so a
 * record is read and judged once.  Strict (RFC 8259, UTF-8), but duplicate keys
 * are the caller's to notice, and NUL in texts is refused.
 */
#ifndef TS_FORMATS_JSON_READER_H
#define TS_FORMATS_JSON_READER_H

#include "core/error.h"
#include "core/str.h"

enum { JSON_READER_DEPTH = 32 };

typedef struct ts_json_reader {
    const char *start, *p, *end;
    const char *problem; /* NULL: none */
    int depth;
    uint64_t has_items; /* bit d: the list at depth d has had an item */
} ts_json_reader;

ts_json_reader ts_json_reader_of(ts_str text);

/* The problem as an error that names `what` and the place; TIEFSEE_OK if none. */
tiefsee_status ts_json_reader_status(const ts_json_reader *r, const char *what,
                                     tiefsee_error *err) TS_MUST_CHECK;

/* Enter a list or an object, then walk it: false at its end (which is consumed)
 * or at a problem.  After true, exactly one value must be read. */
bool ts_json_enter(ts_json_reader *r, char bracket); /* '{' or '[' */
bool ts_json_next_key(ts_json_reader *r, ts_str *key);
bool ts_json_next_item(ts_json_reader *r);

char ts_json_peek(ts_json_reader *r); /* first character of the next value; 0: end */
void ts_json_end(ts_json_reader *r);  /* nothing but blanks may follow */

/* Texts are given as they are written; see ts_json_unescape. */
ts_str ts_json_read_text(ts_json_reader *r);
uint64_t ts_json_read_size(ts_json_reader *r); /* a whole number, not negative */
ts_str ts_json_read_any(ts_json_reader *r);    /* the characters of any value */

/* Writes what a text read above means; returns its length, at most text.len. */
size_t ts_json_unescape(ts_str text, char *out);

#endif
