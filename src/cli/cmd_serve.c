/* cmd_serve.c - the assistant and the API for programs: opens models, says where, serves. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/open_page.h"
#include "core/file.h"
#include "core/log.h"
#include "server/proof/proof.h"
#include "server/serve.h"

enum { MAX_SERVED = 16, MAX_PORT = 65535, PATH_BYTES = 4096, MIN_SECRET = 12, MAX_SECRET = 4096 };

static const char *host = "127.0.0.1", *unix_path, *tls_cert, *tls_key, *db_path, *master_key;
static const char *cache_dir, *cache_key;
static const char *log_level = "info", *limits_file;
static uint64_t port = 8642, max_running, max_queue, cache_mib, disk_mib, body_mib = 32;
static uint64_t drain_s = 30, idle_s, memory_mib;
static uint64_t n_connections;
static ts_opt_list aliases, origins, hosts;
static const char *secret_path;
static ts_buf secret;
static ts_netseal seal;
static ts_fileseal files;
static bool open_network, open_files, opens_page;
static bool has_accounts, requires_key, insecure, any_host, json_log, no_tcp;

static const char *const levels[] = {"error", "warn", "info", "debug", NULL};

static const ts_opt options[] = {
    TS_OPTIONS_MODEL,
    {'c', "ctx", "N",
     "longest context of one request; default: 8192, or less if the model has less",
     .count = &ts_settings_now.n_ctx, .min = 1, .max = TS_MAX_CTX},
    {0, "host", "ADDRESS", "where to listen; default: 127.0.0.1", .text = &host},
    {'p', "port", "N", "0: any free one; default: 8642", .count = &port, .max = MAX_PORT},
    {0, "unix", "PATH", "listen on this unix socket as well (its mode is 0600)",
     .text = &unix_path},
    {0, "no-tcp", .help = "listen on the unix socket only", .flag = &no_tcp},
    {0, "alias", "NEW=NAME", "another name for a model; up to 16 times", .list = &aliases},
    {0, "max-running", "N", "requests that are answered at once; default: 64",
     .count = &max_running, .min = 1, .max = 4096},
    {0, "queue", "N", "requests that may wait; default: 256", .count = &max_queue, .min = 1,
     .max = 1 << 16},
    {0, "cache", "MIB", "memory for contexts, running and remembered; default: a quarter",
     .count = &cache_mib, .min = 1, .max = 1 << 24},
    {0, "cache-dir", "DIR",
     "keep remembered contexts, encrypted, in this folder, so that they outlive the server; "
     "default: nothing that was said is written to a disk",
     .text = &cache_dir},
    {0, "cache-size", "MIB",
     "how much of the disk they may take; default with --cache-dir: 8192. Without --cache-dir: in "
     "the state folder",
     .count = &disk_mib, .min = 1, .max = 1 << 24},
    {0, "cache-key", "FILE",
     "what they are encrypted with, made if missing; default: cache.key in the state folder",
     .text = &cache_key},
    {0, "idle-unload", "SECONDS",
     "load a model when it is asked for, and unload it when nobody has asked for as long; default: "
     "all are loaded at the start and stay",
     .count = &idle_s, .min = 1, .max = 1 << 30},
    {0, "memory", "MIB",
     "with --idle-unload: for the models that are loaded; unused ones make room; default: nine "
     "tenths of what is free at the start",
     .count = &memory_mib, .min = 1, .max = 1 << 30},
    {0, "require-key", .help = "refuse requests without a key (tiefsee keys makes them)",
     .flag = &requires_key},
    {0, "db", "FILE", "keys and usage; default: server.db in the state folder", .text = &db_path},
    {0, "accounts",
     .help =
         "the assistant has users who log in; the first admin is made by a code that is printed "
         "here",
     .flag = &has_accounts},
    {0, "master-key", "FILE", "opens what the assistant keeps; default: beside --db",
     .text = &master_key},
    {0, "key-secret", "FILE",
     "a passphrase, or any secret of 12 bytes and more, that seals the master key; default: the "
     "credential tiefsee-key-secret of the service manager, if there is one",
     .text = &secret_path},
    {0, "tls-cert", "FILE", "certificate chain, PEM", .text = &tls_cert},
    {0, "tls-key", "FILE", "its private key, PEM", .text = &tls_key},
    {0, "cors", "ORIGIN", "let pages of this origin use the server; '*': of all", .list = &origins},
    {0, "allow-host", "NAME", "a name of this server beside localhost; '*': any", .list = &hosts},
    {0, "insecure-listen",
     .help = "listen beyond this machine without TLS or keys: whoever reaches it can use it, and "
             "what is said can be read on the way",
     .flag = &insecure},
    {0, "open", .help = "show the assistant in the browser, where there is a desktop",
     .flag = &opens_page},
    {0, "open-network",
     .help = "do not forbid this process to call others (it never does; see prove-offline)",
     .flag = &open_network},
    {0, "open-files",
     .help = "do not forbid this process all files but the models, the store and what else the "
             "options name (Landlock; see docs/serve.md)",
     .flag = &open_files},
    {0, "max-body", "MIB", "largest request; default: 32", .count = &body_mib, .min = 1,
     .max = 1024},
    {0, "connections", "N", "open at once; default: 2048", .count = &n_connections, .min = 1,
     .max = 1 << 16},
    {0, "limits", "FILE", "limits of HTTP as JSON (docs/serve.md), read again on SIGHUP",
     .text = &limits_file},
    {0, "drain", "SECONDS", "how long running answers may take after SIGTERM; default: 30",
     .count = &drain_s, .min = 1, .max = 86400},
    {0, "log", "LEVEL", "error, warn, info or debug; default: info", .text = &log_level,
     .choices = levels},
    {0, "log-json", .help = "log lines are JSON objects", .flag = &json_log},
    {0}};

/* "models/mini.gguf" is served as "mini"; "name=models/mini.gguf" as "name". */
static void split_name(const char *argument, char *name, size_t size, const char **path)
{
    const char *equals = strchr(argument, '='), *slash = strrchr(argument, '/');

    if (equals > argument && !memchr(argument, '/', (size_t)(equals - argument))) {
        (void)snprintf(name, size, "%.*s", (int)(equals - argument), argument);
        *path = equals + 1;
        return;
    }
    *path = argument;
    if (slash && !slash[1])
        slash = NULL;
    (void)snprintf(name, size, "%s", slash ? slash + 1 : argument);
    char *end = strstr(name, ".gguf");
    if (end && end != name && !end[5])
        *end = '\0';
}

