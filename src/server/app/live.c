/* live.c - see live.h.
 *
 * live_lock guards everything here but what the worker alone touches.  The engine's
 * callbacks take it for the time of an append and a few writes into replies.
 */
#include "server/app/live_inside.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/log.h"
#include "engine/model.h"

enum { MAX_TEXT = 64 << 20, MAX_EVENT = 256 << 20 };
static const double SAVE_EVERY_S = 1, HEARTBEAT_S = 10;

/* ---- listeners (under the lock) */

static void tell(ts_live *v, const char *bytes, size_t n)
{
    for (listener *l = v->listeners; l; l = l->next)
        if (!l->is_gone && !ts_reply_write(l->reply, bytes, n))
            l->is_gone = true;
}

static bool make_event(ts_buf *out, json_t *event)
{
    ts_buf_clear(out);
    const bool is_good = event && ts_buf_append_str(out, "data: ") && ts_app_dump(out, event) &&
                         ts_buf_append_str(out, "\n\n");
    json_decref(event);
    return is_good;
}

static void tell_event(ts_live *v, json_t *event)
{
    ts_buf text = ts_buf_make(MAX_EVENT);

    if (make_event(&text, event))
        tell(v, text.ptr, text.len);
    else
        v->has_failed = true;
    ts_buf_free(&text);
}

/* Per token, so without a tree. */
static void tell_text(ts_live *v, const char *type, ts_str text)
{
    ts_out o = ts_out_make(MAX_EVENT);

    if (v->listeners) {
        ts_out_f(&o, "data: {\"type\":\"%s\",\"text\":", type);
        ts_out_text(&o, text.ptr, text.len);
        ts_out_raw(&o, "}\n\n");
        if (o.has_failed)
            v->has_failed = true;
        else
            tell(v, o.buf.ptr, o.buf.len);
    }
    ts_out_free(&o);
}

static size_t count_listeners(const ts_live *v)
{
    size_t n = 0;

    for (const listener *l = v->listeners; l; l = l->next)
        n += !l->is_gone;
    return n;
}

static void stop(ts_live *v)
{
    if (v->job)
        ts_job_cancel(v->job);
}

static void on_gone(void *user)
{
    listener *l = user;

    ts_lock_take(l->app->live_lock);
    l->is_gone = true;
    if (l->live && !l->live->stays && count_listeners(l->live) == 0) {
        l->live->wants_stop = true;
        stop(l->live);
    }
    ts_lock_give(l->app->live_lock);
    ts_app_later(l->app, NULL, NULL); /* ends the reply */
}

static listener *new_listener(ts_app *app, ts_reply *reply)
{
    listener *l = ts_arena_alloc_zero(ts_reply_request(reply)->arena, 1, sizeof *l);

    if (l) {
        *l = (listener){.reply = reply, .app = app};
        l->watch = (ts_reply_watch){.on_gone = on_gone, .user = l};
    }
    return l;
}

static void begin_stream(ts_reply *reply)
{
    (void)(ts_reply_header(reply, "Cache-Control", "no-store") &&
           ts_reply_header(reply, "X-AI-Generated", "true"));
    (void)ts_reply_begin(reply, 200, "text/event-stream");
    ts_reply_heartbeat(reply, HEARTBEAT_S, ": keep-alive\n\n");
}

/* Under the lock: from here on the worker ends the reply. */
static void add_listener(ts_live *v, listener *l)
{
    l->live = v;
    l->next = v->listeners;
    v->listeners = l;
    ts_reply_hold(l->reply);
}

/* ---- the engine's callbacks */

static void on_start(void *user, size_t n_prompt, size_t n_cached)
{
    ts_live *v = user;

    ts_lock_take(v->app->live_lock);
    v->started = v->started > 0 ? v->started : ts_clock_seconds();
    tell_event(v, json_pack("{s:s,s:I,s:I}", "type", "prompt", "n_prompt", (json_int_t)n_prompt,
                            "n_cached", (json_int_t)n_cached));
    ts_lock_give(v->app->live_lock);
}

