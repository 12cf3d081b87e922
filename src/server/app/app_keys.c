/* app_keys.c - see app_keys.h. */
#include "server/app/app_keys.h"

#include <stdio.h>
#include <string.h>

#include "server/api/admin.h"
#include "server/app/app.h"
#include "server/app/audit.h"

/* ---- keys of programs */

/* Keys of accounts have no text and belong to their users' page. */
static bool is_of_account(void *ctx, int64_t key_id)
{
    ts_app *app = ctx;
    bool is_one = false;
    ts_person p;

    for (size_t i = 0; !is_one && ts_people_at(app->people, i, &p); i++)
        is_one = p.key_id == key_id;
    ts_person_wipe(&p);
    return is_one;
}

/* action NULL: nothing to note. */
static void run(ts_http_request *req, ts_reply *reply, ts_admin_what what, const char *action)
{
    char actor[TS_ID_MAX + 1], key[TS_KEY_ID_LEN + 1] = "";
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    ts_app *app = w.app;
    (void)snprintf(actor, sizeof actor, "%s", w.person.id);
    ts_app_leave(&w);
    /* The books have a lock of their own; behind it the reply is answered. */
    if (!ts_admin_keys(req, reply, what, is_of_account, app, key) || !action)
        return;
    ts_lock_take(app->store_lock);
    ts_audit(app, actor, action, key, "ok");
    ts_lock_give(app->store_lock);
}

void ts_app_admin_keys(ts_http_request *req, ts_reply *reply)
{
    run(req, reply, TS_ADMIN_LIST, NULL);
}

void ts_app_admin_add_key(ts_http_request *req, ts_reply *reply)
{
    run(req, reply, TS_ADMIN_ADD, "add_key");
}

void ts_app_admin_change_key(ts_http_request *req, ts_reply *reply)
{
    run(req, reply, TS_ADMIN_CHANGE, "change_key");
}

void ts_app_admin_delete_key(ts_http_request *req, ts_reply *reply)
{
    run(req, reply, TS_ADMIN_DELETE, "delete_key");
}

/* ---- models */

static json_t *aliases_of(const ts_models *models, const ts_served_model *m)
{
    json_t *list = json_array();
    const ts_served_model *of;
    const char *alias;

    for (size_t i = 0; ts_models_alias_at(models, i, &alias, &of); i++)
        if (of == m)
            (void)json_array_append_new(list, json_string(alias));
    return list;
}

static json_t *model_json(ts_models *models, const ts_served_model *m)
{
    ts_models_stats s;

    ts_models_read_stats(models, m, &s);
    const ts_engine_stats *e = &s.engine;
    return json_pack("{s:s,s:s,s:o,s:I,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "name",
                     m->name, "hash", m->hash, "aliases", aliases_of(models, m), "context",
                     (json_int_t)m->n_ctx, "is_loaded", (int)s.is_loaded, "bytes",
                     (json_int_t)s.plan_bytes, "n_loads", (json_int_t)s.n_loads, "n_failed",
                     (json_int_t)s.n_failed, "n_running", (json_int_t)e->n_running, "n_waiting",
                     (json_int_t)e->n_queued, "n_jobs", (json_int_t)e->n_jobs, "n_prompt",
                     (json_int_t)e->n_prompt_tokens, "n_completion",
                     (json_int_t)e->n_generated_tokens, "cache_pages", (json_int_t)e->cache_pages,
                     "cache_pages_used", (json_int_t)e->cache_pages_used);
}

void ts_app_admin_models(ts_http_request *req, ts_reply *reply)
{
    ts_models *models = ts_server_of(req)->models;
    json_t *list;
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    ts_app_leave(&w);
    list = json_array();
    for (size_t i = 0; i < ts_models_count(models); i++)
        (void)json_array_append_new(list, model_json(models, ts_models_at(models, i)));
    ts_app_send(reply, 200, json_pack("{s:o}", "models", list));
}

/* ---- sessions of a user: when, never where from */

static bool add_session(void *ctx, const ts_session *s)
{
    (void)json_array_append_new(ctx, json_pack("{s:s,s:I,s:I}", "id", s->id, "created",
                                               (json_int_t)s->created, "last_used",
                                               (json_int_t)s->last_used));
    return true;
}

static bool find_user(ts_work *w, ts_person *p)
{
    return ts_people_by_id(w->app->people, w->req->params[0], p) ||
           ts_app_no(w, 404, NULL, NULL, "there is no such user");
}

void ts_app_admin_sessions(ts_http_request *req, ts_reply *reply)
{
    ts_person p;
    ts_work w;

    if (!ts_app_enter(&w, req, reply) || !find_user(&w, &p))
        return;
    json_t *list = json_array();
    ts_sessions_list(w.app->people, p.n, add_session, list);
    ts_person_wipe(&p);
    ts_app_leave(&w);
    ts_app_send(reply, 200, json_pack("{s:o}", "sessions", list));
}

void ts_app_admin_end_session(ts_http_request *req, ts_reply *reply)
{
    ts_person p;
    ts_work w;

    if (!ts_app_enter(&w, req, reply) || !find_user(&w, &p))
        return;
    const int64_t n = p.n;
    char id[TS_ID_MAX + 1];
    memcpy(id, p.id, sizeof id);
    ts_person_wipe(&p);
    if (!ts_sessions_is_there(w.app->people, n, req->params[1])) {
        (void)ts_app_no(&w, 404, NULL, NULL, "there is no such session");
        return;
    }
    const tiefsee_status st = ts_sessions_end(w.app->people, w.store, n, req->params[1], &w.err);
    ts_audit(w.app, w.person.id, "end_session", id, st == TIEFSEE_OK ? "ok" : "failed");
    if (st != TIEFSEE_OK) {
        (void)ts_app_fail(&w, st);
        return;
    }
    ts_app_leave(&w);
    ts_app_send_nothing(reply);
}

void ts_app_admin_end_sessions(ts_http_request *req, ts_reply *reply)
{
    ts_person p;
    ts_work w;

    if (!ts_app_enter(&w, req, reply) || !find_user(&w, &p))
        return;
    const tiefsee_status st = ts_sessions_end(w.app->people, w.store, p.n, NULL, &w.err);
    ts_audit(w.app, w.person.id, "end_sessions", p.id, st == TIEFSEE_OK ? "ok" : "failed");
    ts_person_wipe(&p);
    if (st != TIEFSEE_OK) {
        (void)ts_app_fail(&w, st);
        return;
    }
    ts_app_leave(&w);
    ts_app_send_nothing(reply);
}
