/* frontend.h - what compiles a text to rules: one function per kind.
 *
 * Each adds rules to the builder and names the root; errors name the place.
 */
#ifndef TS_ENGINE_FRONTEND_H
#define TS_ENGINE_FRONTEND_H

#include "core/arena.h"
#include "engine/grammar/automaton.h"

enum { GR_MAX_TEXT = 4 << 20, GR_ARENA_BYTES = 128 << 20 };

tiefsee_status ts_gr_from_json(uint32_t *root, ts_gr_builder *b, tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_gr_from_regex(uint32_t *root, ts_gr_builder *b, ts_str text,
                                tiefsee_error *err) TS_MUST_CHECK;
/* names: keeps the names of rules, which the automaton borrows. */
tiefsee_status ts_gr_from_gbnf(uint32_t *root, ts_gr_builder *b, ts_str text, ts_arena *names,
                               tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_gr_from_schema(uint32_t *root, ts_gr_builder *b, ts_str text,
                                 tiefsee_error *err) TS_MUST_CHECK;

#endif
