/* train_log.c - see train_log.h. */
#include "train/train_log.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "formats/json_reader.h"

static const char *const names[] = {
    [LOG_LOSS] = "loss",
    [LOG_MTP_LOSS] = "mtp_loss",
    [LOG_NORM] = "norm",
    [LOG_RATE] = "rate",
    [LOG_MAX_VIOLATION] = "max_violation",
    [LOG_TOKENS] = "tokens",
    [LOG_LEARNED] = "learned",
    [LOG_SECONDS] = "seconds",
    [LOG_CPU_SECONDS] = "cpu_seconds",
    [LOG_GFLOPS] = "gflops",
    [LOG_PEAK_GFLOPS] = "peak_gflops",
    [LOG_REWARD] = "reward",
    [LOG_RIGHT] = "right",
    [LOG_INFORMATIVE] = "informative",
    [LOG_ANSWER_TOKENS] = "answer_tokens",
    [LOG_CUT] = "cut",
    [LOG_ROLLOUT_SECONDS] = "rollout_seconds",
    [LOG_VALIDATION] = "validation",
    [LOG_SAMPLED] = "sampled",
};

/* --------------------------------------------------------------- one line */

static bool number_of(ts_str text, double *out)
{
    char word[48];

    if (text.len == 0 || text.len >= sizeof word)
        return false;
    memcpy(word, text.ptr, text.len);
    word[text.len] = '\0';
    return ts_parse_double(word, -1e18, 1e18, out);
}

typedef struct line_reader {
    ts_json_reader json;
    const char *why; /* what is wrong beside the JSON; NULL: nothing */
} line_reader;

static bool next_number(line_reader *r, ts_str *key, ts_str *value)
{
    if (!ts_json_next_key(&r->json, key))
        return false;
    *value = ts_json_read_any(&r->json);
    return r->json.problem == NULL;
}

static const char *end_of(line_reader *r)
{
    ts_json_end(&r->json);
    return r->json.problem ? r->json.problem : r->why;
}

/* One step's values; NaN: not there. */
static const char *read_step(ts_str line, uint64_t *step, double value[LOG_N_FIELDS])
{
    line_reader r = {.json = ts_json_reader_of(line)};
    ts_str key, text;
    double number = 0;

    *step = 0;
    for (size_t i = 0; i < LOG_N_FIELDS; i++)
        value[i] = NAN;
    (void)ts_json_enter(&r.json, '{');
    while (next_number(&r, &key, &text)) {
        const bool is_step = ts_str_is(key, "step");
        size_t at = is_step ? LOG_N_FIELDS : 0;

        while (at < TS_COUNT(names) && !ts_str_is(key, names[at]))
            at++;
        if (!is_step && at == TS_COUNT(names))
            continue;
        if (!number_of(text, &number) || (is_step && (number < 1 || number > TRAIN_LOG_MAX_STEP)))
            r.why = "a value that is no number, or out of reach";
        else if (is_step)
            *step = (uint64_t)number;
        else
            value[at] = number;
    }
    const char *why = end_of(&r);
    return why ? why : *step == 0 ? "no step" : NULL;
}

static void derive(double v[LOG_N_FIELDS])
{
    const double rollout = isnan(v[LOG_ROLLOUT_SECONDS]) ? 0 : v[LOG_ROLLOUT_SECONDS];
    const double learning = v[LOG_SECONDS] - rollout;

    if (learning > 0 && v[LOG_TOKENS] >= 0)
        v[LOG_SPEED] = v[LOG_TOKENS] / learning;
    /* gflops is a mean over all of the step. */
    if (learning > 0 && v[LOG_PEAK_GFLOPS] > 0 && v[LOG_GFLOPS] >= 0)
        v[LOG_SHARE_OF_PEAK] = 100 * v[LOG_GFLOPS] * v[LOG_SECONDS] / learning / v[LOG_PEAK_GFLOPS];
}

static const char *take_step(ts_train_log *l, ts_str line)
{
    double value[LOG_N_FIELDS];
    uint64_t step;
    const char *why = read_step(line, &step, value);

    if (why)
        return why;
    if (step <= l->last_step)
        return "its step is not behind that of the line before";
    derive(value);
    l->last_step = step;
    l->n_steps++;
    for (size_t i = 0; i < LOG_N_FIELDS; i++)
        if (isfinite(value[i])) {
            l->total[i] += value[i];
            ts_curve_add(&l->curve[i], step, value[i]);
        }
    if (isfinite(value[LOG_CPU_SECONDS]))
        l->n_with_cpu++;
    else if (isfinite(value[LOG_SECONDS]))
        l->uncounted_seconds += value[LOG_SECONDS];
    return NULL;
}

