/* opt_print.c - see opt.h: help and man page from the tables of the commands. */
#include <stdio.h>
#include <string.h>

#include "cli/opt.h"
#include "tiefsee/tiefsee.h"

enum { WIDTH = 79, HELP_COLUMN = 26 };

static const char environment[][2][200] = {
    {"TIEFSEE_MODELS",
     "Folder in which a MODEL is looked up by name; the default is ~/.local/share/tiefsee/models."},
    {"TIEFSEE_CPU", "Lowers the kernel level: ref, avx2, avxvnni, avx512, neon."},
    {"NO_COLOR", "When set and not empty, nothing is coloured."},
    {"XDG_STATE_HOME", "Where the history of chat is kept; the default is ~/.local/state."},
};

static const char exit_codes[][2][100] = {
    {"0", "All went well."},
    {"1", "It did not work; one line on stderr says why."},
    {"2", "The command was not understood."},
    {"3", "The model was not found or cannot be read."},
    {"130", "Interrupted by Ctrl-C."},
};

/* Words of text, broken at WIDTH, every further line indented. */
static void print_wrapped(const char *text, int column, int indent)
{
    while (*text) {
        const size_t n = strcspn(text, " ");

        if (column > indent && column + 1 + (int)n > WIDTH) {
            (void)printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            (void)putchar(' ');
            column++;
        }
        (void)printf("%.*s", (int)n, text);
        column += (int)n;
        text += n + (text[n] == ' ');
    }
    (void)putchar('\n');
}

static void print_option(const ts_opt *o)
{
    char left[80];
    const char letter[] = {'-', o->letter, ',', ' ', '\0'};
    const int n = snprintf(left, sizeof left, "  %s--%s%s%s", o->letter ? letter : "    ", o->name,
                           o->value ? " " : "", o->value ? o->value : "");

    (void)printf("%-*s", HELP_COLUMN, left);
    if (n >= HELP_COLUMN)
        (void)printf("\n%*s", HELP_COLUMN, "");
    print_wrapped(o->help, HELP_COLUMN, HELP_COLUMN);
}

void ts_opt_print_help(const ts_command *command)
{
    (void)printf("usage: tiefsee %s %s\n\n", command->name, command->arguments);
    print_wrapped(command->details ? command->details : command->summary, 0, 0);
    (void)printf("\noptions:\n");
    for (const ts_opt *o = command->options; o->name; o++)
        print_option(o);
    print_option(&(ts_opt){'h', "help", .help = "show this"});
}

void ts_opt_print_commands(const ts_command *const *commands)
{
    (void)printf("tiefsee %s - DeepSeek models on your own machine\n\n", tiefsee_version());
    (void)printf("usage: tiefsee COMMAND [options]\n\n");
    for (; *commands; commands++) {
        (void)printf("  %-16s", (*commands)->name);
        print_wrapped((*commands)->summary, 18, 18);
    }
    (void)printf("\ntiefsee help COMMAND, or tiefsee COMMAND --help, shows the options.\n"
                 "MODEL is a .gguf file (of several, the first), a Hugging Face folder, or left\n"
                 "out: then the model inside this program is used.\n");
}

/* roff: a leading dot or quote would be a request, a backslash an escape. */
static void put_roff(const char *text)
{
    if (*text == '.' || *text == '\'')
        (void)printf("\\&");
    for (; *text; text++) {
        if (*text == '-')
            (void)printf("\\-");
        else if (*text == '\\')
            (void)printf("\\e");
        else
            (void)putchar(*text);
    }
}

static void print_roff(const char *text)
{
    put_roff(text);
    (void)putchar('\n');
}

static void print_man_option(const ts_opt *o)
{
    (void)printf(".TP\n.B ");
    if (o->letter)
        (void)printf("\\-%c\\fR, \\fB", o->letter);
    (void)printf("\\-\\-");
    put_roff(o->name);
    if (o->value)
        (void)printf(" \\fI%s\\fR", o->value);
    (void)putchar('\n');
    print_roff(o->help);
}

void ts_opt_print_man(const ts_command *const *commands)
{
    (void)printf(".TH TIEFSEE 1 \"\" \"tiefsee %s\" \"User Commands\"\n", tiefsee_version());
    (void)printf(".SH NAME\ntiefsee \\- DeepSeek models on your own machine\n");
    (void)printf(".SH SYNOPSIS\n.B tiefsee\n.I COMMAND\n[options]\n");
    (void)printf(".SH DESCRIPTION\n");
    print_roff("MODEL is a .gguf file (of several, the first), a Hugging Face folder, or left out: "
               "then the model inside the program is used. stdout carries only the answer; "
               "thinking, progress and timings go to stderr.");
    for (const ts_command *const *c = commands; *c; c++) {
        (void)printf(".SH \"TIEFSEE ");
        for (const char *p = (*c)->name; *p; p++)
            (void)putchar(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
        (void)printf("\"\n.B tiefsee %s\n", (*c)->name);
        print_roff((*c)->arguments);
        (void)printf(".PP\n");
        print_roff((*c)->details ? (*c)->details : (*c)->summary);
        for (const ts_opt *o = (*c)->options; o->name; o++)
            print_man_option(o);
    }
    (void)printf(".SH ENVIRONMENT\n");
    for (size_t i = 0; i < sizeof environment / sizeof *environment; i++) {
        (void)printf(".TP\n.B %s\n", environment[i][0]);
        print_roff(environment[i][1]);
    }
    (void)printf(".SH \"EXIT STATUS\"\n");
    for (size_t i = 0; i < sizeof exit_codes / sizeof *exit_codes; i++) {
        (void)printf(".TP\n.B %s\n", exit_codes[i][0]);
        print_roff(exit_codes[i][1]);
    }
}
