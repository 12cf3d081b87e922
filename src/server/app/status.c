/* status.c - see status.h. */
#include "server/app/status.h"

#include <string.h>

#include "core/clock.h"
#include "engine/model.h"
#include "formats/encoding.h"
#include "server/app/accounts.h"
#include "server/proof/netseal.h"

static json_t *models_json(const ts_models *models)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ts_models_count(models); i++) {
        const ts_served_model *m = ts_models_at(models, i);
        (void)json_array_append_new(list, json_pack("{s:s,s:I,s:b,s:b}", "name", m->name, "context",
                                                    (json_int_t)m->n_ctx, "can_think",
                                                    (int)m->info.can_think, "can_skip_thinking",
                                                    (int)ts_encoding_can_skip(m->model->encoding)));
    }
    return list;
}

static json_t *tries_json(const ts_netseal *seal)
{
    json_t *list = json_array();

    for (size_t i = 0; i < seal->n_tries; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s,s:b,s:s}", "route", seal->tries[i].route, "is_refused",
                            (int)(seal->tries[i].error != 0), "error",
                            seal->tries[i].error ? strerror(seal->tries[i].error) : ""));
    return list;
}

static json_t *privacy_json(const ts_app *app)
{
    static const ts_netseal none = {.why = "started with --open-network"};
    const ts_netseal *seal = app->server->seal ? app->server->seal : &none;
    const bool is_sealed = seal->has_filter && seal->n_open == 0 && seal->n_other == 0;

    return json_pack("{s:s,s:s,s:b,s:i,s:b,s:o,s:{s:I,s:I},s:b,s:s,s:s,s:[s,s]}", "network",
                     is_sealed ? "sealed" : "open", "why", seal->why, "seccomp",
                     (int)seal->has_filter, "landlock_abi", seal->landlock_abi, "landlock",
                     (int)seal->has_landlock, "tried", tries_json(seal), "sockets", "listening",
                     (json_int_t)seal->n_listening, "other", (json_int_t)seal->n_other, "tls",
                     (int)app->opt.is_secure, "content", "sealed per user", "key_source", "file",
                     "files", app->opt.store_path, app->opt.key_path);
}

void ts_status_show(ts_http_request *req, ts_reply *reply)
{
    const ts_server *server = ts_server_of(req);
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    const int64_t most = ts_accounts_retention_max(w.app);
    json_t *status = json_pack(
        "{s:s,s:I,s:o,s:{s:I},s:o}", "version", tiefsee_version(), "uptime_s",
        (json_int_t)(ts_clock_seconds() - server->started), "models", models_json(server->models),
        "limits", "retention_days_max", (json_int_t)most, "privacy", privacy_json(w.app));
    ts_app_leave(&w);
    ts_app_send(reply, 200, status);
}
