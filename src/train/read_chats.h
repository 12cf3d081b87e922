/* read_chats.h - conversations as lines of JSON, as people keep them for fine-tuning. */
#ifndef TS_TRAIN_READ_CHATS_H
#define TS_TRAIN_READ_CHATS_H

#include "core/error.h"
#include "formats/encoding.h"

/* {"messages": [{"role": "user", "content": "..."}, ...]} as messages, which live during
 * the call.  Roles: system (first only), user, assistant (with "reasoning_content" if it
 * has one), taking turns; behind an assistant's "tool_calls" the results of the tools
 * (role tool); the last is an assistant's.  "tools" beside "messages": what was offered.
 * (chat_line.h writes such lines.)  TIEFSEE_E_FORMAT: what is wrong. */
typedef tiefsee_status ts_on_chat(void *user, const ts_chat *chat, tiefsee_error *err);
tiefsee_status ts_read_chat(const char *line, size_t n, ts_on_chat *on_chat, void *user,
                            tiefsee_error *err) TS_MUST_CHECK;

#endif
