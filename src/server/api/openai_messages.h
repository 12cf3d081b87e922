/* openai_messages.h - the parts of a chat request that are trees: messages and the
 * format of the answer.
 */
#ifndef TS_SERVER_OPENAI_MESSAGES_H
#define TS_SERVER_OPENAI_MESSAGES_H

#include "server/api/turn_request.h"

enum { TS_OPENAI_MAX_CALLS = 1024 };

/* body.messages; texts live as long as body and arena. */
bool ts_openai_messages_read(ts_turn_request *r, ts_wrong *wrong) TS_MUST_CHECK;

/* body.response_format */
bool ts_openai_format_read(ts_turn_request *r, ts_wrong *wrong) TS_MUST_CHECK;

#endif
