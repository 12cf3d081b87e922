/* test_opt.c - the option tables: every way to write a value, every mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/opt.h"

static bool json, tensors;
static uint64_t count;
static double temp;
static const char *text, *level;
static ts_opt_list stop;

static const char *const levels[] = {"low", "high", NULL};
static const ts_opt options[] = {{'j', "json", .help = "h", .flag = &json},
                                 {'t', "tensors", .help = "h", .flag = &tensors},
                                 {'n', "tokens", "N", "h", .count = &count, .min = 1, .max = 100},
                                 {0, "temp", "X", "h", .number = &temp, .low = 0, .high = 2},
                                 {'p', "prompt", "TEXT", "h", .text = &text},
                                 {0, "level", "L", "h", .text = &level, .choices = levels},
                                 {0, "stop", "TEXT", "h", .list = &stop},
                                 {0}};

static const ts_command command = {
    .name = "do", .arguments = "[A] [B]", .summary = "s", .options = options, .max_arguments = 2};

/* Parse words apart by one blank; returns the exit code, -1 to go on. */
static int parse(const char *line, char **left, int *n_left)
{
    static char words[512];
    static char *argv[32];
    int argc = 0;

    json = tensors = false;
    count = 0;
    temp = -1;
    text = level = NULL;
    stop.n = 0;
    (void)strncpy(words, line, sizeof words - 1);
    for (char *p = words; *p && argc < 32;) {
        argv[argc++] = p;
        p += strcspn(p, " ");
        if (*p)
            *p++ = '\0';
    }
    const int code = ts_opt_parse(&command, argc, argv, n_left);
    for (int i = 0; i < *n_left && left; i++)
        left[i] = argv[i];
    return code;
}

static void every_way_to_write_a_value_is_the_same(void **state)
{
    static const char *const ways[] = {"-n5",        "-n 5", "--tokens 5",
                                       "--tokens=5", "-jn5", "-n9 -n5"};
    int n;

    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        assert_int_equal(parse(ways[i], NULL, &n), -1);
        assert_int_equal(count, 5);
        assert_int_equal(n, 0);
    }
}

static void arguments_stand_anywhere_and_two_dashes_end_the_options(void **state)
{
    char *left[4];
    int n;

    (void)state;
    assert_int_equal(parse("a -j --temp 0.5 b", left, &n), -1);
    assert_int_equal(n, 2);
    assert_string_equal(left[0], "a");
    assert_string_equal(left[1], "b");
    assert_true(json && !tensors && temp == 0.5);
    assert_int_equal(parse("-tj -- -n --json", left, &n), -1);
    assert_int_equal(n, 2);
    assert_string_equal(left[0], "-n");
    assert_int_equal(count, 0);
    assert_int_equal(parse("-", left, &n), -1);
    assert_int_equal(n, 1);
}

static void values_may_look_like_options(void **state)
{
    int n;

    (void)state;
    assert_int_equal(parse("-p --json", NULL, &n), -1);
    assert_string_equal(text, "--json");
    assert_int_equal(parse("--prompt=", NULL, &n), -1);
    assert_string_equal(text, "");
    assert_int_equal(parse("--prompt=a=b", NULL, &n), -1);
    assert_string_equal(text, "a=b");
}

static void mistakes_are_usage_errors(void **state)
{
    static const char *const lines[] = {
        "--tokens",    "-n",          "--tokens 0",  "--tokens 101", "--tokens 5x", "--tokens -5",
        "--tokens=",   "-n5x",        "--temp 3",    "--temp nan",   "--temp 1e99", "--temp 0x1p1",
        "--json=1",    "--level mid", "--nonsense",  "-x",           "-jx",         "a b c",
        "--tokens  5", "--help=1",    "--tokensx 5", "---json",
    };
    int n;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (parse(lines[i], NULL, &n) != 2)
            fail_msg("'%s' is no usage error", lines[i]);
}

static void lists_have_an_end(void **state)
{
    char line[256] = "";
    int n;

    (void)state;
    for (int i = 0; i < TS_OPT_LIST_MAX; i++)
        (void)strncat(line, i ? " --stop=x" : "--stop=x", 16);
    assert_int_equal(parse(line, NULL, &n), -1);
    assert_int_equal(stop.n, TS_OPT_LIST_MAX);
    (void)strncat(line, " --stop=x", 16);
    assert_int_equal(parse(line, NULL, &n), 2);
}

static const char *name_at(const void *names, size_t i)
{
    return ((const char *const *)names)[i];
}

static void guesses_what_was_meant(void **state)
{
    static const char *const names[] = {"chat", "run", "inspect", "tokenize", NULL};

    (void)state;
    assert_string_equal(ts_opt_nearest("caht", name_at, names), "chat");
    assert_string_equal(ts_opt_nearest("rnu", name_at, names), "run");
    assert_string_equal(ts_opt_nearest("insp", name_at, names), "inspect");
    assert_string_equal(ts_opt_nearest("tokenise", name_at, names), "tokenize");
    assert_null(ts_opt_nearest("frobnicate", name_at, names));
    assert_null(ts_opt_nearest("x", name_at, names));
    assert_null(
        ts_opt_nearest("a-word-of-more-than-forty-characters-which-is-long", name_at, names));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_write_a_value_is_the_same),
        cmocka_unit_test(arguments_stand_anywhere_and_two_dashes_end_the_options),
        cmocka_unit_test(values_may_look_like_options),
        cmocka_unit_test(mistakes_are_usage_errors),
        cmocka_unit_test(lists_have_an_end),
        cmocka_unit_test(guesses_what_was_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
