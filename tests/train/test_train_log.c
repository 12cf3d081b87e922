/* test_train_log.c - curves, logs and what a report makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/alloc.h"
#include "core/file.h"
#include "support/scratch.h"
#include "train/report.h"
#include "train/train_log.h"

static scratch folder;

static void a_long_curve_keeps_its_sum_and_its_extremes(void **state)
{
    ts_curve *c = ts_alloc_zero(1, sizeof *c);
    const uint64_t n = 100000;

    (void)state;
    for (uint64_t step = 1; step <= n; step++)
        ts_curve_add(c, step, step == 77777 ? -5 : (double)step);
    const ts_curve_bin all = ts_curve_between(c, 0, n + 1);
    assert_int_equal(all.n, n);
    assert_true(all.min == -5 && all.max == (double)n);
    assert_true(all.sum == (double)n * (double)(n + 1) / 2 - 77777 - 5);
    assert_true(c->n <= CURVE_BINS && c->width == 256);
    const ts_curve_bin first = ts_curve_between(c, 0, 256);
    assert_int_equal(first.n, 255);
    assert_true(first.max == 255);
    assert_int_equal(ts_curve_between(c, n + 1000, n + 2000).n, 0);
    ts_free(c);
}

typedef struct complaints {
    size_t n;
    uint64_t line[16];
    char why[16][80];
} complaints;

static void on_bad(void *user, uint64_t line, const char *why)
{
    complaints *c = user;

    if (c->n < 16) {
        c->line[c->n] = line;
        (void)snprintf(c->why[c->n], sizeof c->why[0], "%s", why);
    }
    c->n++;
}

static ts_train_log *read_log(const char *text, complaints *c)
{
    ts_train_log *l = ts_alloc_zero(1, sizeof *l);

    ts_train_log_read(l, (ts_str){text, strlen(text)}, on_bad, c);
    return l;
}

static void a_log_has_sums_and_what_follows_from_a_line(void **state)
{
    complaints c = {0};
    ts_train_log *l =
        read_log("{\"step\":1,\"loss\":4,\"tokens\":100,\"seconds\":   2.0,\"new\":{\"a\":[1]},"
                 "\"cpu_seconds\":3.5,\"gflops\":50,\"peak_gflops\":200}\n"
                 "{\"step\":2,\"loss\":2,\"tokens\":100,\"seconds\":4,\"rollout_seconds\":3}\n"
                 "{\"step\":3,\"loss\":1,\"tok",
                 &c);

    (void)state;
    assert_int_equal(c.n, 0);
    assert_int_equal(l->n_steps, 2);
    assert_int_equal(l->n_with_cpu, 1);
    assert_true(l->total[LOG_CPU_SECONDS] == 3.5 && l->uncounted_seconds == 4);
    assert_true(ts_curve_between(&l->curve[LOG_LOSS], 1, 3).sum == 6);
    assert_true(ts_curve_between(&l->curve[LOG_SPEED], 1, 2).sum == 50);
    assert_true(ts_curve_between(&l->curve[LOG_SPEED], 2, 3).sum == 100);
    assert_true(ts_curve_between(&l->curve[LOG_SHARE_OF_PEAK], 1, 2).sum == 25);
    ts_free(l);
}

static void bad_lines_are_named_and_left_out(void **state)
{
    complaints c = {0};
    char text[TRAIN_LOG_MAX_LINE + 2000];
    size_t n = (size_t)snprintf(text, sizeof text,
                                "{\"step\":1,\"loss\":1}\n"
                                "not a line\n"
                                "{\"step\":2,\"loss\":nan}\n"
                                "{\"step\":2,\"loss\":\"1\"}\n"
                                "{\"loss\":1}\n"
                                "{\"step\":1,\"loss\":1}\n"
                                "{\"step\":99999999999,\"loss\":1}\n"
                                "{\"step\":0}\n\n"
                                "{\"step\":3,\"loss\":1} x\n");

    (void)state;
    memset(text + n, ' ', TRAIN_LOG_MAX_LINE + 1);
    n += TRAIN_LOG_MAX_LINE + 1;
    (void)snprintf(text + n, sizeof text - n, "\n{\"step\":4,\"loss\":7}\n");
    ts_train_log *l = read_log(text, &c);
    assert_int_equal(c.n, 10);
    assert_int_equal(l->n_bad, 10);
    for (size_t i = 0; i < c.n; i++)
        assert_int_equal(c.line[i], i + 2);
    assert_string_equal(c.why[4], "its step is not behind that of the line before");
    assert_string_equal(c.why[9], "the line is too long");
    assert_int_equal(l->n_steps, 2);
    assert_true(l->total[LOG_LOSS] == 8);
    ts_free(l);
}

static void runs_of_a_stage_cost_together(void **state)
{
    static const char text[] = "{\"stage\":\"data\",\"seconds\":1,\"cpu_seconds\":2}\n"
                               "{\"stage\":\"export\",\"seconds\":1,\"cpu_seconds\":1}\n"
                               "{\"stage\":\"data\",\"seconds\":3,\"cpu_seconds\":5}\n"
                               "{\"stage\":\"\",\"seconds\":3,\"cpu_seconds\":5}\n"
                               "{\"stage\":\"data\",\"seconds\":-1,\"cpu_seconds\":5}\n";
    ts_stage_cost cost[TRAIN_MAX_COSTS];
    complaints c = {0};

    (void)state;
    assert_int_equal(ts_train_costs_read(cost, TS_STR(text), on_bad, &c), 2);
    assert_string_equal(cost[0].name, "data");
    assert_true(cost[0].cpu_seconds == 7 && cost[0].seconds == 4 && cost[0].n_runs == 2);
    assert_int_equal(c.n, 2);
}

/* ------------------------------------------------------------------ report */

