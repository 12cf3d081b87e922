/* metrics.h - counters, gauges and histograms in Prometheus' text format.
 *
 * Any thread.  A metric is found or made by its name and labels; keep the pointer
 * where speed matters.  Text of users never becomes a label.
 */
#ifndef TS_SERVER_METRICS_H
#define TS_SERVER_METRICS_H

#include "core/str.h"

typedef struct ts_metrics ts_metrics;
typedef struct ts_metric ts_metric;

enum { TS_METRICS_MAX = 4096 }; /* series; beyond it new ones are dropped (NULL) */

ts_metrics *ts_metrics_new(void) TS_MUST_CHECK; /* NULL: out of memory */
void ts_metrics_free(ts_metrics *m);

/* labels as they are printed: "model=\"mini\",code=\"200\"", or "".  NULL when full,
 * and every call below takes NULL and does nothing. */
ts_metric *ts_metrics_counter(ts_metrics *m, const char *name, const char *help,
                              const char *labels);
ts_metric *ts_metrics_gauge(ts_metrics *m, const char *name, const char *help, const char *labels);
/* Upper bounds ascending, n <= 16; +Inf is implied. */
ts_metric *ts_metrics_histogram(ts_metrics *m, const char *name, const char *help,
                                const char *labels, const double *bounds, size_t n);

void ts_metric_add(ts_metric *metric, double x);     /* counter, gauge */
void ts_metric_set(ts_metric *metric, double x);     /* gauge, or a counter counted elsewhere */
void ts_metric_observe(ts_metric *metric, double x); /* histogram */

bool ts_metrics_print(ts_metrics *m, ts_buf *out) TS_MUST_CHECK;

#endif
