/* openai_tools.h - tools and tool_choice of a chat request. */
#ifndef TS_SERVER_OPENAI_TOOLS_H
#define TS_SERVER_OPENAI_TOOLS_H

#include "server/api/turn_request.h"

bool ts_openai_tools_read(ts_turn_request *r, ts_wrong *wrong) TS_MUST_CHECK;

#endif
