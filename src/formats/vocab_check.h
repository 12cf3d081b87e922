/* vocab_check.h - what holds for every vocabulary, whichever file it came from. */
#ifndef TS_FORMATS_VOCAB_CHECK_H
#define TS_FORMATS_VOCAB_CHECK_H

#include "core/arena.h"
#include "core/error.h"
#include "formats/vocab.h"

/* Texts are unique, not too long and valid UTF-8, types are known, ids exist,
 * and both sides of every merge are tokens.  The arena holds the table of the
 * check, so it should be one that goes away. */
tiefsee_status ts_vocab_check(const ts_vocab *v, ts_arena *scratch,
                              tiefsee_error *err) TS_MUST_CHECK;

/* Is an added token's text one that the encodings mark turns with ("<|...|>", also
 * with the wide bars)?  Files of some models call "<\uff5cUser\uff5c>" and its like
 * ordinary; whoever writes them would begin a turn, so they are control tokens. */
bool ts_vocab_is_marker(ts_str text);

/* Split "left right" at its one space; false if there is not exactly one. */
bool ts_merge_split(ts_str text, ts_str *left, ts_str *right);

#endif
