/* turn_answer.c - see turn_answer.h. */
#include "server/api/turn_answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/hash.h"
#include "engine/model.h"
#include "server/api/turn_title.h"
#include "server/jobs.h"
#include "server/server.h"

enum { MAX_TEXT = 64 << 20, MAX_OUT = 512 << 20 };

/* Clients and proxies give up on a silent line after 15 s to 5 min. */
static const double HEARTBEAT_S = 10;

void ts_turn_fingerprint(char out[16], const ts_served_model *m)
{
    uint64_t h = ts_hash(m->name, strlen(m->name));

    h = ts_hash_more(h, tiefsee_version(), strlen(tiefsee_version()));
    h = ts_hash_more(h, &m->bytes, sizeof m->bytes);
    h = ts_hash_more(h, m->info.kernels, strlen(m->info.kernels));
    (void)snprintf(out, 16, "fp_%010llx", (unsigned long long)(h & 0xffffffffffull));
}

void ts_turn_refuse(ts_reply *reply, const ts_wrong *w)
{
    const ts_http_error error = {.status = w->status,
                                 .code = w->code,
                                 .param = *w->param ? w->param : NULL,
                                 .message = w->message,
                                 .retry_after_s = w->status == 503 ? 1 : 0};

    ts_reply_fail_with(reply, &error);
}

void ts_turn_send(ts_reply *reply, ts_out *o)
{
    if (o->has_failed)
        ts_reply_fail(reply, 503, "out of memory for this request");
    else
        ts_reply_send(reply, 200, "application/json", o->buf.ptr, o->buf.len);
    ts_out_free(o);
}

/* ---- what is said */

static bool has_failed(const ts_turn *t)
{
    return t->has_failed || t->out.has_failed;
}

/* Streams: what the dialect has written goes out. */
static void flush(ts_turn *t)
{
    if (t->is_stream && !has_failed(t) && t->out.buf.len > 0 &&
        !ts_reply_write(t->reply, t->out.buf.ptr, t->out.buf.len))
        t->is_gone = true;
    if (t->is_stream)
        ts_buf_clear(&t->out.buf);
}

static void say(ts_turn *t, void (*event)(ts_turn *t, ts_str text), ts_buf *whole, ts_str text)
{
    if (!t->is_stream)
        t->has_failed = !ts_buf_append(whole, text.ptr, text.len) || t->has_failed;
    else if (event)
        event(t, text);
    flush(t);
}

/* ---- calls */

static ts_turn_call *open_call(ts_turn *t)
{
    return t->is_calling ? &t->calls[t->n_calls - 1] : NULL;
}

static void on_call(void *user, const char *name)
{
    ts_turn *t = user;
    ts_arena *arena = ts_reply_request(t->reply)->arena;
    char id[64];

    if (!t->calls)
        t->calls = ts_arena_alloc_zero(arena, TS_TURN_MAX_CALLS, sizeof *t->calls);
    if (!t->calls || t->n_calls == TS_TURN_MAX_CALLS) {
        t->has_failed = true;
        return;
    }
    (void)snprintf(id, sizeof id, "call_%02zu_%.24s", t->n_calls, t->id);
    ts_turn_call *call = &t->calls[t->n_calls];
    *call = (ts_turn_call){.index = t->n_calls,
                           .id = ts_arena_strdup(arena, id, strlen(id)),
                           .name = ts_arena_strdup(arena, name, strlen(name)),
                           .arguments = ts_buf_make(MAX_TEXT)};
    t->n_calls++;
    t->is_calling = true;
    t->has_failed = t->has_failed || !call->id || !call->name;
    if (t->is_stream && !t->has_failed && t->dialect->call_begin)
        t->dialect->call_begin(t, call);
    flush(t);
}

static void on_arguments(void *user, const char *text, size_t n)
{
    ts_turn *t = user;
    ts_turn_call *call = open_call(t);

    if (!call)
        return;
    t->has_failed = !ts_buf_append(&call->arguments, text, n) || t->has_failed;
    if (t->is_stream && t->dialect->arguments)
        t->dialect->arguments(t, call, (ts_str){text, n});
    flush(t);
}

static void on_call_end(void *user)
{
    ts_turn *t = user;
    const ts_turn_call *call = open_call(t);

    if (call && t->is_stream && t->dialect->call_end)
        t->dialect->call_end(t, call);
    t->is_calling = false;
    flush(t);
}

static const ts_call_events call_events = {on_call, on_arguments, on_call_end};

/* ---- the ends */

static void free_all(ts_turn *t)
{
    ts_out_free(&t->out);
    ts_buf_free(&t->reasoning);
    ts_buf_free(&t->content);
    for (size_t i = 0; i < t->n_calls; i++)
        ts_buf_free(&t->calls[i].arguments);
    if (t->dialect->free)
        t->dialect->free(t->state);
}

