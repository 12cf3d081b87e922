/* test_grpo.c - learning from rewards: advantages, a bandit that is learned, exact resume. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "core/file.h"
#include "support/scratch.h"
#include "tiny_trunk.h"
#include "train/grpo.h"
#include "train/shard.h"

static const char VOCAB_MODEL[] = "assets/tiefsee-mini.gguf";
enum { N_VOCAB = 1536 };

static scratch folder;
static char shard[512];

static void advantages_are_rewards_minus_the_mean_of_their_group(void **state)
{
    static const double reward[9] = {1, 0, 0, 1, 1, 1, 0, 0, 0};
    double a[9];

    (void)state;
    assert_true(fabs(ts_grpo_advantages(a, reward, 3, 3) - 1.0 / 3) < 1e-12);
    assert_true(fabs(a[0] - 2.0 / 3) < 1e-12 && fabs(a[1] + 1.0 / 3) < 1e-12);
    for (size_t i = 3; i < 9; i++)
        assert_true(a[i] == 0);
}

/* A row's weight is a factor on its loss and its gradient. */
static void a_weight_of_two_counts_like_two_rows(void **state)
{
    static const ts_trunk_scales scales = {0.5f, 0, 0};
    static real weight[TINY_TOKENS];
    static tiny_trunk net;
    static tiny_batch batch;
    static float once[20000];

    (void)state;
    tiny_open(&net, tiny_config(), false, (ts_trunk_sizes){TINY_TOKENS, 76, 1}, ts_cpu_flags());
    tiny_fill(&batch, 3, 29);
    assert_true(net.trunk.net.n_reals <= TS_COUNT(once));
    ts_trunk_forward(&net.trunk, &batch.b);
    const double plain = ts_trunk_backward(&net.trunk, &batch.b, scales).main;
    memcpy(once, net.trunk.net.grad, net.trunk.net.n_reals * sizeof *once);
    for (size_t i = 0; i < TINY_TOKENS; i++)
        weight[i] = -2;
    batch.b.weight = weight;
    ts_trunk_clear_gradients(&net.trunk);
    const double weighted = ts_trunk_backward(&net.trunk, &batch.b, scales).main;
    assert_true(fabs(weighted + 2 * plain) < 1e-3);
    for (size_t i = 0; i < net.trunk.net.n_reals; i++)
        assert_true(net.trunk.net.grad[i] == -2 * once[i]); /* a power of two: exactly */
    tiny_close(&net);
}

static void write_shard(uint64_t tokenizer)
{
    ts_shard_writer w = ts_shard_writer_make(N_VOCAB, tokenizer, 1 << 20);
    const uint32_t token[4] = {0, 300, 301, 1};
    const uint8_t learned[4] = {0, 0, 1, 1};
    tiefsee_error err;

    assert_int_equal(ts_shard_add(&w, token, learned, 4, &err), TIEFSEE_OK);
    assert_int_equal(ts_shard_write(&w, shard, &err), TIEFSEE_OK);
    ts_shard_writer_free(&w);
}

static ts_run_options options(uint64_t n_steps)
{
    ts_run_options o;
    ts_config c = tiny_config();

    c.n_vocab = N_VOCAB;
    c.n_ctx = 512;
    ts_run_defaults(&o, &c, n_steps);
    ts_run_grpo_defaults(&o);
    o.optimizer = ts_optimizer_defaults(0.01);
    o.optimizer.has_muon = false;
    o.schedule = (ts_schedule){TS_SCHEDULE_WSD, n_steps, 1, 0, 1};
    o.batch_tokens = o.micro_tokens = 1024;
    o.grpo.n_prompts = 8;
    o.grpo.group = 16;
    o.grpo.max_answer = 1;
    o.grpo.anchor = 0;
    return o;
}

static ts_run_files files_in(const char *path, int n_threads)
{
    static const char *shards[1];

    shards[0] = shard;
    return (ts_run_files){.folder = path,
                          .shards = shards,
                          .n_shards = 1,
                          .n_threads = n_threads,
                          .tokenizer = VOCAB_MODEL};
}

static double even_is_right(const ts_item *it, const uint32_t *tokens, size_t n, bool is_cut)
{
    (void)it;
    (void)is_cut;
    return n > 0 && tokens[0] % 2 == 0;
}

typedef struct watch {
    double first, last;
    uint64_t stop_at;
} watch;

static bool on_step(void *user, const ts_run_stats *s)
{
    watch *w = user;

    w->first = s->step == 1 ? s->reward : w->first;
    w->last = s->reward;
    return s->step != w->stop_at;
}

static void go(const char *path, uint64_t n_steps, bool resumes, int n_threads, watch *w)
{
    const ts_run_options o = options(n_steps);
    const ts_run_files files = files_in(path, n_threads);
    tiefsee_error err = {0};
    ts_run *r;

    if ((resumes ? ts_run_resume(&r, &files, &err) : ts_run_new(&r, &o, &files, &err)) !=
        TIEFSEE_OK)
        fail_msg("%s", err.message);
    ts_grpo_set_reward(r, even_is_right);
    if (ts_run_go(r, on_step, w, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    ts_run_close(r);
}

static void a_bandit_is_learned(void **state)
{
    watch w = {0};

    (void)state;
    go(scratch_path(&folder, "bandit"), 60, false, 1, &w);
    print_message("reward %.3f, then %.3f\n", w.first, w.last);
    assert_true(w.first < 0.7);
    assert_true(w.last > 0.95);
}

static void an_interrupted_run_ends_with_the_same_bits(void **state)
{
    char whole[512], parts[512], name[600];
    tiefsee_error err;
    ts_buf a, b;

    (void)state;
    (void)snprintf(whole, sizeof whole, "%s", scratch_path(&folder, "whole"));
    (void)snprintf(parts, sizeof parts, "%s", scratch_path(&folder, "parts"));
    go(whole, 4, false, 1, &(watch){0});
    go(parts, 4, false, 2, &(watch){.stop_at = 2});
    go(parts, 4, true, 1, &(watch){0});
    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", whole);
    assert_int_equal(ts_file_read(&a, name, 1 << 24, &err), TIEFSEE_OK);
    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", parts);
    assert_int_equal(ts_file_read(&b, name, 1 << 24, &err), TIEFSEE_OK);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.ptr, b.ptr, a.len);
    ts_buf_free(&a);
    ts_buf_free(&b);
}

static void another_tokenizer_than_the_datas_is_refused(void **state)
{
    const ts_run_options o = options(1);
    const ts_run_files files = files_in(scratch_path(&folder, "other"), 1);
    tiefsee_error err = {0};
    ts_run *r;

    (void)state;
    write_shard(7); /* no vocabulary's */
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_E_INVALID);
    assert_non_null(strstr(err.message, "not the tokenizer of the data"));
    write_shard(0);
}

static int open_folder(void **state)
{
    (void)state;
    scratch_make(&folder);
    (void)snprintf(shard, sizeof shard, "%s", scratch_path(&folder, "a.shard"));
    write_shard(0);
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
        cmocka_unit_test(advantages_are_rewards_minus_the_mean_of_their_group),
        cmocka_unit_test(a_weight_of_two_counts_like_two_rows),
        cmocka_unit_test(a_bandit_is_learned),
        cmocka_unit_test(an_interrupted_run_ends_with_the_same_bits),
        cmocka_unit_test(another_tokenizer_than_the_datas_is_refused),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
