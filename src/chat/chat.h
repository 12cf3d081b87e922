/* chat.h - talking at the terminal, and one answer to what is piped in. */
#ifndef TS_CHAT_CHAT_H
#define TS_CHAT_CHAT_H

#include "chat/talk.h"
#include "chat/view.h"

typedef struct ts_chat {
    ts_talk talk;
    ts_view view;
    bool shows_timings, has_escapes; /* has_escapes: stderr is no dumb terminal */
    const char *history;             /* file; NULL: none */
} ts_chat;

/* Until Ctrl-D or /bye; the exit code. */
int ts_chat_interactive(ts_chat *c);

/* One answer to all of text; the exit code. */
int ts_chat_once(ts_chat *c, const char *text, size_t n);

/* Ask and show.  False after an error, which was printed. */
bool ts_chat_ask(ts_chat *c, const char *text, size_t n, ts_answer *answer);

/* slash.c: carry out "/help" and the like.  False to leave. */
bool ts_chat_command(ts_chat *c, const char *line);
bool ts_chat_is_command(const char *line);

/* The line about the model. */
void ts_chat_introduce(const ts_chat *c);

#endif
