/* cmd_train_all.c - the whole recipe: every stage as a run of this program.
 *
 * A stage that ended leaves FOLDER/STAGE.done with its command and those before it; asked
 * again for the same, it is left out.  A training stage that was begun with the same
 * commands goes on with its checkpoint. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/train_parts.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"

enum { MAX_WORDS = 96, MAX_TEXT = 16384, SHARD_TOKENS = 32000000, BATCH = 8192, MAX_SHARDS = 16 };
/* From fine-tuning on: what tools in a prompt need. */
enum { CONTEXT = 1024 };

static const char *folder, *preset = "r-5m", *type_name = "q8_0", *experts_name = "q4_0", *teacher;
static uint64_t n_vocab = 2048, n_tokens = 80000000, n_base_steps, n_anneal_tokens = 48000000,
                n_sft_tokens = 12000000, n_grpo_steps = 150, n_reject_tokens = 8000000,
                n_grpo2_steps = 50, n_judged = 1000, n_threads = 2, level, n_distill_steps = 100,
                n_batch = BATCH;
static ts_opt_list families;
static bool only_says, has_old_tokenizer;

static const ts_opt options[] = {
    {'o', "out", "FOLDER", "where everything goes", .text = &folder},
    {0, "preset", "NAME", "model: r-1m, r-5m, d-5m (dense), r-10m or r-16m; default: r-5m",
     .text = &preset},
    {0, "vocab", "N", "tokens of the vocabulary; default: 2048", .count = &n_vocab, .min = 512,
     .max = 1 << 17},
    {0, "tokens", "N", "of data of pre-training; default: 80000000", .count = &n_tokens,
     .min = CONTEXT, .max = (uint64_t)SHARD_TOKENS * MAX_SHARDS},
    {0, "steps", "N", "of pre-training at the full rate; default: one for each --batch of --tokens",
     .count = &n_base_steps, .max = 1 << 24},
    {0, "anneal-tokens", "N", "of pre-training while the rate falls, 0: none; default: 48000000",
     .count = &n_anneal_tokens, .max = (uint64_t)SHARD_TOKENS * MAX_SHARDS},
    {0, "sft-tokens", "N", "of fine-tuning; default: 12000000", .count = &n_sft_tokens,
     .min = CONTEXT, .max = SHARD_TOKENS},
    {0, "grpo-steps", "N", "of learning from rewards, 0: none; default: 150",
     .count = &n_grpo_steps, .max = 1 << 20},
    {0, "reject-tokens", "N", "of rejection sampling, 0: none; default: 8000000",
     .count = &n_reject_tokens, .max = SHARD_TOKENS},
    {0, "grpo2-steps", "N", "of learning from rewards with rounded weights, 0: none; default: 50",
     .count = &n_grpo2_steps, .max = 1 << 20},
    {0, "teacher", "CHECKPOINT", "distill from this larger model, behind rejection sampling",
     .text = &teacher},
    {0, "distill-steps", "N", "of it; default: 100", .count = &n_distill_steps, .min = 1,
     .max = 1 << 20},
    {0, "batch", "N", "tokens of a step of training; default: 8192", .count = &n_batch,
     .min = CONTEXT, .max = 1 << 24},
    {0, "type", "TYPE", "of matrices in the model file; default: q8_0", .text = &type_name},
    {0, "experts", "TYPE", "of routed experts in it; default: q4_0", .text = &experts_name},
    {0, "family", "NAME", "only these problems, in all stages; up to 16 times; default: all",
     .list = &families},
    {0, "level", "N", "with --family: only problems of this difficulty; default: all",
     .count = &level, .min = 1, .max = 8},
    {0, "judge", "N", "problems of each family to judge it with; default: 1000", .count = &n_judged,
     .min = 1, .max = 1 << 24},
    {'t', "threads", "N", "threads to compute with; default: 2", .count = &n_threads, .min = 1,
     .max = TS_MAX_THREADS},
    {0, "plan", .help = "say the commands and stop", .flag = &only_says},
    {0}};

