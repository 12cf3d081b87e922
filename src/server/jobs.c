/* jobs.c - see jobs.h.
 *
 * Three threads meet here: the one that submits, the engine's, and the I/O thread
 * that sees the client leave.  `job` may be used from the moment submit returned
 * until done returns; both set it under the lock, and whoever cancels holds it.
 */
#include "server/jobs.h"

#include "core/thread.h"

typedef struct link_state {
    ts_reply *reply;
    ts_job_events events;
    void *user;
    ts_lock *lock;
    ts_job *job; /* NULL: not known yet, or done */
    bool is_gone, is_done;
    ts_reply_watch watch;
} link_state;

static void on_gone(void *user)
{
    link_state *s = user;

    ts_lock_take(s->lock);
    s->is_gone = true;
    if (s->job)
        ts_job_cancel(s->job);
    ts_lock_give(s->lock);
}

static void on_start(void *user, size_t n_prompt, size_t n_cached)
{
    const link_state *s = user;

    if (s->events.start)
        s->events.start(s->user, n_prompt, n_cached);
}

static bool on_piece(void *user, const tiefsee_piece *piece)
{
    const link_state *s = user;

    if (ts_reply_is_gone(s->reply))
        return false;
    return !s->events.piece || s->events.piece(s->user, piece);
}

static void on_done(void *user, const ts_job_result *result)
{
    link_state *s = user;
    ts_reply *reply = s->reply;

    ts_lock_take(s->lock);
    s->is_done = true;
    s->job = NULL;
    ts_lock_give(s->lock);
    s->events.done(s->user, result);
    ts_reply_release(reply);
}

static void free_lock(void *lock)
{
    ts_lock_free(lock);
}

tiefsee_status ts_jobs_submit(ts_reply *reply, ts_engine *engine, const ts_job_spec *spec,
                              const ts_job_events *events, void *user, tiefsee_error *err)
{
    static const ts_job_events ours = {.start = on_start, .piece = on_piece, .done = on_done};
    link_state *s = ts_arena_alloc_zero(ts_reply_request(reply)->arena, 1, sizeof *s);
    ts_job *job = NULL;

    if (!s || !(s->lock = ts_lock_new()) || !ts_reply_on_free(reply, free_lock, s->lock))
        return ts_fail_nomem(err, sizeof *s, "a job");
    s->reply = reply;
    s->events = *events;
    s->user = user;
    s->watch = (ts_reply_watch){.on_gone = on_gone, .user = s};
    ts_reply_hold(reply); /* until the job is done */
    ts_reply_hold(reply); /* until this function is */
    ts_reply_on_gone(reply, &s->watch);

    const tiefsee_status st = ts_engine_submit(engine, spec, &ours, s, &job, err);
    if (st != TIEFSEE_OK)
        ts_reply_release(reply);
    else {
        ts_lock_take(s->lock);
        if (!s->is_done) {
            s->job = job;
            if (s->is_gone)
                ts_job_cancel(job);
        }
        ts_lock_give(s->lock);
    }
    ts_reply_release(reply);
    return st;
}
