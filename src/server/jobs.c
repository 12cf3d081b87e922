/* jobs.c - see jobs.h.
 *
 * Three threads meet here: the one that submits, the engine's, and the I/O thread
 * that sees the client leave.  `job` may be used from the moment submit returned
 * until done returns; both set it under the lock, and whoever cancels holds it.
 */
#include "server/jobs.h"

#include <stddef.h>
#include <string.h>

#include "core/alloc.h"
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
    ts_models *models;
    const ts_served_model *model;

    /* Until the model is loaded. */
    ts_models_use use;
    ts_job_spec spec; /* with copies of what it points to */
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
    ts_models *models = s->models;
    const ts_served_model *model = s->model;
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
        ts_reply_release(reply); /* s may be gone */
    } else {
        ts_reply_gate(reply);
        s->events.done(s->user, result);
        ts_usage_commit_then(s->auth, &s->grant, &tokens, on_written, s);
    }
    ts_models_done(models, model);
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
static tiefsee_status ask_grant(link_state *s, ts_job_spec *spec, tiefsee_error *err)
{
    const ts_http_request *req = ts_reply_request(s->reply);
    const ts_server *server = ts_server_of(req);
    tiefsee_error why = {0};

    if (!server || !server->auth || !req->identity)
        return TIEFSEE_OK;
    const ts_served_model *served = s->model;
    const size_t room = served->n_ctx > spec->n_tokens ? served->n_ctx - spec->n_tokens : 1;
    const size_t wanted = spec->generate.max_tokens;
    const ts_refusal no =
        ts_auth_begin(server->auth, req->identity, served->name, spec->n_tokens,
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

static const ts_job_events ours = {.start = on_start, .piece = on_piece, .done = on_done};

/* To an engine that is pinned; it is not any more if this fails. */
static tiefsee_status submit_to(link_state *s, ts_engine *engine, const ts_job_spec *spec,
                                tiefsee_error *err)
{
    ts_job *job = NULL;
    const tiefsee_status st = ts_engine_submit(engine, spec, &ours, s, &job, err);

    if (st != TIEFSEE_OK) {
        ts_models_done(s->models, s->model);
        return st;
    }
    ts_lock_take(s->lock);
    if (!s->is_done) {
        s->job = job;
        if (s->is_gone)
            ts_job_cancel(job);
    }
    ts_lock_give(s->lock);
    return TIEFSEE_OK;
}

/* ---- a model that must be loaded first */

static void fail_later(link_state *s, const tiefsee_error *err)
{
    ts_reply *reply = s->reply;
    const ts_job_result result = {.status = err->status,
                                  .error = *err,
                                  .finish = TIEFSEE_FINISH_CANCELLED,
                                  .stop_index = -1,
                                  .n_prompt = s->spec.n_tokens};

    if (s->spec.constraint.ctx)
        s->spec.constraint.free(s->spec.constraint.ctx);
    ts_lock_take(s->lock);
    s->is_done = true;
    ts_lock_give(s->lock);
    if (s->auth)
        ts_auth_end(s->auth, &s->grant);
    s->events.done(s->user, &result);
    ts_reply_release(reply);
}

/* On the loader's thread.  The reply is held once more meanwhile: a quick job may be
 * done, and s gone with its reply, before submit_to returns. */
static void on_ready(ts_models_use *use, ts_engine *engine, const tiefsee_error *err)
{
    link_state *s = (link_state *)(void *)((char *)use - offsetof(link_state, use));
    ts_reply *reply = s->reply;
    tiefsee_error why = err ? *err : (tiefsee_error){0};

    ts_reply_hold(reply);
    if (err || submit_to(s, engine, &s->spec, &why) != TIEFSEE_OK)
        fail_later(s, &why);
    ts_reply_release(reply);
}

static void free_copy(void *p)
{
    ts_free(p);
}

static size_t stop_bytes(const tiefsee_generate_options *o)
{
    size_t n = o->n_stop * sizeof *o->stop;

    for (size_t i = 0; i < o->n_stop; i++)
        n += strlen(o->stop[i]) + 1;
    return n;
}

/* All that a spec points to, in one block: pointers first, then numbers, then texts. */
static bool keep_spec(link_state *s, const ts_job_spec *spec)
{
    const tiefsee_generate_options *o = &spec->generate;
    const size_t user = strlen(spec->user_name ? spec->user_name : "") + 1;
    const size_t topic = strlen(spec->topic ? spec->topic : "") + 1;
    const size_t bias = o->sampling.n_bias * sizeof *o->sampling.bias;
    const size_t tokens = spec->n_tokens * sizeof *spec->tokens;
    char *p = ts_alloc(stop_bytes(o) + bias + tokens + user + topic);

    if (!p || !ts_reply_on_free(s->reply, free_copy, p))
        return false;
    s->spec = *spec;
    const char **stop = (const char **)(void *)p;
    p += o->n_stop * sizeof *stop;
    s->spec.generate.sampling.bias = memcpy(p, bias ? (const void *)o->sampling.bias : "", bias);
    p += bias;
    s->spec.tokens = memcpy(p, spec->tokens, tokens);
    p += tokens;
    s->spec.user_name = memcpy(p, spec->user_name ? spec->user_name : "", user);
    p += user;
    s->spec.topic = memcpy(p, spec->topic ? spec->topic : "", topic);
    p += topic;
    for (size_t i = 0; i < o->n_stop; i++) {
        const size_t n = strlen(o->stop[i]) + 1;
        stop[i] = memcpy(p, o->stop[i], n);
        p += n;
    }
    s->spec.generate.stop = stop;
    return true;
}

static tiefsee_status submit_later(link_state *s, const ts_job_spec *spec, tiefsee_error *err)
{
    if (!keep_spec(s, spec))
        return ts_fail_nomem(err, spec->n_tokens * sizeof *spec->tokens, "a job");
    s->use.ready = on_ready;
    ts_models_want(s->models, s->model, &s->use);
    return TIEFSEE_OK;
}

tiefsee_status ts_jobs_submit(ts_reply *reply, const ts_served_model *model,
                              const ts_job_spec *spec, const ts_job_events *events, void *user,
                              tiefsee_error *err)
{
    link_state *s = ts_arena_alloc_zero(ts_reply_request(reply)->arena, 1, sizeof *s);

    if (!s || !(s->lock = ts_lock_new()) || !ts_reply_on_free(reply, free_lock, s->lock))
        return ts_fail_nomem(err, sizeof *s, "a job");
    s->reply = reply;
    s->events = *events;
    s->user = user;
    s->models = ts_server_of(ts_reply_request(reply))->models;
    s->model = model;
    s->watch = (ts_reply_watch){.on_gone = on_gone, .user = s};
    ts_job_spec own = *spec;
    tiefsee_status st = ask_grant(s, &own, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_reply_hold(reply); /* until the job is done */
    ts_reply_hold(reply); /* until this function is */
    ts_reply_on_gone(reply, &s->watch);
    ts_engine *engine = ts_models_pin(s->models, model);
    st = engine ? submit_to(s, engine, &own, err) : submit_later(s, &own, err);
    if (st != TIEFSEE_OK) {
        if (s->auth)
            ts_auth_end(s->auth, &s->grant);
        ts_reply_release(reply);
    }
    ts_reply_release(reply);
    return st;
}