/* A command line, its words in one text. */
typedef struct command {
    char text[MAX_TEXT];
    size_t used, n;
    char *words[MAX_WORDS + 1];
    bool is_full;
} command;

static void word(command *c, const char *fmt, ...) TS_PRINTF(2, 3);

static void word(command *c, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const int n = vsnprintf(c->text + c->used, sizeof c->text - c->used, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof c->text - c->used || c->n == MAX_WORDS) {
        c->is_full = true;
        return;
    }
    c->words[c->n++] = c->text + c->used;
    c->words[c->n] = NULL;
    c->used += (size_t)n + 1;
}

static void words(command *c, const char *const *all)
{
    for (; *all; all++)
        word(c, "%s", *all);
}

static void option(command *c, const char *name, uint64_t value)
{
    word(c, "%s", name);
    word(c, "%llu", (unsigned long long)value);
}

static void path_option(command *c, const char *name, const char *file)
{
    word(c, "%s", name);
    word(c, "%s/%s", folder, file);
}

/* The words with blanks between. */
static bool append_line(ts_buf *out, const command *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (!ts_buf_append_str(out, i ? " " : "") || !ts_buf_append_str(out, c->words[i]))
            return false;
    return ts_buf_append_str(out, "\n");
}

/* ------------------------------------------------------------------ stages */

typedef struct stage {
    const char *name;
    void (*fill)(command *c);
    bool is_training; /* its checkpoint is FOLDER/NAME/checkpoint.bin */
    bool is_judged;   /* its stdout goes to FOLDER/NAME.json */
} stage;

static void tokenizer(command *c)
{
    words(c, (const char *const[]){"train", "tokenizer", NULL});
    path_option(c, "--out", "tokenizer.json");
    option(c, "--vocab", n_vocab);
    if (!has_old_tokenizer)
        word(c, "--tools");
}

/* What --family and --level say. */
static void problems(command *c)
{
    for (size_t i = 0; i < families.n; i++) {
        word(c, "--family");
        word(c, "%s", families.at[i]);
    }
    if (level)
        option(c, "--level", level);
}

static uint64_t shards_of(uint64_t n)
{
    return (n + SHARD_TOKENS - 1) / SHARD_TOKENS;
}

/* A shard ends with a document, so it has some tokens more than it should: only shards
 * of one size are as many as shards_of() says. */
static void data(command *c, const char *kind, uint64_t n)
{
    words(c, (const char *const[]){"train", "data", "--out", folder, "--kind", kind, NULL});
    option(c, "--tokens", n);
    option(c, "--shard-tokens", (n + shards_of(n) - 1) / shards_of(n));
    problems(c);
}

static void shards(command *c, const char *kind, uint64_t n)
{
    for (uint64_t i = 0; i < shards_of(n); i++) {
        word(c, "--data");
        word(c, "%s/%s-%03llu.shard", folder, kind, (unsigned long long)i);
    }
}

static void pretrain_data(command *c)
{
    data(c, "pretrain", n_tokens);
}

static void anneal_data(command *c)
{
    data(c, "anneal", n_anneal_tokens);
}

static void sft_data(command *c)
{
    data(c, "sft", n_sft_tokens);
    option(c, "--max-length", CONTEXT);
}

/* At least one. */
static uint64_t steps_of(uint64_t tokens)
{
    return tokens / n_batch + (tokens < n_batch);
}

/* Steps of another size, in passes of no more than that; what is usual is not said. */
static void batch(command *c)
{
    if (n_batch != BATCH)
        option(c, "--batch", n_batch);
}

static void pretrain(command *c)
{
    words(c, (const char *const[]){"train", "pretrain", "--preset", preset, NULL});
    shards(c, "pretrain", n_tokens);
    path_option(c, "--out", "base");
    option(c, "--steps", n_base_steps ? n_base_steps : steps_of(n_tokens));
    words(c, (const char *const[]){"--decay", "0", NULL});
    batch(c);
    option(c, "--threads", n_threads);
}

