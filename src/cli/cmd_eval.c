/* cmd_eval.c - how often a model is right, and how well it predicts a text. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chat/talk.h"
#include "cli/cli.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "train/eval.h"

enum { MAX_NAMES = 200 };

static bool as_json, no_thinking, thinking, is_new, on_training, skips_bad;
static uint64_t n_items = 200, level, max_tokens = 768, n_together = 32, n_wrong;
static const char *lang_name;

static const char *const langs[] = {"en", "de", "zh", NULL};

static const ts_opt options[] = {
    TS_OPTIONS_MODEL,
    TS_OPTIONS_CTX,
    {'n', "problems", "N", "problems of each family, or lines of a file; default: 200",
     .count = &n_items, .min = 1, .max = 1 << 24},
    {0, "level", "N", "only problems of this difficulty; default: all", .count = &level, .min = 1,
     .max = 9},
    {0, "lang", "LANG", "only questions in en, de or zh; default: all", .text = &lang_name,
     .choices = langs},
    {0, "new-phrases", .help = "questions worded as training never words them", .flag = &is_new},
    {0, "trained-on", .help = "problems of the training set, to compare", .flag = &on_training},
    {0, "think", .help = "think first; the default where the model can", .flag = &thinking},
    {0, "no-think", .help = "answer at once", .flag = &no_thinking},
    {0, "temp", "X", "temperature; default: 0, greedy", .number = &ts_settings_now.temperature,
     .high = 10},
    {0, "top-p", "X", "choose among the likeliest tokens that make up X of all; default: 1",
     .number = &ts_settings_now.top_p, .high = 1},
    {'s', "seed", "N", "of the problems and of the sampler; default: 0",
     .count = &ts_settings_now.seed},
    {0, "tokens", "N", "of an answer at most; default: 768", .count = &max_tokens, .min = 1,
     .max = TS_MAX_CTX},
    {0, "together", "N", "answers in the making at one time; default: 32", .count = &n_together,
     .min = 1, .max = 1024},
    {0, "wrong", "N", "show N wrong answers of each family on stderr", .count = &n_wrong,
     .max = 1 << 20},
    {0, "skip-bad", .help = "leave out lines of a file that are no question, and say how many",
     .flag = &skips_bad},
    {'j', "json", .help = "print one JSON object instead of the table", .flag = &as_json},
    {0}};

/* ---------------------------------------------------------------- progress */

typedef struct view {
    const char *name;
    bool is_live;
    double shown_at;
    uint64_t n_wrong_shown;
} view;

static bool on_progress(void *user, const ts_eval_score *now, uint64_t total)
{
    view *v = user;
    const double t = ts_clock_seconds();

    if (v->is_live && t - v->shown_at > 0.25) {
        v->shown_at = t;
        (void)fprintf(stderr, "\r\033[K%s: %llu of %llu, %.1f%% right, %.0f tokens/s", v->name,
                      (unsigned long long)now->n, (unsigned long long)total,
                      now->n ? 100 * (double)now->n_correct / (double)now->n : 0,
                      now->seconds > 0 ? (double)now->n_tokens / now->seconds : 0);
        (void)fflush(stderr);
    }
    return !ts_interrupt_taken();
}

static bool on_text_progress(void *user, uint64_t done, uint64_t total)
{
    view *v = user;

    if (v->is_live) {
        (void)fprintf(stderr, "\r\033[K%llu of %llu tokens", (unsigned long long)done,
                      (unsigned long long)total);
        (void)fflush(stderr);
    }
    return !ts_interrupt_taken();
}

static void on_answer(void *user, const ts_eval_answer *a)
{
    view *v = user;

    if (a->verdict.is_correct || v->n_wrong_shown >= n_wrong)
        return;
    v->n_wrong_shown++;
    (void)fprintf(stderr, "%s%s: %.*s\n%.*s\n(%.*s is right)\n\n", v->is_live ? "\r\033[K" : "",
                  v->name, (int)a->question.len, a->question.ptr, (int)a->text.len, a->text.ptr,
                  (int)a->truth.len, a->truth.ptr);
}

static void clear_line(const view *v)
{
    if (v->is_live)
        (void)fprintf(stderr, "\r\033[K");
}

/* ----------------------------------------------------------------- results */

/* The 95 % interval of Wilson, in percent. */
static void interval(uint64_t n, uint64_t k, double out[2])
{
    const double z = 1.96, count = (double)n, p = (double)k / count, d = 1 + z * z / count;
    const double middle = (p + z * z / (2 * count)) / d;
    const double half = z * sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / d;

    out[0] = k > 0 ? 100 * (middle - half) : 0;
    out[1] = k < n ? 100 * (middle + half) : 100;
}

static double share(uint64_t k, uint64_t n)
{
    return n ? (double)k / (double)n : 0;
}

static json_t *of_languages(const ts_eval_score *s)
{
    json_t *all = json_object();

    for (size_t l = 0; l < TS_N_LANGS; l++)
        if (s->n_of[l])
            (void)json_object_set_new(all, ts_lang_names[l],
                                      json_pack("{s:I, s:I, s:f}", "n", (json_int_t)s->n_of[l],
                                                "correct", (json_int_t)s->n_correct_of[l],
                                                "accuracy", share(s->n_correct_of[l], s->n_of[l])));
    return all;
}

