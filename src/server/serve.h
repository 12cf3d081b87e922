/* serve.h - the whole server: models, keys, HTTP, from start to drained. */
#ifndef TS_SERVER_SERVE_H
#define TS_SERVER_SERVE_H

#include "engine/engine.h"
#include "server/http/http.h"
#include "server/proof/fileseal.h"
#include "server/proof/netseal.h"

typedef struct ts_serve_model {
    const char *name;
    tiefsee_model *model; /* for its metadata only, if models are loaded on demand */
} ts_serve_model;

typedef struct ts_serve_options {
    ts_serve_model *models; /* taken over, also on failure */
    size_t n_models;
    const char *const *aliases; /* "alias=name" */
    size_t n_aliases;
    ts_engine_options engine;           /* of each model */
    double idle_unload_s;               /* > 0: models are loaded on demand, and go after it */
    uint64_t models_bytes;              /* memory for those; 0: what is free */
    tiefsee_model_options load;         /* how they are opened then */
    const char *disk_folder, *disk_key; /* context cache on disk; NULL: none */
    uint64_t disk_bytes;
    const char *store;      /* file with keys and books; NULL: neither */
    bool store_is_optional; /* go on without it if it cannot be opened */
    bool requires_key;      /* nobody may ask without one; no assistant without accounts */
    bool has_accounts;      /* the assistant has users who log in; else one who does not */
    const char *app_key;    /* its master key file; NULL: beside the store, ".key" */
    ts_str app_secret;      /* seals it; or empty */
    bool allows_insecure;   /* beyond loopback without TLS or keys */
    const char *tls_cert_file, *tls_key_file;
    const char *limits_file; /* over http.limits, again on SIGHUP; NULL: none */
    ts_netseal *seal;     /* begun early; locked when all is open; NULL: the network stays open */
    ts_fileseal *files;   /* locked already; NULL: all files are open */
    ts_http_options http; /* routes, app, hooks and PEM texts are filled in */

    /* Once, when the port is open (port 0: only the unix socket). */
    void (*on_ready)(void *user, int port);
    /* The one-time code with which the first admin's account is made. */
    void (*on_code)(void *user, const char *code);
    void *user;
} ts_serve_options;

/* Serves on this thread until SIGTERM or SIGINT, then lets running requests end; a
 * second signal ends them.  SIGHUP reads keys and limits again. */
tiefsee_status ts_serve(const ts_serve_options *opt, tiefsee_error *err) TS_MUST_CHECK;

#endif