/* The rate falls over all of it, with other data: the same trunk can be continued, and
 * annealed anew. */
static void anneal(command *c)
{
    words(c, (const char *const[]){"train", "pretrain", "--preset", preset, NULL});
    shards(c, "anneal", n_anneal_tokens);
    path_option(c, "--from", "base/checkpoint.bin");
    path_option(c, "--out", "anneal");
    option(c, "--steps", steps_of(n_anneal_tokens));
    words(c, (const char *const[]){"--warmup", "1", "--decay", "1", NULL});
    batch(c);
    option(c, "--threads", n_threads);
}

static const char *pretrained(void)
{
    return n_anneal_tokens ? "anneal/checkpoint.bin" : "base/checkpoint.bin";
}

static void sft(command *c)
{
    words(c, (const char *const[]){"train", "sft", NULL});
    words(c, (const char *const[]){"--preset", preset, NULL});
    path_option(c, "--data", "sft-000.shard");
    path_option(c, "--from", pretrained());
    path_option(c, "--out", "sft");
    option(c, "--ctx", CONTEXT);
    option(c, "--steps", steps_of(n_sft_tokens));
    batch(c);
    option(c, "--threads", n_threads);
}

/* As much as the model will be judged with, if that is less than the default. */
static void validation(command *c)
{
    option(c, "--valid", n_judged < 24 ? n_judged : 24);
}

/* What is within reach and not mastered yet; the shards keep the rest. */
static void grpo(command *c)
{
    static const char *const asked[] = {"countdown3", "countdown4", "multiplication", "division",
                                        "stories",    "logic",      "percent"};

    words(c, (const char *const[]){"train", "grpo", "--preset", preset, NULL});
    path_option(c, "--data", "sft-000.shard");
    path_option(c, "--from", "sft/checkpoint.bin");
    path_option(c, "--tokenizer", "tokenizer.json");
    path_option(c, "--out", "grpo");
    problems(c);
    for (size_t i = 0; families.n == 0 && i < TS_COUNT(asked); i++) {
        word(c, "--family");
        word(c, "%s", asked[i]);
    }
    option(c, "--max-answer", 400);
    option(c, "--steps", n_grpo_steps);
    validation(c);
    option(c, "--threads", n_threads);
}

static const char *rewarded(void)
{
    return n_grpo_steps ? "grpo/best.bin" : "sft/checkpoint.bin";
}

static void reject(command *c)
{
    words(c, (const char *const[]){"train", "reject", NULL});
    word(c, "%s/%s", folder, rewarded());
    path_option(c, "--tokenizer", "tokenizer.json");
    words(c, (const char *const[]){"--out", folder, NULL});
    option(c, "--tokens", n_reject_tokens);
    option(c, "--problems", n_reject_tokens / 100 + 1); /* documents have about 90 tokens */
    problems(c);
    option(c, "--threads", n_threads);
}

static void sft_again(command *c)
{
    words(c, (const char *const[]){"train", "sft", "--preset", preset, "--lr-factor", "0.2", NULL});
    path_option(c, "--data", "reject-000.shard");
    path_option(c, "--from", rewarded());
    path_option(c, "--out", "sft-2");
    option(c, "--steps", steps_of(n_reject_tokens));
    batch(c);
    option(c, "--threads", n_threads);
}

static const char *tuned(void)
{
    return n_reject_tokens ? "sft-2/checkpoint.bin" : rewarded();
}

/* What a larger model with the same tokenizer would say where this one answers. */
static void distill(command *c)
{
    words(c, (const char *const[]){"train", "distill", "--teacher", teacher, NULL});
    path_option(c, "--data", "sft-000.shard");
    path_option(c, "--from", tuned());
    path_option(c, "--tokenizer", "tokenizer.json");
    path_option(c, "--out", "distill");
    problems(c);
    option(c, "--max-answer", 400);
    option(c, "--steps", n_distill_steps);
    option(c, "--threads", n_threads);
}

