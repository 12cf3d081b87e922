/* serve.c - see serve.h.
 *
 * Starts from the inside out (models, keys, HTTP) and ends from the outside in: HTTP
 * first, so that nobody asks any more; then the engines, whose last callbacks end the
 * last replies; then the books.
 */
#include "server/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "server/app/app.h"
#include "server/auth/auth.h"
#include "server/base_routes.h"
#include "server/limits_file.h"
#include "server/proof/packets.h"
#include "server/routes.h"
#include "server/server.h"

enum { MAX_PEM = 1 << 20 };

typedef struct serving {
    ts_server server;
    const ts_serve_options *opt;
    ts_route routes[TS_MAX_ROUTES];
    ts_buf cert, key;
    ts_hub *bell; /* of http, for the engines, which end after it */
    ts_http_limits limits;
    double drain_until;
} serving;

/* ----------------------------------------------------------------- signals */

static ts_http *woken; /* by signals */
static volatile sig_atomic_t n_stop_signals, wants_reload;

static void on_stop_signal(int number)
{
    (void)number;
    n_stop_signals++;
    ts_http_wake(woken);
}

static void on_reload_signal(int number)
{
    (void)number;
    wants_reload = 1;
    ts_http_wake(woken);
}

static void take_signals(ts_http *http)
{
    struct sigaction stop = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
    struct sigaction reload = {.sa_handler = on_reload_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    woken = http;
    n_stop_signals = 0;
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGHUP, &reload, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a file too large is an error like a full disk */
}

static void drop_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    /* It is ending already; another signal must not wake a server that is gone. */
    (void)sigaction(SIGTERM, &ignore, NULL);
    (void)sigaction(SIGINT, &ignore, NULL);
    (void)sigaction(SIGHUP, &ignore, NULL);
}

/* ------------------------------------------------------------------- turns */

/* The options, and what the file says above them. */
static tiefsee_status read_limits(serving *s, tiefsee_error *err)
{
    ts_http_limits limits = s->opt->http.limits;

    if (s->opt->limits_file) {
        const tiefsee_status st = ts_limits_read(&limits, s->opt->limits_file, err);

        if (st != TIEFSEE_OK)
            return ts_while(err, st, "limits");
    }
    s->limits = limits;
    return TIEFSEE_OK;
}

/* What cannot be read again stays as it is; the rest is new. */
static void reload(serving *s)
{
    tiefsee_error err = {0};
    bool is_good = true;

    wants_reload = 0;
    if (s->server.auth && ts_auth_reload(s->server.auth, &err) != TIEFSEE_OK) {
        const ts_log_field field = TS_LOG_TEXT("why", err.message);
        ts_log(TS_LOG_ERROR, "reload failed", &field, 1);
        is_good = false;
    }
    if (read_limits(s, &err) != TIEFSEE_OK) {
        const ts_log_field field = TS_LOG_TEXT("why", err.message);
        ts_log(TS_LOG_ERROR, "reload failed", &field, 1);
        is_good = false;
    } else
        ts_http_set_limits(s->server.http, &s->limits);
    if (is_good)
        ts_log(TS_LOG_INFO, "reloaded", NULL, 0);
}

static void start_drain(serving *s, double now)
{
    s->server.is_draining = true;
    s->drain_until = now + s->limits.drain_s;
    ts_http_drain(s->server.http);
    ts_models_drain(s->server.models);
    ts_log(TS_LOG_INFO, "stopping", NULL, 0);
}

static void on_turn(void *user)
{
    serving *s = user;
    const double now = ts_clock_seconds();

    if (wants_reload)
        reload(s);
    if (n_stop_signals == 0)
        return;
    if (!s->server.is_draining)
        start_drain(s, now);
    if (n_stop_signals > 1 || now > s->drain_until ||
        (ts_http_is_idle(s->server.http) && ts_models_are_idle(s->server.models)))
        ts_http_stop(s->server.http);
}

/* --------------------------------------------------------------- admission */

