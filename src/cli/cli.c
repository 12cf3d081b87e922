/* cli.c - see cli.h. */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/file.h"

enum { MAX_STDIN = 64 << 20 };

ts_settings ts_settings_now = {
    .top_k = UINT64_MAX,
    .temperature = -1,
    .top_p = -1,
    .min_p = -1,
};

int ts_cli_error(int exit_code, const char *fmt, ...)
{
    va_list args;

    (void)fflush(stdout);
    (void)fputs("tiefsee: ", stderr);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return exit_code;
}

int ts_cli_fail(const tiefsee_error *err)
{
    return ts_cli_error(err->status == TIEFSEE_E_CANCELLED ? TS_EXIT_INTERRUPTED : TS_EXIT_ERROR,
                        "%s", err->message);
}

int ts_cli_finish(int exit_code)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit_code == TS_EXIT_OK)
        return ts_cli_error(TS_EXIT_ERROR, "writing to stdout: %s", strerror(errno));
    return exit_code;
}

int ts_cli_take_model(int argc, char **argv)
{
    if (argc > 0 && ts_settings_now.model)
        return ts_cli_error(TS_EXIT_USAGE, "two models: '%s' and -m '%s'", argv[0],
                            ts_settings_now.model);
    if (argc > 0)
        ts_settings_now.model = argv[0];
    if (ts_settings_now.model && !*ts_settings_now.model)
        return ts_cli_error(TS_EXIT_USAGE, "the name of the model is empty");
    return TS_EXIT_NONE;
}

bool ts_cli_models_folder(char *out, size_t size)
{
    const char *folder = getenv("TIEFSEE_MODELS"), *home = getenv("HOME");
    int n;

    if (folder && *folder)
        n = snprintf(out, size, "%s", folder);
    else if (home && *home)
        n = snprintf(out, size, "%s/.local/share/tiefsee/models", home);
    else
        return false;
    return n > 0 && (size_t)n < size;
}

/* A path as it is, else FOLDER/NAME or FOLDER/NAME.gguf. */
static const char *find_model(const char *name, char *path, size_t size)
{
    char folder[PATH_MAX];

    if (ts_file_exists(name) || ts_file_is_folder(name) || strchr(name, '/') ||
        !ts_cli_models_folder(folder, sizeof folder))
        return name;
    for (int i = 0; i < 2; i++) {
        const int n = snprintf(path, size, "%s/%s%s", folder, name, i ? ".gguf" : "");
        if (n > 0 && (size_t)n < size && (ts_file_exists(path) || ts_file_is_folder(path)))
            return path;
    }
    return name;
}

bool ts_cli_model_path(char *out, size_t size)
{
    char found[PATH_MAX];

    if (!ts_settings_now.model)
        return false;
    const int n = snprintf(out, size, "%s", find_model(ts_settings_now.model, found, sizeof found));
    return n > 0 && (size_t)n < size;
}

static int no_such_model(const char *name)
{
    char folder[PATH_MAX];

    if (strchr(name, '/') || !ts_cli_models_folder(folder, sizeof folder))
        return ts_cli_error(TS_EXIT_NO_MODEL, "no model '%s': %s", name, strerror(ENOENT));
    return ts_cli_error(TS_EXIT_NO_MODEL, "no model '%s', neither here nor in %s", name, folder);
}

int ts_cli_find_model(char *path, size_t size)
{
    if (!ts_cli_model_path(path, size) || access(path, F_OK) != 0)
        return no_such_model(ts_settings_now.model);
    return TS_EXIT_NONE;
}

void ts_cli_model_options(tiefsee_model_options *out)
{
    *out = (tiefsee_model_options){
        .size = sizeof *out,
        .n_threads = (int)ts_settings_now.n_threads,
        .precise = ts_settings_now.precise,
        .cpu = getenv("TIEFSEE_CPU"),
        .adapter = ts_settings_now.adapter,
    };
}