static const char *taught(void)
{
    return teacher ? "distill/checkpoint.bin" : tuned();
}

/* All families, half the rate, on the weights that the model file will have. */
static void grpo_again(command *c)
{
    words(c, (const char *const[]){"train", "grpo", "--preset", preset, "--qat", NULL});
    words(c, (const char *const[]){"--type", type_name, "--experts", experts_name, NULL});
    words(c, (const char *const[]){"--lr", "5e-5", "--temp", "0.8", NULL});
    path_option(c, "--data", "sft-000.shard");
    path_option(c, "--from", taught());
    path_option(c, "--tokenizer", "tokenizer.json");
    path_option(c, "--out", "grpo-2");
    problems(c);
    option(c, "--max-answer", 400);
    option(c, "--steps", n_grpo2_steps);
    validation(c);
    option(c, "--threads", n_threads);
}

static void export_model(command *c)
{
    words(c, (const char *const[]){"train", "export", NULL});
    word(c, "%s/%s", folder, n_grpo2_steps ? "grpo-2/best.bin" : taught());
    path_option(c, "--tokenizer", "tokenizer.json");
    words(c, (const char *const[]){"--type", type_name, "--experts", experts_name, NULL});
    path_option(c, "--out", "model.gguf");
}

/* As one word. */
static void name_tasks(command *c)
{
    char names[1024] = "all";
    size_t at = 0;

    for (size_t i = 0; i < families.n && at < sizeof names; i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? "," : "", families.at[i]);
    c->is_full |= at >= sizeof names;
    word(c, "%s", names);
}

static void judge(command *c)
{
    word(c, "eval");
    word(c, "%s/model.gguf", folder);
    name_tasks(c);
    word(c, "--json");
    option(c, "-n", n_judged);
    if (level)
        option(c, "--level", level);
    option(c, "--threads", n_threads);
}

static void judge_direct(command *c)
{
    judge(c);
    word(c, "--no-think");
}

static const stage stages[] = {
    {"tokenizer", tokenizer, false, false},
    {"pretrain-data", pretrain_data, false, false},
    {"base", pretrain, true, false},
    /* Behind base, which does not depend on them. */
    {"anneal-data", anneal_data, false, false},
    {"anneal", anneal, true, false},
    {"sft-data", sft_data, false, false},
    {"sft", sft, true, false},
    {"grpo", grpo, true, false},
    {"reject", reject, false, false},
    {"sft-2", sft_again, true, false},
    {"distill", distill, true, false},
    {"grpo-2", grpo_again, true, false},
    {"export", export_model, false, false},
    {"eval", judge, false, true},
    {"eval-direct", judge_direct, false, true},
};

/* -------------------------------------------------------------------- runs */

static volatile sig_atomic_t was_interrupted;
static volatile pid_t child;

/* The terminal tells the child itself; a kill of this process is passed on. */
static void on_signal(int number)
{
    was_interrupted = 1;
    if (child > 0)
        (void)kill(child, number);
}

static bool mark_path(char *out, size_t size, const stage *s, const char *end)
{
    const int n = snprintf(out, size, "%s/%s%s", folder, s->name, end);

    return n > 0 && (size_t)n < size;
}

/* FOLDER/STAGE.end holds this line. */
static bool is_marked(const stage *s, const char *end, const ts_buf *line)
{
    ts_buf text = ts_buf_make(0);
    char path[4096];
    tiefsee_error err;

    const bool is_same = mark_path(path, sizeof path, s, end) && ts_file_exists(path) &&
                         ts_file_read(&text, path, MAX_TEXT, &err) == TIEFSEE_OK &&
                         text.len == line->len && memcmp(text.ptr, line->ptr, line->len) == 0;
    ts_buf_free(&text);
    return is_same;
}

