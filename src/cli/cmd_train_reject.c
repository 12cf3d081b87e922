/* cmd_train_reject.c - answers of a model that were right, as data to learn from. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "train/grpo.h"
#include "train/reject.h"

static const char *folder, *tokenizer_path;
static uint64_t n_tokens = 8000000, n_problems = 200000, n_answers = 8, max_answer = 400, seed = 1,
                n_threads = 2, level;
static double temperature = 1;
static ts_opt_list families;

static const ts_opt options[] = {
    {'o', "out", "FOLDER", "where reject-000.shard goes; made if it is missing", .text = &folder},
    {0, "tokenizer", "FILE", "the tokenizer.json, or a model file that has it",
     .text = &tokenizer_path},
    {'n', "tokens", "N", "of the shard, half of them right answers; default: 8000000",
     .count = &n_tokens, .min = 1000, .max = 1 << 28},
    {0, "problems", "N", "problems to ask at most; default: 200000", .count = &n_problems, .min = 1,
     .max = 1 << 30},
    {0, "answers", "N", "attempts at a problem at most; default: 8", .count = &n_answers, .min = 1,
     .max = 1024},
    {0, "max-answer", "N", "tokens of an answer; default: 400", .count = &max_answer, .min = 1,
     .max = 1 << 16},
    {0, "temp", "X", "temperature of the answers; default: 1", .number = &temperature, .low = 0.01,
     .high = 10},
    {0, "family", "NAME", "ask only these problems; up to 16 times; default: all, by their shares",
     .list = &families},
    {0, "level", "N",
     "with --family: ask, and make, only problems of this difficulty; default: all",
     .count = &level, .min = 1, .max = TS_MAX_LEVELS},
    {'s', "seed", "N", "of problems and answers; default: 1", .count = &seed},
    {'t', "threads", "N", "threads to compute with; default: 2", .count = &n_threads, .min = 1,
     .max = TS_MAX_THREADS},
    {0}};

static volatile sig_atomic_t was_interrupted;

static void on_signal(int number)
{
    (void)number;
    was_interrupted = 1;
}

typedef struct progress {
    bool is_live, is_begun;
    double shown_at, began_at, began_with; /* share of the work */
    const ts_reject_spec *spec;
} progress;

static bool show(void *user, const ts_reject_made *m)
{
    progress *p = user;
    const ts_reject_count *all = &m->all;
    const double now = ts_clock_seconds();
    const double kept = (double)all->n_tokens / (double)(m->n_wanted ? m->n_wanted : 1);
    const double asked = (double)all->n_problems / (double)p->spec->n_problems;
    const double share = kept > asked ? kept : asked;
    char left[32] = "";

    if (!p->is_begun) {
        if (m->has_resumed)
            (void)fprintf(stderr, "going on behind problem %llu\n",
                          (unsigned long long)all->n_problems);
        p->is_begun = true;
        p->began_at = now;
        p->began_with = share;
    }
    if (now - p->shown_at < (p->is_live ? 0.5 : 10))
        return !was_interrupted;
    p->shown_at = now;
    if (share > p->began_with)
        ts_cli_duration(left, sizeof left,
                        (now - p->began_at) * (1 - share) / (share - p->began_with));
    (void)fprintf(stderr,
                  "%s%llu problems  %.1f answers each  %.1f%% solved  %llu of %llu tokens  "
                  "%.0f tokens/s  %s left%s",
                  p->is_live ? "\r\033[K" : "", (unsigned long long)all->n_problems,
                  (double)all->n_answers / (double)(all->n_problems ? all->n_problems : 1),
                  100 * (double)all->n_kept / (double)(all->n_problems ? all->n_problems : 1),
                  (unsigned long long)all->n_tokens, (unsigned long long)m->n_wanted,
                  (double)m->n_generated / (now - p->began_at + 1e-3), *left ? left : "?",
                  p->is_live ? "" : "\n");
    (void)fflush(stderr);
    return !was_interrupted;
}

