/* live.h - answers that are being written.
 *
 * An answer belongs to its conversation, not to the request that asked for it: it goes
 * on without listeners (unless it was asked not to), others may join, and what there is
 * of it is written down every second and at its end.
 *
 * Three kinds of threads: handlers start, join and stop; the engine's adds text and
 * tells the listeners; the worker saves, ends and frees (ts_live_look).
 */
#ifndef TS_SERVER_LIVE_H
#define TS_SERVER_LIVE_H

#include "server/api/turn_request.h"
#include "server/app/app.h"

typedef struct ts_live_spec {
    const ts_app_caller *caller;
    const char *chat_id;       /* "": a temporary chat, nothing is written */
    int64_t seq;               /* of the answer's row */
    json_t *answer;            /* taken over: the message without content and reasoning */
    json_t *user_message;      /* taken over; NULL: none */
    ts_str content, reasoning; /* what there is already (continued) */
    bool stays;
    ts_turn_request *request; /* prepared */
    ts_grant grant;           /* open, or zero */
} ts_live_spec;

/* Begins the event stream on reply and the job behind it; what goes wrong is an event.
 * False: no memory, the reply is not answered, the spec is taken over all the same. */
bool ts_live_start(ts_app *app, ts_reply *reply, ts_live_spec *spec) TS_MUST_CHECK;

/* Listen to one that runs; false: there is none, nothing was answered. */
bool ts_live_join(ts_app *app, ts_reply *reply, int64_t user_n, const char *chat_id,
                  const char *id) TS_MUST_CHECK;

typedef enum ts_live_done { TS_LIVE_NONE, TS_LIVE_DONE, TS_LIVE_NOT_THINKING } ts_live_done;
ts_live_done ts_live_stop(ts_app *app, int64_t user_n, const char *chat_id, const char *id);
void ts_live_stop_all(ts_app *app, int64_t user_n);
ts_live_done ts_live_answer_now(ts_app *app, int64_t user_n, const char *chat_id, const char *id);

/* The answer being written in a conversation; "" if none.  id may be NULL. */
bool ts_live_is_busy(ts_app *app, int64_t user_n, const char *chat_id, char id[TS_ID_MAX + 1]);

/* Ends those of a conversation (NULL: all of the user) without writing anything more;
 * waits until nothing of them can be written. */
void ts_live_drop(ts_app *app, int64_t user_n, const char *chat_id);

/* The worker. */
void ts_live_look(ts_app *app);

#endif
