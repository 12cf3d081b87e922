/* anthropic_answer.h - an answer as a message of blocks, whole or as events. */
#ifndef TS_SERVER_ANTHROPIC_ANSWER_H
#define TS_SERVER_ANTHROPIC_ANSWER_H

#include "server/api/turn_answer.h"

/* Answers in any case. */
void ts_anthropic_answer_run(ts_reply *reply, ts_turn_request *r);

#endif
