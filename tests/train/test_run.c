/* test_run.c - the loop: resuming, killing, detectors, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "counting_shard.h"
#include "small_run.h"
#include "support/scratch.h"
#include "tiny_trunk.h"
#include "train/checkpoint.h"
#include "train/feed.h"
#include "train/run.h"

enum { N_STEPS = 6, N_DOCS = 60 };

static scratch folder;
static char shard[512];

static ts_run_options options(void)
{
    const ts_config c = tiny_config();
    ts_run_options o;

    ts_run_defaults(&o, &c, N_STEPS);
    o.has_mtp = true;
    o.batch_tokens = 384;
    o.micro_tokens = 192;
    o.save_every = 2;
    return o;
}

static ts_run_files files_in(const char *path, int n_threads)
{
    static const char *shards[1];

    shards[0] = shard;
    return (ts_run_files){.folder = path, .shards = shards, .n_shards = 1, .n_threads = n_threads};
}

/* What on_step does at which step. */
typedef struct plan {
    uint64_t stop_at, kill_at;
    double loss, rate;
    uint64_t n_failed;
} plan;

static bool on_step(void *user, const ts_run_stats *s)
{
    plan *p = user;

    p->loss = s->loss;
    p->rate = s->rate;
    p->n_failed += s->save_error != NULL;
    if (s->step == p->kill_at)
        (void)kill(getpid(), SIGKILL);
    return s->step != p->stop_at;
}

