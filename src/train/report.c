/* report.c - see report.h. */
#include "train/report.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/alloc.h"
#include "core/file.h"
#include "formats/json.h"
#include "train/report_parts.h"

enum { MAX_NAMES = 256, MAX_PAGE = 1 << 26, MAX_NOTES = 5 };

static const ts_json_limits EVAL_LIMITS = {.bytes = 1 << 20, .values = 1 << 14};
static const size_t COST_BYTES = 1 << 22;

typedef struct reader {
    ts_report *r;
    const ts_report_options *opt;
    const char *path; /* in hand */
    uint64_t n_notes; /* of it */
} reader;

static void note(const reader *f, const char *line)
{
    if (f->opt->on_note)
        f->opt->on_note(f->opt->user, line);
}

static void on_bad_line(void *user, uint64_t line, const char *why)
{
    reader *f = user;
    char text[600];

    if (f->n_notes++ >= MAX_NOTES)
        return;
    (void)snprintf(text, sizeof text, "%.400s:%llu: %s; left out%s", f->path,
                   (unsigned long long)line, why,
                   f->n_notes == MAX_NOTES ? "; more of its lines may be" : "");
    note(f, text);
}

static bool join_path(char out[4096], const char *folder, const char *name)
{
    const int n = snprintf(out, 4096, "%s/%s", folder, name);

    return n > 0 && n < 4096;
}

static int64_t changed_ns(const char *path)
{
    struct stat s;

    if (stat(path, &s) != 0)
        return 0;
    return (int64_t)s.st_mtim.tv_sec * 1000000000 + s.st_mtim.tv_nsec;
}

/* ------------------------------------------------------------------- files */

static tiefsee_status add_stage(reader *f, const char *path, const char *name, tiefsee_error *err)
{
    ts_report_stage *s = &f->r->stage[f->r->n_stages];

    if (f->r->n_stages == REPORT_MAX_STAGES || strlen(name) >= sizeof s->name) {
        char text[400];
        (void)snprintf(text, sizeof text, "%.300s: one stage too many; left out", path);
        note(f, text);
        return TIEFSEE_OK;
    }
    s->log = ts_alloc_zero(1, sizeof *s->log);
    if (!s->log)
        return ts_fail_nomem(err, sizeof *s->log, "a log");
    f->r->n_stages++;
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    s->changed_ns = changed_ns(path);
    f->path = path;
    f->n_notes = 0;
    return ts_train_log_load(s->log, path, on_bad_line, f, err);
}

static double share_in(const json_t *score, const char *key, double most)
{
    const double v = json_number_value(json_object_get(score, key));

    return isfinite(v) && v > 0 ? fmin(v, most) : 0;
}

static void take_scores(ts_report_eval *e, const json_t *all)
{
    json_t *task = json_object_get(all, "task"), *score;
    const char *name;

    e->has_thinking = json_is_true(json_object_get(all, "thinking"));
    json_object_foreach(task, name, score)
    {
        ts_report_score *s = &e->score[e->n];

        if (e->n == REPORT_MAX_SCORES || !json_object_get(score, "accuracy"))
            continue;
        *s = (ts_report_score){.n = share_in(score, "n", 1e15),
                               .accuracy = share_in(score, "accuracy", 1),
                               .formed = share_in(score, "formed", 1),
                               .cut = share_in(score, "cut", 1),
                               .tokens = share_in(score, "tokens", 1e9)};
        (void)snprintf(s->name, sizeof s->name, "%s", name);
        e->n++;
    }
}

/* One that cannot be read is told and left out: the rest of the report is as good. */
static json_t *read_json(reader *f, const char *path)
{
    tiefsee_error err;
    json_t *all;
    char text[600];

    if (ts_json_load(&all, path, EVAL_LIMITS, &err) == TIEFSEE_OK)
        return all;
    (void)snprintf(text, sizeof text, "%.300s: %.250s; left out", path, err.message);
    note(f, text);
    return NULL;
}

