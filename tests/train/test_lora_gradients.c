/* test_lora_gradients.c - the layers of fine-tuning against central differences, in double.
 *
 * The sources are the trainer's own, compiled with TS_TRAIN_F64: products with frozen
 * matrices, low-rank parts, and whole models of each family (grouped-query attention,
 * biases, heads' norms, both rotations) down to every learned matrix.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "models/quantize_row.h"
#include "tiny_dense.h"
#include "train/lora/frozen.h"

static ts_rng rng;

static void fill(real *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = 2 * ts_rng_unit(&rng) - 1;
}

static void nearly(const char *what, size_t i, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
        fail_msg("%s[%zu]: %.12g, is %.12g", what, i, got, want);
}

/* ------------------------------------------------------------ frozen products */

/* Beyond every tile: rows, outputs, inputs. */
enum { N = 101, N_IN = 544, N_OUT = 150 };

static struct frozen_case {
    float w[N_OUT * N_IN];
    uint8_t packed[N_OUT * N_IN * 4];
    real x[N * N_IN], y[N * N_OUT], dy[N * N_OUT], dx[N * N_IN];
} fz;

static ts_tensor pack(ts_dtype type)
{
    ts_tensor W = {.data = fz.packed, .ne = {N_IN, N_OUT, 1, 1}, .n_dims = 2, .type = type};

    assert_true(ts_dtype_row_bytes((uint32_t)type, N_IN, &W.row_bytes));
    W.bytes = W.row_bytes * N_OUT;
    for (size_t r = 0; r < N_OUT; r++) {
        for (size_t i = 0; i < N_IN; i++)
            fz.w[r * N_IN + i] = (float)(2 * ts_rng_unit(&rng) - 1);
        assert_true(ts_quantize_row(type, fz.packed + r * W.row_bytes, fz.w + r * N_IN, N_IN));
        assert_true(ts_widen_row(type, fz.w + r * N_IN, fz.packed + r * W.row_bytes, N_IN));
    }
    return W;
}

static void run_frozen(const ts_tensor *W, bool adds, real *scratch)
{
    for (size_t at = 0; at < N_OUT; at += TS_FROZEN_OUTPUTS)
        ts_frozen_forward(
            NULL, (ts_rows){fz.y, N_OUT}, (ts_rows){fz.x, N_IN},
            &(ts_frozen){W, N, at, N_OUT - at < TS_FROZEN_OUTPUTS ? N_OUT : at + TS_FROZEN_OUTPUTS,
                         adds},
            scratch);
    for (size_t at = 0; at < N_IN; at += TS_FROZEN_INPUTS)
        ts_frozen_backward(NULL, (ts_rows){fz.dx, N_IN}, (ts_rows){fz.dy, N_OUT},
                           &(ts_frozen){W, N, at,
                                        N_IN - at < TS_FROZEN_INPUTS ? N_IN : at + TS_FROZEN_INPUTS,
                                        adds},
                           scratch);
}

static void a_frozen_product_is_that_of_its_weights(void **state)
{
    static const ts_dtype types[] = {TS_F32, TS_F16, TS_BF16, TS_Q4_0, TS_Q8_0};
    real *scratch = malloc(ts_frozen_scratch_reals() * sizeof *scratch);

    (void)state;
    assert_non_null(scratch);
    for (size_t k = 0; k < 2 * TS_COUNT(types); k++) {
        const ts_tensor W = pack(types[k / 2]);
        const bool adds = k % 2;

        fill(fz.x, N * N_IN);
        fill(fz.dy, N * N_OUT);
        for (size_t i = 0; i < N * N_OUT; i++)
            fz.y[i] = 7;
        for (size_t i = 0; i < N * N_IN; i++)
            fz.dx[i] = 7;
        run_frozen(&W, adds, scratch);
        for (size_t t = 0; t < N; t += 20)
            for (size_t r = 0; r < N_OUT; r++) {
                double sum = adds ? 7 : 0;
                for (size_t i = 0; i < N_IN; i++)
                    sum += fz.x[t * N_IN + i] * (double)fz.w[r * N_IN + i];
                nearly("y", t * N_OUT + r, fz.y[t * N_OUT + r], sum, 1e-12);
            }
        for (size_t t = 0; t < N; t += 20)
            for (size_t i = 0; i < N_IN; i++) {
                double sum = adds ? 7 : 0;
                for (size_t r = 0; r < N_OUT; r++)
                    sum += fz.dy[t * N_OUT + r] * (double)fz.w[r * N_IN + i];
                nearly("dx", t * N_IN + i, fz.dx[t * N_IN + i], sum, 1e-12);
            }
    }
    free(scratch);
}

/* --------------------------------------------------------------- whole models */

static void check_model(const char *name)
{
    tiny_dense t;
    size_t n_seen = 0, n_large = 0;
    const real scale = 0.1;

    tiny_dense_open(&t, name, 1);
    const double loss = scale * ts_dense_net_learn(&t.dense, &t.batch, scale);
    nearly("loss", 0, scale * ts_dense_net_loss(&t.dense, &t.batch), loss, 1e-13);
    for (size_t i = 0; i < t.dense.n_reals; i += 41, n_seen++) {
        const real step = 1e-5, kept = t.dense.value[i];

        t.dense.value[i] = kept + step;
        ts_dense_net_pack(&t.dense);
        const double up = ts_dense_net_loss(&t.dense, &t.batch);
        t.dense.value[i] = kept - step;
        ts_dense_net_pack(&t.dense);
        const double down = ts_dense_net_loss(&t.dense, &t.batch);
        t.dense.value[i] = kept;
        nearly(name, i, t.dense.grad[i], scale * (up - down) / (2 * step), 1e-7);
        n_large += fabs(t.dense.grad[i]) > 1e-3;
    }
    assert_true(n_seen > 40 && n_large > n_seen / 2);
    tiny_dense_close(&t);
}

static void qwen2_goes_back(void **state)
{
    (void)state;
    check_model("qwen2");
}

static void qwen3_goes_back(void **state)
{
    (void)state;
    check_model("qwen3");
}

static void llama_goes_back(void **state)
{
    (void)state;
    check_model("llama3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frozen_product_is_that_of_its_weights),
        cmocka_unit_test(qwen2_goes_back),
        cmocka_unit_test(qwen3_goes_back),
        cmocka_unit_test(llama_goes_back),
    };

    ts_rng_seed(&rng, 5);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
