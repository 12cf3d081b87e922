/* jobs.c - see jobs.h.
 *
 * Three threads meet here: the one that submits, the engine's, and the I/O thread
 * that sees the client leave.  `job` may be used from the moment submit returned
 * until done returns; both set it under the lock, and whoever cancels holds it.
 */
#include "server/jobs.h"

#include "core/log.h"
#include "core/thread.h"
#include "server/auth/auth.h"
#include "server/server.h"

enum { PATIENCE_S = 60 };

typedef struct link_state {
    ts_reply *reply;
    ts_job_events events;
    void *user;
    ts_lock *lock;
    ts_job *job; /* NULL: not known yet, or done */
    bool is_gone, is_done;
    ts_reply_watch watch;
    ts_auth *auth; /* NULL: no books */
    ts_grant grant;
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

/* On the store's thread: the numbers are safe, or the answer must not look whole. */
static void on_written(void *user, const tiefsee_error *err)
{
    link_state *s = user;
    ts_reply *reply = s->reply;

    if (err) {
        const ts_log_field fields[] = {TS_LOG_TEXT("id", ts_reply_request(reply)->id),
                                       TS_LOG_TEXT("why", err->message)};
        ts_log(TS_LOG_ERROR, "books", fields, TS_COUNT(fields));
    }
    ts_auth_end(s->auth, &s->grant);
    ts_reply_ungate(reply, err == NULL);
    ts_reply_release(reply);
}

static void on_done(void *user, const ts_job_result *result)
{
    link_state *s = user;
    ts_reply *reply = s->reply;
    const ts_usage_tokens tokens = {.n_prompt = result->n_prompt,
                                    .n_cached = result->n_cached,
                                    .n_completion = result->n_generated,
                                    .n_reasoning = result->n_reasoning};

    ts_lock_take(s->lock);
    s->is_done = true;
    s->job = NULL;
    ts_lock_give(s->lock);
    if (!s->auth) {
        s->events.done(s->user, result);
        ts_reply_release(reply);
        return;
    }
    ts_reply_gate(reply);
    s->events.done(s->user, result);
    ts_usage_commit_then(s->auth, &s->grant, &tokens, on_written, s);
}

static const char *name_of(const ts_models *models, const ts_engine *engine)
{
    for (size_t i = 0; i < ts_models_count(models); i++)
        if (ts_models_at(models, i)->engine == engine)
            return ts_models_at(models, i)->name;
    return "";
}

/* Tells the reply how to fail, and err why. */
static tiefsee_status refuse(ts_reply *reply, ts_refusal no, unsigned retry_after_s,
                             const char *message, tiefsee_error *err)
{
    const ts_http_request *req = ts_reply_request(reply);
    const ts_protocol *protocol = req->route ? req->route->protocol : NULL;

    ts_reply_retry_after(reply, (int)retry_after_s);
    switch (no) {
    case TS_REFUSAL_CONTEXT:
        ts_reply_fail_as(reply, 400, "context_length_exceeded");
        return ts_fail(err, TIEFSEE_E_INVALID, "%s", message);
    case TS_REFUSAL_QUOTA:
        ts_reply_fail_as(reply, protocol && protocol->quota_status ? protocol->quota_status : 429,
                         "insufficient_quota");
        if (retry_after_s >= PATIENCE_S) /* the SDKs would try again at once */
            (void)ts_reply_header(reply, "x-should-retry", "false");
        return ts_fail(err, TIEFSEE_E_LIMIT, "%s", message);
    case TS_REFUSAL_BAD_KEY:
        ts_reply_fail_as(reply, ts_refusal_http(no), NULL);
        return ts_fail(err, TIEFSEE_E_INVALID, "%s", message);
    case TS_REFUSAL_SERVER: return ts_fail(err, TIEFSEE_E_CANCELLED, "%s", message);
    default: return ts_fail(err, TIEFSEE_E_LIMIT, "%s", message);
    }
}

/* The right to run; spec gets what is left of the quota. */
static tiefsee_status ask_grant(link_state *s, ts_engine *engine, ts_job_spec *spec,
                                tiefsee_error *err)
{
    const ts_http_request *req = ts_reply_request(s->reply);
    const ts_server *server = ts_server_of(req);
    tiefsee_error why = {0};

    if (!server || !server->auth || !req->identity)
        return TIEFSEE_OK;
    const char *model = name_of(server->models, engine);
    const ts_served_model *served = ts_models_find(server->models, model);
    const size_t room =
        served && served->n_ctx > spec->n_tokens ? served->n_ctx - spec->n_tokens : 1;
    const size_t wanted = spec->generate.max_tokens;
    const ts_refusal no =
        ts_auth_begin(server->auth, req->identity, model, spec->n_tokens,
                      wanted > 0 && wanted < room ? wanted : room, &s->grant, &why);

    if (no != TS_REFUSAL_NONE)
        return refuse(s->reply, no, s->grant.retry_after_s, why.message, err);
    s->auth = server->auth;
    if (wanted > s->grant.n_completion || (wanted == 0 && s->grant.n_completion < room))
        spec->generate.max_tokens = s->grant.n_completion;
    return TIEFSEE_OK;
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
    ts_job_spec own = *spec;
    tiefsee_status st = ask_grant(s, engine, &own, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_reply_hold(reply); /* until the job is done */
    ts_reply_hold(reply); /* until this function is */
    ts_reply_on_gone(reply, &s->watch);
    st = ts_engine_submit(engine, &own, &ours, s, &job, err);
    if (st != TIEFSEE_OK) {
        if (s->auth)
            ts_auth_end(s->auth, &s->grant);
        ts_reply_release(reply);
    } else {
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