static int open_one(const char *argument, ts_serve_model *out, char *name, size_t size)
{
    tiefsee_model_info info;

    if (argument)
        split_name(argument, name, size, &ts_settings_now.model);
    const int code = ts_cli_open_model(&out->model, idle_s > 0);
    if (code != TS_EXIT_NONE)
        return code;
    if (!argument) {
        tiefsee_model_describe(out->model, &info);
        (void)snprintf(name, size, "%s", info.name);
        for (char *p = name; *p; p++)
            *p = *p == ' ' ? '-' : *p;
    }
    out->name = name;
    return TS_EXIT_NONE;
}

static bool has_star(const ts_opt_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->at[i], "*") == 0)
            return true;
    return false;
}

/* Whoever listens everywhere is shown at home. */
static void show_page(int real_port, bool is_v6)
{
    const bool is_any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    char url[512];

    (void)snprintf(url, sizeof url, "%s://%s%s%s:%d/", tls_cert ? "https" : "http",
                   is_v6 && !is_any ? "[" : "", is_any ? "localhost" : host,
                   is_v6 && !is_any ? "]" : "", real_port);
    (void)fprintf(stderr, "tiefsee: the assistant is at %s\n", url);
    ts_open_page_show(url);
}

static void on_ready(void *user, int real_port)
{
    const ts_serve_options *o = user;
    const bool is_v6 = strchr(host, ':') != NULL;

    if (secret.ptr)
        explicit_bzero(secret.ptr, secret.len); /* the keys are open */
    (void)fputs("tiefsee: serving", stderr);
    for (size_t i = 0; i < o->n_models; i++)
        (void)fprintf(stderr, "%s %s", i ? "," : "", o->models[i].name);
    (void)fputs(" at", stderr);
    if (real_port > 0)
        (void)fprintf(stderr, " %s://%s%s%s:%d/v1", tls_cert ? "https" : "http", is_v6 ? "[" : "",
                      host, is_v6 ? "]" : "", real_port);
    if (unix_path)
        (void)fprintf(stderr, "%s %s", real_port > 0 ? " and" : "", unix_path);
    (void)fputc('\n', stderr);
    if (real_port > 0)
        show_page(real_port, is_v6);
    (void)fflush(stderr);
}

static void on_code(void *user, const char *code)
{
    (void)user;
    (void)fprintf(stderr,
                  "tiefsee: nobody is admin yet.  The code for the first one, good once and for 15 "
                  "minutes: %s\n",
                  code);
    (void)fflush(stderr);
}

static int check(void)
{
    if (!tls_cert != !tls_key)
        return ts_cli_error(TS_EXIT_USAGE, "serve: --tls-cert and --tls-key belong together");
    if (no_tcp && !unix_path)
        return ts_cli_error(TS_EXIT_USAGE, "serve: --no-tcp needs --unix PATH");
    if (memory_mib > 0 && idle_s == 0)
        return ts_cli_error(TS_EXIT_USAGE, "serve: --memory needs --idle-unload");
    if (cache_key && !cache_dir && disk_mib == 0)
        return ts_cli_error(TS_EXIT_USAGE, "serve: --cache-key needs --cache-dir or --cache-size");
    any_host = has_star(&hosts);
    any_host = any_host || (insecure && hosts.n == 0);
    return TS_EXIT_NONE;
}