static unsigned scope_of(const ts_http_request *req)
{
    if (strcmp(req->path, "/metrics") == 0)
        return TS_SCOPE_METRICS;
    return strncmp(req->path, "/admin", 6) == 0 ? TS_SCOPE_ADMIN : TS_SCOPE_CHAT;
}

static const char *terminated(ts_http_request *req, const char *name)
{
    const ts_str value = ts_http_header_of(req, name);

    return value.ptr; /* copies in the arena are terminated */
}

static bool admit(void *app, ts_http_request *req, ts_http_error *refusal)
{
    ts_server *server = app;
    ts_identity *who = ts_arena_alloc_zero(req->arena, 1, sizeof *who);
    tiefsee_error err = {0};
    ts_str token;

    if (ts_app_owns(req->path))
        return ts_app_admit(server->app, req, refusal);
    if (!server->auth)
        return true;
    if (!who) {
        *refusal = (ts_http_error){.status = 503, .message = "out of memory", .retry_after_s = 1};
        return false;
    }
    ts_refusal no = ts_auth_credential(terminated(req, "Authorization"),
                                       terminated(req, "x-api-key"), &token, &err);
    if (no == TS_REFUSAL_NONE)
        no = ts_auth_check(server->auth, token, scope_of(req), who, &err);
    if (no == TS_REFUSAL_NONE) {
        req->identity = who;
        req->user_name = who->user;
        return true;
    }
    const char *message = ts_arena_strdup(req->arena, err.message, strlen(err.message));
    *refusal = (ts_http_error){.status = ts_refusal_http(no),
                               .message = message ? message : "not allowed"};
    return false;
}

/* ------------------------------------------------------------------- start */

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (strcmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Text and keys of users do not travel in the clear by accident. */
static tiefsee_status check_exposure(const ts_serve_options *o, tiefsee_error *err)
{
    if (!o->http.host || is_loopback(o->http.host) || o->allows_insecure)
        return TIEFSEE_OK;
    if (!o->tls_cert_file)
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "%s is reachable from outside: --tls-cert and --tls-key are needed (or say "
                       "--insecure-listen)",
                       o->http.host);
    if (!o->requires_key)
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "%s is reachable from outside: --require-key or --accounts is needed (or "
                       "say --insecure-listen)",
                       o->http.host);
    return TIEFSEE_OK;
}

static void on_disk_warning(void *ctx, const char *line)
{
    const ts_log_field why = TS_LOG_TEXT("why", line);

    (void)ctx;
    ts_log(TS_LOG_WARN, "context cache", &why, 1);
}

static tiefsee_status open_disk(serving *s, tiefsee_error *err)
{
    const ts_kvstore_options options = {.folder = s->opt->disk_folder,
                                        .key_file = s->opt->disk_key,
                                        .cap_bytes = s->opt->disk_bytes,
                                        .max_queue = 8, /* the engines have queues of their own */
                                        .on_warning = on_disk_warning};

    if (!s->opt->disk_folder)
        return TIEFSEE_OK;
    const tiefsee_status st = ts_kvstore_open(&s->server.disk, &options, err);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "context cache");
}

/* On an engine's thread, which has jobs only since http is open. */
static void on_burst(void *ctx, bool begins)
{
    const serving *s = ctx;

    if (begins)
        ts_http_cork(s->bell);
    else
        ts_http_uncork(s->bell);
}

