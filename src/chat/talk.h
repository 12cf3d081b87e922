/* talk.h - one question and its answer: a conversation over a session. */
#ifndef TS_CHAT_TALK_H
#define TS_CHAT_TALK_H

#include "chat/conversation.h"
#include "core/str.h"
#include "tiefsee/tiefsee.h"

typedef struct ts_talk {
    tiefsee_model *model;     /* borrowed */
    tiefsee_session *session; /* owned */
    ts_conversation messages;
    tiefsee_sampling sampling;
    size_t max_tokens; /* 0: until the context is full */
    const char *const *stop;
    size_t n_stop, n_top_logprobs;
    bool no_thinking;
} ts_talk;

/* All on the calling thread. */
typedef struct ts_talk_events {
    void (*on_progress)(void *user, size_t done, size_t total); /* reading the question */
    void (*on_piece)(void *user, const tiefsee_piece *piece);
    void *user;
} ts_talk_events;

typedef struct ts_answer {
    ts_buf reasoning, content;
    tiefsee_finish finish;
    size_t n_prompt, n_reused; /* tokens of the whole conversation; those that were cached */
    size_t n_generated, n_reasoning;
    double prefill_s, first_token_s, total_s; /* first_token_s: from the question */
} ts_answer;

/* Opens the session; n_ctx 0 is the default of the library. */
tiefsee_status ts_talk_open(ts_talk *t, tiefsee_model *model, size_t n_ctx,
                            tiefsee_error *err) TS_MUST_CHECK;
void ts_talk_close(ts_talk *t);

/* Adds the question and its answer to the conversation.  An error, and a Ctrl-C
 * before the first piece, leave the conversation as it was; an answer that was
 * stopped later stays as far as it came.  Free out in any case. */
tiefsee_status ts_talk_ask(ts_talk *t, const char *question, size_t n, const ts_talk_events *events,
                           ts_answer *out, tiefsee_error *err) TS_MUST_CHECK;
void ts_answer_free(ts_answer *a);

/* SIGINT stops the answer that is being made, and nothing else.  taken() says
 * whether there was one since the last call. */
void ts_interrupt_install(void);
bool ts_interrupt_taken(void);

#endif
