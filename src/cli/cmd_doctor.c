/* cmd_doctor.c - is everything well here, and what would be faster.
 *
 * Each check is a line: what it looked at, how it is, what to do.  Nothing is
 * changed and nothing leaves the machine; the port is only bound for a moment.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat/talk.h"
#include "chat/view.h"
#include "cli/answer.h"
#include "cli/cli.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "engine/bench.h"

enum { SERVE_PORT = 8642, MAX_FINDINGS = 16 };

static bool as_json;

static const ts_opt options[] = {
    TS_OPTIONS_MODEL, {'j', "json", .help = "print one JSON object", .flag = &as_json}, {0}};

typedef enum state { GOOD, HINT, BAD } state;

static const char *const state_names[] = {"ok", "hint", "bad"};

static struct finding {
    const char *name;
    state state;
    char text[240];
} findings[MAX_FINDINGS];
static size_t n_findings;

static void found(const char *name, state how, const char *fmt, ...) TS_PRINTF(3, 4);

static void found(const char *name, state how, const char *fmt, ...)
{
    struct finding *f = &findings[n_findings++];
    va_list args;

    f->name = name;
    f->state = how;
    va_start(args, fmt);
    (void)vsnprintf(f->text, sizeof f->text, fmt, args);
    va_end(args);
}

static void check_cpu(void)
{
    const unsigned flags = ts_cpu_flags();
    const char *level = ts_cpu_level(flags), *wanted = getenv("TIEFSEE_CPU");
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    const int cores = ts_cpu_cores();
    unsigned limited = flags;
    char name[100] = "";

    ts_cpu_name(name, sizeof name);
    found("processor", GOOD, "%s", *name ? name : "unknown");
    if (wanted && *wanted && !ts_cpu_limit(&limited, wanted))
        found("kernels", BAD, "TIEFSEE_CPU=%s is no kernel level; unset it", wanted);
    else if (wanted && *wanted && limited != flags)
        found("kernels", HINT, "%s, though %s is possible: TIEFSEE_CPU=%s holds it back",
              ts_cpu_level(limited), level, wanted);
    else if (strcmp(level, "ref") == 0)
        found("kernels", HINT, "ref: no vector instructions that are known, so all is slow");
    else if (strcmp(level, "avx2") == 0)
        found("kernels", GOOD, "avx2; a processor with VNNI reads prompts faster");
    else
        found("kernels", GOOD, "%s", level);
    if (online > cores)
        found("cores", GOOD,
              "%d physical cores to use, of %ld processors (hyperthreads and those that a "
              "container or taskset forbids are not counted)",
              cores, online);
    else
        found("cores", GOOD, "%d", cores);
}

static void check_memory(void)
{
    const uint64_t available = ts_cpu_available_memory();
    char text[TS_NUMBER_MAX];

    if (available == 0)
        found("memory", HINT, "the system does not say how much is free");
    else
        found("memory", available < 512u << 20 ? HINT : GOOD,
              "%s can be given to models now (limits of the container included)",
              ts_text_of_bytes(text, available));
}

static void check_models_folder(void)
{
    char folder[PATH_MAX];
    struct stat info;

    if (!ts_cli_models_folder(folder, sizeof folder))
        found("models", HINT,
              "no folder for models by name: neither TIEFSEE_MODELS nor HOME is set");
    else if (stat(folder, &info) != 0)
        found("models", errno == ENOENT ? GOOD : BAD,
              errno == ENOENT ? "%s is not there yet%s" : "%s: %s", folder,
              errno == ENOENT ? "; models are opened by their path" : strerror(errno));
    else if (!S_ISDIR(info.st_mode) || access(folder, R_OK | X_OK) != 0)
        found("models", BAD, "%s cannot be read", folder);
    else
        found("models", GOOD, "%s can be read%s", folder,
              access(folder, W_OK) == 0 ? " and written" : "");
}

static void check_port(void)
{
    const struct sockaddr_in here = {.sin_family = AF_INET,
                                     .sin_port = htons(SERVE_PORT),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        found("port", HINT, "no TCP socket to be had: %s", strerror(errno));
    else if (bind(fd, (const struct sockaddr *)&here, sizeof here) != 0)
        found("port", HINT, "127.0.0.1:%d, where the server will listen: %s", SERVE_PORT,
              strerror(errno));
    else
        found("port", GOOD, "127.0.0.1:%d is free", SERVE_PORT);
    if (fd >= 0)
        (void)close(fd);
}

/* What `tiefsee bench` sets speeds against. */
static void check_limits(tiefsee_model *model)
{
    ts_cpu_rates r = {0};
    tiefsee_error err = {0};

    if (ts_bench_limits(model, &r, &err) != TIEFSEE_OK)
        found("limits", BAD, "%s", err.message);
    else
        found("limits", GOOD,
              "memory bus %.1f GB/s, int8 %.0f GOPS, float %.0f GFLOPS, measured now",
              r.bus_gb_per_s, r.int8_gops, r.f32_gflops);
}

