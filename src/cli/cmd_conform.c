/* cmd_conform.c - every op of a backend against the scalar reference. */
#include "cli/cli.h"

static const ts_opt options[] = {{0}};

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return ts_cli_error(TS_EXIT_ERROR, "conform is not there yet in version %s", tiefsee_version());
}

const ts_command ts_cmd_conform = {
    .name = "conform",
    .arguments = "[options]",
    .summary = "every op against the scalar reference (not there yet)",
    .options = options,
    .max_arguments = 0,
    .run = run,
};