static void train(const char *path, int n_threads, bool resumes, plan *p)
{
    const ts_run_options o = options();
    const ts_run_files files = files_in(path, n_threads);
    tiefsee_error err = {0};
    ts_run *r;

    const tiefsee_status st =
        resumes ? ts_run_resume(&r, &files, &err) : ts_run_new(&r, &o, &files, &err);
    if (st != TIEFSEE_OK)
        fail_msg("%s", err.message);
    if (ts_run_go(r, on_step, p, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    ts_run_close(r);
}

static size_t count_lines(const char *path)
{
    ts_buf log = read_in(path, "log.jsonl");
    size_t n = 0;

    for (size_t i = 0; i < log.len; i++)
        n += log.ptr[i] == '\n';
    ts_buf_free(&log);
    return n;
}

static char whole[512];

static void an_interrupted_run_ends_with_the_same_bits_on_other_threads(void **state)
{
    char path[512];

    (void)state;
    (void)snprintf(whole, sizeof whole, "%s", scratch_path(&folder, "whole"));
    (void)snprintf(path, sizeof path, "%s", scratch_path(&folder, "interrupted"));
    train(whole, 1, false, &(plan){0});
    assert_int_equal(count_lines(whole), N_STEPS);
    train(path, 3, false, &(plan){.stop_at = 3});
    train(path, 2, true, &(plan){0});
    assert_same_checkpoint(whole, path);
    assert_int_equal(count_lines(path), N_STEPS);
}

static void a_killed_run_loses_the_steps_since_its_checkpoint_and_nothing_else(void **state)
{
    char path[512];
    int status;

    (void)state;
    (void)snprintf(path, sizeof path, "%s", scratch_path(&folder, "killed"));
    const pid_t child = fork();
    if (child == 0) {
        train(path, 2, false, &(plan){.kill_at = 5});
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(count_lines(path), 5);

    const ts_run_files files = files_in(path, 1);
    tiefsee_error err;
    ts_run *r;
    assert_int_equal(ts_run_resume(&r, &files, &err), TIEFSEE_OK);
    assert_int_equal(ts_run_step(r), 4);
    ts_run_close(r);
    train(path, 1, true, &(plan){0});
    assert_same_checkpoint(whole, path);
    assert_int_equal(count_lines(path), N_STEPS);
}

static void assert_resume_fails(const char *path, const char *why)
{
    const ts_run_files files = files_in(path, 1);
    tiefsee_error err = {0};
    ts_run *r;

    assert_int_not_equal(ts_run_resume(&r, &files, &err), TIEFSEE_OK);
    if (!strstr(err.message, why))
        fail_msg("%s", err.message);
}

static void damage_other_data_and_a_second_start_are_refused(void **state)
{
    const ts_run_options o = options();
    tiefsee_error err = {0};
    char path[512], name[600], kept[512];
    ts_run *r;

    (void)state;
    const ts_run_files again = files_in(whole, 1);
    assert_int_equal(ts_run_new(&r, &o, &again, &err), TIEFSEE_E_INVALID);
    assert_non_null(strstr(err.message, "is there already"));

    (void)snprintf(kept, sizeof kept, "%s", shard);
    (void)snprintf(shard, sizeof shard, "%s", scratch_path(&folder, "other.shard"));
    write_counting_shard(shard, 2, N_DOCS);
    assert_resume_fails(whole, "other data");
    (void)snprintf(shard, sizeof shard, "%s", kept);

    (void)snprintf(path, sizeof path, "%s", scratch_path(&folder, "damaged"));
    assert_int_equal(mkdir(path, 0777), 0);
    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", path);
    ts_buf b = read_in(whole, "checkpoint.bin");
    for (size_t i = 0; i < b.len; i += b.len / 50) {
        b.ptr[i] ^= 4;
        assert_int_equal(ts_file_write(name, b.ptr, b.len, &err), TIEFSEE_OK);
        b.ptr[i] ^= 4;
        assert_resume_fails(path, "checkpoint");
    }
    assert_int_equal(ts_file_write(name, b.ptr, b.len / 2, &err), TIEFSEE_OK);
    assert_resume_fails(path, "damaged");
    ts_buf_free(&b);
}

/* With a right hash, as somebody who wants to harm would write it. */
static void options_that_no_run_has_are_refused(void **state)
{
    char path[512], name[600];
    tiefsee_error err = {0};

    (void)state;
    (void)snprintf(path, sizeof path, "%s", scratch_path(&folder, "hostile"));
    assert_int_equal(mkdir(path, 0777), 0);
    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", path);
    ts_buf b = read_in(whole, "checkpoint.bin");
    ts_checkpoint *h = (ts_checkpoint *)b.ptr;
    uint32_t *const numbers[] = {&h->options.config.n_layers, &h->options.config.n_groups,
                                 &h->options.config.d_model,  &h->options.config.n_active,
                                 &h->options.config.d_rope,   &h->options.batch_tokens};
    for (size_t i = 0; i < TS_COUNT(numbers); i++)
        for (int k = 0; k < 2; k++) {
            const uint32_t kept = *numbers[i];

            *numbers[i] = k ? UINT32_MAX : 0;
            assert_int_equal(ts_checkpoint_save(b.ptr, b.len, name, &err), TIEFSEE_OK);
            assert_resume_fails(path, "");
            *numbers[i] = kept;
        }
    memset(&h->options.has_mtp, 2, 1);
    assert_int_equal(ts_checkpoint_save(b.ptr, b.len, name, &err), TIEFSEE_OK);
    assert_resume_fails(path, "no run has the options");
    memset(&h->options.has_mtp, 0, 1);
    h->options.save_every = 0;
    assert_int_equal(ts_checkpoint_save(b.ptr, b.len, name, &err), TIEFSEE_OK);
    assert_resume_fails(path, "no run has the options");
    h->options.save_every = 2;
    h->options.grpo = (ts_grpo_options){
        .n_prompts = 1, .group = 2, .max_answer = 1, .families = 1u << 31, .temperature = 1};
    assert_int_equal(ts_checkpoint_save(b.ptr, b.len, name, &err), TIEFSEE_OK);
    assert_resume_fails(path, "no run has the options");
    ts_buf_free(&b);
}

/* The header of 552 bytes, as it was written before there were more fields: two of four
 * steps of a network of 1,500 weights. */
static void a_checkpoint_of_the_first_header_goes_on(void **state)
{
    static const char OLD[] = "tests/train/fixtures/checkpoint-1.bin";
    char path[512], name[600], data[600];
    const char *const shards[1] = {data};
    ts_checkpoint_file f;
    ts_shard_writer w = ts_shard_writer_make(29, 0, 1 << 20);
    uint32_t token[16];
    uint8_t learned[16];
    tiefsee_error err = {0};
    ts_buf b;
    ts_run *r;

    (void)state;
    for (uint32_t d = 0; d < 8; d++) {
        for (uint32_t i = 0; i < 16; i++) {
            token[i] = (d * 3 + i) % 29;
            learned[i] = i >= 8;
        }
        assert_int_equal(ts_shard_add(&w, token, learned, 16, &err), TIEFSEE_OK);
    }
    (void)snprintf(path, sizeof path, "%s", scratch_path(&folder, "old"));
    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", path);
    (void)snprintf(data, sizeof data, "%s/a.shard", path);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(ts_shard_write(&w, data, &err), TIEFSEE_OK);
    ts_shard_writer_free(&w);
    assert_int_equal(ts_file_read(&b, OLD, 1 << 20, &err), TIEFSEE_OK);
    assert_int_equal(ts_file_write(name, b.ptr, b.len, &err), TIEFSEE_OK);
    assert_int_equal(ts_checkpoint_open(&f, name, &err), TIEFSEE_OK);
    assert_int_equal(f.head.header_bytes, 552);
    assert_int_equal(f.head.step, 2);
    assert_int_equal(f.head.options.schedule.n_steps, 4);
    ts_checkpoint old;
    memcpy(&old, &f.head, sizeof old);
    const ts_checkpoint empty = {0};
    assert_memory_equal((const char *)&old + 552, (const char *)&empty + 552,
                        sizeof(ts_checkpoint) - 552);
    ts_checkpoint_close(&f);
    assert_memory_equal(&old, b.ptr, 552);
    ts_buf_free(&b);

    const ts_run_files files = {.folder = path, .shards = shards, .n_shards = 1, .n_threads = 1};
    assert_int_equal(ts_run_resume(&r, &files, &err), TIEFSEE_OK);
    assert_int_equal(ts_run_go(r, on_step, &(plan){0}, &err), TIEFSEE_OK);
    ts_run_close(r);
    assert_int_equal(ts_checkpoint_open(&f, name, &err), TIEFSEE_OK);
    assert_int_equal(f.head.step, 4);
    assert_int_equal(f.head.header_bytes, sizeof(ts_checkpoint));
    ts_checkpoint_close(&f);
}

static void a_loss_that_runs_away_stops_the_run_and_leaves_the_checkpoint(void **state)
{
    ts_run_options o = options();
    tiefsee_error err = {0};
    plan p = {0};
    ts_run *r;

    (void)state;
    const ts_run_files files = files_in(scratch_path(&folder, "wild"), 1);
    o.schedule.n_steps = 200;
    o.optimizer = ts_optimizer_defaults(10);
    o.optimizer.decay = 0;
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_OK);
    assert_int_equal(ts_run_go(r, on_step, &p, &err), TIEFSEE_E_INVALID);
    if (!strstr(err.message, "runs away") && !strstr(err.message, "the loss is"))
        fail_msg("%s", err.message);
    ts_run_close(r);
}

static void a_checkpoint_that_cannot_be_written_does_not_stop_the_run(void **state)
{
    const ts_run_options o = options();
    tiefsee_error err = {0};
    char name[600];
    plan p = {0};
    ts_run *r;

    (void)state;
    const ts_run_files files = files_in(scratch_path(&folder, "unwritable"), 1);
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_OK);
    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", files.folder);
    assert_int_equal(mkdir(name, 0777), 0);
    assert_int_equal(ts_run_go(r, on_step, &p, &err), TIEFSEE_E_IO);
    assert_int_equal(p.n_failed, N_STEPS / 2);
    assert_int_equal(ts_run_step(r), N_STEPS);
    ts_run_close(r);
}

static void weights_go_on_with_longer_documents(void **state)
{
    ts_run_options o = options();
    ts_run_files files = files_in(scratch_path(&folder, "longer"), 1);
    tiefsee_error err = {0};
    char from[600];
    ts_run *r;

    (void)state;
    (void)snprintf(from, sizeof from, "%s/checkpoint.bin", whole);
    files.weights = from;
    o.config.n_ctx += 40;
    if (ts_run_new(&r, &o, &files, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    assert_int_equal(ts_run_options_of(r)->config.n_ctx, o.config.n_ctx);
    ts_run_close(r);
    o.config.n_layers++;
    files.folder = scratch_path(&folder, "deeper");
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_E_INVALID);
    assert_non_null(strstr(err.message, "another architecture"));
}

static void what_does_not_fit_is_refused_with_its_numbers(void **state)
{
    ts_run_options o = options();
    tiefsee_error err = {0};
    ts_run *r;

    (void)state;
    const ts_run_files files = files_in(scratch_path(&folder, "none"), 1);
    o.config.n_ctx = 40;
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_E_INVALID);
    assert_non_null(strstr(err.message, "the model a context of 40"));
    o = options();
    o.micro_tokens = 100;
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_E_INVALID);
    assert_non_null(strstr(err.message, "in passes of 100 with documents of up to 128"));
    o = options();
    o.config.d_ff = 1 << 17;
    o.config.d_model = 1 << 17;
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_E_NOMEM);
    assert_non_null(strstr(err.message, "this machine can give"));
    o = options();
    o.config.arch = TS_ARCH_QWEN2;
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_E_UNSUPPORTED);
    assert_false(ts_file_exists(files.folder));
}

