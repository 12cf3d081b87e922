/* whole_call.h - is a call's JSON whole?  The end of an answer can cut it. */
#ifndef TS_SERVER_WHOLE_CALL_H
#define TS_SERVER_WHOLE_CALL_H

#include "server/api/turn_answer.h"

/* Are its arguments a JSON object? */
bool ts_call_is_whole(const ts_turn_call *call);

/* How many of the turn's calls are. */
size_t ts_calls_count_whole(const ts_turn *t);

#endif
