/* main.c - the program's entry: finds the command, parses its options, runs it. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/fault.h"

static int run_help(int argc, char **argv);
static int run_version(int argc, char **argv);

static bool wants_man;
static const ts_opt help_options[] = {
    {0, "man", .help = "the man page of all commands, as roff", .flag = &wants_man}, {0}};
static const ts_opt no_options[] = {{0}};

static const ts_command cmd_help = {
    .name = "help",
    .arguments = "[COMMAND]",
    .summary = "what there is, or the options of a command",
    .options = help_options,
    .max_arguments = 2,
    .run = run_help,
};

static const ts_command cmd_version = {
    .name = "version",
    .arguments = "",
    .summary = "which version this is",
    .options = no_options,
    .run = run_version,
};

static const ts_command *const commands[] = {
    &ts_cmd_chat,       &ts_cmd_run,          &ts_cmd_serve,
    &ts_cmd_keys,       &ts_cmd_inspect,      &ts_cmd_tokenize,
    &ts_cmd_logits,     &ts_cmd_bench,        &ts_cmd_eval,
    &ts_cmd_conform,    &ts_cmd_doctor,       &ts_cmd_prove_offline,
    &ts_cmd_gdpr,       &ts_cmd_train,        &ts_cmd_train_tokenizer,
    &ts_cmd_train_data, &ts_cmd_train_lora,   &ts_cmd_train_reject,
    &ts_cmd_train_all,  &ts_cmd_train_report, &ts_cmd_quantize,
    &cmd_help,          &cmd_version,         NULL};

static const char *command_name_at(const void *names, size_t i)
{
    const ts_command *const *all = names;
    return all[i] ? all[i]->name : NULL;
}

static const ts_command *find_command(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

/* Some commands have two words: "train data". */
static const ts_command *find_command2(const char *first, const char *second)
{
    const size_t n = strlen(first);

    for (size_t i = 0; commands[i]; i++) {
        const char *name = commands[i]->name;

        if (strncmp(name, first, n) == 0 && name[n] == ' ' && strcmp(name + n + 1, second) == 0)
            return commands[i];
    }
    return NULL;
}

/* "train sft --lora" is "train lora": a stage of its own, with its own options. */
static bool is_sft_with_lora(int argc, char **argv)
{
    bool is_lora = false;

    for (int i = 3; i < argc; i++)
        is_lora = is_lora || strcmp(argv[i], "--lora") == 0;
    return is_lora && strcmp(argv[1], "train") == 0 && strcmp(argv[2], "sft") == 0;
}

/* Commands of the design that are not written yet say so, as what they are. */
static int unknown_command(const char *name)
{
    static const char *const later[] = {"bringup", NULL};
    const char *nearest = ts_opt_nearest(name, command_name_at, commands);

    for (size_t i = 0; later[i]; i++)
        if (strcmp(later[i], name) == 0)
            return ts_cli_error(TS_EXIT_ERROR, "the command '%s' is not there yet in version %s",
                                name, tiefsee_version());
    if (nearest)
        return ts_cli_error(TS_EXIT_USAGE, "unknown command '%s' (did you mean %s?)", name,
                            nearest);
    return ts_cli_error(TS_EXIT_USAGE, "unknown command '%s' (tiefsee help lists them)", name);
}

static int run_help(int argc, char **argv)
{
    if (wants_man) {
        ts_opt_print_man(commands);
        return TS_EXIT_OK;
    }
    if (argc == 0) {
        ts_opt_print_commands(commands);
        return TS_EXIT_OK;
    }
    const ts_command *command = argc > 1 ? find_command2(argv[0], argv[1]) : NULL;
    command = command ? command : find_command(argv[0]);
    if (!command)
        return unknown_command(argv[0]);
    ts_opt_print_help(command);
    return TS_EXIT_OK;
}

static int run_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)printf("tiefsee %s\n", tiefsee_version());
    return TS_EXIT_OK;
}

/* Terminal input is decoded with the locale; without one, UTF-8 is the better
 * guess.  Numbers keep their dot: only LC_CTYPE is set. */
static void set_locale(void)
{
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
    set_locale();
    ts_fault_install();
    if (argc < 2) {
        ts_opt_print_commands(commands);
        return ts_cli_finish(TS_EXIT_USAGE);
    }

    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0)
        name = "version";

    const ts_command *command = argc > 2 ? find_command2(name, argv[2]) : NULL;
    if (is_sft_with_lora(argc, argv))
        command = &ts_cmd_train_lora;
    const int n_words = command ? 2 : 1;
    command = command ? command : find_command(name);
    if (!command)
        return unknown_command(name);

    int n_left;
    char **rest = argv + 1 + n_words;
    const int code = ts_opt_parse(command, argc - 1 - n_words, rest, &n_left);
    return ts_cli_finish(code >= 0 ? code : command->run(n_left, rest));
}
