/* test_checkpoint.c - averages of weights, and headers that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <sys/stat.h>

#include "core/file.h"
#include "counting_shard.h"
#include "support/scratch.h"
#include "tiny_trunk.h"
#include "train/checkpoint.h"
#include "train/run.h"

/* Of a program whose header was shorter (test_run.c resumes it). */
static const char OLD[] = "tests/train/fixtures/checkpoint-1.bin";
enum { N_STEPS = 6, OLD_HEADER = 552 };

static scratch folder;
static char shard[512];

static ts_run_options options(void)
{
    ts_config c = tiny_config();
    ts_run_options o;

    c.d_model = 8;
    c.d_ff = 12;
    c.d_expert = 5;
    c.q_lora_rank = 6;
    ts_run_defaults(&o, &c, N_STEPS);
    o.has_mtp = true;
    o.batch_tokens = 384;
    o.micro_tokens = 192;
    o.save_every = 2;
    return o;
}

static ts_run_files files_in(const char *path)
{
    static const char *shards[1];

    shards[0] = shard;
    return (ts_run_files){.folder = path, .shards = shards, .n_shards = 1, .n_threads = 1};
}

static bool stop_at(void *user, const ts_run_stats *s)
{
    return s->step != *(const uint64_t *)user;
}

static void go(ts_run *r, uint64_t stop)
{
    tiefsee_error err = {0};

    if (ts_run_go(r, stop_at, &stop, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    ts_run_close(r);
}

static void train(const char *path, const ts_run_options *o, const char *from, uint64_t stop)
{
    ts_run_files files = files_in(path);
    tiefsee_error err = {0};
    ts_run *r;

    files.weights = from;
    if (ts_run_new(&r, o, &files, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    go(r, stop);
}

static void resume(const char *path, uint64_t stop)
{
    const ts_run_files files = files_in(path);
    tiefsee_error err = {0};
    ts_run *r;

    if (ts_run_resume(&r, &files, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    go(r, stop);
}

static void open_in(ts_checkpoint_file *f, const char *path)
{
    tiefsee_error err = {0};
    char name[600];

    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", path);
    if (ts_checkpoint_open(f, name, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
}

static ts_buf read_old(void)
{
    tiefsee_error err;
    ts_buf b;

    assert_int_equal(ts_file_read(&b, OLD, 1 << 20, &err), TIEFSEE_OK);
    return b;
}

static void put(const char *path, const ts_buf *b)
{
    tiefsee_error err;
    char name[600];

    assert_true(mkdir(path, 0777) == 0 || ts_file_is_folder(path));
    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", path);
    assert_int_equal(ts_file_write(name, b->ptr, b->len, &err), TIEFSEE_OK);
}

static void assert_refused(const ts_buf *b, const char *why)
{
    char name[600];
    tiefsee_error err = {0};
    ts_checkpoint_file f;

    put(scratch_path(&folder, "refused"), b);
    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", scratch_path(&folder, "refused"));
    assert_int_not_equal(ts_checkpoint_open(&f, name, &err), TIEFSEE_OK);
    if (!strstr(err.message, why))
        fail_msg("'%s', not '%s'", err.message, why);
}

static void headers_that_lie_are_refused(void **state)
{
    static const uint32_t versions[] = {0, 2, UINT32_MAX};
    /* Between the first header and the second there was none. */
    static const uint32_t lengths[] = {
        0, 40, OLD_HEADER - 8, OLD_HEADER + 1, 616, 623, sizeof(ts_checkpoint) + 8, UINT32_MAX};
    ts_buf b = read_old();
    uint32_t *const version = (uint32_t *)(void *)(b.ptr + 8);

    (void)state;
    for (size_t i = 0; i < TS_COUNT(versions); i++) {
        version[0] = versions[i];
        assert_refused(&b, "another version");
    }
    version[0] = 1;
    for (size_t i = 0; i < TS_COUNT(lengths); i++) {
        version[1] = lengths[i];
        assert_refused(&b, "another version");
    }
    version[1] = OLD_HEADER;
    b.ptr[b.len - 1] ^= 1;
    assert_refused(&b, "damaged");
    b.ptr[b.len - 1] ^= 1;
    for (size_t n = 0; n < 700; n += 50) {
        ts_buf cut = b;

        cut.len = n;
        assert_refused(&cut, n < OLD_HEADER ? "" : "damaged");
    }
    ts_buf_free(&b);
}

static void copy_of(float *to, const char *path, bool averaged)
{
    ts_checkpoint_file f;
    ts_run_plan plan;
    tiefsee_error err;
    const float *w;

    open_in(&f, path);
    assert_int_equal(ts_run_make_plan(&plan, &f.head.options, 1, &err), TIEFSEE_OK);
    assert_int_equal(ts_checkpoint_choose(&w, &f, averaged, &err), TIEFSEE_OK);
    memcpy(to, w, plan.n_parameters * sizeof *to);
    ts_checkpoint_close(&f);
}

/* By hand, from the weights of a run that stops behind every step; and not a bit of the
 * weights is another than without. */
static void averages_follow_the_weights_and_survive_a_stop(void **state)
{
    static float weights[8192], average[8192], want[8192], plain[8192];
    ts_run_options o = options(), without = o;
    char steps[512], whole[512];
    ts_run_plan plan;
    tiefsee_error err;

    (void)state;
    (void)snprintf(steps, sizeof steps, "%s", scratch_path(&folder, "steps"));
    (void)snprintf(whole, sizeof whole, "%s", scratch_path(&folder, "averaged"));
    o.average = 0.3;
    assert_int_equal(ts_run_make_plan(&plan, &o, 1, &err), TIEFSEE_OK);
    assert_true(plan.n_parameters <= TS_COUNT(weights));
    train(whole, &o, NULL, 0);
    train(steps, &o, NULL, 1);
    copy_of(want, steps, true); /* checked below: from the second step on */
    for (uint64_t step = 2; step <= N_STEPS; step++) {
        const double young = (1 + (double)step) / (10 + (double)step);
        const float fresh = (float)(1 - fmin(young, o.average));

        resume(steps, step);
        copy_of(weights, steps, false);
        copy_of(average, steps, true);
        for (size_t i = 0; i < plan.n_parameters; i++)
            want[i] += fresh * (weights[i] - want[i]);
        assert_memory_equal(average, want, plan.n_parameters * sizeof *want);
    }
    copy_of(average, whole, true);
    assert_memory_equal(average, want, plan.n_parameters * sizeof *want);

    train(scratch_path(&folder, "without"), &without, NULL, 0);
    copy_of(plain, scratch_path(&folder, "without"), false);
    assert_memory_equal(plain, weights, plan.n_parameters * sizeof *plain);
}

static void a_run_can_start_with_averages(void **state)
{
    static float average[8192], begun[8192];
    ts_run_options o = options();
    ts_run_files files;
    ts_run_plan plan;
    tiefsee_error err = {0};
    char from[600];
    ts_run *r;

    (void)state;
    (void)snprintf(from, sizeof from, "%s/checkpoint.bin", scratch_path(&folder, "averaged"));
    assert_int_equal(ts_run_make_plan(&plan, &o, 1, &err), TIEFSEE_OK);
    copy_of(average, scratch_path(&folder, "averaged"), true);
    o.schedule.n_steps = 1;
    o.optimizer = ts_optimizer_defaults(0); /* nothing moves */
    files = files_in(scratch_path(&folder, "from"));
    files.weights = from;
    files.averaged = true;
    if (ts_run_new(&r, &o, &files, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    go(r, 0);
    copy_of(begun, scratch_path(&folder, "from"), false);
    assert_memory_equal(begun, average, plan.n_parameters * sizeof *begun);

    (void)snprintf(from, sizeof from, "%s/checkpoint.bin", scratch_path(&folder, "without"));
    files.folder = scratch_path(&folder, "none");
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_E_INVALID);
    assert_non_null(strstr(err.message, "no average"));
}

static int open_folder(void **state)
{
    (void)state;
    scratch_make(&folder);
    (void)snprintf(shard, sizeof shard, "%s", scratch_path(&folder, "a.shard"));
    write_counting_shard(shard, 1, 60);
    return 0;
}

static int close_folder(void **state)
{
    (void)state;
    scratch_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(averages_follow_the_weights_and_survive_a_stop),
        cmocka_unit_test(a_run_can_start_with_averages),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
