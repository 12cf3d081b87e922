/* opt.h - one table per command is its parser, its --help and its man page.
 *
 *     static const ts_opt options[] = {
 *         {'n', "tokens", "N", "stop after N tokens", .count = &n, .max = 1 << 20},
 *         {'j', "json", .help = "print one JSON object", .flag = &json},
 *         {0}};
 *
 * -n5, -n 5, --tokens 5 and --tokens=5 are the same; flags may be written
 * together (-tj); "--" ends the options; a later option beats an earlier one.
 */
#ifndef TS_CLI_OPT_H
#define TS_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TS_OPT_LIST_MAX = 16 };

typedef struct ts_opt_list {
    const char *at[TS_OPT_LIST_MAX];
    size_t n;
} ts_opt_list;

/* Exactly one target is set.  letter 0: long only. */
typedef struct ts_opt {
    char letter;
    const char *name;
    const char *value; /* what stands behind it in the help; NULL for a flag */
    const char *help;
    bool *flag;
    const char **text;
    const char *const *choices; /* with text: what is allowed, ended by NULL */
    uint64_t *count;            /* in [min, max]; max 0 means UINT64_MAX */
    uint64_t min, max;
    double *number; /* in [low, high] */
    double low, high;
    ts_opt_list *list; /* may be given up to TS_OPT_LIST_MAX times */
} ts_opt;

typedef struct ts_command {
    const char *name;
    const char *arguments; /* "[MODEL]", shown in the help */
    const char *summary;   /* one line, lower case, no full stop */
    const char *details;   /* full sentences for --help and the man page; may be NULL */
    const ts_opt *options; /* ended by {0} */
    int min_arguments, max_arguments;
    int (*run)(int argc, char **argv); /* the positional arguments; returns the exit code */
} ts_command;

/* Parse argv (without the command's name).  Positional arguments are moved to
 * the front and counted in *n_left.  Returns -1 to go on, or the exit code:
 * 0 after --help, 2 after one line about what is wrong. */
int ts_opt_parse(const ts_command *command, int argc, char **argv, int *n_left);

void ts_opt_print_help(const ts_command *command);
void ts_opt_print_commands(const ts_command *const *commands);
void ts_opt_print_man(const ts_command *const *commands);

/* The best guess for a mistyped word among names, or NULL. */
typedef const char *ts_opt_name_at(const void *names, size_t i); /* NULL behind the last */
const char *ts_opt_nearest(const char *word, ts_opt_name_at *name_at, const void *names);

#endif