/* Streams say what is wrong in an event of their own. */
static void fail_with(ts_turn *t, const ts_http_error *error)
{
    if (!t->is_begun || !t->is_stream || !t->dialect->fail) {
        ts_reply_fail_with(t->reply, error);
        return;
    }
    t->has_failed = t->out.has_failed = false;
    ts_buf_clear(&t->out.buf);
    t->dialect->fail(t, error);
    flush(t);
    ts_reply_end(t->reply);
}

static void fail(ts_turn *t, const ts_job_result *r)
{
    ts_http_error error = {.status = 503, .message = "the server is stopping", .retry_after_s = 1};

    if (has_failed(t))
        error.message = "out of memory for this answer";
    else if (r->status != TIEFSEE_OK) {
        if (!t->is_begun) {
            ts_reply_fail_status(t->reply, &r->error);
            return;
        }
        error = (ts_http_error){.status = 500, .message = "the server could not finish this"};
    }
    fail_with(t, &error);
}

static void finish(ts_turn *t, const ts_job_result *r)
{
    const ts_turn_end end = {.finish = r->finish == TIEFSEE_FINISH_LENGTH ? TS_TURN_LENGTH
                                       : t->n_calls > 0                   ? TS_TURN_CALLS
                                                                          : TS_TURN_STOP,
                             .stop = r->stop_index >= 0 && (size_t)r->stop_index < t->n_stop
                                         ? t->stop[r->stop_index]
                                         : NULL,
                             .n_prompt = r->n_prompt,
                             .n_cached = r->n_cached,
                             .n_generated = r->n_generated,
                             .n_reasoning = r->n_reasoning,
                             .queue_s = r->queue_s,
                             .prompt_s = r->prompt_s,
                             .answer_s = r->answer_s};
    void (*event)(ts_turn * t, const ts_turn_end *end) =
        t->is_stream ? t->dialect->done : t->dialect->whole;

    ts_call_parser_end(&t->parser, &call_events, t);
    on_call_end(t); /* a call that was cut off */
    if (event)
        event(t, &end);
    if (has_failed(t)) {
        fail(t, r);
        return;
    }
    if (!t->is_begun) {
        ts_reply_send(t->reply, 200, "application/json", t->out.buf.ptr, t->out.buf.len);
        return;
    }
    if (t->out.buf.len > 0)
        (void)ts_reply_write(t->reply, t->out.buf.ptr, t->out.buf.len);
    ts_reply_end(t->reply);
}

/* ---- events of the job (engine thread) */

/* The handler has the lock from before submit until it has begun the reply, which is
 * a matter of microseconds. */
static void wait_for_handler(ts_turn *t)
{
    ts_lock_take(t->lock);
    ts_lock_give(t->lock);
}

static void on_start(void *user, size_t n_prompt, size_t n_cached)
{
    ts_turn *t = user;

    wait_for_handler(t);
    t->n_prompt = n_prompt;
    t->n_cached = n_cached;
    ts_reply_note(t->reply, t->model->name, n_prompt, n_cached, 0);
    if (t->dialect->begin)
        t->dialect->begin(t);
    flush(t);
}

static bool on_piece(void *user, const tiefsee_piece *piece)
{
    ts_turn *t = user;
    const ts_str text = {piece->text, piece->n};

    if (piece->index >= t->n_heard) {
        t->n_heard = piece->index + 1;
        if (t->dialect->token)
            t->dialect->token(t, piece);
    }
    if (piece->channel == TIEFSEE_CALLS)
        ts_call_parser_feed(&t->parser, piece->text, piece->n, &call_events, t);
    else if (text.len > 0 && piece->channel == TIEFSEE_REASONING)
        say(t, t->dialect->reasoning, &t->reasoning, text);
    else if (text.len > 0)
        say(t, t->dialect->content, &t->content, text);
    return !t->is_gone && !has_failed(t);
}

static void on_done(void *user, const ts_job_result *r)
{
    ts_turn *t = user;

    wait_for_handler(t);
    ts_reply_note(t->reply, t->model->name, r->n_prompt, r->n_cached, r->n_generated);
    if (r->status != TIEFSEE_OK || r->finish == TIEFSEE_FINISH_CANCELLED || has_failed(t))
        fail(t, r);
    else
        finish(t, r);
    free_all(t);
}

/* ---- start */

static void free_lock(void *lock)
{
    ts_lock_free(lock);
}

