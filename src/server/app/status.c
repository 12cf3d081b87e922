/* status.c - see status.h. */
#include "server/app/status.h"

#include <string.h>

#include "core/clock.h"
#include "engine/model.h"
#include "formats/encoding.h"
#include "server/app/accounts.h"
#include "server/proof/fileseal.h"
#include "server/proof/netseal.h"
#include "server/proof/packets.h"

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

static json_t *file_tries_json(const ts_fileseal *files)
{
    json_t *list = json_array();

    for (size_t i = 0; i < files->n_tries; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s,s:b,s:s}", "route", files->tries[i].what, "is_refused",
                            (int)(files->tries[i].error != 0), "error",
                            files->tries[i].error ? strerror(files->tries[i].error) : ""));
    return list;
}

/* Paths are for admins: they say how the machine is laid out. */
static json_t *files_json(const ts_app *app, bool is_admin)
{
    static const ts_fileseal none = {.why = "started with --open-files"};
    static const char *const names[] = {"read", "write", "sockets"};
    const ts_fileseal *files = app->server->files ? app->server->files : &none;
    json_t *allowed = json_array();

    for (size_t i = 0; i < files->n_paths && is_admin; i++)
        (void)json_array_append_new(allowed, json_pack("{s:s,s:s}", "path", files->paths[i].path,
                                                       "right", names[files->paths[i].right]));
    return json_pack("{s:b,s:s,s:o,s:o}", "is_sealed",
                     (int)(files->is_sealed && files->n_open == 0), "why", files->why, "tried",
                     file_tries_json(files), "allowed", allowed);
}

static json_t *packets_json(const ts_server *server)
{
    ts_http_stats stats = {0};
    uint64_t machine;

    if (server->http)
        ts_http_read_stats(server->http, &stats);
    const bool has_machine = server->machine_sent != UINT64_MAX &&
                             ts_packets_of_machine(&machine) &&
                             machine >= server->machine_sent; /* interfaces come and go */
    return json_pack("{s:I,s:o}", "answered_beyond",
                     (json_int_t)(stats.n_sent_beyond + ts_packets_of_open()), "machine",
                     has_machine ? json_integer((json_int_t)(machine - server->machine_sent))
                                 : json_null());
}

static json_t *privacy_json(const ts_app *app, bool is_admin)
{
    static const ts_netseal none = {.why = "started with --open-network"};
    const ts_netseal *seal = app->server->seal ? app->server->seal : &none;
    const bool is_sealed = seal->has_filter && seal->n_open == 0 && seal->n_other == 0;
    json_t *paths =
        is_admin ? json_pack("[s,s]", app->opt.store_path, app->opt.key_path) : json_array();

    return json_pack(
        "{s:s,s:s,s:b,s:b,s:i,s:b,s:o,s:{s:I,s:I},s:b,s:s,s:s,s:o,s:o,s:o}", "network",
        is_sealed ? "sealed" : "open", "why", seal->why, "seccomp", (int)seal->has_filter,
        "allow_list", (int)(seal->has_filter && seal->is_list), "landlock_abi", seal->landlock_abi,
        "landlock", (int)seal->has_landlock, "tried", tries_json(seal), "sockets", "listening",
        (json_int_t)seal->n_listening, "other", (json_int_t)seal->n_other, "tls",
        (int)app->opt.is_secure, "content", "sealed per user", "key_source",
        ts_people_key_is_sealed(app->people) ? "secret" : "file", "files", paths, "file_access",
        files_json(app, is_admin), "packets", packets_json(app->server));
}

void ts_status_show(ts_http_request *req, ts_reply *reply)
{
    const ts_server *server = ts_server_of(req);
    ts_work w;

    if (!ts_app_enter(&w, req, reply))
        return;
    const int64_t most = ts_accounts_retention_max(w.app);
    json_t *status =
        json_pack("{s:s,s:I,s:o,s:{s:I},s:o}", "version", tiefsee_version(), "uptime_s",
                  (json_int_t)(ts_clock_seconds() - server->started), "models",
                  models_json(server->models), "limits", "retention_days_max", (json_int_t)most,
                  "privacy", privacy_json(w.app, w.person.role == TS_ROLE_ADMIN));
    ts_app_leave(&w);
    ts_app_send(reply, 200, status);
}
