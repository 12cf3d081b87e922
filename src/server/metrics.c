/* metrics.c - see metrics.h.  One lock: a metric changes a few times per request. */
#include "server/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/thread.h"

enum { MAX_BOUNDS = 16 };

typedef enum kind { COUNTER, GAUGE, HISTOGRAM } kind;

struct ts_metric {
    ts_metrics *owner;
    ts_metric *next; /* of all */
    kind kind;
    const char *help; /* a literal */
    char *name, *labels;
    double value; /* of a histogram: the sum */
    double bounds[MAX_BOUNDS];
    uint64_t counts[MAX_BOUNDS + 1];
    size_t n_bounds;
};

struct ts_metrics {
    ts_lock *lock;
    ts_metric *first, **end;
    size_t n;
};

ts_metrics *ts_metrics_new(void)
{
    ts_metrics *m = ts_alloc_zero(1, sizeof *m);

    if (!m)
        return NULL;
    m->end = &m->first;
    m->lock = ts_lock_new();
    if (!m->lock) {
        ts_free(m);
        return NULL;
    }
    return m;
}

static void free_metric(ts_metric *metric)
{
    ts_free(metric->name);
    ts_free(metric->labels);
    ts_free(metric);
}

void ts_metrics_free(ts_metrics *m)
{
    if (!m)
        return;
    for (ts_metric *metric = m->first; metric;) {
        ts_metric *next = metric->next;

        free_metric(metric);
        metric = next;
    }
    ts_lock_free(m->lock);
    ts_free(m);
}

static ts_metric *new_metric(const char *name, const char *labels)
{
    ts_metric *metric = ts_alloc_zero(1, sizeof *metric);

    if (!metric)
        return NULL;
    metric->name = ts_strdup_n(name, strlen(name));
    metric->labels = ts_strdup_n(labels, strlen(labels));
    if (metric->name && metric->labels)
        return metric;
    free_metric(metric);
    return NULL;
}

static ts_metric *find_or_add(ts_metrics *m, const char *name, const char *labels)
{
    for (ts_metric *metric = m->first; metric; metric = metric->next)
        if (strcmp(metric->name, name) == 0 && strcmp(metric->labels, labels) == 0)
            return metric;
    ts_metric *metric = m->n < TS_METRICS_MAX ? new_metric(name, labels) : NULL;
    if (metric) {
        metric->owner = m;
        *m->end = metric;
        m->end = &metric->next;
        m->n++;
    }
    return metric;
}

static ts_metric *obtain(ts_metrics *m, kind what, const char *name, const char *help,
                         const char *labels, const double *bounds, size_t n)
{
    if (!m)
        return NULL;
    ts_lock_take(m->lock);
    ts_metric *metric = find_or_add(m, name, labels);
    if (metric && !metric->help) {
        metric->kind = what;
        metric->help = help;
        metric->n_bounds = n < MAX_BOUNDS ? n : MAX_BOUNDS;
        if (metric->n_bounds > 0)
            memcpy(metric->bounds, bounds, metric->n_bounds * sizeof *bounds);
    }
    ts_lock_give(m->lock);
    return metric;
}

ts_metric *ts_metrics_counter(ts_metrics *m, const char *name, const char *help, const char *labels)
{
    return obtain(m, COUNTER, name, help, labels, NULL, 0);
}

ts_metric *ts_metrics_gauge(ts_metrics *m, const char *name, const char *help, const char *labels)
{
    return obtain(m, GAUGE, name, help, labels, NULL, 0);
}

ts_metric *ts_metrics_histogram(ts_metrics *m, const char *name, const char *help,
                                const char *labels, const double *bounds, size_t n)
{
    return obtain(m, HISTOGRAM, name, help, labels, bounds, n);
}

void ts_metric_add(ts_metric *metric, double x)
{
    if (!metric)
        return;
    ts_lock_take(metric->owner->lock);
    metric->value += x;
    ts_lock_give(metric->owner->lock);
}

void ts_metric_set(ts_metric *metric, double x)
{
    if (!metric)
        return;
    ts_lock_take(metric->owner->lock);
    metric->value = x;
    ts_lock_give(metric->owner->lock);
}

void ts_metric_observe(ts_metric *metric, double x)
{
    size_t i = 0;

    if (!metric || isnan(x))
        return;
    ts_lock_take(metric->owner->lock);
    while (i < metric->n_bounds && x > metric->bounds[i])
        i++;
    metric->counts[i]++;
    metric->value += x;
    ts_lock_give(metric->owner->lock);
}

static bool print_line(ts_buf *out, const char *name, const char *suffix, const char *labels,
                       const char *more, double x)
{
    char number[64];
    const bool has_both = *labels && *more, has_any = *labels || *more;

    (void)snprintf(number, sizeof number, " %.17g\n", x);
    return ts_buf_append_str(out, name) && ts_buf_append_str(out, suffix) &&
           ts_buf_append_str(out, has_any ? "{" : "") && ts_buf_append_str(out, labels) &&
           ts_buf_append_str(out, has_both ? "," : "") && ts_buf_append_str(out, more) &&
           ts_buf_append_str(out, has_any ? "}" : "") && ts_buf_append_str(out, number);
}

static bool print_histogram(ts_buf *out, const ts_metric *m)
{
    uint64_t n = 0;
    bool is_good = true;

    for (size_t i = 0; i <= m->n_bounds && is_good; i++) {
        char bound[64] = "le=\"+Inf\"";

        n += m->counts[i];
        if (i < m->n_bounds)
            (void)snprintf(bound, sizeof bound, "le=\"%g\"", m->bounds[i]);
        is_good = print_line(out, m->name, "_bucket", m->labels, bound, (double)n);
    }
    return is_good && print_line(out, m->name, "_sum", m->labels, "", m->value) &&
           print_line(out, m->name, "_count", m->labels, "", (double)n);
}

static bool is_first_of_name(const ts_metrics *m, const ts_metric *metric)
{
    const ts_metric *other = m->first;

    while (strcmp(other->name, metric->name) != 0)
        other = other->next;
    return other == metric;
}

/* All series of a name stand together, behind its HELP and TYPE. */
static bool print_family(ts_buf *out, const ts_metric *first)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    bool is_good = ts_buf_append_str(out, "# HELP ") && ts_buf_append_str(out, first->name) &&
                   ts_buf_append_str(out, " ") && ts_buf_append_str(out, first->help) &&
                   ts_buf_append_str(out, "\n# TYPE ") && ts_buf_append_str(out, first->name) &&
                   ts_buf_append_str(out, " ") && ts_buf_append_str(out, types[first->kind]) &&
                   ts_buf_append_str(out, "\n");

    for (const ts_metric *m = first; m && is_good; m = m->next)
        if (strcmp(m->name, first->name) == 0)
            is_good = m->kind == HISTOGRAM ? print_histogram(out, m)
                                           : print_line(out, m->name, "", m->labels, "", m->value);
    return is_good;
}

bool ts_metrics_print(ts_metrics *m, ts_buf *out)
{
    bool is_good = true;

    ts_lock_take(m->lock);
    for (const ts_metric *metric = m->first; metric && is_good; metric = metric->next)
        if (is_first_of_name(m, metric))
            is_good = print_family(out, metric);
    ts_lock_give(m->lock);
    return is_good;
}