static tiefsee_status open_models(serving *s, tiefsee_error *err)
{
    const ts_serve_options *o = s->opt;
    ts_engine_options engine = o->engine;
    tiefsee_status st = TIEFSEE_OK;

    engine.store = s->server.disk;
    engine.on_burst = on_burst;
    engine.burst_ctx = s;
    for (size_t i = 0; i < o->n_models; i++) {
        tiefsee_model *model = o->models[i].model;

        o->models[i].model = NULL;
        if (st != TIEFSEE_OK)
            tiefsee_model_close(model);
        else if (o->idle_unload_s > 0)
            st = ts_models_add_later(
                s->server.models, o->models[i].name,
                &(ts_models_source){.metadata = model, .options = o->load, .engine = engine}, err);
        else
            st = ts_models_add(s->server.models, o->models[i].name, model, &engine, err);
    }
    if (st == TIEFSEE_OK && o->idle_unload_s > 0)
        st = ts_models_start(s->server.models,
                             &(ts_models_rules){o->idle_unload_s, o->models_bytes}, err);
    for (size_t i = 0; i < o->n_aliases && st == TIEFSEE_OK; i++) {
        const char *equals = strchr(o->aliases[i], '=');
        char alias[128];

        if (!equals || (size_t)(equals - o->aliases[i]) >= sizeof alias)
            return ts_fail(err, TIEFSEE_E_INVALID, "--alias takes NEW=NAME, not '%s'",
                           o->aliases[i]);
        (void)snprintf(alias, sizeof alias, "%.*s", (int)(equals - o->aliases[i]), o->aliases[i]);
        st = ts_models_alias(s->server.models, alias, equals + 1, err);
    }
    return st;
}

static tiefsee_status open_auth(serving *s, tiefsee_error *err)
{
    const ts_auth_options options = {.allows_nobody = !s->opt->requires_key};

    if (!s->opt->store)
        return s->opt->requires_key ? ts_fail(err, TIEFSEE_E_INVALID, "--require-key needs --db")
                                    : TIEFSEE_OK;
    const tiefsee_status st = ts_auth_open(&s->server.auth, s->opt->store, &options, err);
    if (st != TIEFSEE_OK && s->opt->store_is_optional) {
        const ts_log_field field = TS_LOG_TEXT("why", err->message);
        ts_log(TS_LOG_WARN, "no keys and no usage", &field, 1);
        return TIEFSEE_OK;
    }
    return st == TIEFSEE_OK ? st : ts_while(err, st, "keys");
}

/* The assistant keeps what it keeps beside the books, in the same file.  Without accounts
 * it knows nobody from anybody, so where a key is asked for it stays away. */
static tiefsee_status open_app(serving *s, tiefsee_error *err)
{
    const ts_serve_options *o = s->opt;
    char key[4096];

    if (o->requires_key && !o->has_accounts)
        return TIEFSEE_OK;
    if (!s->server.auth)
        return o->has_accounts ? ts_fail(err, TIEFSEE_E_INVALID, "--accounts needs --db")
                               : TIEFSEE_OK;
    (void)snprintf(key, sizeof key, "%s", o->app_key ? o->app_key : "");
    if (!o->app_key)
        (void)snprintf(key, sizeof key, "%.4000s.key", o->store);
    const ts_app_options options = {.store_path = o->store,
                                    .key_path = o->app_key ? o->app_key : key,
                                    .secret = o->app_secret,
                                    .has_accounts = o->has_accounts,
                                    .is_secure = o->tls_cert_file != NULL,
                                    .on_code = o->on_code,
                                    .user = o->user};
    const tiefsee_status st = ts_app_open(&s->server.app, &s->server, &options, err);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "the assistant's store");
}

static tiefsee_status read_pem(ts_buf *out, const char *path, tiefsee_error *err)
{
    const tiefsee_status st = path ? ts_file_read(out, path, MAX_PEM, err) : TIEFSEE_OK;

    return st == TIEFSEE_OK ? st : ts_while(err, st, "TLS");
}

static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static tiefsee_status open_http(serving *s, tiefsee_error *err)
{
    ts_http_options http = s->opt->http;
    tiefsee_status st = read_pem(&s->cert, s->opt->tls_cert_file, err);

    if (st == TIEFSEE_OK)
        st = read_pem(&s->key, s->opt->tls_key_file, err);
    if (st != TIEFSEE_OK)
        return st;
    raise_file_limit();
    http.routes = s->routes;
    http.n_routes = ts_routes_list(s->routes);
    http.app = &s->server;
    http.admit = admit;
    http.finished = ts_base_count;
    http.limits = s->limits;
    http.tls_cert = s->cert.ptr;
    http.tls_key = s->key.ptr;
    st = ts_http_open(&s->server.http, &http, err);
    if (st == TIEFSEE_OK)
        s->bell = ts_http_hold_bell(s->server.http);
    return st;
}

