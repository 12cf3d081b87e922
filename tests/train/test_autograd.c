/* test_autograd.c - the trainer in float against PyTorch's autograd: losses, every
 * gradient, and weights behind three steps of AdamW and of Muon, on the weights and the
 * batch of fixtures/tiny.safetensors (make_train_fixture.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "core/file.h"
#include "formats/safetensors.h"
#include "tiny_trunk.h"
#include "train/optimizer.h"

static const char FIXTURE[] = "tests/train/fixtures/tiny.safetensors";
static const ts_trunk_scales scales = {0.02f, 0.013f, 0.4f};

static ts_map map;
static ts_arena *arena;
static ts_safetensors file;
static tiny_trunk net;
static tiny_batch batch;

static const float *want(const char *prefix, const char *name, size_t n)
{
    static float copy[30000];
    char full[128];

    (void)snprintf(full, sizeof full, "%s%s", prefix, name);
    for (size_t i = 0; i < file.n_tensors; i++)
        if (ts_str_is(file.tensors[i].name, full)) {
            assert_int_equal(file.tensors[i].tensor.bytes, n * 4);
            assert_true(n <= TS_COUNT(copy));
            memcpy(copy, file.tensors[i].tensor.data, n * 4);
            return copy;
        }
    fail_msg("no %s in the fixture", full);
    return NULL;
}

/* |got - want| / |want|, as vectors. */
static double distance(const float *got, const float *expected, size_t n)
{
    double off = 0, all = 0;

    for (size_t i = 0; i < n; i++) {
        const double e = (double)expected[i], d = (double)got[i] - e;
        off += d * d;
        all += e * e;
    }
    return sqrt(off / (all > 0 ? all : 1));
}

static void load(int n_threads, unsigned cpu_flags)
{
    ts_network *n = &net.trunk.net;
    char name[64];

    tiny_open(&net, tiny_config(), true, (ts_trunk_sizes){TINY_TOKENS, 76, n_threads}, cpu_flags);
    for (size_t i = 0; i < n->n_params; i++) {
        const size_t count = ts_param_reals(&n->param[i]);
        memcpy(n->value + n->param[i].offset, want("w.", n->param[i].name, count), count * 4);
    }
    for (size_t i = 0; i < n->n_biases / 4; i++) {
        (void)snprintf(name, sizeof name, "blk.%zu.exp_probs_b.bias", i + 1);
        memcpy(n->bias + 4 * i, want("w.", name, 4), 16);
    }
    ts_trunk_pack_weights(&net.trunk);
    batch = (tiny_batch){0};
    tiny_fill(&batch, 0, 29);
    memcpy(batch.token, want("tokens", "", TINY_TOKENS), sizeof batch.token);
    for (size_t i = 0; i < batch.b.n_learned; i++)
        batch.target[i] = batch.token[batch.row[i] + 1];
    for (size_t i = 0; i < batch.b.n_ahead; i++)
        batch.ahead_target[i] = batch.token[batch.ahead_row[i] + 2];
    for (size_t d = 0; d < TINY_DOCS; d++)
        for (uint32_t i = batch.begin[d]; i + 1 < batch.begin[d + 1]; i++)
            batch.next[i] = batch.token[i + 1];
}

static ts_trunk_loss pass(void)
{
    ts_trunk_clear_gradients(&net.trunk);
    ts_trunk_forward(&net.trunk, &batch.b);
    return ts_trunk_backward(&net.trunk, &batch.b, scales);
}

static void losses_logits_and_gradients_are_those_of_autograd(void **state)
{
    float logits[29];
    double worst = 0;

    (void)state;
    load(1, ts_cpu_flags());
    const ts_trunk_loss loss = pass();
    const float *losses = want("losses", "", 3);
    assert_true(fabs(loss.main / (double)losses[0] - 1) < 1e-5);
    assert_true(fabs(loss.mtp / (double)losses[1] - 1) < 1e-5);
    assert_true(fabs(loss.balance / (double)losses[2] - 1) < 1e-5);
    for (size_t row = 0; row < 20; row++) {
        ts_trunk_logits(&net.trunk, row, logits);
        const float *expected = want("logits", "", 20 * 29) + row * 29;
        for (size_t i = 0; i < 29; i++)
            assert_true(fabsf(logits[i] - expected[i]) < 2e-5f);
    }
    for (size_t i = 0; i < net.trunk.net.n_params; i++) {
        const ts_param *p = &net.trunk.net.param[i];
        const size_t n = ts_param_reals(p);
        const double d = distance(net.trunk.net.grad + p->offset, want("g.", p->name, n), n);

        if (!(d < 1e-4))
            fail_msg("%s: relative error %.3g", p->name, d);
        worst = d > worst ? d : worst;
    }
    print_message("worst relative error of a gradient: %.2e\n", worst);
    tiny_close(&net);
}