static void print_languages(const ts_eval_score *s)
{
    for (size_t l = 0; l < TS_N_LANGS; l++)
        if (s->n_of[l])
            (void)printf("  %s %5.1f %%", ts_lang_names[l],
                         100 * share(s->n_correct_of[l], s->n_of[l]));
        else
            (void)printf("  %s      - ", ts_lang_names[l]);
}

static void report(json_t *task, const char *name, const ts_eval_score *s)
{
    double range[2] = {0, 0};

    if (s->n > 0)
        interval(s->n, s->n_correct, range);
    if (as_json) {
        (void)json_object_set_new(
            task, name,
            json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "n", (json_int_t)s->n, "correct",
                      (json_int_t)s->n_correct, "accuracy", share(s->n_correct, s->n), "formed",
                      share(s->n_formed, s->n), "cut", share(s->n_cut, s->n), "tokens",
                      share(s->n_tokens, s->n), "seconds", s->seconds, "lang", of_languages(s)));
        return;
    }
    (void)printf("%-16s %6llu of %6llu  %5.1f %%  [%5.1f, %5.1f]", name,
                 (unsigned long long)s->n_correct, (unsigned long long)s->n,
                 100 * share(s->n_correct, s->n), range[0], range[1]);
    if (!lang_name && s->n_of[TS_LANG_EN] + s->n_of[TS_LANG_DE] + s->n_of[TS_LANG_ZH] > 0)
        print_languages(s);
    (void)printf("  formed %5.1f %%  cut %4.1f %%  %4.0f tokens  %6.1f s\n",
                 100 * share(s->n_formed, s->n), 100 * share(s->n_cut, s->n),
                 share(s->n_tokens, s->n), s->seconds);
    if (s->n_bad > 0)
        (void)fprintf(stderr, "%llu lines left out\n", (unsigned long long)s->n_bad);
    (void)fflush(stdout);
}

static ts_eval_options eval_options(void)
{
    const ts_settings *s = &ts_settings_now;
    ts_eval_options o = {
        .seed = s->seed == UINT64_MAX ? 0 : s->seed,
        .n = n_items,
        .level = (unsigned)level,
        .lang = -1,
        .has_new_phrase = is_new,
        .no_thinking = no_thinking,
        .split = on_training ? TS_SPLIT_TRAIN : TS_SPLIT_TEST,
        .temperature = s->temperature < 0 ? 0 : s->temperature,
        .top_p = s->top_p < 0 ? 1 : s->top_p,
        .max_tokens = (size_t)max_tokens,
        .n_ctx = (size_t)s->n_ctx,
        .n_together = (size_t)n_together,
        .skips_bad = skips_bad,
    };

    for (int i = 0; lang_name && i < TS_N_LANGS; i++)
        if (strcmp(langs[i], lang_name) == 0)
            o.lang = i;
    return o;
}

