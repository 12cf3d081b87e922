/* checkops_main.c - every op of the CPU backend against the reference, for one
 * and several threads, with and without int8 activations.
 *
 *     checkops [SEED]
 */
#include <stdio.h>
#include <stdlib.h>

#include "backends/check/checkops.h"
#include "backends/cpu/cpu_backend.h"
#include "core/cpu.h"

static void print_line(void *user, const ts_checkops_line *line)
{
    (void)user;
    if (line->passed)
        (void)printf("ok    %-14s %3zu cases\n", line->op, line->n_cases);
    else
        (void)printf("FAIL  %-14s %s\n", line->op, line->message);
}

int main(int argc, char **argv)
{
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 20250120;
    const ts_backend_limits limits = ts_checkops_limits();
    static const int threads[] = {1, 2, 3};
    unsigned flags = ts_cpu_flags();
    tiefsee_error err;
    int n_failed = 0;

    if (!ts_cpu_limit(&flags, getenv("TIEFSEE_CPU")))
        return 2;
    for (size_t i = 0; i < TS_COUNT(threads); i++)
        for (int precise = 0; precise < 2; precise++) {
            const ts_cpu_options opt = {threads[i], flags, precise != 0};
            ts_backend *b;

            (void)printf("cpu %s, %d threads%s, seed %llu\n", ts_cpu_level(flags), threads[i],
                         precise ? ", float activations" : "", (unsigned long long)seed);
            if (ts_cpu_open(&b, &opt, &limits, &err) != TIEFSEE_OK) {
                (void)fprintf(stderr, "checkops: %s\n", err.message);
                return 1;
            }
            const int n = ts_checkops_run(b, precise != 0, seed, print_line, NULL, &err);
            b->close(b);
            if (n < 0) {
                (void)fprintf(stderr, "checkops: %s\n", err.message);
                return 1;
            }
            n_failed += n;
        }
    (void)printf("%d failed\n", n_failed);
    return n_failed != 0;
}
