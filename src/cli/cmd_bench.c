/* cmd_bench.c - how fast a model runs here, beside what the machine can do. */
#include "cli/cli.h"

static const ts_opt options[] = {{0}};

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return ts_cli_error(TS_EXIT_ERROR, "bench is not there yet in version %s", tiefsee_version());
}

const ts_command ts_cmd_bench = {
    .name = "bench",
    .arguments = "[MODEL] [options]",
    .summary = "prefill and decode speed (not there yet)",
    .options = options,
    .max_arguments = 1,
    .run = run,
};