static void the_loss_of_older_answers_is_that_of_autograd(void **state)
{
    static const char *const names[] = {"token_embd.weight", "output.weight", "output_norm.weight",
                                        "blk.0.attn_q_a.weight", "blk.1.ffn_gate_inp.weight"};
    static real old[TINY_TOKENS], reference[TINY_TOKENS], advantage[TINY_TOKENS];
    double worst = 0;

    (void)state;
    load(2, ts_cpu_flags());
    const size_t n_rows = batch.b.n_learned, bytes = n_rows * sizeof *old;
    const ts_clip_bounds bounds = {0.2f, 0.28f, *want("clip.kl", "", 1)};
    memcpy(old, want("clip.old", "", n_rows), bytes);
    memcpy(reference, want("clip.reference", "", n_rows), bytes);
    memcpy(advantage, want("clip.advantage", "", n_rows), bytes);
    batch.b.clip = &bounds;
    batch.b.old = old;
    batch.b.reference = reference;
    batch.b.weight = advantage;
    ts_trunk_forward(&net.trunk, &batch.b);
    const ts_trunk_loss loss =
        ts_trunk_backward(&net.trunk, &batch.b, (ts_trunk_scales){.main = 1});
    assert_true(fabs(loss.main / (double)*want("clip.loss", "", 1) - 1) < 1e-5);
    assert_int_equal((int)loss.clipped, (int)*want("clip.clipped", "", 1));
    assert_in_range((int)loss.clipped, 10, (int)n_rows / 2);
    for (size_t i = 0; i < net.trunk.net.n_params; i++)
        for (size_t k = 0; k < TS_COUNT(names); k++) {
            const ts_param *p = &net.trunk.net.param[i];
            const size_t n = ts_param_reals(p);

            if (strcmp(p->name, names[k]) != 0)
                continue;
            const double d =
                distance(net.trunk.net.grad + p->offset, want("clip.g.", names[k], n), n);
            if (!(d < 1e-4))
                fail_msg("%s: relative error %.3g", p->name, d);
            worst = d > worst ? d : worst;
        }
    assert_true(worst > 0);
    print_message("worst relative error with clipped ratios: %.2e\n", worst);
    tiny_close(&net);
}

/* Scores are what cross entropy takes. */
static void scores_are_the_losses_of_the_rows(void **state)
{
    static real score[TINY_TOKENS];
    double sum = 0;

    (void)state;
    load(2, ts_cpu_flags());
    ts_trunk_forward(&net.trunk, &batch.b);
    ts_trunk_score(&net.trunk, &batch.b, score);
    const ts_trunk_loss loss =
        ts_trunk_backward(&net.trunk, &batch.b, (ts_trunk_scales){.main = 1});
    for (size_t i = 0; i < batch.b.n_learned; i++) {
        assert_true((double)-score[i] == net.trunk.loss[i]);
        sum -= (double)score[i];
    }
    assert_true(fabs(sum - loss.main) < 1e-6);
    tiny_close(&net);
}

/* As distance(), of how far three steps moved the weights. */
static double distance_moved(const char *prefix, const ts_param *p)
{
    static float got[2000], expected[2000];
    const size_t n = ts_param_reals(p);

    assert_true(n <= TS_COUNT(got));
    memcpy(expected, want(prefix, p->name, n), n * sizeof *got);
    const float *before = want("w.", p->name, n);
    for (size_t i = 0; i < n; i++) {
        got[i] = net.trunk.net.value[p->offset + i] - before[i];
        expected[i] -= before[i];
    }
    return distance(got, expected, n);
}

static void train_three_steps(bool has_muon)
{
    const char *prefix = has_muon ? "muon." : "adamw.",
               *norms = has_muon ? "muon_norms" : "adamw_norms";
    ts_optimizer o = {.options = ts_optimizer_defaults(0.003)};
    ts_carve state = {0}, work = {0};
    double worst = 0;

    load(2, ts_cpu_flags());
    o.options.has_muon = has_muon;
    ts_optimizer_carve(&o, &net.trunk.net, 2, &state, &work);
    void *state_memory = ts_alloc(state.used), *work_memory = ts_alloc(work.used);
    assert_non_null(state_memory);
    assert_non_null(work_memory);
    state = (ts_carve){state_memory, 0};
    work = (ts_carve){work_memory, 0};
    ts_optimizer_carve(&o, &net.trunk.net, 2, &state, &work);
    ts_optimizer_prepare(&o, &net.trunk.net);
    for (uint64_t step = 1; step <= 3; step++) {
        (void)pass();
        const double norm = ts_optimizer_norm(&o, &net.trunk.net, &net.trunk.team);
        assert_true(fabs(norm / (double)want(norms, "", 3)[step - 1] - 1) < 1e-4);
        ts_optimizer_step(&o, &net.trunk.net, &net.trunk.team, step, 1, norm);
        ts_trunk_pack_weights(&net.trunk);
    }
    for (size_t i = 0; i < net.trunk.net.n_params; i++) {
        const ts_param *p = &net.trunk.net.param[i];
        const double d = distance_moved(prefix, p);

        if (!(d < 1e-4))
            fail_msg("%s: relative error %.3g", p->name, d);
        worst = d > worst ? d : worst;
    }
    print_message("%s worst relative error of a weight's movement: %.2e\n", prefix, worst);
    ts_free(state_memory);
    ts_free(work_memory);
    tiny_close(&net);
}