static void add_eval(reader *f, const char *path, const char *name)
{
    ts_report_eval *e = &f->r->eval[f->r->n_evals];
    json_t *all = f->r->n_evals < REPORT_MAX_EVALS ? read_json(f, path) : NULL;

    if (!all)
        return;
    *e = (ts_report_eval){0};
    (void)snprintf(e->name, sizeof e->name, "%.*s", (int)(strlen(name) - strlen(".json")), name);
    take_scores(e, all);
    f->r->n_evals += e->n > 0;
    json_decref(all);
}

/* What rejection sampling asked and kept (reject_state.c). */
static void take_rejects(ts_report *r, const json_t *all)
{
    json_t *families = json_object_get(all, "families"), *levels;
    const char *name;

    json_object_foreach(families, name, levels)
    {
        ts_report_reject *x = &r->reject[r->n_rejects];

        if (r->n_rejects == REPORT_MAX_SCORES)
            return;
        *x = (ts_report_reject){0};
        (void)snprintf(x->name, sizeof x->name, "%s", name);
        for (size_t i = 0; i < json_array_size(levels); i++) {
            const json_t *level = json_array_get(levels, i);

            x->n_problems += share_in(level, "problems", 1e15);
            x->n_answers += share_in(level, "answers", 1e15);
            x->n_kept += share_in(level, "kept", 1e15);
            x->n_tokens += share_in(level, "tokens", 1e15);
        }
        r->n_rejects += x->n_problems > 0;
    }
}

