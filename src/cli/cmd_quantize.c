/* cmd_quantize.c - a model file in other types. */
#include <stdio.h>
#include <unistd.h>

#include "chat/talk.h"
#include "chat/view.h"
#include "cli/cli.h"
#include "core/clock.h"

static const char *type = "q4_k", *adapter;
static uint64_t n_threads;

static const ts_opt options[] = {
    {0, "type", "T", "of the large matrices: q4_k (default), q8_0, q6_k, mxfp4, bf16, ...",
     .text = &type},
    {0, "lora", "FOLDER", "add this adapter to the weights", .text = &adapter},
    {'t', "threads", "N", "threads to compute with; default: one per physical core",
     .count = &n_threads, .min = 1, .max = TS_MAX_THREADS},
    {0}};

typedef struct progress {
    double started, shown;
    bool is_terminal, has_line;
} progress;

static bool on_progress(void *user, uint64_t done, uint64_t total)
{
    enum { EVERY_S = 1, QUIET_S = 2 };
    progress *p = user;
    const double now = ts_clock_seconds(), spent = now - p->started;

    if (ts_interrupt_taken())
        return false;
    if (!p->is_terminal || spent < QUIET_S || now - p->shown < EVERY_S || done == 0)
        return true;
    p->shown = now;
    p->has_line = true;
    (void)fprintf(stderr, "\r%3.0f %%, %.0f MB/s, %.0f s left ",
                  100.0 * (double)done / (double)total, (double)done / spent / 1e6,
                  spent * (double)(total - done) / (double)done);
    return true;
}

static int report(const char *path, double seconds)
{
    const tiefsee_model_options only = {.size = sizeof only, .metadata_only = true};
    char bytes[TS_NUMBER_MAX];
    tiefsee_model_info info;
    tiefsee_model *model;
    tiefsee_error err = {0};

    if (tiefsee_model_open(&model, path, &only, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    tiefsee_model_describe(model, &info);
    (void)fprintf(stderr, "%s: %s of weights (%s), %.1f s\n", path,
                  ts_text_of_bytes(bytes, info.weight_bytes), info.weight_types, seconds);
    tiefsee_model_close(model);
    return TS_EXIT_OK;
}

static int run_quantize(int argc, char **argv)
{
    progress p = {.started = ts_clock_seconds(), .is_terminal = isatty(STDERR_FILENO) == 1};
    const tiefsee_quantize_options opt = {.size = sizeof opt,
                                          .type = type,
                                          .n_threads = (int)n_threads,
                                          .on_progress = on_progress,
                                          .user = &p,
                                          .adapter = adapter};
    char in[4096];
    tiefsee_error err = {0};

    (void)argc;
    ts_settings_now.model = argv[0];
    const int code = ts_cli_find_model(in, sizeof in);
    if (code != TS_EXIT_NONE)
        return code;
    ts_interrupt_install();
    const tiefsee_status st = tiefsee_quantize(in, argv[1], &opt, &err);
    if (p.has_line)
        (void)fputs("\r\033[K", stderr);
    if (st == TIEFSEE_E_CANCELLED)
        return TS_EXIT_INTERRUPTED;
    if (st == TIEFSEE_E_FORMAT) /* the model's fault: no readable model */
        return ts_cli_error(TS_EXIT_NO_MODEL, "%s", err.message);
    if (st != TIEFSEE_OK)
        return ts_cli_fail(&err);
    return report(argv[1], ts_clock_seconds() - p.started);
}

const ts_command ts_cmd_quantize = {
    .name = "quantize",
    .arguments = "IN OUT",
    .summary = "write a model as GGUF in other types (q4_k, q8_0, ...)",
    .details = "IN is a GGUF file (or the first of its shards) or a Hugging Face folder. "
               "Vectors and routers stay f32; the output matrix has at least q6_k and the "
               "split projections of latent attention at least q8_0. With --lora the file is that "
               "of the base and its adapter together and needs no other. OUT is written beside "
               "and renamed when it is whole.",
    .options = options,
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run_quantize,
};
