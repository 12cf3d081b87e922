/* harness.c - walk the levels, judge or time each new function; see check.h. */
#include "kernels/check/check.h"

#include "core/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A kernel that does not come back is killed by SIGALRM. */
#define MAX_CHECK_SECONDS 120

typedef struct test {
    const char *name;
    bool (*same)(const ts_kernels *a, const ts_kernels *b);
    bool (*check)(ts_check *c, const ts_kernels *ref, const ts_kernels *variant);
    void (*bench)(ts_check *c, const ts_kernels *k);
} test;

#define KERNEL(name, result, params)                                  \
    static bool same_##name(const ts_kernels *a, const ts_kernels *b) \
    {                                                                 \
        return a->name == b->name;                                    \
    }
#include "kernels/kernels.def"
#undef KERNEL

static const test tests[] = {
#define KERNEL(name, result, params) {#name, same_##name, ts_check_##name, ts_bench_##name},
#include "kernels/kernels.def"
#undef KERNEL
};

/* Every level with all that it needs, each behind the ones it builds on. */
static const struct {
    const char *name;
    unsigned needs;
} levels[] = {
    {"ref", 0},
    {"avx2", TS_CPU_AVX2},
    {"avxvnni", TS_CPU_AVX2 | TS_CPU_AVXVNNI},
    {"avx512", TS_CPU_AVX2 | TS_CPU_AVX512},
    {"neon", TS_CPU_NEON},
    {"dotprod", TS_CPU_NEON | TS_CPU_DOTPROD},
};

/* Fill in what the child could not say itself. */
static void judge_exit(int status, const ts_check *c, ts_checkkern_line *line, char *text,
                       size_t text_size)
{
    line->passed = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (line->passed)
        return;
    line->message = text;
    if (WIFSIGNALED(status))
        (void)snprintf(text, text_size, "%s: killed by signal %d (%s)", c->where, WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else if (c->message[0])
        (void)snprintf(text, text_size, "%s", c->message);
    else
        (void)snprintf(text, text_size, "%s: the check ended with code %d", c->where,
                       WEXITSTATUS(status));
}

/* The child works in shared memory: what it wrote survives its death. */
static void run_check(const test *t, const ts_kernels *ref, const ts_kernels *variant,
                      const ts_checkkern_options *options, ts_checkkern_line *line)
{
    static char text[512];
    ts_check *c = mmap(NULL, sizeof *c, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const pid_t child = c == MAP_FAILED ? -1 : fork();
    int status;

    if (child == 0) {
        (void)alarm(MAX_CHECK_SECONDS);
        c->rng = options->seed;
        c->slack_bytes = options->slack_bytes;
        _exit(t->check(c, ref, variant) ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        line->message = "the system gives no process to check in";
    else
        judge_exit(status, c, line, text, sizeof text);
    line->digest = c == MAP_FAILED ? 0 : c->digest;
    if (c != MAP_FAILED)
        (void)munmap(c, sizeof *c);
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void time_calls(const test *t, const ts_kernels *k, const ts_checkkern_options *options,
                       ts_check *c)
{
    *c = (ts_check){.rng = options->seed, .slack_bytes = options->slack_bytes};
    t->bench(c, k);
    for (size_t i = 0; i < CHECK_MAX_SLOTS; i++)
        if (c->slot[i].base)
            (void)munmap(c->slot[i].base, c->slot[i].mapped_bytes + (size_t)sysconf(_SC_PAGESIZE));
    qsort(c->sample_ns, CHECK_MAX_SAMPLES, sizeof *c->sample_ns, compare_doubles);
}

static void run_bench(const test *t, const ts_kernels *ref, const ts_kernels *variant,
                      const ts_checkkern_options *options, ts_checkkern_line *line)
{
    const size_t half = CHECK_MAX_SAMPLES / 2, quarter = CHECK_MAX_SAMPLES / 4;
    ts_check c;

    time_calls(t, ref, options, &c);
    line->ref_ns = c.sample_ns[half];
    time_calls(t, variant, options, &c);
    line->ns = c.sample_ns[half];
    line->spread =
        (c.sample_ns[CHECK_MAX_SAMPLES - 1 - quarter] - c.sample_ns[quarter]) / 2 / line->ns;
    line->ops = c.ops;
    line->bytes = c.bytes;
    line->passed = true;
}

int ts_checkkern_run(const ts_checkkern_options *options,
                     void (*on_line)(void *user, const ts_checkkern_line *line), void *user)
{
    ts_kernels ref, below, k;
    int n_failed = 0;

    ts_kernels_select(&ref, 0);
    below = ref;
    for (size_t l = 0; l < TS_COUNT(levels); l++) {
        const bool is_reference = l == 0;
        if ((levels[l].needs & ~options->cpu_flags) != 0 || (options->digest && !is_reference))
            continue;
        ts_kernels_select(&k, levels[l].needs);
        for (size_t i = 0; i < TS_COUNT(tests); i++) {
            const test *t = &tests[i];
            ts_checkkern_line line = {.kernel = t->name, .level = levels[l].name, .message = ""};
            if (options->only && !strstr(t->name, options->only))
                continue;
            if (t->same(&k, &below) && !(is_reference && (options->bench || options->digest)))
                continue;
            if (options->bench)
                run_bench(t, &ref, &k, options, &line);
            else
                run_check(t, &ref, &k, options, &line);
            n_failed += !line.passed;
            on_line(user, &line);
        }
        below = k;
    }
    return n_failed;
}