static void take_piece(ts_live *v, const tiefsee_piece *piece)
{
    const ts_str text = {piece->text, piece->n};
    const bool is_reasoning = piece->channel == TIEFSEE_REASONING;
    const double now = ts_clock_seconds();

    v->first = v->first > 0 ? v->first : now;
    v->is_thinking = is_reasoning;
    if (!is_reasoning && v->content_began <= 0)
        v->content_began = now;
    if (text.len == 0)
        return;
    if (!ts_buf_append(is_reasoning ? &v->reasoning : &v->content, text.ptr, text.len))
        v->has_failed = true;
    v->is_dirty = true;
    tell_text(v, is_reasoning ? "reasoning" : "content", text);
}

static bool on_piece(void *user, const tiefsee_piece *piece)
{
    ts_live *v = user;

    ts_lock_take(v->app->live_lock);
    take_piece(v, piece);
    const bool goes_on = !v->wants_stop && !v->wants_now && !v->has_failed;
    ts_lock_give(v->app->live_lock);
    return goes_on;
}

static void add_used(ts_usage_tokens *used, const ts_job_result *r, bool is_first)
{
    if (is_first) {
        used->n_prompt = r->n_prompt;
        used->n_cached = r->n_cached;
    }
    used->n_completion += r->n_generated;
    used->n_reasoning += r->n_reasoning;
}

/* The prompt of the job that answers now: what was said so far, and the end of thinking
 * unless that came by itself meanwhile.  It has the tokens that the first one left of
 * what was granted. */
static void close_thinking(ts_live *v, const ts_job_result *r)
{
    const size_t n = r->n_prompt + r->n_generated;
    tiefsee_token *more = ts_alloc((n + 1) * sizeof *more);

    if (!more)
        return;
    memcpy(more, r->tokens, n * sizeof *more);
    ts_free(v->prompt);
    v->prompt = more;
    v->n_prompt = n;
    if (v->is_thinking)
        more[v->n_prompt++] = v->model->model->think_end;
    if (v->generate.max_tokens > 0)
        v->generate.max_tokens -= r->n_generated;
}

static void on_done(void *user, const ts_job_result *r)
{
    ts_live *v = user;
    ts_app *app = v->app;

    ts_lock_take(app->live_lock);
    v->job = NULL;
    add_used(&v->used, r, v->used.n_prompt == 0);
    v->status = r->status;
    v->error = r->error;
    v->finish = r->finish;
    const size_t max = v->generate.max_tokens;
    const bool is_cut = v->wants_now && !v->wants_stop && r->status == TIEFSEE_OK &&
                        r->finish == TIEFSEE_FINISH_CANCELLED;
    const bool is_turned = is_cut && (max == 0 || r->n_generated < max);
    if (is_cut && !is_turned) /* its last token was the last one it had */
        v->finish = TIEFSEE_FINISH_LENGTH;
    ts_free(is_turned ? v->prompt : NULL);
    if (is_turned) {
        v->prompt = NULL;
        close_thinking(v, r);
    }
    v->wants_now = is_turned && v->prompt;
    if (!v->wants_now) {
        v->ended = ts_clock_seconds();
        v->needs_end = true;
    }
    const ts_served_model *model = v->model;
    ts_lock_give(app->live_lock);
    ts_app_later(app, NULL, NULL); /* v may be freed from here on */
    ts_models_done(app->server->models, model);
}

/* ---- submitting (no lock held) */

/* Under the lock. */
static void end_unsaid(ts_live *v, tiefsee_status st, const tiefsee_error *err)
{
    v->status = st;
    v->error = *err;
    v->ended = ts_clock_seconds();
    v->needs_end = true;
}

