/* responses_answer.h - an answer as a response with items, whole or as events. */
#ifndef TS_SERVER_RESPONSES_ANSWER_H
#define TS_SERVER_RESPONSES_ANSWER_H

#include "server/api/responses_request.h"
#include "server/api/turn_answer.h"

/* Answers in any case. */
void ts_responses_answer_run(ts_reply *reply, ts_responses_request *r);

/* The object of the member "usage". */
void ts_responses_write_usage(ts_out *o, const ts_turn_end *end);

#endif