/* -------------------------------------------------------------- all lines */

typedef const char *take_line(void *user, ts_str line); /* NULL, or what is wrong */

static uint64_t each_line(ts_str text, take_line *take, void *target, ts_log_on_bad *on_bad,
                          void *user)
{
    const char *p = text.len ? text.ptr : "", *end = p + text.len, *stop;
    uint64_t n_bad = 0;

    for (uint64_t number = 1; p < end && (stop = memchr(p, '\n', (size_t)(end - p))); number++) {
        const ts_str line = {p, (size_t)(stop - p)};
        const char *why =
            line.len > TRAIN_LOG_MAX_LINE ? "the line is too long" : take(target, line);

        p = stop + 1;
        n_bad += why != NULL;
        if (why && on_bad)
            on_bad(user, number, why);
    }
    return n_bad;
}

static const char *take_step_line(void *user, ts_str line)
{
    return take_step(user, line);
}

void ts_train_log_read(ts_train_log *out, ts_str text, ts_log_on_bad *on_bad, void *user)
{
    memset(out, 0, sizeof *out);
    out->n_bad = each_line(text, take_step_line, out, on_bad, user);
}

tiefsee_status ts_train_log_load(ts_train_log *out, const char *path, ts_log_on_bad *on_bad,
                                 void *user, tiefsee_error *err)
{
    ts_buf text = ts_buf_make(0);
    tiefsee_status st = TIEFSEE_OK;

    if (ts_file_exists(path))
        st = ts_file_read(&text, path, TRAIN_LOG_MAX_BYTES, err);
    if (st == TIEFSEE_OK)
        ts_train_log_read(out, (ts_str){text.ptr, text.len}, on_bad, user);
    ts_buf_free(&text);
    return st;
}

/* ------------------------------------------------------------------- costs */

typedef struct cost_list {
    ts_stage_cost *at;
    size_t n;
} cost_list;

static ts_stage_cost *find_cost(cost_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->at[i].name, name) == 0)
            return &list->at[i];
    if (list->n == TRAIN_MAX_COSTS)
        return NULL;
    ts_stage_cost *c = &list->at[list->n++];
    *c = (ts_stage_cost){0};
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    return c;
}

/* A name as it stands between its quotes; those with escapes are no stage's. */
static bool name_of(ts_str text, char *out, size_t size)
{
    if (text.len < 3 || text.len - 2 >= size || text.ptr[0] != '"' ||
        memchr(text.ptr, '\\', text.len))
        return false;
    memcpy(out, text.ptr + 1, text.len - 2);
    out[text.len - 2] = '\0';
    return true;
}

static const char *take_cost(void *user, ts_str line)
{
    line_reader r = {.json = ts_json_reader_of(line)};
    double seconds = -1, cpu_seconds = -1;
    char name[sizeof((ts_stage_cost *)0)->name] = "";
    ts_str key, text;

    (void)ts_json_enter(&r.json, '{');
    while (next_number(&r, &key, &text)) {
        const bool is_good = ts_str_is(key, "stage")         ? name_of(text, name, sizeof name)
                             : ts_str_is(key, "seconds")     ? number_of(text, &seconds)
                             : ts_str_is(key, "cpu_seconds") ? number_of(text, &cpu_seconds)
                                                             : true;
        if (!is_good)
            r.why = "a value that is no number, or out of reach";
    }
    const char *why = end_of(&r);
    if (why || !name[0] || seconds < 0 || cpu_seconds < 0)
        return why ? why : "no stage with its times";
    ts_stage_cost *c = find_cost(user, name);
    if (!c)
        return "too many stages";
    c->seconds += seconds;
    c->cpu_seconds += cpu_seconds;
    c->n_runs++;
    return NULL;
}

size_t ts_train_costs_read(ts_stage_cost out[TRAIN_MAX_COSTS], ts_str text, ts_log_on_bad *on_bad,
                           void *user)
{
    cost_list list = {.at = out};

    (void)each_line(text, take_cost, &list, on_bad, user);
    return list.n;
}
