/* openai_logprobs.h - log probabilities of tokens, gathered until they are written.
 *
 * Chats have an entry per token, in a list for the content and one for the reasoning;
 * completions have four lists side by side.
 */
#ifndef TS_SERVER_OPENAI_LOGPROBS_H
#define TS_SERVER_OPENAI_LOGPROBS_H

#include "server/api/turn_answer.h"

typedef struct ts_openai_logprobs {
    bool is_wanted, is_chat;
    size_t n_top;    /* alternatives to show */
    ts_out lists[4]; /* content, reasoning; or tokens, logprobs, alternatives, offsets */
    size_t offset;   /* characters of the answer before the next token */
} ts_openai_logprobs;

ts_openai_logprobs ts_openai_logprobs_make(bool is_wanted, bool is_chat, size_t n_top);
void ts_openai_logprobs_free(ts_openai_logprobs *l);

void ts_openai_logprobs_add(ts_openai_logprobs *l, const ts_turn *t, const tiefsee_piece *piece);

/* ,"logprobs":... of what was added since the last time. */
void ts_openai_logprobs_write(ts_openai_logprobs *l, ts_out *o);

#endif
