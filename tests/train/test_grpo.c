/* test_grpo.c - learning from rewards: advantages, a bandit that is learned, exact resume. */
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
#include "train/grpo.h"
#include "train/shard.h"

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

static void the_end_of_the_room_and_another_language_cost(void **state)
{
    const ts_grpo_options g = {.max_answer = 100, .language = 0.05, .overlong = 0.2};

    (void)state;
    assert_true(ts_grpo_earns(&g, true, true, 85, false) == 1);
    assert_true(fabs(ts_grpo_earns(&g, true, true, 100, false) - 0.8) < 1e-12);
    assert_true(fabs(ts_grpo_earns(&g, true, true, 94, false) - (1 - 0.2 * 9 / 15)) < 1e-12);
    assert_true(fabs(ts_grpo_earns(&g, true, false, 10, false) - 0.95) < 1e-12);
    assert_true(ts_grpo_earns(&g, false, false, 10, false) == 0);
    assert_true(fabs(ts_grpo_earns(&g, false, true, 50, true) + 0.2) < 1e-12); /* no room left */
}

static void count_levels(const ts_curriculum *c, const ts_curriculum_rule *rule, unsigned n,
                         unsigned of[TS_MAX_FAMILIES][TS_MAX_LEVELS + 1])
{
    memset(of, 0, sizeof(unsigned[TS_MAX_FAMILIES][TS_MAX_LEVELS + 1]));
    for (unsigned i = 0; i < n; i++) {
        unsigned level = 0;
        const ts_family *f = ts_curriculum_choose(c, rule, i, &level);

        assert_in_range(level, 1, f->n_usual);
        of[f - ts_families][level]++;
    }
}

static void what_is_sometimes_solved_is_asked_most(void **state)
{
    const ts_curriculum_rule rule = {.families = 1 << 2, .replay = 0.1, .seed = 4};
    const ts_family *f = &ts_families[2];
    unsigned of[TS_MAX_FAMILIES][TS_MAX_LEVELS + 1];
    static ts_curriculum c;

    (void)state;
    for (size_t i = 0; i < ts_n_families; i++)
        assert_true(ts_families[i].n_levels <= TS_MAX_LEVELS && ts_families[i].n_usual > 0);
    count_levels(&c, &rule, 5000, of);
    for (unsigned l = 1; l <= f->n_usual; l++) /* nothing is known yet */
        assert_in_range(of[2][l], 780, 1020);
    assert_true(of[3][1] > 0 && of[15][1] > 0); /* nor whether others are mastered */
    for (size_t i = 0; i < ts_n_families; i++)
        for (unsigned l = 1; i != 2 && l <= ts_families[i].n_usual; l++)
            for (int k = 0; k < 3; k++)
                ts_curriculum_tell(&c, &ts_families[i], l, 0);
    for (int i = 0; i < 60; i++) {
        ts_curriculum_tell(&c, f, 1, 1);
        ts_curriculum_tell(&c, f, 2, 1);
        ts_curriculum_tell(&c, f, 3, i % 2);
        ts_curriculum_tell(&c, f, 4, 0);
        ts_curriculum_tell(&c, f, 5, 0);
        ts_curriculum_tell(&c, &ts_families[7], 1, 1); /* not asked, but mastered */
    }
    assert_true(c.cell[2][0].rate > 0.99 && c.cell[2][0].n == 60);
    count_levels(&c, &rule, 5000, of);
    const unsigned replayed = of[2][1] + of[2][2] + of[7][1];
    assert_in_range(of[7][1], 110, 220); /* a third of a tenth */
    assert_in_range(replayed, 600, 1400);
    assert_true(of[2][3] > 3000);
    assert_in_range(of[2][4], 150, 600);
    /* A file may say anything. */
    c.cell[2][2].rate = NAN;
    c.cell[2][3].rate = -1e300;
    c.cell[2][4].rate = INFINITY;
    count_levels(&c, &rule, 100, of);
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
    o.grpo.valid_every = 0;
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
    uint64_t stop_at, last_step;
    double validation, best, sampled, first_sampled;
    uint64_t best_step, n_validations;
    bool is_over;
    double clipped, divergence; /* the largest */
} watch;

static bool on_step(void *user, const ts_run_stats *s)
{
    watch *w = user;

    w->first = s->step == 1 ? s->reward : w->first;
    w->last = s->reward;
    w->last_step = s->step;
    w->clipped = fmax(w->clipped, s->clipped);
    w->divergence = fmax(w->divergence, s->divergence);
    w->n_validations += s->has_validation;
    if (s->has_validation) {
        w->validation = s->validation;
        w->sampled = s->sampled;
        w->first_sampled = w->n_validations == 1 ? s->sampled : w->first_sampled;
        w->best = s->best_validation;
        w->best_step = s->best_step;
        w->is_over = s->is_over;
    }
    return s->step != w->stop_at;
}

