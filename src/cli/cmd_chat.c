/* cmd_chat.c - talk in the terminal, or answer what is piped in. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chat/chat.h"
#include "cli/answer.h"
#include "cli/cli.h"
#include "cli/seal.h"

static bool no_history;

static const ts_opt options[] = {
    TS_OPTIONS_MODEL,
    TS_OPTIONS_CTX,
    TS_OPTIONS_ANSWER,
    {0, "no-history", .help = "do not keep what is typed in ~/.local/state/tiefsee/history",
     .flag = &no_history},
    {0}};

static int once(ts_chat *c)
{
    tiefsee_error err = {0};
    ts_buf text;
    int code;

    if (ts_cli_read_stdin(&text, &err) != TIEFSEE_OK)
        code = ts_cli_fail(&err);
    else if (ts_cli_trim_end(&text) == 0)
        code = ts_cli_error(TS_EXIT_ERROR, "the question on stdin is empty");
    else
        code = ts_chat_once(c, text.ptr, text.len);
    ts_buf_free(&text);
    return code;
}

static int run(int argc, char **argv)
{
    char history[PATH_MAX];
    tiefsee_model *model = NULL;
    ts_chat c = {.shows_timings = ts_settings_now.timings};

    int code = ts_cli_take_model(argc, argv);
    if (code == TS_EXIT_NONE)
        ts_cli_seal();
    if (code == TS_EXIT_NONE)
        code = ts_cli_open_model(&model, false);
    if (code == TS_EXIT_NONE)
        code = ts_cli_open_talk(&c.talk, model);
    if (code == TS_EXIT_NONE) {
        c.view = ts_cli_view();
        c.has_escapes = ts_cli_has_escapes(STDERR_FILENO);
        if (!no_history && ts_cli_state_file(history, sizeof history, "history"))
            c.history = history;
        ts_interrupt_install();
        code = isatty(STDIN_FILENO) ? ts_chat_interactive(&c) : once(&c);
        ts_talk_close(&c.talk);
    }
    tiefsee_model_close(model);
    return code;
}

const ts_command ts_cmd_chat = {
    .name = "chat",
    .arguments = "[MODEL] [options]",
    .summary = "talk to a model in the terminal",
    .details =
        "Talk to a model in the terminal. /help inside lists what can be typed besides messages. "
        "Text that is piped in is one question: its answer is printed on stdout, and that is all.",
    .options = options,
    .max_arguments = 1,
    .run = run,
};
