/* test_metrics.c - the text that Prometheus reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/metrics.h"

static void prints_families_together(void **state)
{
    static const double bounds[] = {0.1, 1};
    ts_metrics *m = ts_metrics_new();
    ts_buf out = ts_buf_make(1 << 16);

    (void)state;
    assert_non_null(m);
    ts_metric *ok = ts_metrics_counter(m, "n_total", "Requests.", "code=\"200\"");
    ts_metric *open = ts_metrics_gauge(m, "open", "Connections.", "");
    ts_metric *bad = ts_metrics_counter(m, "n_total", "Requests.", "code=\"400\"");
    ts_metric *time = ts_metrics_histogram(m, "s", "Seconds.", "r=\"x\"", bounds, 2);
    assert_ptr_equal(ok, ts_metrics_counter(m, "n_total", "Requests.", "code=\"200\""));
    ts_metric_add(ok, 2);
    ts_metric_add(bad, 1);
    ts_metric_set(open, 7);
    ts_metric_observe(time, 0.1);
    ts_metric_observe(time, 0.5);
    ts_metric_observe(time, 4);
    assert_true(ts_metrics_print(m, &out));
    assert_string_equal(out.ptr, "# HELP n_total Requests.\n"
                                 "# TYPE n_total counter\n"
                                 "n_total{code=\"200\"} 2\n"
                                 "n_total{code=\"400\"} 1\n"
                                 "# HELP open Connections.\n"
                                 "# TYPE open gauge\n"
                                 "open 7\n"
                                 "# HELP s Seconds.\n"
                                 "# TYPE s histogram\n"
                                 "s_bucket{r=\"x\",le=\"0.1\"} 1\n"
                                 "s_bucket{r=\"x\",le=\"1\"} 2\n"
                                 "s_bucket{r=\"x\",le=\"+Inf\"} 3\n"
                                 "s_sum{r=\"x\"} 4.5999999999999996\n"
                                 "s_count{r=\"x\"} 3\n");
    ts_buf_free(&out);
    ts_metrics_free(m);
}

static void takes_no_metric_for_an_answer(void **state)
{
    (void)state;
    assert_null(ts_metrics_counter(NULL, "x", "", ""));
    ts_metric_add(NULL, 1);
    ts_metric_set(NULL, 1);
    ts_metric_observe(NULL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_families_together),
        cmocka_unit_test(takes_no_metric_for_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