static tiefsee_status mark(const stage *s, const char *end, const ts_buf *line, tiefsee_error *err)
{
    char path[4096];

    if (!mark_path(path, sizeof path, s, end))
        return ts_fail_errno(err, ENAMETOOLONG, "%s", folder);
    return ts_file_write(path, line->ptr, line->len, err);
}

/* The checkpoint of other commands, which a new run would refuse to replace. */
static tiefsee_status set_aside(const stage *s, tiefsee_error *err)
{
    char path[4096], old[4096];

    if (!mark_path(path, sizeof path, s, "/checkpoint.bin") ||
        !mark_path(old, sizeof old, s, "/checkpoint.old.bin"))
        return ts_fail_errno(err, ENAMETOOLONG, "%s", folder);
    if (rename(path, old) != 0 && errno != ENOENT && errno != ENOTDIR)
        return ts_fail_errno(err, errno, "%s", path);
    return TIEFSEE_OK;
}

/* What is to be done before the command: --resume, or a clean place and a mark. */
static tiefsee_status begin(const stage *s, command *c, const ts_buf *marks, tiefsee_error *err)
{
    const bool is_same = is_marked(s, ".begun", marks);
    char path[4096];

    if (s->is_training && is_same && mark_path(path, sizeof path, s, "/checkpoint.bin") &&
        ts_file_exists(path)) {
        word(c, "--resume");
        return TIEFSEE_OK;
    }
    const tiefsee_status st = s->is_training && !is_same ? set_aside(s, err) : TIEFSEE_OK;
    return st == TIEFSEE_OK ? mark(s, ".begun", marks, err) : st;
}

static int wait_for(pid_t pid, struct rusage *used)
{
    int status = 0;

    while (wait4(pid, &status, 0, used) < 0)
        if (errno != EINTR)
            return TS_EXIT_ERROR;
    return WIFEXITED(status) ? WEXITSTATUS(status) : TS_EXIT_ERROR;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

/* A line of FOLDER/cost.jsonl, for the report; if it cannot be written, nothing is lost
 * but that. */
static void note_cost(const stage *s, double seconds, const struct rusage *used)
{
    char path[4096], line[256];

    const int n =
        snprintf(line, sizeof line, "{\"stage\":\"%s\",\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n",
                 s->name, seconds, seconds_of(used->ru_utime) + seconds_of(used->ru_stime));
    const int m = snprintf(path, sizeof path, "%s/cost.jsonl", folder);
    if (n < 0 || (size_t)n >= sizeof line || m < 0 || (size_t)m >= sizeof path)
        return;
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    if (write(fd, line, (size_t)n) != n)
        (void)fprintf(stderr, "tiefsee: %s: %s\n", path, strerror(errno));
    (void)close(fd);
}

/* The stage as a process of its own; the exit code that it ended with. */
static int spawn(const stage *s, command *c)
{
    posix_spawn_file_actions_t actions;
    char path[4096];
    pid_t pid;

    if (!mark_path(path, sizeof path, s, ".json") || posix_spawn_file_actions_init(&actions) != 0)
        return ts_cli_error(TS_EXIT_ERROR, "out of memory for a stage");
    int failed = s->is_judged ? posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, path,
                                                                 O_WRONLY | O_CREAT | O_TRUNC, 0666)
                              : 0;
    if (!failed)
        failed = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, c->words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed)
        return ts_cli_error(TS_EXIT_ERROR, "%s: %s", s->name, strerror(failed));
    const double start = ts_clock_seconds();
    struct rusage used = {0};
    child = pid;
    const int code = wait_for(pid, &used);
    child = 0;
    note_cost(s, ts_clock_seconds() - start, &used);
    return code;
}

/* What stages are compared by: their command and all before it, since each reads what
 * those made.  Results do not depend on threads, so they are none of it. */
static bool append_mark(ts_buf *marks, const stage *s)
{
    const uint64_t n = n_threads;
    command c = {0};

    n_threads = 0;
    s->fill(&c);
    n_threads = n;
    return append_line(marks, &c);
}

