/* cmd_gdpr.c - papers that a data protection officer asks for. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "server/app/record.h"

enum { PATH_BYTES = 4096, MAX_RECORD = 1 << 20 };

static const char *db_path;

static const ts_opt options[] = {{0, "db", "FILE",
                                  "the server's database; default: server.db in the state folder",
                                  .text = &db_path},
                                 {0}};

static int run(int argc, char **argv)
{
    static char default_db[PATH_BYTES];
    ts_buf out = ts_buf_make(MAX_RECORD);
    tiefsee_error err = {0};

    if (argc != 1 || strcmp(argv[0], "record") != 0)
        return ts_cli_error(TS_EXIT_USAGE, "gdpr: say what: gdpr record");
    if (!db_path && ts_cli_state_file(default_db, sizeof default_db, "server.db"))
        db_path = default_db;
    if (!db_path)
        return ts_cli_error(TS_EXIT_ERROR, "gdpr: no home folder: say --db FILE");
    if (ts_record_write(db_path, &out, &err) != TIEFSEE_OK) {
        ts_buf_free(&out);
        return ts_cli_fail(&err);
    }
    (void)fputs(out.ptr, stdout);
    ts_buf_free(&out);
    return ts_cli_finish(TS_EXIT_OK);
}

const ts_command ts_cmd_gdpr = {
    .name = "gdpr",
    .arguments = "record [options]",
    .summary = "print the record of processing activities (GDPR, article 30)",
    .details = "Print what a data protection officer asks for, as Markdown: who is responsible, "
               "why, which data, for how long, how it is kept. What only the operator knows comes "
               "from the settings that an admin makes in the assistant.",
    .options = options,
    .max_arguments = 1,
    .run = run,
};