static void print_counts(const ts_reject_made *m)
{
    (void)fprintf(stderr, "%-16s %5s %9s %9s %9s %9s %10s\n", "family", "level", "problems",
                  "answers", "cut", "kept", "tokens");
    for (size_t f = 0; f < ts_n_families; f++)
        for (size_t l = 0; l < TS_MAX_LEVELS; l++) {
            const ts_reject_count *c = &m->of[f][l];

            if (c->n_problems)
                (void)fprintf(stderr, "%-16s %5zu %9llu %9llu %9llu %9llu %10llu\n",
                              ts_families[f].name, l + 1, (unsigned long long)c->n_problems,
                              (unsigned long long)c->n_answers, (unsigned long long)c->n_cut,
                              (unsigned long long)c->n_kept, (unsigned long long)c->n_tokens);
        }
    (void)fprintf(stderr, "%llu documents: %llu answers (%llu tokens), and %llu fresh tokens\n",
                  (unsigned long long)m->n_docs, (unsigned long long)m->all.n_kept,
                  (unsigned long long)m->all.n_tokens, (unsigned long long)m->n_fresh_tokens);
}

static int run(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    char checkpoint[4096];
    const ts_reject_spec spec = {.checkpoint = checkpoint,
                                 .tokenizer = tokenizer_path,
                                 .folder = folder,
                                 .seed = seed,
                                 .n_tokens = n_tokens,
                                 .n_problems = n_problems,
                                 .n_answers = (uint32_t)n_answers,
                                 .max_answer = (size_t)max_answer,
                                 .temperature = temperature,
                                 .families = ts_grpo_family_mask(families.at, families.n),
                                 .level = (unsigned)level,
                                 .n_threads = (int)n_threads};
    static ts_reject_made made;
    tiefsee_error err;

    (void)argc;
    if (!folder || !tokenizer_path)
        return ts_cli_error(TS_EXIT_USAGE, "train reject: --tokenizer and --out are needed");
    if (families.n && !spec.families)
        return ts_cli_error(TS_EXIT_USAGE,
                            "train reject: no such family of problems (tiefsee eval lists them)");
    if (ts_grpo_check_level(spec.families, spec.level, &err) != TIEFSEE_OK)
        return ts_cli_error(TS_EXIT_USAGE, "train reject: %s", err.message);
    (void)snprintf(checkpoint, sizeof checkpoint, "%s%s", argv[0],
                   ts_file_is_folder(argv[0]) ? "/checkpoint.bin" : "");
    (void)mkdir(folder, 0777); /* if it cannot be, writing says why */
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    progress p = {.is_live = ts_cli_has_escapes(STDERR_FILENO), .spec = &spec};
    const tiefsee_status st = ts_reject(&made, &spec, show, &p, &err);
    if (p.is_live)
        (void)fprintf(stderr, "\r\033[K");
    if (st == TIEFSEE_E_CANCELLED) {
        (void)fprintf(stderr, "stopped behind problem %llu; the same command goes on\n",
                      (unsigned long long)made.all.n_problems);
        return TS_EXIT_INTERRUPTED;
    }
    if (st != TIEFSEE_OK)
        return ts_cli_fail(&err);
    print_counts(&made);
    return TS_EXIT_OK;
}

const ts_command ts_cmd_train_reject = {
    .name = "train reject",
    .arguments = "CHECKPOINT --tokenizer FILE --out FOLDER [options]",
    .summary = "let a model answer problems and keep what was right, as data",
    .details =
        "Rejection sampling. Asks training problems, each until an answer is right, well-formed "
        "and in the language of the question or there were --answers of them, and writes those "
        "answers and as many tokens of fresh problems with their working into "
        "FOLDER/reject-000.shard for train sft. At most one answer of a problem is kept, never "
        "the shortest. FOLDER/reject.json counts problems, answers and what was kept per family "
        "and level. What was interrupted or killed goes on with the same command; the same "
        "options give the same file.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