static void go_with(const ts_run_options *o, const char *path, bool resumes, int n_threads,
                    ts_grpo_reward *reward, watch *w)
{
    const ts_run_files files = files_in(path, n_threads);
    tiefsee_error err = {0};
    ts_run *r;

    if ((resumes ? ts_run_resume(&r, &files, &err) : ts_run_new(&r, o, &files, &err)) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    ts_grpo_set_reward(r, reward);
    if (ts_run_go(r, on_step, w, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    ts_run_close(r);
}

/* With a validation every second step, so that all that is remembered matters. */
static void go(const char *path, uint64_t n_steps, bool resumes, int n_threads, watch *w)
{
    ts_run_options o = options(n_steps);

    o.grpo.valid_every = n_steps < 10 ? 2 : 0;
    o.grpo.valid_n = 2;
    go_with(&o, path, resumes, n_threads, even_is_right, w);
}

/* Two updates of each batch, and a reference that is renewed behind the third step. */
static void go_in_parts(const char *path, uint64_t n_steps, bool resumes, watch *w)
{
    ts_run_options o = options(n_steps);

    o.grpo.valid_every = 0;
    o.updates = (ts_grpo_updates){.n = 2, .refresh = 3, .low = 0.02, .high = 0.02, .kl = 0.01};
    go_with(&o, path, resumes, 1 + resumes, even_is_right, w);
}

static void several_updates_of_a_batch_learn_the_bandit_too(void **state)
{
    watch w = {0};

    (void)state;
    go_in_parts(scratch_path(&folder, "updates"), 40, false, &w);
    print_message("reward %.3f, then %.3f; clipped %.3f, divergence %.4f at most\n", w.first,
                  w.last, w.clipped, w.divergence);
    assert_true(w.last > 0.9 && w.first < 0.7);
    assert_true(w.clipped > 0 && w.clipped < 1 && w.divergence > 0);
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
    char whole[512], parts[512];

    (void)state;
    (void)snprintf(whole, sizeof whole, "%s", scratch_path(&folder, "whole"));
    (void)snprintf(parts, sizeof parts, "%s", scratch_path(&folder, "parts"));
    go(whole, 4, false, 1, &(watch){0});
    go(parts, 4, false, 2, &(watch){.stop_at = 2});
    go(parts, 4, true, 1, &(watch){0});
    assert_same_checkpoint(whole, parts);
}

static void so_does_one_with_a_reference(void **state)
{
    char whole[512], parts[512];

    (void)state;
    (void)snprintf(whole, sizeof whole, "%s", scratch_path(&folder, "whole-2"));
    (void)snprintf(parts, sizeof parts, "%s", scratch_path(&folder, "parts-2"));
    go_in_parts(whole, 5, false, &(watch){0});
    go_in_parts(parts, 5, false, &(watch){.stop_at = 2});
    go_in_parts(parts, 5, true, &(watch){0});
    assert_same_checkpoint(whole, parts);
}

/* What is given is kept, what is not is chosen as always. */
static void a_token_whose_experts_are_not_given_chooses_them(void **state)
{
    static int32_t own[2 * TINY_TOKENS];
    static tiny_trunk net;
    static tiny_batch batch;

    (void)state;
    tiny_open(&net, tiny_config(), false, (ts_trunk_sizes){TINY_TOKENS, 76, 1}, ts_cpu_flags());
    tiny_fill(&batch, 3, 29);
    const size_t n = batch.b.pack.n, k = net.trunk.net.config.n_active;
    int32_t *id = net.trunk.block[1].m.id;
    ts_trunk_forward(&net.trunk, &batch.b);
    assert_true(k == 2 && n <= TINY_TOKENS && net.trunk.block[1].w->is_moe);
    memcpy(own, id, n * k * sizeof *id);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            id[i * k + j] = i % 2 ? -1 : (int32_t)((own[i * k + j] + 1) % 4);
    net.trunk.keeps_routing = true;
    ts_trunk_forward(&net.trunk, &batch.b);
    for (size_t i = 0; i < n * k; i++)
        assert_int_equal(id[i], i / k % 2 ? own[i] : (own[i] + 1) % 4);
    tiny_close(&net);
}

static ts_run_options options_of_answers(uint64_t n_steps, bool keeps_routing)
{
    ts_run_options o = options(n_steps);

    o.config.d_model = o.config.d_expert = 32; /* a block of q4_0 */
    o.grpo.max_answer = 8;
    o.grpo.keeps_routing = keeps_routing;
    return o;
}

/* Weights, and nothing of the options. */
static void assert_same_weights(const char *a, const char *b, bool is_same)
{
    ts_checkpoint_file x, y;
    char name[600];
    tiefsee_error err;

    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", a);
    assert_int_equal(ts_checkpoint_open(&x, name, &err), TIEFSEE_OK);
    (void)snprintf(name, sizeof name, "%s/checkpoint.bin", b);
    assert_int_equal(ts_checkpoint_open(&y, name, &err), TIEFSEE_OK);
    assert_int_equal(x.body_bytes, y.body_bytes);
    assert_int_equal(memcmp(x.body, y.body, x.body_bytes) == 0, is_same);
    ts_checkpoint_close(&x);
    ts_checkpoint_close(&y);
}

/* The engine and the trainer route alike where they have the same weights, so keeping the
 * engine's choices changes nothing, unless they are those of other tokens or layers; beside
 * rounded weights it does. */
static void answers_are_learned_with_the_experts_that_gave_them(void **state)
{
    char path[4][512];
    static const char *const names[] = {"own", "kept", "own-q4", "kept-q4"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        ts_run_options o = options_of_answers(3, i % 2 == 1);

        (void)snprintf(path[i], sizeof path[i], "%s", scratch_path(&folder, names[i]));
        o.grpo.rollout_type = o.grpo.rollout_experts = i < 2 ? TS_F32 : TS_Q4_0;
        go_with(&o, path[i], false, 1, even_is_right, &(watch){0});
    }
    assert_same_weights(path[0], path[1], true);
    assert_same_weights(path[2], path[3], false);
}

static uint64_t step_of(const char *path, const char *name)
{
    char full[600];
    tiefsee_error err = {0};
    ts_checkpoint_file f;

    (void)snprintf(full, sizeof full, "%s/%s", path, name);
    if (ts_checkpoint_open(&f, full, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    const uint64_t step = f.head.step;
    ts_checkpoint_close(&f);
    return step;
}

static void the_best_weights_by_validation_are_kept(void **state)
{
    const char *path = scratch_path(&folder, "best");
    char kept[512];
    ts_run_options o = options(40);
    watch w = {0};

    (void)state;
    (void)snprintf(kept, sizeof kept, "%s", path);
    o.grpo.valid_every = 10;
    o.grpo.valid_n = 4;
    go_with(&o, kept, false, 1, even_is_right, &w);
    print_message("validation %.3f, best %.3f behind step %llu\n", w.validation, w.best,
                  (unsigned long long)w.best_step);
    assert_int_equal(w.n_validations, 5); /* before the first step, too */
    assert_false(w.is_over);
    assert_true(w.best > 0.95 && w.best_step > 0);
    assert_int_equal(step_of(kept, "best.bin"), w.best_step);
    assert_int_equal(step_of(kept, "checkpoint.bin"), 40);
}

static double odd_is_right_in_training(const ts_item *it, const uint32_t *tokens, size_t n,
                                       bool is_cut)
{
    const ts_str key = {it->key.ptr, it->key.len};

    return even_is_right(it, tokens, n, is_cut) == (ts_split_of(key) == TS_SPLIT_VALID);
}

static void a_run_whose_validation_falls_is_over_and_stays_so(void **state)
{
    char path[512];
    ts_run_options o = options(200);
    watch w = {0}, again = {0};

    (void)state;
    (void)snprintf(path, sizeof path, "%s", scratch_path(&folder, "falls"));
    o.grpo.valid_every = 5;
    o.grpo.valid_n = 8;
    o.grpo.families = 0x3fff; /* what is asked about itself is in one split only */
    go_with(&o, path, false, 1, odd_is_right_in_training, &w);
    print_message("validation %.3f, best %.3f behind step %llu, over behind step %llu\n",
                  w.validation, w.best, (unsigned long long)w.best_step,
                  (unsigned long long)w.last_step);
    assert_true(w.is_over && w.last_step < 200 && w.last_step % 5 == 0);
    assert_true(w.validation < w.best - 0.05);
    assert_int_equal(step_of(path, "best.bin"), w.best_step);
    assert_int_equal(step_of(path, "checkpoint.bin"), w.last_step);
    go_with(&o, path, true, 1, odd_is_right_in_training, &again);
    assert_int_equal(again.last_step, 0); /* no step more */
}

static uint32_t eos;

/* All that an answer was is handed over, its end too. */
static double an_end_is_right(const ts_item *it, const uint32_t *tokens, size_t n, bool is_cut)
{
    (void)it;
    assert_in_range(n, 1, 3);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(tokens[i] == eos, !is_cut && i + 1 == n);
    return !is_cut;
}

static double nothing_earns(const ts_item *it, const uint32_t *tokens, size_t n, bool is_cut)
{
    (void)an_end_is_right(it, tokens, n, is_cut);
    return 0;
}

/* First the shard's documents make an end likely, then the end is what earns. */
static void to_stop_is_learned_like_any_token(void **state)
{
    ts_run_options o = options(18);
    char before[512], behind[600];
    tiefsee_error err = {0};
    watch w = {0};
    ts_run *r;

    (void)state;
    eos = 1; /* the shard's documents end with it */
    (void)snprintf(before, sizeof before, "%s", scratch_path(&folder, "ends"));
    o.grpo.max_answer = 3;
    o.grpo.anchor = 1;
    go_with(&o, before, false, 1, nothing_earns, &(watch){0});
    (void)snprintf(behind, sizeof behind, "%s/checkpoint.bin", before);
    ts_run_files files = files_in(scratch_path(&folder, "stops"), 1);
    files.weights = behind;
    o = options(40);
    o.grpo.max_answer = 3;
    if (ts_run_new(&r, &o, &files, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    ts_grpo_set_reward(r, an_end_is_right);
    if (ts_run_go(r, on_step, &w, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    ts_run_close(r);
    print_message("reward %.3f, then %.3f\n", w.first, w.last);
    assert_true(w.first < 0.95 && w.first > 0.01);
    assert_true(w.last > w.first + 0.04 && w.last > 0.9);
}

static double even_is_right_in_sums(const ts_item *it, const uint32_t *tokens, size_t n,
                                    bool is_cut)
{
    assert_string_equal(it->family->name, "addition");
    assert_int_equal(it->level, 2);
    return even_is_right(it, tokens, n, is_cut);
}

/* One level of one family is all that is asked, and what is best goes by sampled answers. */
static void one_level_of_one_family_is_asked_and_validated(void **state)
{
    static const char *const names[] = {"addition"};
    ts_run_options o = options(6);
    tiefsee_error err = {0};
    watch w = {0};

    (void)state;
    o.grpo.families = ts_grpo_family_mask(names, 1);
    o.grpo.has_curriculum = 1;
    o.grpo.replay = 1;
    o.level = 2;
    o.grpo.valid_every = 2;
    o.grpo.valid_n = 4;
    o.valid_answers = 16;
    o.grpo.valid_drop = 1; /* four greedy answers go up and down */
    go_with(&o, scratch_path(&folder, "level"), false, 1, even_is_right_in_sums, &w);
    assert_int_equal(w.n_validations, 4);
    assert_true(w.sampled > 0 && w.sampled <= w.best && w.best <= 1);
    /* 64 sampled answers are not all alike where 4 greedy ones may be */
    assert_true(w.first_sampled > 0.2 && w.first_sampled < 0.9);
    assert_int_equal(ts_grpo_check_level(o.grpo.families, 8, &err), TIEFSEE_OK);
    assert_int_equal(ts_grpo_check_level(o.grpo.families | 1u << 2, 8, &err), TIEFSEE_E_INVALID);
    assert_non_null(strstr(err.message, "multiplication has 5"));
    assert_int_equal(ts_grpo_check_level(0, 1, &err), TIEFSEE_E_INVALID);
}

static void another_tokenizer_than_the_datas_is_refused(void **state)
{
    const ts_run_options o = options(1);
    const ts_run_files files = files_in(scratch_path(&folder, "other"), 1);
    tiefsee_error err = {0};
    ts_run *r;

    (void)state;
    write_small_shard(shard, 7); /* no vocabulary's */
    assert_int_equal(ts_run_new(&r, &o, &files, &err), TIEFSEE_E_INVALID);
    assert_non_null(strstr(err.message, "not the tokenizer of the data"));
    write_small_shard(shard, 0);
}

static int open_folder(void **state)
{
    (void)state;
    scratch_make(&folder);
    (void)snprintf(shard, sizeof shard, "%s", scratch_path(&folder, "a.shard"));
    write_small_shard(shard, 0);
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
        cmocka_unit_test(the_end_of_the_room_and_another_language_cost),
        cmocka_unit_test(what_is_sometimes_solved_is_asked_most),
        cmocka_unit_test(a_bandit_is_learned),
        cmocka_unit_test(an_interrupted_run_ends_with_the_same_bits),
        cmocka_unit_test(several_updates_of_a_batch_learn_the_bandit_too),
        cmocka_unit_test(so_does_one_with_a_reference),
        cmocka_unit_test(a_token_whose_experts_are_not_given_chooses_them),
        cmocka_unit_test(answers_are_learned_with_the_experts_that_gave_them),
        cmocka_unit_test(the_best_weights_by_validation_are_kept),
        cmocka_unit_test(a_run_whose_validation_falls_is_over_and_stays_so),
        cmocka_unit_test(to_stop_is_learned_like_any_token),
        cmocka_unit_test(one_level_of_one_family_is_asked_and_validated),
        cmocka_unit_test(another_tokenizer_than_the_datas_is_refused),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
