/* regex.h - regular expressions of ECMA-262 that are regular: no backreferences,
 * no looking around, no word borders.  What is not supported is refused by name. */
#ifndef TS_ENGINE_REGEX_H
#define TS_ENGINE_REGEX_H

#include "engine/grammar/charset.h"

enum { GR_MAX_REGEX_DEPTH = 100, GR_MAX_REGEX_REPEAT = 10000 };

/* is_search: texts that contain a match (JSON Schema); else those that are one,
 * where ^ in front and $ behind are allowed and change nothing. */
tiefsee_status ts_regex_compile(ts_charset *out, ts_str pattern, bool is_search, ts_arena *arena,
                                tiefsee_error *err) TS_MUST_CHECK;

#endif
