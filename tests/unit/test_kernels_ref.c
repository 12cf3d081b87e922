/* test_kernels_ref.c - the reference kernels against values from elsewhere.
 *
 * The variants are compared with the reference bit by bit (tests/kernels); so
 * the reference itself is judged here: by hand, by a double, by a table. */
#include "core/cpu.h"
#include "kernels/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define N 100

static float value(size_t i, size_t salt)
{
    return (float)((i * 37 + salt * 101) % 211) / 53.0f - 2.0f;
}

static void selects_the_reference_for_no_flags(void **state)
{
    (void)state;
    ts_kernels k;

    ts_kernels_select(&k, 0);
    assert_ptr_equal(k.dot_f32, ts_dot_f32_ref);
    assert_ptr_equal(k.softmax_f32, ts_softmax_f32_ref);
    assert_ptr_equal(k.quantize_q8, ts_quantize_q8_ref);
}

static void multiplies_rows_as_a_double_would(void **state)
{
    (void)state;
    float w[3 * N], x[2 * N], y[2 * 4] = {0};

    for (size_t i = 0; i < 3 * N; i++)
        w[i] = value(i, 1);
    for (size_t i = 0; i < 2 * N; i++)
        x[i] = value(i, 2);
    ts_gemm_f32_ref(y, 4, w, N, 3, x, N, 2, N);
    for (size_t t = 0; t < 2; t++)
        for (size_t r = 0; r < 3; r++) {
            double want = 0;
            for (size_t i = 0; i < N; i++)
                want += (double)w[r * N + i] * (double)x[t * N + i];
            assert_true(fabs((double)y[t * 4 + r] - want) < 1e-4);
        }
    assert_true(y[3] == 0 && y[7] == 0); /* between the rows nothing is written */
}

/* Sixteen lanes and their tree, written out for one small case: 1e8 + 1 - 1e8
 * is 1 or 0 depending on who meets whom. */
static void sums_in_sixteen_lanes(void **state)
{
    (void)state;
    float a[33] = {0}, ones[33];

    for (size_t i = 0; i < 33; i++)
        ones[i] = 1;
    a[0] = 1e8f, a[1] = 1, a[16] = -1e8f;
    assert_true(ts_dot_f32_ref(a, ones, 33) == 1); /* 0 and 16 share lane 0 */
    a[16] = 0, a[2] = -1e8f;
    assert_true(ts_dot_f32_ref(a, ones, 33) == 1); /* lanes 0 and 2 meet before 1 */
    a[2] = 0, a[1] = -1e8f, a[2] = 1;
    assert_true(ts_dot_f32_ref(a, ones, 33) == 0); /* lane 2 is lost in lane 0 */
}

static void accumulates_rows_with_weights(void **state)
{
    (void)state;
    const float p[2][3] = {{1, 2, 3}, {0, -1, 0.5f}};
    const float c[3][2] = {{1, 10}, {2, 20}, {4, 40}};
    float z[2][2] = {{100, 0}, {0, 0}};

    ts_accumulate_f32_ref(z[0], 2, p[0], 3, 2, c[0], 2, 3, 2);
    assert_true(z[0][0] == 117 && z[0][1] == 170);
    assert_true(z[1][0] == 0 && z[1][1] == 0);
}

static void normalises_a_row(void **state)
{
    (void)state;
    const float x[4] = {1, -1, 3, 5}, w[4] = {1, 2, 3, 4}; /* mean square 9 */
    float y[4];

    ts_rms_norm_f32_ref(y, x, NULL, 4, 0);
    assert_true(fabsf(y[3] - 5 / 3.0f) < 1e-6f && fabsf(y[1] + 1 / 3.0f) < 1e-6f);
    ts_rms_norm_f32_ref(y, x, w, 4, 7); /* 9 + 7 = 4^2 */
    assert_true(y[0] == 0.25f && y[1] == -0.5f && y[2] == 2.25f && y[3] == 5);
}

static void makes_probabilities(void **state)
{
    (void)state;
    float x[N];
    double sum = 0, want_sum = 0;

    for (size_t i = 0; i < N; i++)
        x[i] = value(i, 3);
    for (size_t i = 0; i < N; i++)
        want_sum += exp((double)value(i, 3));
    ts_softmax_f32_ref(x, N);
    for (size_t i = 0; i < N; i++) {
        assert_true(fabs((double)x[i] - exp((double)value(i, 3)) / want_sum) < 1e-8);
        sum += (double)x[i];
    }
    assert_true(fabs(sum - 1) < 1e-6);

    float masked[3] = {0, -INFINITY, 0};
    ts_softmax_f32_ref(masked, 3);
    assert_true(masked[0] == 0.5f && masked[1] == 0 && masked[2] == 0.5f);
    float broken[3] = {0, NAN, 0};
    ts_softmax_f32_ref(broken, 3);
    assert_true(isnan(broken[0]) && isnan(broken[1]) && isnan(broken[2]));
}