static ts_log_level level_of(const char *name)
{
    int i = 0;

    while (strcmp(levels[i], name) != 0)
        i++;
    return (ts_log_level)i;
}

/* Where contexts are kept on the disk, if they are. */
static int name_disk_cache(ts_serve_options *o)
{
    static char folder[PATH_BYTES], key[PATH_BYTES];

    if (!cache_dir && disk_mib == 0)
        return TS_EXIT_NONE;
    o->disk_bytes = (disk_mib ? disk_mib : 8192) << 20;
    o->disk_folder = cache_dir;
    if (!cache_dir && ts_cli_state_file(folder, sizeof folder, "cache"))
        o->disk_folder = folder;
    o->disk_key = cache_key;
    if (!cache_key && ts_cli_state_file(key, sizeof key, "cache.key"))
        o->disk_key = key;
    if (!o->disk_folder || !o->disk_key)
        return ts_cli_error(TS_EXIT_ERROR,
                            "serve: no state folder: set HOME, or name --cache-dir and "
                            "--cache-key");
    return TS_EXIT_NONE;
}

/* NULL: there is no place for one. */
static const char *name_db(void)
{
    static char default_db[PATH_BYTES];

    return db_path                                                         ? db_path
           : ts_cli_state_file(default_db, sizeof default_db, "server.db") ? default_db
                                                                           : NULL;
}

static bool allow_model(const char *argument)
{
    const char *before = ts_settings_now.model;
    char name[256], path[PATH_BYTES];
    bool is_good = true;

    if (argument)
        split_name(argument, name, sizeof name, &ts_settings_now.model);
    if (ts_cli_model_path(path, sizeof path))
        is_good = ts_fileseal_allow_model(&files, path);
    ts_settings_now.model = before;
    return is_good;
}

