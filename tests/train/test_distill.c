/* test_distill.c - a tiny student and its teacher: they come near, the bits are the same on
 * other threads, and what does not fit is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "core/file.h"
#include "small_run.h"
#include "support/scratch.h"
#include "tiny_trunk.h"
#include "train/checkpoint.h"
#include "train/run.h"
#include "train/shard.h"

static scratch folder;
static char shard[512], teacher[600], other_teacher[600];

static ts_config config(uint32_t d_model)
{
    ts_config c = tiny_config();

    c.n_vocab = N_VOCAB;
    c.n_ctx = 512;
    c.d_model = d_model;
    return c;
}

static ts_run_files files_in(const char *path, int n_threads)
{
    static const char *shards[1];

    shards[0] = shard;
    return (ts_run_files){.folder = path,
                          .shards = shards,
                          .n_shards = 1,
                          .n_threads = n_threads,
                          .tokenizer = VOCAB_MODEL,
                          .teacher = teacher};
}

typedef struct watch {
    double first, last;
    uint64_t stop_at;
} watch;

static bool on_step(void *user, const ts_run_stats *s)
{
    watch *w = user;

    w->first = s->step == 1 ? s->loss : w->first;
    w->last = s->loss;
    return s->step != w->stop_at;
}

static void go(ts_run *r, watch *w)
{
    tiefsee_error err = {0};

    if (ts_run_go(r, on_step, w, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    ts_run_close(r);
}

/* Fresh weights with a head so large that the teacher has opinions. */
static void make_teacher(const char *name, uint64_t seed, char *path, size_t size)
{
    const ts_config c = config(32);
    static tiny_trunk net;
    ts_run_files files = files_in(scratch_path(&folder, name), 1);
    tiefsee_error err = {0};
    ts_run_options o;
    ts_run *r;
    ts_buf b;

    ts_run_defaults(&o, &c, 1);
    o.seed = seed;
    o.batch_tokens = o.micro_tokens = 512;
    o.optimizer = ts_optimizer_defaults(0);
    o.has_mtp = true; /* whose layer the teacher does not need */
    if (ts_run_new(&r, &o, &files, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    go(r, &(watch){0});
    (void)snprintf(path, size, "%s/checkpoint.bin", files.folder);
    assert_int_equal(ts_file_read(&b, path, 1 << 24, &err), TIEFSEE_OK);
    tiny_open(&net, c, true, (ts_trunk_sizes){512, 512, 1}, ts_cpu_flags());
    const ts_param *head = ts_network_find(&net.trunk.net, "output.weight");
    float *w = (float *)(void *)(b.ptr + ts_checkpoint_body()) + head->offset;
    for (size_t i = 0; i < ts_param_reals(head); i++)
        w[i] *= 30;
    tiny_close(&net);
    assert_int_equal(ts_checkpoint_save(b.ptr, b.len, path, &err), TIEFSEE_OK);
    ts_buf_free(&b);
}

static ts_run_options options(uint64_t n_steps)
{
    const ts_config c = config(24);
    tiefsee_error err;
    uint64_t fingerprint;
    ts_run_options o;

    assert_int_equal(ts_run_fingerprint_of(&fingerprint, teacher, &err), TIEFSEE_OK);
    ts_run_defaults(&o, &c, n_steps);
    ts_run_distill_defaults(&o, fingerprint);
    o.optimizer = ts_optimizer_defaults(0.02);
    o.schedule = (ts_schedule){TS_SCHEDULE_WSD, n_steps, 1, 0, 1};
    o.batch_tokens = o.micro_tokens = 1024;
    o.grpo.n_prompts = 8;
    o.grpo.group = 4;
    o.grpo.max_answer = 3;
    o.grpo.anchor = 0;
    return o;
}

static void train(const char *path, const ts_run_options *o, int n_threads, watch *w)
{
    const ts_run_files files = files_in(path, n_threads);
    tiefsee_error err = {0};
    ts_run *r;

    if ((o ? ts_run_new(&r, o, &files, &err) : ts_run_resume(&r, &files, &err)) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    go(r, w);
}

static void a_student_comes_near_its_teacher(void **state)
{
    const ts_run_options o = options(120);
    watch w = {0};

    (void)state;
    train(scratch_path(&folder, "student"), &o, 1, &w);
    print_message("divergence %.3f, then %.3f\n", w.first, w.last);
    assert_true(w.first > 1);
    assert_true(w.last < 0.4 * w.first);
}

static void an_interrupted_run_ends_with_the_same_bits_on_other_threads(void **state)
{
    ts_run_options o = options(4);
    char whole[512], parts[512];

    (void)state;
    o.grpo.anchor = 0.1;
    (void)snprintf(whole, sizeof whole, "%s", scratch_path(&folder, "whole"));
    (void)snprintf(parts, sizeof parts, "%s", scratch_path(&folder, "parts"));
    train(whole, &o, 1, &(watch){0});
    train(parts, &o, 3, &(watch){.stop_at = 2});
    train(parts, NULL, 2, &(watch){0});
    assert_same_checkpoint(whole, parts);
}

static void assert_refused(const ts_run_options *o, const char *who, const char *why)
{
    ts_run_files files = files_in(scratch_path(&folder, "refused"), 1);
    tiefsee_error err = {0};
    ts_run *r;

    files.teacher = who;
    assert_int_not_equal(ts_run_new(&r, o, &files, &err), TIEFSEE_OK);
    if (!strstr(err.message, why))
        fail_msg("'%s', not '%s'", err.message, why);
}

static void teachers_that_do_not_fit_are_refused(void **state)
{
    ts_run_options o = options(1);

    (void)state;
    assert_refused(&o, NULL, "needs the teacher's checkpoint");
    assert_refused(&o, other_teacher, "another teacher than the run began with");
    assert_refused(&o, VOCAB_MODEL, "not a checkpoint");
    o.config.n_ctx = 600;
    o.batch_tokens = o.micro_tokens = 1200;
    assert_refused(&o, teacher, "the teacher has a context of 512, the student 600");
}

static int open_folder(void **state)
{
    (void)state;
    scratch_make(&folder);
    (void)snprintf(shard, sizeof shard, "%s", scratch_path(&folder, "a.shard"));
    write_small_shard(shard, 0);
    make_teacher("teacher", 5, teacher, sizeof teacher);
    make_teacher("other", 6, other_teacher, sizeof other_teacher);
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
        cmocka_unit_test(a_student_comes_near_its_teacher),
        cmocka_unit_test(an_interrupted_run_ends_with_the_same_bits_on_other_threads),
        cmocka_unit_test(teachers_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
