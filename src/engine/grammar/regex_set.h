/* regex_set.h - sets of characters while a pattern is read. */
#ifndef TS_ENGINE_REGEX_SET_H
#define TS_ENGINE_REGEX_SET_H

#include "engine/grammar/regex_parse.h"

typedef struct ts_range_list {
    ts_regex_range *ranges;
    uint32_t n, cap;
} ts_range_list;

bool ts_range_add(ts_range_list *l, uint32_t lo, uint32_t hi, ts_arena *arena) TS_MUST_CHECK;

/* d D w W s S . as ECMA-262 has them; false if c names no class or memory is out
 * (then *is_class is true). */
bool ts_range_add_class(ts_range_list *l, char c, ts_arena *arena, bool *is_class) TS_MUST_CHECK;

/* Sort, join, and turn around if asked to. */
bool ts_range_normalize(ts_range_list *l, bool is_negated, ts_arena *arena) TS_MUST_CHECK;

#endif