static tiefsee_status open_all(serving *s, tiefsee_error *err)
{
    tiefsee_status st = check_exposure(s->opt, err);

    if (st == TIEFSEE_OK)
        st = read_limits(s, err);
    s->server.started = ts_clock_seconds();
    if (!ts_packets_of_machine(&s->server.machine_sent))
        s->server.machine_sent = UINT64_MAX;
    s->server.metrics = ts_metrics_new();
    s->server.models = ts_models_new();
    if (st == TIEFSEE_OK && (!s->server.metrics || !s->server.models))
        st = ts_fail_nomem(err, 0, "the server");
    if (st == TIEFSEE_OK)
        st = open_disk(s, err);
    if (st == TIEFSEE_OK)
        st = open_models(s, err);
    if (st == TIEFSEE_OK)
        st = open_auth(s, err);
    if (st == TIEFSEE_OK)
        st = open_app(s, err);
    if (st == TIEFSEE_OK)
        st = open_http(s, err);
    return st;
}

static void close_all(serving *s)
{
    ts_http_close(s->server.http);
    ts_models_stop(s->server.models); /* the engines write what they remember */
    ts_http_release_bell(s->bell);
    ts_kvstore_close(s->server.disk);
    ts_app_close(s->server.app);
    if (s->server.auth)
        ts_auth_close(s->server.auth);
    ts_models_free(s->server.models); /* the books and the log have named them */
    ts_metrics_free(s->server.metrics);
    for (size_t i = 0; i < s->opt->n_models; i++)
        tiefsee_model_close(s->opt->models[i].model);
    ts_buf_free(&s->cert);
    ts_buf_free(&s->key);
}

/* Done before there were threads; tried now that all is open. */
static void try_files(serving *s)
{
    ts_fileseal *files = s->opt->files;

    if (!files)
        return;
    if (files->is_sealed)
        ts_fileseal_try_all(files);
    s->server.files = files;
    const ts_log_field fields[] = {
        TS_LOG_TEXT("why", files->why), TS_LOG_COUNT("paths_allowed", files->n_paths),
        TS_LOG_COUNT("tried", files->n_tries), TS_LOG_COUNT("open", files->n_open)};
    if (files->is_sealed && files->n_open == 0)
        ts_log(TS_LOG_INFO, "files sealed", fields + 1, TS_COUNT(fields) - 1);
    else
        ts_log(TS_LOG_WARN, "files open", fields, TS_COUNT(fields));
}

/* From here on nobody can be called. */
static void lock_network(serving *s)
{
    ts_netseal *seal = s->opt->seal;

    if (!seal)
        return;
    ts_netseal_lock(seal);
    s->server.seal = seal;
    const ts_log_field fields[] = {
        TS_LOG_TEXT("why", seal->why), TS_LOG_COUNT("ways_tried", seal->n_tries),
        TS_LOG_COUNT("ways_open", seal->n_open), TS_LOG_COUNT("landlock", seal->has_landlock)};
    if (seal->has_filter && seal->n_open == 0)
        ts_log(TS_LOG_INFO, "network sealed", fields + 1, TS_COUNT(fields) - 1);
    else
        ts_log(TS_LOG_WARN, "network open", fields, TS_COUNT(fields));
}

tiefsee_status ts_serve(const ts_serve_options *opt, tiefsee_error *err)
{
    serving *s = ts_alloc_zero(1, sizeof *s);

    if (!s) {
        for (size_t i = 0; i < opt->n_models; i++)
            tiefsee_model_close(opt->models[i].model);
        return ts_fail_nomem(err, sizeof *s, "the server");
    }
    s->opt = opt;
    const tiefsee_status st = open_all(s, err);
    if (st == TIEFSEE_OK) {
        take_signals(s->server.http);
        if (opt->on_ready)
            opt->on_ready(opt->user, ts_http_port(s->server.http));
        lock_network(s);
        try_files(s);
        ts_http_run(s->server.http, on_turn, s);
        drop_signals();
    }
    close_all(s);
    ts_free(s);
    return st;
}
