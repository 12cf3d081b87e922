/* openai_answer.h - from a job's pieces to the answer of a chat or completion
 * request, streamed or whole.
 *
 * A job's events come on the engine thread; what they say is escaped straight into
 * the reply's buffer.  Two dialects: OpenAI's (/v1) and DeepSeek's (bare root), which
 * differ in where usage rides and in what a delta names.
 */
#ifndef TS_SERVER_OPENAI_ANSWER_H
#define TS_SERVER_OPENAI_ANSWER_H

#include "core/thread.h"
#include "server/api/jsonout.h"
#include "server/api/openai_request.h"
#include "server/http/http.h"

typedef struct ts_openai_answer {
    ts_reply *reply;
    const ts_served_model *model;
    bool is_chat, is_stream, is_deepseek, wants_usage, wants_logprobs, is_thinking;
    size_t n_top;
    int64_t created;

    ts_lock *lock;     /* the handler's while it submits and begins the reply */
    bool is_begun;     /* streams, and DeepSeek's whole answers: 200 is said */
    bool has_role;     /* the first chunk is out */
    bool is_gone;      /* a write was refused: the client is not there */
    ts_out head;       /* {"id":...,"system_fingerprint":... of every chunk */
    ts_out out;        /* the chunk at hand */
    ts_out text[2];    /* by tiefsee_channel: escaped; whole answers only */
    ts_out entries[2]; /* logprobs by channel: all, or those of the next chunk */
    size_t n_logged;   /* tokens that have an entry */
} ts_openai_answer;

/* Made in the request's arena; NULL: no memory. */
ts_openai_answer *ts_openai_answer_new(ts_reply *reply, const ts_openai_request *request,
                                       bool is_deepseek) TS_MUST_CHECK;

/* For an answer whose job never ran; else done does it. */
void ts_openai_answer_free(ts_openai_answer *a);

/* Holding the lock, once the job is submitted: say 200 where that is due, and keep the
 * line busy while the prompt is read. */
void ts_openai_answer_begin(ts_openai_answer *a);

/* The job's events; user is the answer.  done ends the reply. */
extern const ts_job_events ts_openai_answer_events;

#endif
