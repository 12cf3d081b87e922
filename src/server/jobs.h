/* jobs.h - a job of the engine that answers a request.
 *
 * Submits, and cancels the job when the client leaves, whoever is faster: client,
 * engine or submit itself.  The reply is held until the job is done.
 *
 * Where the server has keys and books (ts_server.auth) this is also the place that
 * asks for the right to run, shortens max_tokens to what the quota has left, and
 * writes down what the job took before the last byte of its answer leaves.
 */
#ifndef TS_SERVER_JOBS_H
#define TS_SERVER_JOBS_H

#include "engine/engine.h"
#include "server/http/http.h"
#include "server/models.h"

/* As ts_engine_submit, to the model's engine: if that is not loaded, the job is
 * submitted when it is, and what is wrong then comes with `done`.  The events come on
 * the engine thread (`done` perhaps on the loader's); piece is not called any
 * more, and the job is cancelled, once the client is gone.  On success `done` must end
 * the reply (ts_reply_send, _fail or _end) if this is its last job; on failure no event
 * comes and the caller answers (ts_reply_fail_status knows Retry-After).  user lives in
 * the request's arena. */
tiefsee_status ts_jobs_submit(ts_reply *reply, const ts_served_model *model,
                              const ts_job_spec *spec, const ts_job_events *events, void *user,
                              tiefsee_error *err) TS_MUST_CHECK;

#endif
