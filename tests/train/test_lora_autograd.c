/* test_lora_autograd.c - fine-tuning in float against PyTorch's autograd: the loss and the
 * gradient of every low-rank part of three models, on what make_lora_fixture.py wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tiny_dense.h"

/* |got - want| / |want|, as vectors. */
static double distance(const float *got, const float *want, size_t n)
{
    double off = 0, all = 0;

    for (size_t i = 0; i < n; i++) {
        const double d = (double)got[i] - (double)want[i];
        off += d * d;
        all += (double)want[i] * (double)want[i];
    }
    return sqrt(off / all);
}

static void compare_side(const tiny_dense *t, size_t i, const ts_weight *w, char side)
{
    char name[160];
    size_t n;

    (void)snprintf(name, sizeof name, "grad.base_model.model.model.layers.%zu.%s.lora_%c.weight",
                   i / TS_N_TARGETS, ts_target_modules[i % TS_N_TARGETS], side);
    const float *want = lora_fixture_data(&t->fixture, name, &n);
    assert_int_equal(n, w->n_in * w->n_out);
    const double d = distance(w->dw, want, n);
    if (!(d < 1e-5))
        fail_msg("%s: off by %.3g", name, d);
}

static void compare(const char *name)
{
    tiny_dense t;
    size_t n = 0;

    tiny_dense_open(&t, name, 2);
    const double loss = ts_dense_net_learn(&t.dense, &t.batch, 0.1f);
    const double want = (double)*(const float *)lora_fixture_data(&t.fixture, "loss", NULL);
    assert_true(fabs(loss - want) < 1e-5 * want);
    for (size_t i = 0; i < t.net->config.n_layers * TS_N_TARGETS; i++) {
        const ts_low_rank_weight *w = &t.dense.layer[i / TS_N_TARGETS].low[i % TS_N_TARGETS];
        if (!w->A.w)
            continue;
        compare_side(&t, i, &w->A, 'A');
        compare_side(&t, i, &w->B, 'B');
        n++;
    }
    assert_true(n >= 6);
    tiny_dense_close(&t);
}

static void gradients_are_those_of_pytorch(void **state)
{
    (void)state;
    compare("qwen2");
    compare("qwen3");
    compare("llama3");
}

static void threads_change_no_bit(void **state)
{
    static float once[8192];

    (void)state;
    for (int n_threads = 1; n_threads <= 4; n_threads += 3) {
        tiny_dense t;

        tiny_dense_open(&t, "qwen3", n_threads);
        (void)ts_dense_net_learn(&t.dense, &t.batch, 0.1f);
        assert_true(t.dense.n_reals <= TS_COUNT(once));
        if (n_threads == 1)
            memcpy(once, t.dense.grad, t.dense.n_reals * sizeof *once);
        else
            assert_memory_equal(once, t.dense.grad, t.dense.n_reals * sizeof *once);
        tiny_dense_close(&t);
    }
}

/* Three documents in one pass are three passes, whose gradients add up. */
static void gradients_of_passes_add_up(void **state)
{
    static float whole[8192];
    tiny_dense t;

    (void)state;
    tiny_dense_open(&t, "qwen2", 1);
    const double loss = ts_dense_net_learn(&t.dense, &t.batch, 0.1f);
    memcpy(whole, t.dense.grad, t.dense.n_reals * sizeof *whole);
    ts_dense_net_clear_gradients(&t.dense);
    double sum = 0;
    const ts_train_batch all = t.batch;
    for (size_t d = 0; d < all.pack.n_docs; d++) {
        const uint32_t first = all.pack.begin[d];
        uint32_t row[128], begin[2] = {0, all.pack.begin[d + 1] - first};
        size_t n = 0, skip = 0;

        while (all.row[skip] < first)
            skip++;
        for (size_t i = skip; i < all.n_learned && all.row[i] < all.pack.begin[d + 1]; i++)
            row[n++] = all.row[i] - first;
        const ts_train_batch one = {.pack = {.n = begin[1],
                                             .n_docs = 1,
                                             .token = all.pack.token + first,
                                             .position = all.pack.position + first,
                                             .begin = begin},
                                    .n_learned = n,
                                    .row = row,
                                    .target = all.target + skip};
        sum += ts_dense_net_learn(&t.dense, &one, 0.1f);
    }
    assert_true(fabs(sum - loss) < 1e-5 * loss);
    assert_true(distance(t.dense.grad, whole, t.dense.n_reals) < 1e-5);
    tiny_dense_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_pytorch),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(gradients_of_passes_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