static void rotates_pairs_in_both_layouts(void **state)
{
    (void)state;
    const float cosine[2] = {0, 0.5f}, sine[2] = {1, 2};
    float interleaved[4] = {1, 2, 3, 4}, halves[4] = {1, 3, 2, 4};

    ts_rope_f32_ref(interleaved, cosine, sine, 2, 1);
    assert_true(interleaved[0] == -2 && interleaved[1] == 1);
    assert_true(interleaved[2] == 1.5f - 8 && interleaved[3] == 6 + 2);
    ts_rope_f32_ref(halves, cosine, sine, 2, 0);
    assert_true(halves[0] == -2 && halves[2] == 1);
    assert_true(halves[1] == 1.5f - 8 && halves[3] == 6 + 2);
}

static void gates_with_silu(void **state)
{
    (void)state;
    for (size_t i = 0; i < N; i++) {
        const float g = 4 * value(i, 5), u = value(i, 6);
        float y;
        ts_swiglu_f32_ref(&y, &g, &u, 1);
        const double want = (double)g / (1 + exp(-(double)g)) * (double)u;
        assert_true(fabs((double)y - want) <= 4e-7 * fabs(want));
    }
}

static void widens_narrow_floats_exactly(void **state)
{
    (void)state;
    static const struct {
        uint16_t f16;
        float value;
    } halves[] = {
        {0x0001, 0x1p-24f}, {0x83ff, -0x1.ff8p-15f}, {0x0400, 0x1p-14f}, {0x3c00, 1},
        {0xc000, -2},       {0x7bff, 65504},         {0x7c00, INFINITY}, {0xfc00, -INFINITY},
    };
    static const struct {
        uint8_t f8;
        float value;
    } bytes[] = {
        {0x00, 0}, {0x01, 0x1p-9f}, {0x07, 0x1.cp-7f}, {0x08, 0x1p-6f},
        {0x38, 1}, {0xb9, -1.125f}, {0x7e, 448},       {0xfe, -448},
    };
    float y;

    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        ts_widen_f16_ref(&y, &halves[i].f16, 1);
        assert_true(y == halves[i].value);
    }
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        ts_widen_f8_e4m3_ref(&y, &bytes[i].f8, 1);
        assert_true(y == bytes[i].value);
    }
    ts_widen_f8_e4m3_ref(&y, &(uint8_t){0x80}, 1);
    assert_true(y == 0 && signbit(y));
    ts_widen_f8_e4m3_ref(&y, &(uint8_t){0x7f}, 1);
    assert_true(isnan(y));
    ts_widen_f8_e4m3_ref(&y, &(uint8_t){0xff}, 1);
    assert_true(isnan(y));
    ts_widen_f16_ref(&y, &(uint16_t){0x7c01}, 1);
    assert_true(isnan(y));
    ts_widen_bf16_ref(&y, &(uint16_t){0xc049}, 1);
    assert_true(y == -3.140625f);
}

static void quantises_activations_to_a_byte(void **state)
{
    (void)state;
    float x[40], d[2];
    int8_t q[40];
    int16_t s[3];

    for (size_t i = 0; i < 40; i++)
        x[i] = (float)i / 2 - 5;
    x[31] = 127; /* d = 1: ties at every half */
    ts_quantize_q8_ref(q, d, s, x, 40, 32);
    assert_true(d[0] == 1);
    assert_int_equal(q[0], -5);
    assert_int_equal(q[1], -4); /* -4.5 */
    assert_int_equal(q[3], -4); /* -3.5 */
    assert_int_equal(q[31], 127);
    assert_true(d[1] == 14.5f / 127);
    assert_int_equal(q[39], 127);
    int sum = 0;
    for (size_t i = 16; i < 32; i++)
        sum += q[i];
    assert_int_equal(s[1], sum);
    sum = 0;
    for (size_t i = 32; i < 40; i++)
        sum += q[i];
    assert_int_equal(s[2], sum);
}

static void keeps_broken_activations_visible(void **state)
{
    (void)state;
    static const float odd[] = {0, 1e-37f, INFINITY, -INFINITY, NAN};
    float d;
    int16_t s[2];

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        float x[32] = {0};
        int8_t q[32];
        x[7] = odd[i];
        ts_quantize_q8_ref(q, &d, s, x, 32, 32);
        assert_true(i < 2 ? d == 0 : !isfinite(d));
        assert_int_equal(q[7], 0);
        assert_int_equal(s[0], 0);
        assert_int_equal(s[1], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selects_the_reference_for_no_flags),
        cmocka_unit_test(multiplies_rows_as_a_double_would),
        cmocka_unit_test(sums_in_sixteen_lanes),
        cmocka_unit_test(accumulates_rows_with_weights),
        cmocka_unit_test(normalises_a_row),
        cmocka_unit_test(makes_probabilities),
        cmocka_unit_test(rotates_pairs_in_both_layouts),
        cmocka_unit_test(gates_with_silu),
        cmocka_unit_test(widens_narrow_floats_exactly),
        cmocka_unit_test(quantises_activations_to_a_byte),
        cmocka_unit_test(keeps_broken_activations_visible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
