/* anthropic_messages.h - system and messages of /v1/messages: blocks become turns. */
#ifndef TS_SERVER_ANTHROPIC_MESSAGES_H
#define TS_SERVER_ANTHROPIC_MESSAGES_H

#include "server/api/turn_request.h"

bool ts_anthropic_messages_read(ts_turn_request *r, ts_wrong *wrong) TS_MUST_CHECK;

#endif