/* A folder that was begun before tokenizers learned from tools goes on with its own. */
static void find_old_tokenizer(void)
{
    ts_buf marks = ts_buf_make(MAX_TEXT);

    has_old_tokenizer = true;
    has_old_tokenizer = append_mark(&marks, &stages[0]) && is_marked(&stages[0], ".done", &marks);
    ts_buf_free(&marks);
}

static int run_stage(const stage *s, ts_buf *marks)
{
    ts_buf line = ts_buf_make(MAX_TEXT);
    command c = {0};
    tiefsee_error err;
    int code = TS_EXIT_OK;

    word(&c, "tiefsee");
    s->fill(&c);
    if (c.is_full || !append_line(&line, &c) || !append_mark(marks, s))
        return ts_cli_error(TS_EXIT_ERROR, "%s: the command is too long", s->name);
    const bool is_done = is_marked(s, ".done", marks);
    (void)fprintf(stderr, "%s%s", is_done ? "(done) " : "", line.ptr);
    if (!only_says && !is_done) {
        code = begin(s, &c, marks, &err) == TIEFSEE_OK ? spawn(s, &c) : ts_cli_fail(&err);
        if (code == TS_EXIT_OK && !was_interrupted && mark(s, ".done", marks, &err) != TIEFSEE_OK)
            code = ts_cli_fail(&err);
        /* Without it the run is as good: what is wrong with it was said. */
        if (s->is_training || s->is_judged)
            (void)ts_cli_write_report(folder);
    }
    ts_buf_free(&line);
    return was_interrupted ? TS_EXIT_INTERRUPTED : code;
}

static bool is_left_out(const stage *s)
{
    return ((s->fill == anneal || s->fill == anneal_data) && n_anneal_tokens == 0) ||
           (s->fill == grpo && n_grpo_steps == 0) ||
           (s->fill == grpo_again && n_grpo2_steps == 0) || (s->fill == distill && !teacher) ||
           ((s->fill == reject || s->fill == sft_again) && n_reject_tokens == 0);
}

static int run(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = on_signal};

    (void)argc;
    (void)argv;
    if (!folder)
        return ts_cli_error(TS_EXIT_USAGE, "train all: --out FOLDER is needed");
    if (ts_cli_ranks() > 1)
        return ts_cli_error(TS_EXIT_USAGE,
                            "train all runs on one rank (pretrain and sft run on several)");
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    if (!only_says)
        (void)mkdir(folder, 0777); /* if it cannot be, writing says why */
    ts_buf marks = ts_buf_make(MAX_TEXT);
    int code = TS_EXIT_OK;
    find_old_tokenizer();
    for (size_t i = 0; i < TS_COUNT(stages) && code == TS_EXIT_OK; i++) {
        if (is_left_out(&stages[i]))
            continue;
        code = run_stage(&stages[i], &marks);
        if (code == TS_EXIT_INTERRUPTED)
            (void)fprintf(stderr, "stopped in %s; the same command goes on\n", stages[i].name);
    }
    ts_buf_free(&marks);
    return code;
}

const ts_command ts_cmd_train_all = {
    .name = "train all",
    .arguments = "--out FOLDER [options]",
    .summary = "the whole recipe, from nothing to a judged model",
    .details =
        "Tokenizer, data, pre-training at the full rate and with a falling one, fine-tuning, "
        "learning from rewards, rejection sampling "
        "and fine-tuning with it, a larger teacher if there is one, rewards again on rounded "
        "weights, export and evaluation, each as "
        "a command of this program that is "
        "shown before it runs. What "
        "ended is not done again while its command and those before it stay the same; what was "
        "stopped goes on with its checkpoint; a checkpoint of other commands is kept as "
        "checkpoint.old.bin. FOLDER then has model.gguf, eval.json and eval-direct.json "
        "(without thinking), and report.html, which is written anew at the end of each stage.",
    .options = options,
    .run = run,
};
