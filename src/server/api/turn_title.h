/* turn_title.h - a name for a conversation: the first words of what was asked.
 *
 * DeepSeek's cloud lets a model write it; this costs no tokens and never waits.
 */
#ifndef TS_SERVER_TURN_TITLE_H
#define TS_SERVER_TURN_TITLE_H

enum { TS_TITLE_SIZE = 64 };

/* One line of UTF-8 (if text is), without markup in front; an ellipsis says that more
 * was asked. */
void ts_turn_title(char out[TS_TITLE_SIZE], const char *text);

#endif
