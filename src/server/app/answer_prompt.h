/* answer_prompt.h - what the model is asked: a branch of a conversation as messages. */
#ifndef TS_SERVER_ANSWER_PROMPT_H
#define TS_SERVER_ANSWER_PROMPT_H

#include "server/api/turn_request.h"
#include "server/app/chat_json.h"

enum { TS_MAX_BRANCH = 1 << 16 };

typedef struct ts_branch {
    tiefsee_message *at; /* in the request's arena; texts in the tree or the arena */
    const char **id;     /* of each; "": none, or the system text */
    size_t n;
    const char *since; /* of the newest answer that has one; "": none */
} ts_branch;

/* An array of all messages of a conversation; new reference, NULL: w->err. */
json_t *ts_app_answer_tree(ts_work *w, const ts_dialog *c);

/* NULL: there is none. */
json_t *ts_app_answer_find(const json_t *tree, const char *id);

/* The messages from `id` up to the first: their number; up has room for all of the tree.
 * A parent arrives before its children, so one look at each message is enough. */
size_t ts_app_answer_path(const json_t *tree, const char *id, json_t **up);

/* Room for the system text and all of the tree and two more. */
bool ts_branch_open(ts_branch *b, ts_turn_request *r, size_t n_messages, const char *system);

/* The messages from the first down to `message`, which may be NULL.  with_texts: files are
 * in the store (a conversation) or in the messages (a temporary chat: w NULL). */
bool ts_branch_add_path(ts_branch *b, ts_turn_request *r, ts_work *w, const ts_dialog *c,
                        const json_t *tree, json_t *message, ts_wrong *wrong);
bool ts_branch_add(ts_branch *b, ts_turn_request *r, json_t *message, const json_t *file_texts,
                   ts_wrong *wrong);

/* Leave the oldest turns out, never the system text nor the last question, so that the rest
 * takes half of the context; nothing if it takes up to three quarters.  Where the answer
 * before began, this one begins as long as that holds: the cache knows it.  *since: the
 * first message that is read, NULL: all are. */
bool ts_branch_shorten(ts_branch *b, const ts_turn_request *r, const char **since, ts_wrong *wrong);

/* Model, effort and sampling as the body or the conversation says. */
bool ts_app_answer_options(ts_turn_request *r, const ts_models *models, const char *model,
                           const char *effort, ts_wrong *wrong);

/* Behind a prompt that opens reasoning: these thoughts, already thought. */
bool ts_app_answer_add_thoughts(ts_turn_request *r, const char *text, ts_wrong *wrong);

#endif