static void it_learns_to_count(void **state)
{
    ts_run_options o = options();
    tiefsee_error err = {0};
    plan p = {0};
    ts_run *r;

    (void)state;
    const ts_run_files files = files_in(scratch_path(&folder, "counting"), 1);
    o.schedule.n_steps = 150;
    o.schedule.n_warmup = 5;
    o.save_every = 1000;
    o.optimizer = ts_optimizer_defaults(0.02);
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_OK);
    if (ts_run_go(r, on_step, &p, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    print_message("loss behind 150 steps: %.4f\n", p.loss);
    assert_true(p.loss < 0.05);
    ts_run_close(r);
}

static void an_epoch_has_every_document_once(void **state)
{
    static const uint64_t counts[] = {1, 2, 3, 17, 64, 1000};

    (void)state;
    for (size_t i = 0; i < TS_COUNT(counts); i++) {
        uint8_t seen[1000] = {0};
        size_t n_moved = 0;

        for (uint64_t j = 0; j < counts[i]; j++) {
            const uint64_t at = ts_feed_shuffle(5, 1, j, counts[i]);
            assert_true(at < counts[i] && !seen[at]);
            seen[at] = 1;
            n_moved += at != ts_feed_shuffle(5, 2, j, counts[i]);
        }
        assert_true(counts[i] < 1000 || n_moved > 900);
    }
}

static int open_folder(void **state)
{
    (void)state;
    scratch_make(&folder);
    (void)snprintf(shard, sizeof shard, "%s", scratch_path(&folder, "a.shard"));
    write_counting_shard(shard, 1, N_DOCS);
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
        cmocka_unit_test(an_interrupted_run_ends_with_the_same_bits_on_other_threads),
        cmocka_unit_test(a_killed_run_loses_the_steps_since_its_checkpoint_and_nothing_else),
        cmocka_unit_test(damage_other_data_and_a_second_start_are_refused),
        cmocka_unit_test(options_that_no_run_has_are_refused),
        cmocka_unit_test(a_checkpoint_of_the_first_header_goes_on),
        cmocka_unit_test(a_loss_that_runs_away_stops_the_run_and_leaves_the_checkpoint),
        cmocka_unit_test(a_checkpoint_that_cannot_be_written_does_not_stop_the_run),
        cmocka_unit_test(weights_go_on_with_longer_documents),
        cmocka_unit_test(what_does_not_fit_is_refused_with_its_numbers),
        cmocka_unit_test(it_learns_to_count),
        cmocka_unit_test(an_epoch_has_every_document_once),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