static bool is_eval(const char *name)
{
    const size_t n = strlen(name);

    return strncmp(name, "eval", 4) == 0 && n > 5 && strcmp(name + n - 5, ".json") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted, so that reports do not depend on the file system. */
static tiefsee_status list_names(char ***out, size_t *n, const char *folder, tiefsee_error *err)
{
    DIR *d = opendir(folder);
    char **name = ts_alloc_zero(MAX_NAMES, sizeof *name);
    struct dirent *entry;

    *n = 0;
    *out = name;
    if (!d || !name) {
        if (d)
            (void)closedir(d);
        return d ? ts_fail_nomem(err, MAX_NAMES * sizeof *name, "a folder")
                 : ts_fail_errno(err, errno, "%s", folder);
    }
    while (*n < MAX_NAMES && (entry = readdir(d))) {
        const size_t size = strlen(entry->d_name) + 1;

        if (entry->d_name[0] == '.' || !(name[*n] = ts_alloc(size)))
            continue;
        memcpy(name[(*n)++], entry->d_name, size);
    }
    (void)closedir(d);
    qsort(name, *n, sizeof *name, by_name);
    return TIEFSEE_OK;
}

static tiefsee_status take_entry(reader *f, const char *folder, const char *name,
                                 tiefsee_error *err)
{
    char path[4096], log[4096];

    if (!join_path(path, folder, name) || !join_path(log, path, "log.jsonl"))
        return TIEFSEE_OK;
    if (strcmp(name, "log.jsonl") == 0)
        return add_stage(f, path, "training", err);
    if (ts_file_is_folder(path))
        return ts_file_exists(log) ? add_stage(f, log, name, err) : TIEFSEE_OK;
    if (strcmp(name, "reject.json") == 0) {
        json_t *all = read_json(f, path);

        if (all)
            take_rejects(f->r, all);
        json_decref(all);
    }
    if (is_eval(name) && changed_ns(path) != 0) {
        struct stat s;
        if (stat(path, &s) == 0 && s.st_size > 0) /* empty: eval has just begun */
            add_eval(f, path, name);
    }
    return TIEFSEE_OK;
}

static tiefsee_status read_costs(reader *f, const char *folder, tiefsee_error *err)
{
    ts_buf text = ts_buf_make(0);
    char path[4096];
    tiefsee_status st = TIEFSEE_OK;

    if (!join_path(path, folder, "cost.jsonl") || !ts_file_exists(path))
        return TIEFSEE_OK;
    st = ts_file_read(&text, path, COST_BYTES, err);
    f->path = path;
    f->n_notes = 0;
    if (st == TIEFSEE_OK)
        f->r->n_costs =
            ts_train_costs_read(f->r->cost, (ts_str){text.ptr, text.len}, on_bad_line, f);
    ts_buf_free(&text);
    return st;
}

static int by_time(const void *a, const void *b)
{
    const ts_report_stage *x = a, *y = b;

    if (x->changed_ns != y->changed_ns)
        return x->changed_ns < y->changed_ns ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Thinking first: it is what the model is for. */
static int by_thinking(const void *a, const void *b)
{
    const ts_report_eval *x = a, *y = b;

    if (x->has_thinking != y->has_thinking)
        return x->has_thinking ? -1 : 1;
    return strcmp(x->name, y->name);
}

static tiefsee_status read_folder(reader *f, const char *folder, tiefsee_error *err)
{
    char **name;
    size_t n;
    tiefsee_status st = list_names(&name, &n, folder, err);

    for (size_t i = 0; i < n && st == TIEFSEE_OK; i++)
        st = take_entry(f, folder, name[i], err);
    for (size_t i = 0; i < n; i++)
        ts_free(name[i]);
    ts_free(name);
    if (st == TIEFSEE_OK)
        st = read_costs(f, folder, err);
    qsort(f->r->eval, f->r->n_evals, sizeof *f->r->eval, by_thinking);
    qsort(f->r->stage, f->r->n_stages, sizeof *f->r->stage, by_time);
    if (st == TIEFSEE_OK && f->r->n_stages + f->r->n_evals == 0)
        st = ts_fail(err, TIEFSEE_E_INVALID, "%s: neither a log.jsonl of a stage nor an eval.json",
                     folder);
    return st;
}

static tiefsee_status write_picture(const char *folder, const char *name, const ts_buf *svg,
                                    bool is_whole, tiefsee_error *err)
{
    char path[4096];
    const int n = snprintf(path, sizeof path, "%s/%s.svg", folder, name);

    if (n < 0 || (size_t)n >= sizeof path)
        return ts_fail(err, TIEFSEE_E_INVALID, "the folder's name is too long");
    return is_whole ? ts_file_write(path, svg->ptr, svg->len, err)
                    : ts_fail_nomem(err, svg->len, "a picture");
}

static tiefsee_status write_pictures(const ts_report *r, const char *folder, tiefsee_error *err)
{
    ts_buf svg = ts_buf_make(MAX_PAGE);
    tiefsee_status st = TIEFSEE_OK;

    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return ts_fail_errno(err, errno, "%s", folder);
    for (size_t i = 0; i < r->n_stages && st == TIEFSEE_OK; i++) {
        ts_buf_clear(&svg);
        if (r->stage[i].log->n_steps > 0)
            st = write_picture(folder, r->stage[i].name, &svg,
                               ts_report_stage_svg(&svg, r->stage[i].log), err);
    }
    ts_buf_clear(&svg);
    if (st == TIEFSEE_OK && r->n_evals > 0)
        st = write_picture(folder, "accuracy", &svg, ts_report_accuracy_svg(&svg, r), err);
    ts_buf_free(&svg);
    return st;
}

tiefsee_status ts_report_write(const char *folder, const char *path, const ts_report_options *opt,
                               tiefsee_error *err)
{
    ts_buf page = ts_buf_make(MAX_PAGE);
    ts_report *r = ts_alloc_zero(1, sizeof *r);

    if (!r)
        return ts_fail_nomem(err, sizeof *r, "a report");
    (void)snprintf(r->folder, sizeof r->folder, "%s", folder);
    r->watts = opt->watts > 0 ? opt->watts : 10;
    r->n_threads = opt->n_threads ? opt->n_threads : 2;
    tiefsee_status st = read_folder(&(reader){.r = r, .opt = opt}, folder, err);
    if (st == TIEFSEE_OK && !ts_report_html(&page, r))
        st = ts_fail_nomem(err, page.len, "the report");
    if (st == TIEFSEE_OK)
        st = ts_file_write(path, page.ptr, page.len, err);
    if (st == TIEFSEE_OK && opt->pictures)
        st = write_pictures(r, opt->pictures, err);
    for (size_t i = 0; i < r->n_stages; i++)
        ts_free(r->stage[i].log);
    ts_free(r);
    ts_buf_free(&page);
    return st;
}