/* The engine is pinned, until the job is done or cannot begin. */
static void submit_to(ts_live *v, ts_engine *engine)
{
    static const ts_job_events events = {.start = on_start, .piece = on_piece, .done = on_done};
    ts_app *app = v->app;
    const ts_job_spec spec = {.tokens = v->prompt,
                              .n_tokens = v->n_prompt,
                              .generate = v->generate,
                              .user_name = v->user_name,
                              .topic = v->chat_id,
                              .is_private = !*v->chat_id};
    tiefsee_error err = {0};
    ts_job *job = NULL;

    /* Under the lock, so that no callback is faster than the note of the job. */
    ts_lock_take(app->live_lock);
    const ts_served_model *model = v->model;
    const tiefsee_status st = ts_engine_submit(engine, &spec, &events, v, &job, &err);
    if (st == TIEFSEE_OK) {
        v->job = job;
        if (v->wants_stop)
            ts_job_cancel(job);
    } else
        end_unsaid(v, st, &err);
    ts_lock_give(app->live_lock);
    if (st != TIEFSEE_OK) {
        ts_app_later(app, NULL, NULL);
        ts_models_done(app->server->models, model);
    }
}

/* On the loader's thread. */
static void on_ready(ts_models_use *use, ts_engine *engine, const tiefsee_error *err)
{
    ts_live *v = (ts_live *)(void *)((char *)use - offsetof(ts_live, use));
    ts_app *app = v->app;

    if (!err) {
        submit_to(v, engine);
        return;
    }
    ts_lock_take(app->live_lock);
    end_unsaid(v, err->status, err);
    ts_lock_give(app->live_lock);
    ts_app_later(app, NULL, NULL);
}

static void submit(ts_live *v)
{
    ts_models *models = v->app->server->models;
    ts_engine *engine = ts_models_pin(models, v->model);

    if (engine) {
        submit_to(v, engine);
        return;
    }
    v->use.ready = on_ready;
    ts_models_want(models, v->model, &v->use);
}

static void free_live(ts_live *v)
{
    json_decref(v->answer);
    json_decref(v->user_message);
    ts_buf_free(&v->content);
    ts_buf_free(&v->reasoning);
    ts_free(v->prompt);
    ts_free(v->bias);
    ts_free(v);
}

/* A job may begin when the request is long gone: while its model was loaded, or to
 * answer now. */
static bool own_options(ts_live *v)
{
    tiefsee_sampling *s = &v->generate.sampling;

    v->generate.stop = NULL;
    v->generate.n_stop = 0;
    if (s->n_bias == 0)
        return true;
    v->bias = ts_alloc_zero(s->n_bias, sizeof *v->bias);
    if (v->bias)
        memcpy(v->bias, s->bias, s->n_bias * sizeof *v->bias);
    s->bias = v->bias;
    return v->bias != NULL;
}

static ts_live *new_live(ts_app *app, ts_live_spec *spec)
{
    ts_live *v = ts_alloc_zero(1, sizeof *v);
    ts_turn_request *r = spec->request;

    if (!v) {
        json_decref(spec->answer);
        json_decref(spec->user_message);
        return NULL;
    }
    *v = (ts_live){.app = app,
                   .user_n = spec->caller->user_n,
                   .seq = spec->seq,
                   .stays = spec->stays,
                   .answer = spec->answer,
                   .user_message = spec->user_message,
                   .content = ts_buf_make(MAX_TEXT),
                   .reasoning = ts_buf_make(MAX_TEXT),
                   .model = r->model,
                   .generate = r->generate,
                   .prompt = r->prompt,
                   .n_prompt = r->n_prompt,
                   .grant = spec->grant,
                   .is_thinking = r->is_thinking,
                   .asked = ts_clock_seconds()};
    r->prompt = NULL; /* ours now */
    memcpy(v->user_name, spec->caller->who.user, sizeof v->user_name);
    (void)snprintf(v->chat_id, sizeof v->chat_id, "%s", spec->chat_id);
    (void)snprintf(v->id, sizeof v->id, "%s",
                   json_string_value(json_object_get(spec->answer, "id")));
    if (!own_options(v) ||
        !ts_buf_append(&v->content, spec->content.ptr ? spec->content.ptr : "",
                       spec->content.len) ||
        !ts_buf_append(&v->reasoning, spec->reasoning.ptr ? spec->reasoning.ptr : "",
                       spec->reasoning.len)) {
        free_live(v);
        return NULL;
    }
    return v;
}