/* Stop strings outlive the request: an answer may name the one that ended it. */
static bool keep_stops(ts_turn *t, const tiefsee_generate_options *o, ts_arena *arena)
{
    t->stop = ts_arena_alloc_zero(arena, o->n_stop + 1, sizeof *t->stop);
    for (size_t i = 0; t->stop && i < o->n_stop; i++, t->n_stop++)
        if (!(t->stop[i] = ts_arena_strdup(arena, o->stop[i], strlen(o->stop[i]))))
            return false;
    return t->stop != NULL;
}

/* Of what the user said first. */
static const char *make_title(const ts_turn_request *r, ts_arena *arena)
{
    char *out = ts_arena_alloc(arena, TS_TITLE_SIZE);

    for (size_t i = 0; out && i < r->n_messages; i++)
        if (r->messages[i].role == TIEFSEE_USER && r->messages[i].content) {
            ts_turn_title(out, r->messages[i].content);
            return out;
        }
    if (out)
        *out = '\0';
    return out;
}

static ts_turn *new_turn(ts_reply *reply, const ts_turn_request *r, const ts_turn_dialect *dialect,
                         void *state)
{
    ts_http_request *req = ts_reply_request(reply);
    ts_turn *t = ts_arena_alloc_zero(req->arena, 1, sizeof *t);

    if (!t)
        return NULL;
    *t = (ts_turn){.reply = reply,
                   .dialect = dialect,
                   .state = state,
                   .model = r->model,
                   .is_stream = r->is_stream,
                   .is_thinking = r->is_thinking,
                   .created = (int64_t)time(NULL),
                   .id = strncmp(req->id, "req_", 4) == 0 ? req->id + 4 : req->id,
                   .out = ts_out_make(MAX_OUT),
                   .reasoning = ts_buf_make(MAX_TEXT),
                   .content = ts_buf_make(MAX_TEXT)};
    t->parser.style = ts_encoding_calls(r->model->model->encoding, r->model->model->bpe);
    if (r->wants_title && !(t->title = make_title(r, req->arena)))
        return NULL;
    t->lock = ts_lock_new();
    if (!t->lock || !ts_reply_on_free(reply, free_lock, t->lock) ||
        !keep_stops(t, &r->generate, req->arena))
        return NULL;
    return t;
}

/* Whose pages may be found, and who shares the steps: the key's user, and below it
 * the end user that the key's owner names. */
static void name_user(char *out, size_t size, const ts_http_request *req, const char *user_id)
{
    const char *who = req->user_name ? req->user_name : "";

    if (user_id && *user_id)
        (void)snprintf(out, size, "%.40s/%016llx", who,
                       (unsigned long long)ts_hash(user_id, strlen(user_id)));
    else
        (void)snprintf(out, size, "%.60s", who);
}

/* Holding the lock, once the job is submitted: say 200 where that is due, and keep the
 * line busy while the prompt is read. */
static void begin_reply(ts_turn *t)
{
    const ts_turn_dialect *d = t->dialect;
    const char *beat = t->is_stream ? d->stream_beat : d->whole_beat;

    if (!t->is_stream && !beat)
        return;
    t->is_begun = true;
    (void)ts_reply_begin(t->reply, 200, t->is_stream ? d->stream_type : "application/json");
    if (beat)
        ts_reply_heartbeat(t->reply, HEARTBEAT_S, beat);
}

static void submit(ts_turn *t, ts_turn_request *r)
{
    static const ts_job_events events = {.start = on_start, .piece = on_piece, .done = on_done};
    ts_reply *reply = t->reply;
    char user[64];
    tiefsee_error err = {0};

    name_user(user, sizeof user, ts_reply_request(reply), r->user_id);
    const ts_job_spec spec = {.tokens = r->prompt,
                              .n_tokens = r->n_prompt,
                              .generate = r->generate,
                              .user_name = user,
                              .constraint = r->constraint};
    ts_reply_hold(reply);
    ts_lock_take(t->lock);
    const tiefsee_status st = ts_jobs_submit(reply, r->model, &spec, &events, t, &err);
    if (st == TIEFSEE_OK) {
        r->constraint = (ts_constraint){0}; /* the job's now */
        begin_reply(t);
    }
    ts_lock_give(t->lock);
    if (st != TIEFSEE_OK) {
        free_all(t);
        ts_reply_fail_status(reply, &err);
    }
    ts_reply_release(reply);
}

void ts_turn_run(ts_reply *reply, ts_turn_request *r, const ts_turn_dialect *dialect, void *state)
{
    ts_wrong wrong;

    if (!ts_turn_prepare(r, &wrong)) {
        if (dialect->free)
            dialect->free(state);
        ts_turn_refuse(reply, &wrong);
        return;
    }
    ts_turn *t = new_turn(reply, r, dialect, state);
    if (t) {
        submit(t, r);
        return;
    }
    if (dialect->free)
        dialect->free(state);
    ts_reply_fail(reply, 503, "out of memory for this request");
}
