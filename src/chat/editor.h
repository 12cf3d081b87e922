/* editor.h - one message typed at a terminal: libedit, history, paste.
 *
 * A paste of several lines arrives whole (bracketed paste) and is shown as
 * "[paste 1: 12 lines]"; what is read has the pasted text in its place.  A line
 * that ends in a backslash goes on, and so does everything between two lines of
 * three quotes.
 */
#ifndef TS_CHAT_EDITOR_H
#define TS_CHAT_EDITOR_H

#include "core/str.h"

typedef struct ts_editor ts_editor;

typedef enum ts_typed {
    TS_TYPED_MESSAGE = 0,
    TS_TYPED_INTERRUPT, /* Ctrl-C: what was typed is gone */
    TS_TYPED_NOTHING,   /* Ctrl-C on an empty line */
    TS_TYPED_END        /* Ctrl-D on an empty line, or the terminal went away */
} ts_typed;

/* Draws on stderr; is_pretty: with colour, has_escapes: the terminal is more than
 * a dumb one.  history: file that is read now and rewritten on close with
 * mode 0600; NULL keeps none.  NULL: out of memory or no usable terminal. */
ts_editor *ts_editor_open(const char *history, bool is_pretty, bool has_escapes) TS_MUST_CHECK;
void ts_editor_close(ts_editor *e); /* NULL allowed */

/* While an answer is written: keys are kept for the next message and not echoed
 * into it; Ctrl-C still interrupts. */
void ts_editor_hush(ts_editor *e, bool is_hushed);

/* The text, UTF-8 and terminated, without its last line break. */
ts_typed ts_editor_read(ts_editor *e, ts_buf *out);

#endif