bool ts_live_start(ts_app *app, ts_reply *reply, ts_live_spec *spec)
{
    listener *l = new_listener(app, reply);
    ts_live *v = l ? new_live(app, spec) : NULL;

    if (!l) {
        json_decref(spec->answer);
        json_decref(spec->user_message);
    }
    if (!v)
        return false;
    ts_reply_note(reply, v->model->name, v->n_prompt, 0, 0);
    begin_stream(reply);
    ts_lock_take(app->live_lock);
    add_listener(v, l);
    tell_event(v, ts_live_start_event(v));
    v->next = app->live;
    app->live = v;
    ts_lock_give(app->live_lock);
    ts_reply_on_gone(reply, &l->watch);
    submit(v);
    return true;
}

/* ---- finding (under the lock) */

static ts_live *find(ts_app *app, int64_t user_n, const char *chat_id, const char *id)
{
    for (ts_live *v = app->live; v; v = v->next)
        if (v->user_n == user_n && !v->is_dropped && strcmp(v->chat_id, chat_id) == 0 &&
            (!id || strcmp(v->id, id) == 0))
            return v;
    return NULL;
}

bool ts_live_join(ts_app *app, ts_reply *reply, int64_t user_n, const char *chat_id, const char *id)
{
    listener *l = new_listener(app, reply);
    ts_buf text = ts_buf_make(MAX_EVENT);

    ts_lock_take(app->live_lock);
    ts_live *v = l ? find(app, user_n, chat_id, id) : NULL;
    if (v) {
        begin_stream(reply);
        if (make_event(&text, ts_live_start_event(v)))
            (void)ts_reply_write(reply, text.ptr, text.len);
        add_listener(v, l);
    }
    ts_lock_give(app->live_lock);
    if (v)
        ts_reply_on_gone(reply, &l->watch);
    ts_buf_free(&text);
    return v != NULL;
}

ts_live_done ts_live_stop(ts_app *app, int64_t user_n, const char *chat_id, const char *id)
{
    ts_lock_take(app->live_lock);
    ts_live *v = find(app, user_n, chat_id, id);
    if (v) {
        v->wants_stop = true;
        stop(v);
    }
    ts_lock_give(app->live_lock);
    return v ? TS_LIVE_DONE : TS_LIVE_NONE;
}

void ts_live_stop_all(ts_app *app, int64_t user_n)
{
    ts_lock_take(app->live_lock);
    for (ts_live *v = app->live; v; v = v->next)
        if (v->user_n == user_n) {
            v->wants_stop = true;
            stop(v);
        }
    ts_lock_give(app->live_lock);
}

ts_live_done ts_live_answer_now(ts_app *app, int64_t user_n, const char *chat_id, const char *id)
{
    ts_live_done done = TS_LIVE_NONE;

    ts_lock_take(app->live_lock);
    ts_live *v = find(app, user_n, chat_id, id);
    if (v)
        done = v->is_thinking && v->job && v->model->model->think_end >= 0 ? TS_LIVE_DONE
                                                                           : TS_LIVE_NOT_THINKING;
    if (done == TS_LIVE_DONE) {
        v->wants_now = true;
        stop(v);
    }
    ts_lock_give(app->live_lock);
    return done;
}

bool ts_live_is_busy(ts_app *app, int64_t user_n, const char *chat_id, char id[TS_ID_MAX + 1])
{
    ts_lock_take(app->live_lock);
    const ts_live *v = find(app, user_n, chat_id, NULL);
    if (id)
        (void)snprintf(id, TS_ID_MAX + 1, "%s", v ? v->id : "");
    ts_lock_give(app->live_lock);
    return v != NULL;
}

