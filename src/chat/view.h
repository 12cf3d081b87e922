/* view.h - an answer on a terminal or in a pipe.
 *
 * The answer goes to stdout, everything else to stderr.  Colour and cursor
 * movement only where they are welcome; on a terminal, control characters in the
 * model's text are shown as U+FFFD, so that no answer can reprogram it.
 */
#ifndef TS_CHAT_VIEW_H
#define TS_CHAT_VIEW_H

#include "chat/talk.h"

typedef struct ts_view {
    bool is_out_pretty, is_err_pretty; /* colour is welcome on stdout, on stderr */
    bool is_out_terminal, is_err_terminal;
    bool hides_thinking;
    /* From here on: state, zero at the beginning. */
    bool is_thinking, has_thought, is_line_open, shows_progress;
    double progress_started, progress_shown;
} ts_view;

/* Pieces and progress of one answer; ts_view_end closes its last line. */
void ts_view_begin(ts_view *v);
void ts_view_piece(ts_view *v, const tiefsee_piece *piece);
void ts_view_progress(ts_view *v, size_t done, size_t total);
void ts_view_end(ts_view *v);

/* "12 tokens in (8 cached), 100 tokens/s; ..." on stderr. */
void ts_view_timings(const ts_view *v, const ts_answer *a);

/* A quiet line on stderr, dimmed where that is welcome. */
void ts_view_note(const ts_view *v, const char *fmt, ...) TS_PRINTF(2, 3);

/* "1,234,567", "671.0 B", "1.2 GB" into text; return text. */
enum { TS_NUMBER_MAX = 32 };
const char *ts_text_of_count(char text[TS_NUMBER_MAX], uint64_t n);
const char *ts_text_of_size(char text[TS_NUMBER_MAX], uint64_t n); /* parameters: K, M, B */
const char *ts_text_of_bytes(char text[TS_NUMBER_MAX], uint64_t n);

#endif
