/* regex_parse.h - a regular expression as a tree. */
#ifndef TS_ENGINE_REGEX_PARSE_H
#define TS_ENGINE_REGEX_PARSE_H

#include "engine/grammar/regex.h"

typedef enum ts_regex_kind {
    RX_EMPTY,
    RX_SET,
    RX_SEQUENCE,
    RX_CHOICE,
    RX_REPEAT,
    RX_BEGIN,
    RX_END
} ts_regex_kind;

typedef struct ts_regex_range {
    uint32_t lo, hi;
} ts_regex_range;

typedef struct ts_regex_node ts_regex_node;
struct ts_regex_node {
    ts_regex_kind kind;
    ts_regex_node *child, *next; /* first of the parts; the next part of the parent */
    uint32_t min, max;           /* RX_REPEAT; max may be GR_INFINITE */
    ts_regex_range *ranges;      /* RX_SET: sorted, disjoint */
    uint32_t n_ranges;
    bool has_anchor; /* here or below */
};

tiefsee_status ts_regex_parse(ts_regex_node **out, ts_str pattern, ts_arena *arena,
                              tiefsee_error *err) TS_MUST_CHECK;

#endif
