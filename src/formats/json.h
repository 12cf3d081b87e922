/* json.h - small JSON files, as trees.  Large ones: json_reader.h.
 *
 * jansson parses: strict, no duplicate keys, no NUL in texts.  It asks malloc
 * itself: its allocator is global to the process, and a library must not change
 * it under its host.  The counts below bound what it can take (about 100 bytes
 * per value), before it starts.
 */
#ifndef TS_FORMATS_JSON_H
#define TS_FORMATS_JSON_H

#include <jansson.h>

#include "core/error.h"
#include "core/str.h"

enum { JSON_MAX_DEPTH = 32 };

/* Limits of one kind of file. */
typedef struct ts_json_limits {
    size_t bytes, values;
    bool has_huge_numbers; /* integers become reals: tokenizer_config.json says 10^30 */
} ts_json_limits;

/* n bytes of text that must be one object.  *out is released by json_decref. */
tiefsee_status ts_json_parse(json_t **out, const char *text, size_t n, ts_json_limits limits,
                             tiefsee_error *err) TS_MUST_CHECK;

/* Any value, not only an object. */
tiefsee_status ts_json_parse_any(json_t **out, const char *text, size_t n, ts_json_limits limits,
                                 tiefsee_error *err) TS_MUST_CHECK;

/* The same from a file. */
tiefsee_status ts_json_load(json_t **out, const char *path, ts_json_limits limits,
                            tiefsee_error *err) TS_MUST_CHECK;

ts_str ts_json_str(const json_t *text); /* of a string; else empty */

#endif
