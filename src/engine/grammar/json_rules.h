/* json_rules.h - JSON itself (RFC 8259) as rules, made when they are first asked for.
 *
 * Blanks are those that models write: none or one space, or a line end and up to
 * 64 spaces or 16 tabs; not before a comma or a colon, and none around the text.
 */
#ifndef TS_ENGINE_JSON_RULES_H
#define TS_ENGINE_JSON_RULES_H

#include "engine/grammar/automaton.h"

typedef enum ts_json_rule {
    GR_JSON_BLANKS,
    GR_JSON_VALUE,
    GR_JSON_OBJECT,
    GR_JSON_ARRAY,
    GR_JSON_STRING,
    GR_JSON_CHAR, /* one character of a text, escaped or not */
    GR_JSON_NUMBER,
    GR_JSON_INTEGER,
    GR_JSON_RULES
} ts_json_rule;

typedef struct ts_json_rules {
    ts_gr_builder *b;
    uint32_t rule[GR_JSON_RULES]; /* 0: not made yet */
} ts_json_rules;

uint32_t ts_json_rule_of(ts_json_rules *j, ts_json_rule what);

/* Blanks that may be left out; returns the state behind them. */
uint32_t ts_json_blanks(ts_json_rules *j, uint32_t from);

#endif