/* One question, one token, through all the layers. */
static void check_answer(void)
{
    const double started = ts_clock_seconds();
    const ts_talk_events none = {0};
    tiefsee_model_info info = {0};
    tiefsee_model *model = NULL;
    tiefsee_error err = {0};
    ts_talk talk = {0};
    ts_answer answer;

    if (ts_cli_open_model(&model, false) != TS_EXIT_NONE ||
        ts_cli_open_talk(&talk, model) != TS_EXIT_NONE) {
        tiefsee_model_close(model);
        found("self-test", BAD, "the model cannot be opened or cannot talk (see the line above)");
        return;
    }
    tiefsee_model_describe(model, &info);
    talk.max_tokens = 1;
    const tiefsee_status st = ts_talk_ask(&talk, "1+1", 3, &none, &answer, &err);
    if (st != TIEFSEE_OK)
        found("self-test", BAD, "%s", err.message);
    else
        found("self-test", answer.n_generated == 1 ? GOOD : BAD,
              "%s said %zu token in %.3f s with %s kernels on %d thread%s", info.name,
              answer.n_generated, ts_clock_seconds() - started, info.kernels, info.n_threads,
              info.n_threads == 1 ? "" : "s");
    check_limits(model);
    ts_answer_free(&answer);
    ts_talk_close(&talk);
    tiefsee_model_close(model);
}

static void print_json(void)
{
    json_t *list = json_array();
    bool is_well = true;

    for (size_t i = 0; i < n_findings; i++) {
        is_well = is_well && findings[i].state != BAD;
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", findings[i].name,
                                                    "state", state_names[findings[i].state], "text",
                                                    findings[i].text));
    }
    json_t *json = json_pack("{s:s, s:b, s:o}", "version", tiefsee_version(), "is_well", is_well,
                             "checks", list);
    (void)json_dumpf(json, stdout, JSON_INDENT(1));
    (void)putchar('\n');
    json_decref(json);
}

static int run(int argc, char **argv)
{
    int code = ts_cli_take_model(argc, argv);

    if (code != TS_EXIT_NONE)
        return code;
    check_cpu();
    check_memory();
    check_models_folder();
    check_port();
    check_answer();
    code = TS_EXIT_OK;
    for (size_t i = 0; i < n_findings; i++) {
        if (findings[i].state == BAD)
            code = TS_EXIT_ERROR;
        if (!as_json)
            (void)printf("%-5s %-10s %s\n", state_names[findings[i].state], findings[i].name,
                         findings[i].text);
    }
    if (as_json)
        print_json();
    return code;
}

const ts_command ts_cmd_doctor = {
    .name = "doctor",
    .arguments = "[MODEL] [--json]",
    .summary = "is everything well here, and what would be faster",
    .details = "Look at processor, memory, the model folder and the port of the server, and let "
               "the model say one token. Exit code 1 if something is bad; a hint is no failure.",
    .options = options,
    .max_arguments = 1,
    .run = run,
};