static char notes[2000];

static void on_note(void *user, const char *line)
{
    const size_t n = strlen(notes);

    (void)user;
    (void)snprintf(notes + n, sizeof notes - n, "%s\n", line);
}

static void write_text(const char *name, const char *text)
{
    tiefsee_error err;

    assert_int_equal(ts_file_write(scratch_path(&folder, name), text, strlen(text), &err),
                     TIEFSEE_OK);
}

static tiefsee_status report(ts_buf *page, tiefsee_error *err)
{
    const ts_report_options opt = {.on_note = on_note};
    char path[600];

    (void)snprintf(path, sizeof path, "%s", scratch_path(&folder, "report.html"));
    notes[0] = '\0';
    const tiefsee_status st = ts_report_write(folder.folder, path, &opt, err);
    if (st == TIEFSEE_OK)
        assert_int_equal(ts_file_read(page, path, 1 << 24, err), TIEFSEE_OK);
    return st;
}

static void a_report_has_stages_scores_and_costs(void **state)
{
    tiefsee_error err = {0};
    ts_buf page = ts_buf_make(0);

    (void)state;
    assert_int_equal(report(&page, &err), TIEFSEE_E_INVALID);
    (void)mkdir(scratch_path(&folder, "base"), 0777);
    write_text("base/log.jsonl", "{\"step\":1,\"loss\":3.25,\"seconds\":3600,\"tokens\":7200000}\n"
                                 "oops\n");
    write_text("eval.json", "{\"task\": {\"<b>&x\": {\"n\": 4, \"accuracy\": 0.25, \"formed\": 1}},"
                            "\"thinking\": true}");
    write_text("eval-direct.json", "");
    write_text("eval-bad.json", "{");
    write_text("cost.jsonl", "{\"stage\":\"export\",\"seconds\":9,\"cpu_seconds\":3600}\n");
    assert_int_equal(report(&page, &err), TIEFSEE_OK);
    assert_non_null(strstr(page.ptr, "<h2>base</h2>"));
    assert_non_null(strstr(page.ptr, "loss 3.2500"));
    assert_non_null(strstr(page.ptr, "&lt;b&gt;&amp;x"));
    assert_null(strstr(page.ptr, "<b>"));
    assert_non_null(strstr(page.ptr, "25.0 %"));
    assert_non_null(strstr(page.ptr, "about 2.000</td><td>20.0")); /* two threads, 10 W */
    assert_non_null(strstr(page.ptr, "<td>1.000</td><td>10.0"));
    assert_null(strstr(page.ptr, "<script"));
    assert_null(strstr(page.ptr, "http"));
    assert_non_null(strstr(notes, "base/log.jsonl:2: "));
    assert_non_null(strstr(notes, "eval-bad.json"));
    ts_buf_free(&page);
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_curve_keeps_its_sum_and_its_extremes),
        cmocka_unit_test(a_log_has_sums_and_what_follows_from_a_line),
        cmocka_unit_test(bad_lines_are_named_and_left_out),
        cmocka_unit_test(runs_of_a_stage_cost_together),
        cmocka_unit_test(a_report_has_stages_scores_and_costs),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
