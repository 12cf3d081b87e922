/* openai_answer.h - answers of chat and completion requests, in OpenAI's words (/v1)
 * and DeepSeek's (bare root), which differ in where usage rides and in what a delta
 * names.
 */
#ifndef TS_SERVER_OPENAI_ANSWER_H
#define TS_SERVER_OPENAI_ANSWER_H

#include "server/api/openai_request.h"
#include "server/api/turn_answer.h"

/* Answers in any case; request is still the caller's to close. */
void ts_openai_answer_run(ts_reply *reply, ts_openai_request *request, bool is_deepseek);

#endif