static void three_steps_of_adamw_are_pytorchs(void **state)
{
    (void)state;
    train_three_steps(false);
}

static void three_steps_of_muon_are_pytorchs(void **state)
{
    (void)state;
    train_three_steps(true);
}

static void gradients_have_the_same_bits_on_any_threads_and_instruction_set(void **state)
{
    static float first[30000];
    const unsigned levels[] = {ts_cpu_flags(), 0};

    (void)state;
    for (size_t i = 0; i < TS_COUNT(levels); i++)
        for (int n_threads = 1; n_threads <= 5; n_threads += 2) {
            load(n_threads, levels[i]);
            (void)pass();
            const size_t bytes = net.trunk.net.n_reals * 4;
            assert_true(bytes <= sizeof first);
            if (i == 0 && n_threads == 1)
                memcpy(first, net.trunk.net.grad, bytes);
            assert_memory_equal(first, net.trunk.net.grad, bytes);
            tiny_close(&net);
        }
}

/* What a document gives does not depend on its neighbours. */
static void a_change_in_one_document_leaves_the_others_logits_alone(void **state)
{
    float before[29], after[29];

    (void)state;
    load(1, ts_cpu_flags());
    ts_trunk_forward(&net.trunk, &batch.b);
    ts_trunk_logits(&net.trunk, 80, before);
    batch.token[3] ^= 1;
    batch.token[90] ^= 1;
    ts_trunk_forward(&net.trunk, &batch.b);
    ts_trunk_logits(&net.trunk, 80, after);
    assert_memory_equal(before, after, sizeof before);
    batch.token[79] ^= 1;
    ts_trunk_forward(&net.trunk, &batch.b);
    ts_trunk_logits(&net.trunk, 80, after);
    assert_memory_not_equal(before, after, sizeof before);
    tiny_close(&net);
}

static void a_step_allocates_nothing(void **state)
{
    (void)state;
    load(2, ts_cpu_flags());
    ts_alloc_reset(0);
    (void)pass();
    assert_int_equal(ts_alloc_count(), 0);
    tiny_close(&net);
}

static void schedules_rise_stay_and_fall(void **state)
{
    const ts_schedule wsd = {TS_SCHEDULE_WSD, 100, 10, 0.4, 0.05};
    const ts_schedule cosine = {TS_SCHEDULE_COSINE, 100, 10, 0, 0.1};

    (void)state;
    assert_true(fabs(ts_schedule_at(&wsd, 0) - 0.1) < 1e-12);
    assert_true(ts_schedule_at(&wsd, 9) == 1 && ts_schedule_at(&wsd, 59) == 1);
    assert_true(fabs(ts_schedule_at(&wsd, 80) - 0.525) < 1e-12);
    assert_true(fabs(ts_schedule_at(&wsd, 100) - 0.05) < 1e-12);
    assert_true(fabs(ts_schedule_at(&cosine, 55) - 0.55) < 1e-12);
    assert_true(fabs(ts_schedule_at(&cosine, 1000) - 0.1) < 1e-12);
}

static int open_fixture(void **state)
{
    tiefsee_error err;

    (void)state;
    arena = ts_arena_new(1 << 20);
    return !arena || ts_map_open(&map, FIXTURE, &err) != TIEFSEE_OK ||
           ts_safetensors_parse(&file, map.ptr, map.size, arena, &err) != TIEFSEE_OK;
}

static int close_fixture(void **state)
{
    (void)state;
    ts_arena_free(arena);
    ts_map_close(&map);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_logits_and_gradients_are_those_of_autograd),
        cmocka_unit_test(the_loss_of_older_answers_is_that_of_autograd),
        cmocka_unit_test(scores_are_the_losses_of_the_rows),
        cmocka_unit_test(three_steps_of_adamw_are_pytorchs),
        cmocka_unit_test(three_steps_of_muon_are_pytorchs),
        cmocka_unit_test(gradients_have_the_same_bits_on_any_threads_and_instruction_set),
        cmocka_unit_test(a_change_in_one_document_leaves_the_others_logits_alone),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(schedules_rise_stay_and_fall),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