void ts_live_drop(ts_app *app, int64_t user_n, const char *chat_id)
{
    ts_lock_take(app->live_lock);
    for (ts_live *v = app->live; v; v = v->next)
        if (v->user_n == user_n && (!chat_id || strcmp(v->chat_id, chat_id) == 0)) {
            v->is_dropped = v->wants_stop = true;
            stop(v);
        }
    ts_lock_give(app->live_lock);
    /* The worker looks at is_dropped while it owns the store, and so do our callers: what
     * it saved before is there to be deleted, and nothing comes behind. */
}

/* ---- the worker: saving */

typedef struct saving {
    int64_t user_n, seq;
    char chat_id[TS_ID_MAX + 1], id[TS_ID_MAX + 1];
    bool is_live;
    ts_buf json;
} saving;

static bool take_saving(const ts_live *v, saving *out)
{
    json_t *m = ts_live_compose(v, true);

    *out = (saving){.user_n = v->user_n,
                    .seq = v->seq,
                    .is_live = !v->needs_end,
                    .json = ts_buf_make(MAX_EVENT)};
    memcpy(out->chat_id, v->chat_id, sizeof out->chat_id);
    memcpy(out->id, v->id, sizeof out->id);
    const bool is_good = m && ts_app_dump(&out->json, m);
    json_decref(m);
    return is_good;
}

/* Owning the store.  A conversation or user that is gone is no error. */
static tiefsee_status save(ts_app *app, const saving *s, tiefsee_error *err)
{
    ts_person person;
    ts_dialog c;

    if (!ts_people_by_n(app->people, s->user_n, &person))
        return TIEFSEE_OK;
    const ts_owner o = ts_person_owner(&person);
    ts_chat_message m = {.seq = s->seq, .is_live = s->is_live};
    memcpy(m.id, s->id, sizeof m.id);
    m.json = (ts_str){s->json.ptr, s->json.len};
    tiefsee_status st = ts_store_begin(app->store, err);
    if (st == TIEFSEE_OK) {
        st = ts_chats_find(app->store, &o, s->chat_id, &c, err);
        if (st == TIEFSEE_OK && c.n != 0) {
            st = ts_chats_put(app->store, &o, &c, &m, err);
            c.updated = ts_app_now();
            if (st == TIEFSEE_OK && !s->is_live)
                st = ts_search_add_message(app->search, app->store, &o, &c, m.json, err);
            if (st == TIEFSEE_OK && !s->is_live)
                st = ts_chats_save(app->store, &o, &c, err);
        }
        ts_chat_free(&c);
        st = ts_store_end(app->store, st, err);
    }
    ts_person_wipe(&person);
    return st;
}

static bool is_written(const ts_live *v)
{
    return *v->chat_id && !v->is_dropped;
}

/* One that has news since the last time; false: none. */
static bool take_dirty(ts_app *app, saving *out)
{
    bool is_there = false;

    ts_lock_take(app->live_lock);
    for (ts_live *v = app->live; v && !is_there; v = v->next)
        if (v->is_dirty && !v->needs_end && is_written(v)) {
            v->is_dirty = false;
            is_there = take_saving(v, out);
        }
    ts_lock_give(app->live_lock);
    return is_there;
}

static void save_all(ts_app *app)
{
    tiefsee_error err = {0};
    saving s;

    for (;;) {
        ts_lock_take(app->store_lock);
        const bool is_there = take_dirty(app, &s);
        if (is_there && save(app, &s, &err) != TIEFSEE_OK) {
            const ts_log_field why = TS_LOG_TEXT("why", err.message);
            ts_log(TS_LOG_WARN, "an answer is not saved yet", &why, 1);
        }
        ts_lock_give(app->store_lock);
        if (!is_there)
            return;
        ts_buf_free(&s.json);
    }
}

