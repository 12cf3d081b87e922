/* chat_line.h - a conversation as JSON, as clients of the chat API write it:
 *
 *     {"messages": [{"role": "user", "content": "..."},
 *                   {"role": "assistant", "content": "", "tool_calls": [{"type": "function",
 *                    "function": {"name": "...", "arguments": "{...}"}}]},
 *                   {"role": "tool", "content": "..."}, ...],
 *      "tools": [{"type": "function", "function": {"name": "...", "parameters": {...}}}]}
 */
#ifndef TS_TRAIN_CHAT_LINE_H
#define TS_TRAIN_CHAT_LINE_H

#include <jansson.h>

#include "core/error.h"
#include "formats/encoding.h"

/* The object with "messages", and "tools" where some are offered; the answer is the last
 * message.  Calls in its text, with their markers, become "tool_calls".  NULL: no memory. */
json_t *ts_chat_line(const ts_chat *chat, const tiefsee_message *answer);

#endif
