/* test_quantize.c - weights rounded to every type of a file, judged by what comes back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/rng.h"
#include "kernels/kernels.h"
#include "kernels/weights/quant_pack.h"
#include "models/quantize_row.h"

enum { N = 256 * 64 };

static float x[N], y[N];
static uint8_t packed[N * 4];

static float normal(ts_rng *rng)
{
    float sum = 0;

    for (int i = 0; i < 12; i++)
        sum += (float)ts_rng_unit(rng);
    return sum - 6;
}

static void fill(uint64_t seed, float scale)
{
    ts_rng rng;

    ts_rng_seed(&rng, seed);
    for (int i = 0; i < N; i++)
        x[i] = scale * normal(&rng);
}

static const struct {
    ts_dtype type;
    void (*widen)(float *y, const void *w, size_t n);
    double rms; /* allowed error of normal weights, as a part of their size */
} types[] = {{TS_F16, ts_widen_f16_ref, 0.0003},    {TS_BF16, ts_widen_bf16_ref, 0.002},
             {TS_Q4_0, ts_widen_q4_0_ref, 0.09},    {TS_Q4_1, ts_widen_q4_1_ref, 0.08},
             {TS_Q5_0, ts_widen_q5_0_ref, 0.045},   {TS_Q5_1, ts_widen_q5_1_ref, 0.04},
             {TS_Q8_0, ts_widen_q8_0_ref, 0.006},   {TS_IQ4_NL, ts_widen_iq4_nl_ref, 0.08},
             {TS_MXFP4, ts_widen_mxfp4_ref, 0.125}, {TS_Q2_K, ts_widen_q2_k_ref, 0.29},
             {TS_Q3_K, ts_widen_q3_k_ref, 0.16},    {TS_Q4_K, ts_widen_q4_k_ref, 0.08},
             {TS_Q5_K, ts_widen_q5_k_ref, 0.04},    {TS_Q6_K, ts_widen_q6_k_ref, 0.02},
             {TS_IQ4_XS, ts_widen_iq4_xs_ref, 0.08}};

static double relative_error(void)
{
    double error = 0, size = 0;

    for (int i = 0; i < N; i++) {
        error += ((double)y[i] - x[i]) * ((double)y[i] - x[i]);
        size += (double)x[i] * x[i];
    }
    return size > 0 ? sqrt(error / size) : sqrt(error);
}

static void normal_weights_come_back_nearly(void **state)
{
    static const float scales[] = {1, 0.02f, 1e-3f};

    (void)state;
    for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
        fill(7 + k, scales[k]);
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            assert_true(ts_quantize_row(types[i].type, packed, x, N));
            types[i].widen(y, packed, N);
            const double e = relative_error();
            if (!(e < types[i].rms))
                fail_msg("%s: %.4f of %.4f at scale %g", ts_dtype_of(types[i].type).name, e,
                         types[i].rms, (double)scales[k]);
        }
    }
}

/* What a type can say exactly it keeps: quantising the widened weights again changes
 * nothing worth a rounding. */
static void rounding_twice_is_rounding_once(void **state)
{
    (void)state;
    fill(11, 0.05f);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        assert_true(ts_quantize_row(types[i].type, packed, x, N));
        types[i].widen(y, packed, N);
        float once[N];
        memcpy(once, y, sizeof once);
        assert_true(ts_quantize_row(types[i].type, packed, once, N));
        types[i].widen(y, packed, N);
        double error = 0, size = 0;
        for (int j = 0; j < N; j++) {
            error += ((double)y[j] - once[j]) * ((double)y[j] - once[j]);
            size += (double)once[j] * once[j];
        }
        assert_true(sqrt(error / size) < types[i].rms / 4);
    }
}

static void zeros_and_outliers_stay_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        memset(x, 0, sizeof x);
        assert_true(ts_quantize_row(types[i].type, packed, x, N));
        types[i].widen(y, packed, N);
        for (int j = 0; j < N; j++)
            assert_true(y[j] == 0);
        x[5] = 3; /* one weight that sets the scale of its block */
        x[300] = 1e-38f;
        x[600] = -1e-42f;
        assert_true(ts_quantize_row(types[i].type, packed, x, N));
        types[i].widen(y, packed, N);
        assert_true(fabsf(y[5] - 3) < 0.2f);
        for (int j = 0; j < N; j++)
            assert_true(isfinite(y[j]) && (j == 5 || fabsf(y[j]) < 0.3f));
    }
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        fill(3, 1);
        x[N - 1] = i % 2 ? NAN : INFINITY;
        assert_false(ts_quantize_row(types[i].type, packed, x, N));
    }
    assert_false(ts_can_quantize(TS_IQ2_XXS));
    assert_false(ts_quantize_row(TS_IQ2_XXS, packed, x, N));
}

static void every_half_survives(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        if ((h & 0x7c00) != 0x7c00)
            assert_int_equal(half_to_f16(half_f16((uint16_t)h)), h);
        if ((h & 0x7f80) != 0x7f80)
            assert_int_equal(half_to_bf16(half_bf16((uint16_t)h)), h);
    }
    assert_int_equal(half_to_f16(65519.0f), 0x7bff);
    assert_int_equal(half_to_f16(-1e30f), 0xfbff);
    assert_int_equal(half_to_f16(0x1.002p0f), 0x3c00); /* a tie, to even */
    assert_int_equal(half_to_f16(0x1.006p0f), 0x3c02);
    assert_int_equal(half_to_f16(0x1p-25f), 0);
    assert_int_equal(half_to_f16(0x1.8p-25f), 1);
}

/* Any bytes, unpacked and packed again, are the same bytes. */
#define SURVIVES(name, mask_bytes)                                     \
    do {                                                               \
        quant_codes c;                                                 \
        uint8_t block[sizeof(ts_block_##name)], again[sizeof block];   \
        for (int k = 0; k < 2000; k++) {                               \
            for (size_t i = 0; i < sizeof block; i++)                  \
                block[i] = (uint8_t)ts_rng_u64(&rng);                  \
            quant_unpack_##name(&c, block);                            \
            if (!isfinite(c.d) || ((mask_bytes) && !isfinite(c.dmin))) \
                continue;                                              \
            quant_pack_##name(again, &c);                              \
            assert_memory_equal(block, again, sizeof block);           \
        }                                                              \
    } while (0)

static void packing_is_unpacking_backwards(void **state)
{
    ts_rng rng;

    (void)state;
    ts_rng_seed(&rng, 99);
    SURVIVES(q4_0, 0);
    SURVIVES(q4_1, 1);
    SURVIVES(q5_0, 0);
    SURVIVES(q5_1, 1);
    SURVIVES(q8_0, 0);
    SURVIVES(iq4_nl, 0);
    SURVIVES(q2_k, 1);
    SURVIVES(q3_k, 0);
    SURVIVES(q4_k, 1);
    SURVIVES(q5_k, 1);
    SURVIVES(q6_k, 0);
    SURVIVES(iq4_xs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_weights_come_back_nearly),
        cmocka_unit_test(rounding_twice_is_rounding_once),
        cmocka_unit_test(zeros_and_outliers_stay_what_they_are),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(every_half_survives),
        cmocka_unit_test(packing_is_unpacking_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
