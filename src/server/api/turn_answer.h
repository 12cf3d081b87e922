/* turn_answer.h - from a job's tokens to an answer, for every protocol.
 *
 * A dialect is a table of functions that append to t->out what their protocol says for
 * an event; when to send it, who may write when, heartbeats, clients that leave,
 * errors before and after the 200, and the end are here.  The events of an answer:
 *
 *     begin                          the prompt is being read: n_prompt and n_cached are known
 *     token                          once per token, before its text
 *     reasoning ...  content ...     deltas: whole UTF-8 characters, never empty
 *     call_begin arguments ... call_end      for each call, one after another
 *     done                           or fail
 *
 * Streams hear all of them.  Whole answers hear begin, token and whole; what was said is
 * in t->reasoning, t->content and t->calls then (calls gather their arguments in streams
 * too).  All come on the engine thread (fail can come on the handler's), one at a time,
 * and must not block.
 */
#ifndef TS_SERVER_TURN_ANSWER_H
#define TS_SERVER_TURN_ANSWER_H

#include "core/thread.h"
#include "engine/engine.h"
#include "formats/toolcalls.h"
#include "server/api/jsonout.h"
#include "server/api/turn_request.h"
#include "server/http/http.h"

enum { TS_TURN_MAX_CALLS = 128 };

typedef struct ts_turn ts_turn;

typedef struct ts_turn_call {
    size_t index;
    const char *id, *name; /* in the request's arena */
    ts_buf arguments;      /* JSON text so far */
} ts_turn_call;

typedef enum ts_turn_finish {
    TS_TURN_STOP,
    TS_TURN_LENGTH,
    TS_TURN_CALLS /* it waits for what the tools say */
} ts_turn_finish;

typedef struct ts_turn_end {
    ts_turn_finish finish;
    const char *stop; /* the stop string that ended it; or NULL */
    size_t n_prompt, n_cached, n_generated, n_reasoning; /* tokens; generated counts reasoning */
    double queue_s, prompt_s, answer_s;
} ts_turn_end;

typedef struct ts_turn_dialect {
    const char *stream_type; /* "text/event-stream" */
    const char *stream_beat; /* sent after silent seconds; a literal; NULL: nothing */
    const char *whole_beat;  /* the same for whole answers, which then say 200 at once; NULL:
                              * they wait, and a failure keeps its status */

    /* Any may be NULL. */
    void (*begin)(ts_turn *t);
    void (*token)(ts_turn *t, const tiefsee_piece *piece);
    void (*reasoning)(ts_turn *t, ts_str text);
    void (*content)(ts_turn *t, ts_str text);
    void (*call_begin)(ts_turn *t, const ts_turn_call *call);
    void (*arguments)(ts_turn *t, const ts_turn_call *call, ts_str text);
    void (*call_end)(ts_turn *t, const ts_turn_call *call);
    void (*done)(ts_turn *t, const ts_turn_end *end);
    void (*fail)(ts_turn *t, const ts_http_error *error); /* a stream whose 200 is out */
    void (*whole)(ts_turn *t, const ts_turn_end *end);    /* the whole body */
    void (*free)(void *state);                            /* once, whatever happens */
} ts_turn_dialect;

struct ts_turn {
    ts_reply *reply;
    const ts_turn_dialect *dialect;
    void *state; /* the dialect's */
    const ts_served_model *model;
    bool is_stream, is_thinking;
    int64_t created;   /* seconds since 1970 */
    const char *id;    /* of the request: 24 hex digits */
    const char *title; /* of the conversation; NULL: none is wanted */
    size_t n_prompt, n_cached;
    ts_out out; /* to be sent; emptied between events */
    ts_buf reasoning, content;
    ts_turn_call *calls;
    size_t n_calls;
    bool has_failed; /* no memory: set it, and the answer ends as failed */

    /* Not for dialects. */
    ts_lock *lock; /* the handler's while it submits and begins the reply */
    ts_call_parser parser;
    bool is_calling; /* the last call is not complete */
    bool is_begun;   /* 200 is said */
    bool is_gone;    /* a write was refused: the client is not there */
    size_t n_heard;  /* tokens that `token` was told of */
    const char **stop;
    size_t n_stop;
};

/* Prepares r, submits it and answers, now or later, in any case; the caller's own
 * things may go when it has returned.  state lives in the request's arena
 * (ts_reply_request(reply)->arena); dialect->free frees what is in it. */
void ts_turn_run(ts_reply *reply, ts_turn_request *r, const ts_turn_dialect *dialect, void *state);

/* Answers with the JSON in o, or with 503 if it could not be written; frees o. */
void ts_turn_send(ts_reply *reply, ts_out *o);

/* Answers with an error, in the route's protocol. */
void ts_turn_refuse(ts_reply *reply, const ts_wrong *wrong);

/* A name for this build of this model: "fp_0123456789". */
void ts_turn_fingerprint(char out[16], const ts_served_model *model);

#endif
