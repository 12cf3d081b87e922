/* cmd_conform.c - every kernel and every op against the scalar reference. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "backends/check/checkops.h"
#include "backends/cpu/cpu_backend.h"
#include "cli/cli.h"
#include "core/cpu.h"
#include "kernels/check/check.h"

static const char *const backends[] = {"cpu", NULL};
static const char *backend = "cpu";
static uint64_t seed = 20250120, n_threads;
static bool wants_json, is_verbose;

static const ts_opt options[] = {
    {0, "backend", "NAME", "the backend to judge; there is one: cpu", .text = &backend,
     .choices = backends},
    {'t', "threads", "N", "threads of the ops; default: one per physical core", .count = &n_threads,
     .min = 1, .max = TS_MAX_THREADS},
    {'s', "seed", "N", "seed of the random operands", .count = &seed},
    {'v', "verbose", .help = "also list what passed", .flag = &is_verbose},
    {'j', "json", .help = "print one JSON object", .flag = &wants_json},
    {0}};

typedef struct verdict {
    size_t n_passed, n_failed;
    json_t *lines; /* NULL unless --json */
} verdict;

static void add_line(verdict *v, const char *kind, const char *name, const char *level, bool passed,
                     const char *message)
{
    v->n_passed += passed;
    v->n_failed += !passed;
    if (v->lines)
        (void)json_array_append_new(v->lines, json_pack("{s:s, s:s, s:s, s:b, s:s}", "kind", kind,
                                                        "name", name, "level", level, "passed",
                                                        passed, "message", message));
    else if (!passed)
        (void)printf("FAIL  %-6s %-16s %-8s %s\n", kind, name, level, message);
    else if (is_verbose)
        (void)printf("ok    %-6s %-16s %s\n", kind, name, level);
}

static void on_kernel(void *user, const ts_checkkern_line *line)
{
    add_line(user, "kernel", line->kernel, line->level, line->passed, line->message);
}

static void on_op(void *user, const ts_checkops_line *line)
{
    add_line(user, "op", line->op, "cpu", line->passed, line->message);
}

/* All ops, with int8 and with float activations. */
static int judge_ops(verdict *v, unsigned flags)
{
    const ts_backend_limits limits = ts_checkops_limits();
    tiefsee_error err;

    for (int precise = 0; precise < 2; precise++) {
        const ts_cpu_options opt = {n_threads ? (int)n_threads : ts_cpu_cores(), flags,
                                    precise != 0};
        ts_backend *b;
        if (ts_cpu_open(&b, &opt, &limits, &err) != TIEFSEE_OK)
            return ts_cli_fail(&err);
        const int n = ts_checkops_run(b, precise != 0, seed, on_op, v, &err);
        b->close(b);
        if (n < 0)
            return ts_cli_fail(&err);
    }
    return TS_EXIT_NONE;
}

static int print_verdict(const verdict *v, unsigned flags)
{
    int failed = 0;

    if (v->lines) {
        json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:O}", "backend", backend, "level",
                              ts_cpu_level(flags), "seed", (json_int_t)seed, "passed",
                              (json_int_t)v->n_passed, "failed", (json_int_t)v->n_failed, "lines",
                              v->lines);
        failed = !o || json_dumpf(o, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF;
        json_decref(o);
    } else {
        (void)printf("%s (%s), seed %llu: %zu passed, %zu failed\n", backend, ts_cpu_level(flags),
                     (unsigned long long)seed, v->n_passed, v->n_failed);
    }
    return v->n_failed || failed ? TS_EXIT_ERROR : TS_EXIT_OK;
}

static int run(int argc, char **argv)
{
    verdict v = {.lines = wants_json ? json_array() : NULL};
    unsigned flags = ts_cpu_flags();

    (void)argc;
    (void)argv;
    if (!ts_cpu_limit(&flags, getenv("TIEFSEE_CPU")))
        return ts_cli_error(TS_EXIT_USAGE, "TIEFSEE_CPU: unknown kernel level");
    /* The kernels' judge forks, so it comes before any thread. */
    const ts_checkkern_options kernels = {.cpu_flags = flags, .seed = seed};
    (void)ts_checkkern_run(&kernels, on_kernel, &v);
    int exit_code = judge_ops(&v, flags);
    if (exit_code == TS_EXIT_NONE)
        exit_code = print_verdict(&v, flags);
    json_decref(v.lines);
    return exit_code;
}

const ts_command ts_cmd_conform = {
    .name = "conform",
    .arguments = "[options]",
    .summary = "hold every kernel and op of a backend against the scalar reference",
    .details = "Runs each kernel variant that this CPU can run and each op of the backend on "
               "random operands of awkward shapes and compares the bits of the results with the "
               "reference's. Exits with 1 if anything differs.",
    .options = options,
    .max_arguments = 0,
    .run = run,
};