/* Before the files are sealed.  systemd shows credentials in a folder of the service. */
static int take_secret(void)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    tiefsee_error err = {0};
    char path[PATH_MAX];
    struct stat info;

    secret = ts_buf_make(MAX_SECRET);
    if (!secret_path && folder) {
        (void)snprintf(path, sizeof path, "%s/tiefsee-key-secret", folder);
        if (stat(path, &info) != 0)
            return TS_EXIT_NONE;
    } else if (secret_path)
        (void)snprintf(path, sizeof path, "%s", secret_path);
    else
        return TS_EXIT_NONE;
    if (stat(path, &info) == 0 && (info.st_mode & 07) != 0)
        return ts_cli_error(TS_EXIT_ERROR, "serve: %s: others can read the secret", path);
    if (ts_file_read(&secret, path, MAX_SECRET, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    while (secret.len > 0 &&
           (secret.ptr[secret.len - 1] == '\n' || secret.ptr[secret.len - 1] == '\r'))
        secret.len--;
    return secret.len >= MIN_SECRET
               ? TS_EXIT_NONE
               : ts_cli_error(TS_EXIT_ERROR, "serve: %s: a secret has %d bytes at least", path,
                              MIN_SECRET);
}

/* From here on only these files exist for this process. */
static int seal_files(int argc, char **argv)
{
    const char *db = name_db();
    ts_serve_options disk = {0};
    const int code = name_disk_cache(&disk);

    if (code != TS_EXIT_NONE)
        return code;
    if (disk.disk_folder)
        (void)mkdir(disk.disk_folder, 0700); /* what is not there cannot be allowed */
    ts_fileseal_begin(&files);
    bool is_good = ts_fileseal_allow_system(&files);
    for (int i = 0; i < argc; i++)
        is_good = is_good && allow_model(argv[i]);
    const struct {
        const char *path;
        ts_file_right right;
        bool is_folder_of;
    } all[] = {{db, TS_FILE_WRITE, true},
               {master_key, TS_FILE_WRITE, true},
               {disk.disk_folder, TS_FILE_WRITE, false},
               {disk.disk_key, TS_FILE_WRITE, true},
               {tls_cert, TS_FILE_READ, false},
               {tls_key, TS_FILE_READ, false},
               {limits_file, TS_FILE_READ, true}, /* editors replace files */
               {unix_path, TS_FILE_SOCKETS, true}};
    is_good = is_good && (argc > 0 || allow_model(NULL));
    for (size_t i = 0; i < TS_COUNT(all) && is_good; i++)
        if (all[i].path)
            is_good = all[i].is_folder_of
                          ? ts_fileseal_allow_folder_of(&files, all[i].path, all[i].right)
                          : ts_fileseal_allow(&files, all[i].path, all[i].right);
    if (!is_good)
        return ts_cli_error(TS_EXIT_ERROR,
                            "serve: too many files, or too long a path (--open-files "
                            "leaves the list out)");
    ts_fileseal_lock(&files);
    return TS_EXIT_NONE;
}

static int serve(ts_serve_model *models, size_t n)
{
    tiefsee_error err = {0};
    ts_serve_options o = {
        .models = models,
        .n_models = n,
        .aliases = aliases.at,
        .n_aliases = aliases.n,
        .engine = {.n_ctx = (size_t)ts_settings_now.n_ctx,
                   .max_running = (size_t)max_running,
                   .max_queue = (size_t)max_queue,
                   .cache_bytes = cache_mib << 20},
        .idle_unload_s = (double)idle_s,
        .models_bytes = memory_mib << 20,
        .store = name_db(),
        .store_is_optional = !db_path && !requires_key && !has_accounts,
        .requires_key = requires_key || has_accounts,
        .has_accounts = has_accounts,
        .seal = open_network ? NULL : &seal,
        .files = open_files ? NULL : &files,
        .app_key = master_key,
        .app_secret = {secret.ptr, secret.len},
        .on_code = on_code,
        .allows_insecure = insecure,
        .tls_cert_file = tls_cert,
        .tls_key_file = tls_key,
        .http = {.host = no_tcp ? NULL : host,
                 .port = (int)port,
                 .unix_path = unix_path,
                 .hosts = hosts.at,
                 .n_hosts = hosts.n,
                 .any_host = any_host,
                 .origins = origins.at,
                 .n_origins = origins.n,
                 .limits = {.body_bytes = (size_t)body_mib << 20,
                            .n_connections = (size_t)n_connections,
                            .drain_s = (double)drain_s}},
        .limits_file = limits_file,
        .on_ready = on_ready,
    };

    o.user = &o;
    ts_cli_model_options(&o.load);
    const int code = name_disk_cache(&o);
    if (code != TS_EXIT_NONE)
        return code;
    ts_log_setup(level_of(log_level), json_log);
    return ts_serve(&o, &err) == TIEFSEE_OK ? TS_EXIT_OK : ts_cli_fail(&err);
}

static int run(int argc, char **argv)
{
    ts_serve_model models[MAX_SERVED] = {{0}};
    static char names[MAX_SERVED][256];
    size_t n = 0;
    int code = check();

    if (code == TS_EXIT_NONE && opens_page && !no_tcp)
        (void)ts_open_page_prepare();
    /* Threads inherit it, so before there are any. */
    if (code == TS_EXIT_NONE && !open_network)
        ts_netseal_early(&seal);
    if (code == TS_EXIT_NONE)
        code = take_secret();
    if (code == TS_EXIT_NONE && !open_files)
        code = seal_files(argc, argv);

    if (code == TS_EXIT_NONE && argc > 0 && ts_settings_now.model)
        code = ts_cli_error(TS_EXIT_USAGE, "serve: models as arguments or by -m, not both");
    if (code == TS_EXIT_NONE && argc > 1 && ts_settings_now.adapter)
        code = ts_cli_error(TS_EXIT_USAGE, "serve: --lora is for one model, not for %d", argc);
    const char *first = ts_settings_now.model;
    const size_t n_wanted = argc > 0 ? (size_t)argc : 1;
    for (; n < n_wanted && code == TS_EXIT_NONE; n++)
        code = open_one(argc > 0 ? argv[n] : first, &models[n], names[n], sizeof names[n]);
    if (code == TS_EXIT_NONE)
        return serve(models, n);
    for (size_t i = 0; i < n; i++)
        tiefsee_model_close(models[i].model);
    return code;
}

const ts_command ts_cmd_serve = {
    .name = "serve",
    .arguments = "[[NAME=]MODEL ...] [options]",
    .summary = "the assistant in the browser, and the API for programs",
    .details =
        "Serve one or more models: to people by the assistant, a page at http://127.0.0.1:8642/ "
        "unless told otherwise (--accounts: with users who log in), and to programs by the APIs of "
        "DeepSeek, OpenAI and Anthropic below /v1 and Ollama's below /api. A model is served by "
        "the name of its file, or by NAME; names that DeepSeek's and Anthropic's clouds use mean "
        "the first. "
        "Listens on this machine only: beyond it, TLS and --require-key or --accounts are needed, "
        "or --insecure-listen. SIGTERM and Ctrl-C let running answers end, a second one ends them; "
        "SIGHUP reads keys, their limits and --limits again. The log on stderr has one line per "
        "request and nothing of what was said.",
    .options = options,
    .max_arguments = MAX_SERVED,
    .run = run,
};
