/* cmd_train_report.c - a training run as one page to look at. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/train_parts.h"
#include "core/error.h"
#include "core/file.h"
#include "train/report.h"

static const char *out_path, *pictures;
static double watts;
static uint64_t n_threads;

static const ts_opt options[] = {
    {'o', "out", "FILE", "the page; default: report.html in FOLDER", .text = &out_path},
    {0, "svg", "FOLDER", "also STAGE.svg and accuracy.svg, small enough for documents",
     .text = &pictures},
    {0, "watts", "X", "what a busy core is taken to draw; default: 10", .number = &watts,
     .low = 0.1, .high = 1000},
    {'t', "threads", "N", "threads of runs whose log has no processor time; default: 2",
     .count = &n_threads, .min = 1, .max = TS_MAX_THREADS},
    {0}};

static void on_note(void *user, const char *line)
{
    (void)user;
    (void)fprintf(stderr, "tiefsee: %s\n", line);
}

int ts_cli_write_report(const char *folder)
{
    const ts_report_options opt = {
        .watts = watts, .n_threads = n_threads, .pictures = pictures, .on_note = on_note};
    char path[4096];
    tiefsee_error err;

    const int n = snprintf(path, sizeof path, "%s/report.html", folder);
    if (n < 0 || (size_t)n >= sizeof path)
        return ts_cli_error(TS_EXIT_ERROR, "the folder's name is too long");
    if (ts_report_write(folder, out_path ? out_path : path, &opt, &err) != TIEFSEE_OK)
        return ts_cli_fail(&err);
    return TS_EXIT_OK;
}

static int run(int argc, char **argv)
{
    (void)argc;
    return ts_cli_write_report(argv[0]);
}

const ts_command ts_cmd_train_report = {
    .name = "train report",
    .arguments = "FOLDER [options]",
    .summary = "a training run as one page: curves, accuracy, cost",
    .details =
        "FOLDER is that of train all, or of one stage. The page is made from each stage's "
        "log.jsonl, from eval*.json and cost.jsonl; it has everything in itself, runs no script "
        "and follows the reader's light or dark. Lines that cannot be read are named and left "
        "out. Watt-hours are an estimate from processor time: see --watts.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
