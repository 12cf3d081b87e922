/* opt.c - see opt.h: the parser.  opt_print.c has the texts. */
#include "cli/opt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/str.h"

enum { EXIT_USAGE = 2, MAX_WORD = 40, MAX_MISTAKES = 2 };

/* Levenshtein distance of two short words; long ones are nothing alike. */
static int distance(const char *a, const char *b)
{
    const int n = (int)strlen(a), m = (int)strlen(b);
    int row[MAX_WORD + 1];

    if (n > MAX_WORD || m > MAX_WORD)
        return MAX_WORD;
    for (int j = 0; j <= m; j++)
        row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];

        row[0] = i;
        for (int j = 1; j <= m; j++) {
            const int change = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            const int step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < step ? change : step;
        }
    }
    return row[m];
}

const char *ts_opt_nearest(const char *word, ts_opt_name_at *name_at, const void *names)
{
    const char *best = NULL, *name;
    int least = MAX_MISTAKES + 1;

    for (size_t i = 0; (name = name_at(names, i)) != NULL; i++) {
        const size_t n = strlen(word);
        const bool is_beginning = n >= 2 && strncmp(word, name, n) == 0;
        const int d = is_beginning ? 1 : distance(word, name);

        if (d < least && d < (int)strlen(name)) {
            least = d;
            best = name;
        }
    }
    return best;
}

static const char *option_name_at(const void *names, size_t i)
{
    const ts_opt *options = names;
    return options[i].name;
}

static int usage_error(const ts_command *command, const char *what, const char *subject)
{
    (void)fprintf(stderr, "tiefsee: %s: %s '%s' (tiefsee %s --help lists the options)\n",
                  command->name, what, subject, command->name);
    return EXIT_USAGE;
}

static int unknown_option(const ts_command *command, const char *word)
{
    const char *nearest = word[1] == '-' && word[2]
                              ? ts_opt_nearest(word + 2, option_name_at, command->options)
                              : NULL;

    if (!nearest)
        return usage_error(command, "unknown option", word);
    (void)fprintf(stderr, "tiefsee: %s: unknown option '%s' (did you mean --%s?)\n", command->name,
                  word, nearest);
    return EXIT_USAGE;
}

static int bad_value(const ts_command *command, const ts_opt *o, const char *value)
{
    (void)fprintf(stderr, "tiefsee: %s: --%s '%s': ", command->name, o->name, value);
    if (o->count && !o->max)
        (void)fprintf(stderr, "a whole number from %" PRIu64 " is needed\n", o->min);
    else if (o->count)
        (void)fprintf(stderr, "a whole number from %" PRIu64 " to %" PRIu64 " is needed\n", o->min,
                      o->max);
    else if (o->number)
        (void)fprintf(stderr, "a number from %g to %g is needed\n", o->low, o->high);
    else if (o->list)
        (void)fprintf(stderr, "at most %d are allowed\n", TS_OPT_LIST_MAX);
    else {
        (void)fprintf(stderr, "one of");
        for (size_t i = 0; o->choices[i]; i++)
            (void)fprintf(stderr, "%s %s", i ? "," : "", o->choices[i]);
        (void)fprintf(stderr, " is needed\n");
    }
    return EXIT_USAGE;
}

static bool is_choice(const ts_opt *o, const char *value)
{
    for (size_t i = 0; o->choices && o->choices[i]; i++)
        if (strcmp(o->choices[i], value) == 0)
            return true;
    return !o->choices;
}

static int store(const ts_command *command, const ts_opt *o, const char *value)
{
    bool is_good = true;

    if (o->count)
        is_good = ts_parse_u64(value, o->min, o->max ? o->max : UINT64_MAX, o->count);
    else if (o->number)
        is_good = ts_parse_double(value, o->low, o->high, o->number);
    else if (o->list && (is_good = o->list->n < TS_OPT_LIST_MAX))
        o->list->at[o->list->n++] = value;
    else if (o->text && (is_good = is_choice(o, value)))
        *o->text = value;
    return is_good ? -1 : bad_value(command, o, value);
}

static const ts_opt *find_long(const ts_opt *options, const char *name, size_t n)
{
    for (; options->name; options++)
        if (strlen(options->name) == n && memcmp(options->name, name, n) == 0)
            return options;
    return NULL;
}

static const ts_opt *find_letter(const ts_opt *options, char letter)
{
    for (; options->name; options++)
        if (options->letter && options->letter == letter)
            return options;
    return NULL;
}

/* --name, --name=value, --name value. */
static int take_long(const ts_command *command, char **argv, int argc, int *i)
{
    const char *word = argv[*i] + 2;
    const char *equals = strchr(word, '=');
    const size_t n = equals ? (size_t)(equals - word) : strlen(word);
    const ts_opt *o = find_long(command->options, word, n);

    if (!equals && strcmp(word, "help") == 0) {
        ts_opt_print_help(command);
        return 0;
    }
    if (!o)
        return unknown_option(command, argv[*i]);
    if (o->flag) {
        if (equals)
            return usage_error(command, "no value belongs to", argv[*i]);
        *o->flag = true;
        return -1;
    }
    if (equals)
        return store(command, o, equals + 1);
    if (*i + 1 >= argc)
        return usage_error(command, "a value is missing behind", argv[*i]);
    return store(command, o, argv[++*i]);
}

/* -n 5, -n5, and flags together: -tj. */
static int take_short(const ts_command *command, char **argv, int argc, int *i)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        const ts_opt *o = find_letter(command->options, *p);

        if (!o && *p == 'h') {
            ts_opt_print_help(command);
            return 0;
        }
        if (!o)
            return unknown_option(command, argv[*i]);
        if (o->flag) {
            *o->flag = true;
            continue;
        }
        if (p[1])
            return store(command, o, p + 1);
        if (*i + 1 >= argc)
            return usage_error(command, "a value is missing behind", argv[*i]);
        return store(command, o, argv[++*i]);
    }
    return -1;
}

int ts_opt_parse(const ts_command *command, int argc, char **argv, int *n_left)
{
    bool is_over = false;
    int n = 0, code = -1;

    for (int i = 0; i < argc && code < 0; i++) {
        char *word = argv[i];

        if (!is_over && strcmp(word, "--") == 0)
            is_over = true;
        else if (!is_over && word[0] == '-' && word[1] == '-')
            code = take_long(command, argv, argc, &i);
        else if (!is_over && word[0] == '-' && word[1])
            code = take_short(command, argv, argc, &i);
        else
            argv[n++] = word;
    }
    *n_left = n;
    if (code >= 0)
        return code;
    if (n > command->max_arguments)
        return usage_error(command, "too many arguments:", argv[command->max_arguments]);
    if (n < command->min_arguments) {
        (void)fprintf(stderr, "tiefsee: %s: %s is missing (usage: tiefsee %s %s)\n", command->name,
                      n == 0 ? "an argument" : "another argument", command->name,
                      command->arguments);
        return EXIT_USAGE;
    }
    return -1;
}
