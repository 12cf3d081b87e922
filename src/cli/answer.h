/* answer.h - what the commands that answer questions share. */
#ifndef TS_CLI_ANSWER_H
#define TS_CLI_ANSWER_H

#include "chat/talk.h"
#include "chat/view.h"

/* A talk with the settings of the command line; TS_EXIT_NONE, or what went
 * wrong, which was printed. */
int ts_cli_open_talk(ts_talk *t, tiefsee_model *model);

/* stdout and stderr as they are. */
ts_view ts_cli_view(void);

/* Take white space off the end, which piped text has and questions do not;
 * returns the length that is left. */
size_t ts_cli_trim_end(ts_buf *text);

#endif