int ts_cli_try_model(tiefsee_model **out, bool metadata_only, tiefsee_error *err)
{
    tiefsee_model_options options;
    char found[PATH_MAX];
    const char *path = ts_settings_now.model;

    *err = (tiefsee_error){0};
    ts_cli_model_options(&options);
    options.metadata_only = metadata_only;
    if (path) {
        path = find_model(path, found, sizeof found);
        if (!ts_file_exists(path) && !ts_file_is_folder(path) && access(path, F_OK) != 0)
            return no_such_model(ts_settings_now.model);
    }
    switch (tiefsee_model_open(out, path, &options, err)) {
    case TIEFSEE_OK: return TS_EXIT_NONE;
    case TIEFSEE_E_IO:
    case TIEFSEE_E_FORMAT: return TS_EXIT_NO_MODEL;
    default: return TS_EXIT_ERROR;
    }
}

int ts_cli_open_model(tiefsee_model **out, bool metadata_only)
{
    tiefsee_error err;
    const int code = ts_cli_try_model(out, metadata_only, &err);

    return err.status == TIEFSEE_OK ? code : ts_cli_error(code, "%s", err.message);
}

/* mkdir -p, private to the user. */
static bool make_folders(char *path)
{
    for (char *p = path + 1; *p; p++)
        if (*p == '/') {
            *p = '\0';
            const bool is_there = mkdir(path, 0700) == 0 || errno == EEXIST;
            *p = '/';
            if (!is_there)
                return false;
        }
    return true;
}

bool ts_cli_state_file(char *out, size_t size, const char *name)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int n;

    if (state && *state == '/')
        n = snprintf(out, size, "%s/tiefsee/%s", state, name);
    else if (home && *home == '/')
        n = snprintf(out, size, "%s/.local/state/tiefsee/%s", home, name);
    else
        return false;
    return n > 0 && (size_t)n < size && make_folders(out);
}

void ts_cli_sampling(const tiefsee_model *model, tiefsee_sampling *out)
{
    const ts_settings *s = &ts_settings_now;

    *out = (tiefsee_sampling){.size = sizeof *out};
    tiefsee_model_sampling(model, out);
    if (s->temperature >= 0)
        out->temperature = (float)s->temperature;
    if (s->top_p >= 0)
        out->top_p = (float)s->top_p;
    if (s->min_p >= 0)
        out->min_p = (float)s->min_p;
    if (s->top_k != UINT64_MAX)
        out->top_k = (int)s->top_k;
    if (s->repetition > 0)
        out->repetition_penalty = (float)s->repetition;
    out->presence_penalty = (float)s->presence;
    out->frequency_penalty = (float)s->frequency;
    out->seed = s->seed;
}

tiefsee_status ts_cli_read_stdin(ts_buf *out, tiefsee_error *err)
{
    char block[1 << 16];
    ssize_t n;

    *out = ts_buf_make(MAX_STDIN);
    while ((n = read(STDIN_FILENO, block, sizeof block)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ts_fail_errno(err, errno, "reading stdin");
        if ((size_t)n > out->max - out->len)
            return ts_fail(err, TIEFSEE_E_LIMIT, "more than %d bytes on stdin", MAX_STDIN);
        if (!ts_buf_append(out, block, (size_t)n))
            return ts_fail_nomem(err, out->len + (size_t)n, "the text on stdin");
    }
    if (!ts_buf_append(out, "", 0)) /* terminated also when empty */
        return ts_fail_nomem(err, 1, "the text on stdin");
    return TIEFSEE_OK;
}

uint64_t ts_cli_ranks(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    uint64_t n = 0;

    for (size_t i = 0; i < TS_COUNT(names); i++)
        if (ts_parse_u64(getenv(names[i]), 1, UINT32_MAX, &n))
            return n;
    return 0;
}

bool ts_cli_has_escapes(int fd)
{
    const char *term = getenv("TERM");

    return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

bool ts_cli_is_pretty(int fd)
{
    const char *no_color = getenv("NO_COLOR");

    return ts_cli_has_escapes(fd) && !(no_color && *no_color);
}

void ts_cli_duration(char *out, size_t size, double s)
{
    if (s < 100)
        (void)snprintf(out, size, "%.0f s", s);
    else if (s < 6000)
        (void)snprintf(out, size, "%.0f min", s / 60);
    else
        (void)snprintf(out, size, "%.1f h", s / 3600);
}
