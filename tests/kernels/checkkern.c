/* checkkern.c - every kernel variant of this CPU against the reference.
 *
 *     checkkern [--bench | --digest] [--only NAME] [--level LEVEL]
 *               [--needs LEVEL] [--assume LEVEL] [--seed N] [--slack BYTES]
 *
 * Prints one line per variant, the seed, and exits 1 if one failed.
 *
 * --digest  run the reference alone and print what its answers hash to, for
 *           comparison between machines under one seed
 * --level   lower what is used
 * --needs   skip (exit code 77) on a CPU without that level
 * --assume  trust a level that the CPU does not report (variants compiled for
 *           an emulation)
 * --slack   for emulators that read behind an operand (qemu 7.2 does)
 */
#include "core/cpu.h"
#include "kernels/check/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void print_line(void *user, const ts_checkkern_line *line)
{
    const ts_checkkern_options *options = user;

    if (options->digest) {
        (void)printf("%-20s %016" PRIx64 "%s%s\n", line->kernel, line->digest,
                     line->passed ? "" : " FAILED: ", line->message);
        return;
    }
    if (!options->bench) {
        (void)printf("%-20s %-8s %s%s\n", line->kernel, line->level,
                     line->passed ? "same" : "FAILED: ", line->message);
        return;
    }
    (void)printf("%-20s %-8s %11.1f ns +-%4.1f%%", line->kernel, line->level, line->ns,
                 100 * line->spread);
    (void)printf("  x%6.2f of ref", line->ref_ns / line->ns);
    if (line->ops > 0)
        (void)printf("  %7.2f Gop/s", line->ops / line->ns);
    if (line->bytes > 0)
        (void)printf("  %7.2f GB/s", line->bytes / line->ns);
    (void)printf("\n");
}

static void count_line(void *user, const ts_checkkern_line *line)
{
    void **both = user;
    int *n_variants = both[1];

    ++*n_variants;
    print_line(both[0], line);
    (void)fflush(stdout);
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: checkkern [--bench | --digest] [--only NAME] [--level LEVEL] "
                          "[--needs LEVEL] [--assume LEVEL] [--seed N] [--slack BYTES]\n");
    return 2;
}

/* Does this CPU have the level and all that it builds on? */
static bool cpu_has(const char *level)
{
    unsigned all = ~0u, have = ts_cpu_flags();

    return ts_cpu_limit(&all, level) && ts_cpu_limit(&have, level) && all == have;
}

/* Returns false if the arguments make no sense. */
static bool parse(int argc, char **argv, ts_checkkern_options *options, bool *is_skipped)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--bench") == 0) {
            options->bench = true;
            continue;
        }
        if (strcmp(name, "--digest") == 0) {
            options->digest = true;
            continue;
        }
        const char *value = argv[++i];
        unsigned all = ~0u;
        if (!value)
            return false;
        if (strcmp(name, "--only") == 0)
            options->only = value;
        else if (strcmp(name, "--seed") == 0)
            options->seed = strtoull(value, NULL, 10);
        else if (strcmp(name, "--slack") == 0)
            options->slack_bytes = strtoul(value, NULL, 10);
        else if (strcmp(name, "--level") == 0 && ts_cpu_limit(&options->cpu_flags, value))
            continue;
        else if (strcmp(name, "--assume") == 0 && ts_cpu_limit(&all, value))
            options->cpu_flags = all;
        else if (strcmp(name, "--needs") == 0 && ts_cpu_limit(&all, value))
            *is_skipped |= !cpu_has(value);
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    ts_checkkern_options options = {.cpu_flags = ts_cpu_flags(), .seed = (uint64_t)time(NULL)};
    bool is_skipped = false;
    int n_variants = 0;

    if (!parse(argc, argv, &options, &is_skipped))
        return usage();
    if (is_skipped)
        return 77;
    void *both[] = {&options, &n_variants};
    const int n_failed = ts_checkkern_run(&options, count_line, both);
    (void)printf("checkkern: %d of %d variants failed (level %s, seed %" PRIu64 ")\n", n_failed,
                 n_variants, ts_cpu_level(options.cpu_flags), options.seed);
    return n_failed > 0;
}
