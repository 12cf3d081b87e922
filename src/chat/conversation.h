/* conversation.h - the messages of one conversation, and the file they are saved in. */
#ifndef TS_CHAT_CONVERSATION_H
#define TS_CHAT_CONVERSATION_H

#include "core/compiler.h"
#include "tiefsee/tiefsee.h"

enum { TS_CONVERSATION_FILE_MAX = 64 << 20 };

/* Owns its strings.  A system message, if there is one, is the first. */
typedef struct ts_conversation {
    tiefsee_message *at;
    size_t n, cap;
} ts_conversation;

void ts_conversation_free(ts_conversation *c);

/* Texts of n bytes; reasoning may be NULL.  A zero byte is refused: a message
 * would end there. */
tiefsee_status ts_conversation_add(ts_conversation *c, tiefsee_role role, const char *content,
                                   size_t n, const char *reasoning,
                                   tiefsee_error *err) TS_MUST_CHECK;

/* Replace or remove (NULL or "") the system message. */
tiefsee_status ts_conversation_set_system(ts_conversation *c, const char *text,
                                          tiefsee_error *err) TS_MUST_CHECK;
const char *ts_conversation_system(const ts_conversation *c); /* NULL if none */

void ts_conversation_drop_last(ts_conversation *c);
void ts_conversation_clear(ts_conversation *c); /* keeps the system message */

/* JSON, readable by the user alone:
 *     {"tiefsee": "conversation", "version": 1, "messages": [{"role", "content", "reasoning"?}]}
 * Loading replaces *c, or leaves it alone when it fails. */
tiefsee_status ts_conversation_save(const ts_conversation *c, const char *path,
                                    tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_conversation_load(ts_conversation *c, const char *path,
                                    tiefsee_error *err) TS_MUST_CHECK;

#endif