static int finish(json_t *task, const char *name, int code)
{
    if (as_json && task && code == TS_EXIT_OK) {
        json_t *all = json_pack("{s:O, s:s, s:b, s:I}", "task", task, "name", name, "thinking",
                                !no_thinking, "seed", (json_int_t)eval_options().seed);

        (void)json_dumpf(all, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
        (void)putchar('\n');
        json_decref(all);
    }
    return code;
}

/* ------------------------------------------------------------------- tasks */

static int code_of(tiefsee_status st, const tiefsee_error *err)
{
    return st == TIEFSEE_OK            ? TS_EXIT_OK
           : st == TIEFSEE_E_CANCELLED ? TS_EXIT_INTERRUPTED
                                       : ts_cli_fail(err);
}

/* Which families TASK names: all of them, or one or more with commas between. */
typedef struct task_set {
    bool has[TS_MAX_FAMILIES];
    size_t n;
} task_set;

static bool add_task(task_set *t, ts_str name)
{
    for (size_t i = 0; i < ts_n_all_families; i++)
        if (ts_str_is(name, ts_families[i].name)) {
            t->n += !t->has[i];
            return t->has[i] = true;
        }
    return false;
}

/* n stays 0 if TASK is something else. */
static task_set tasks_of(const char *names)
{
    task_set t = {0};

    if (strcmp(names, "all") == 0) {
        for (size_t i = 0; i < ts_n_all_families; i++)
            t.has[i] = level <= ts_families[i].n_levels;
        t.n = ts_n_all_families;
        return t;
    }
    for (const char *p = names, *end; *p; p = *end ? end + 1 : end) {
        end = p + strcspn(p, ",");
        if (!add_task(&t, (ts_str){p, (size_t)(end - p)}))
            return (task_set){0};
    }
    return t;
}

/* Families, or the questions of a file. */
static int run_problems(tiefsee_model *model, const task_set *t, const char *path, json_t *task)
{
    const ts_eval_options o = eval_options();
    view v = {.is_live = ts_cli_has_escapes(STDERR_FILENO)};
    const ts_eval_events events = {
        .on_progress = on_progress, .on_answer = n_wrong ? on_answer : NULL, .user = &v};
    ts_eval *e = NULL;
    tiefsee_error err = {0};
    ts_eval_score score;

    tiefsee_status st = ts_eval_open(&e, model, &o, &err);
    for (size_t i = 0; st == TIEFSEE_OK && i < (path ? 1 : ts_n_all_families); i++) {
        if (!path && !t->has[i])
            continue;
        v.name = path ? "lines" : ts_families[i].name;
        v.n_wrong_shown = 0;
        st = path ? ts_eval_lines(e, path, &events, &score, &err)
                  : ts_eval_family(e, &ts_families[i], &events, &score, &err);
        clear_line(&v);
        if (st == TIEFSEE_OK || (st == TIEFSEE_E_CANCELLED && score.n > 0))
            report(task, v.name, &score);
    }
    ts_eval_close(e);
    return code_of(st, &err);
}

static int run_text(tiefsee_model *model, const char *path, json_t *task)
{
    view v = {.is_live = ts_cli_has_escapes(STDERR_FILENO)};
    tiefsee_error err = {0};
    ts_eval_text t;

    const tiefsee_status st = ts_eval_perplexity(model, path, (size_t)ts_settings_now.n_ctx,
                                                 on_text_progress, &v, &t, &err);
    clear_line(&v);
    if (st != TIEFSEE_OK)
        return code_of(st, &err);
    const double bits = t.nll * (double)t.n_tokens / log(2) / (double)t.n_bytes;
    if (as_json)
        (void)json_object_set_new(task, "text",
                                  json_pack("{s:I, s:f, s:f, s:f}", "n", (json_int_t)t.n_tokens,
                                            "perplexity", exp(t.nll), "nll", t.nll, "bits_per_byte",
                                            bits));
    else
        (void)printf("perplexity %.4f (%llu tokens, %.4f bits per byte)\n", exp(t.nll),
                     (unsigned long long)t.n_tokens, bits);
    return TS_EXIT_OK;
}

static const char *task_name_at(const void *names, size_t i)
{
    (void)names;
    return i < ts_n_all_families ? ts_families[i].name : i == ts_n_all_families ? "all" : NULL;
}

static int unknown_task(const char *name)
{
    const char *nearest = ts_opt_nearest(name, task_name_at, NULL);
    char all[MAX_NAMES] = "";
    size_t n = 0;

    for (size_t i = 0; !nearest && i < ts_n_all_families && n < sizeof all; i++)
        n += (size_t)snprintf(all + n, sizeof all - n, " %s", ts_families[i].name);
    if (nearest)
        return ts_cli_error(TS_EXIT_USAGE, "eval: no task or file '%s' (did you mean %s?)", name,
                            nearest);
    return ts_cli_error(TS_EXIT_USAGE, "eval: no task or file '%s' (a file, all, or one of%s)",
                        name, all);
}

static bool ends_in(const char *s, const char *end)
{
    const size_t n = strlen(s), k = strlen(end);

    return n >= k && strcmp(s + n - k, end) == 0;
}

static int run(int argc, char **argv)
{
    const char *name = argv[argc - 1];
    const task_set tasks = tasks_of(name);
    tiefsee_model *model = NULL;

    if (thinking && no_thinking)
        return ts_cli_error(TS_EXIT_USAGE, "eval: --think and --no-think");
    if (!tasks.n && !ts_file_exists(name))
        return unknown_task(name);
    for (size_t i = 0; tasks.n && i < ts_n_all_families; i++)
        if (tasks.has[i] && level > ts_families[i].n_levels)
            return ts_cli_error(TS_EXIT_USAGE, "eval: %s has %u levels", ts_families[i].name,
                                ts_families[i].n_levels);
    int code = ts_cli_take_model(argc - 1, argv);
    if (code == TS_EXIT_NONE)
        code = ts_cli_open_model(&model, false);
    if (code != TS_EXIT_NONE)
        return code;
    json_t *task = json_object();
    ts_interrupt_install();
    if (tasks.n)
        code = run_problems(model, &tasks, NULL, task);
    else if (ends_in(name, ".jsonl"))
        code = run_problems(model, NULL, name, task);
    else
        code = run_text(model, name, task);
    code = finish(task, name, code);
    json_decref(task);
    tiefsee_model_close(model);
    return code;
}

const ts_command ts_cmd_eval = {
    .name = "eval",
    .arguments = "[MODEL] TASK [options]",
    .summary = "how often a model is right, or how well it predicts a text",
    .details =
        "TASK is a family of problems (addition, subtraction, multiplication, division, "
        "expression, ordering, countdown3, countdown4, units, dates, percent, stories, "
        "letters, logic, self, beyond, smalltalk, dialogue, tools), several with commas between, "
        "all, a file of "
        "lines {\"question\": ..., "
        "\"answer\": \"... #### 42\"} that ends in .jsonl, or any other text file, of which "
        "the perplexity is measured. Problems are made from a seed and are none that `train "
        "data` writes; answers are judged by what they end with. Greedy unless told "
        "otherwise. Ctrl-C ends it with exit code 130.",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run,
};