/* ---- the worker: ending */

static bool write_end(ts_app *app, ts_live *v)
{
    tiefsee_error err = {0};
    saving s = {0};

    ts_lock_take(app->store_lock);
    ts_lock_take(app->live_lock);
    const bool writes = is_written(v);
    bool is_good = !writes || take_saving(v, &s);
    ts_lock_give(app->live_lock);
    if (writes && is_good && save(app, &s, &err) != TIEFSEE_OK) {
        const ts_log_field why = TS_LOG_TEXT("why", err.message);
        ts_log(TS_LOG_ERROR, "an answer could not be saved", &why, 1);
        is_good = false;
    }
    ts_lock_give(app->store_lock);
    ts_buf_free(&s.json);
    return is_good && writes;
}

static bool write_books(ts_app *app, ts_live *v)
{
    ts_auth *auth = app->server->auth;
    tiefsee_error err = {0};

    if (!auth || !v->grant.is_open)
        return true;
    const bool is_good = ts_usage_commit(auth, &v->grant, &v->used, &err) == TIEFSEE_OK;
    ts_auth_end(auth, &v->grant);
    if (!is_good) {
        const ts_log_field why = TS_LOG_TEXT("why", err.message);
        ts_log(TS_LOG_ERROR, "books", &why, 1);
    }
    return is_good;
}

/* Takes listeners off: all, or those who are gone.  Their replies end outside the lock. */
static listener *take_listeners(ts_live *v, bool all)
{
    listener *taken = NULL;

    for (listener **at = &v->listeners; *at;) {
        listener *l = *at;
        if (!all && !l->is_gone) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        l->live = NULL;
        l->next = taken;
        taken = l;
    }
    return taken;
}

static void end_replies(listener *l)
{
    while (l) {
        listener *next = l->next;
        ts_reply_end(l->reply);
        ts_reply_release(l->reply);
        l = next;
    }
}

static void end_live(ts_app *app, ts_live *v)
{
    const bool is_saved = write_end(app, v);
    const bool is_booked = write_books(app, v);

    ts_lock_take(app->live_lock);
    tell_event(v, ts_live_end_event(v, is_saved && is_booked));
    for (ts_live **at = &app->live; *at; at = &(*at)->next)
        if (*at == v) {
            *at = v->next;
            break;
        }
    listener *l = take_listeners(v, true);
    ts_lock_give(app->live_lock);
    end_replies(l);
    free_live(v);
}

/* The next one that needs something; NULL: none. */
static ts_live *take_next(ts_app *app, bool *is_again)
{
    ts_live *v;

    ts_lock_take(app->live_lock);
    for (v = app->live; v; v = v->next) {
        *is_again = v->wants_now && !v->job && !v->needs_end;
        if (v->needs_end || *is_again)
            break;
    }
    if (v && *is_again) {
        v->wants_now = false;
        v->is_thinking = false;
        v->generate.in_reasoning = false;
    }
    ts_lock_give(app->live_lock);
    return v;
}

static void end_gone(ts_app *app)
{
    listener *gone = NULL;

    ts_lock_take(app->live_lock);
    for (ts_live *v = app->live; v; v = v->next) {
        listener *some = take_listeners(v, false);
        while (some) {
            listener *next = some->next;
            some->next = gone;
            gone = some;
            some = next;
        }
    }
    ts_lock_give(app->live_lock);
    end_replies(gone);
}

void ts_live_look(ts_app *app)
{
    const double now = ts_clock_seconds();
    bool is_again = false;

    for (ts_live *v = take_next(app, &is_again); v; v = take_next(app, &is_again)) {
        if (is_again)
            submit(v);
        else
            end_live(app, v);
    }
    end_gone(app);
    if (now - app->last_save >= SAVE_EVERY_S) {
        app->last_save = now;
        save_all(app);
    }
}
