/* read_chats.h - conversations as lines of JSON, as people keep them for fine-tuning. */
#ifndef TS_TRAIN_READ_CHATS_H
#define TS_TRAIN_READ_CHATS_H

#include "core/error.h"

/* {"messages": [{"role": "user", "content": "..."}, ...]} as messages, which live during
 * the call.  Roles: system (first only), user, assistant (with "reasoning_content" if it
 * has one), taking turns; the last is an assistant's.  TIEFSEE_E_FORMAT: what is wrong. */
typedef tiefsee_status ts_on_chat(void *user, const tiefsee_message *messages, size_t n,
                                  tiefsee_error *err);
tiefsee_status ts_read_chat(const char *line, size_t n, ts_on_chat *on_chat, void *user,
                            tiefsee_error *err) TS_MUST_CHECK;

#endif
