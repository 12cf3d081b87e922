/* test_rope.c - frequencies and angles, against the constants of the papers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/rope.h"

static const ts_rope_config v3 = {.kind = TS_ROPE_YARN,
                                  .n_dims = 64,
                                  .theta = 10000,
                                  .factor = 40,
                                  .original_context = 4096,
                                  .beta_fast = 32,
                                  .beta_slow = 1,
                                  .mscale = 1,
                                  .mscale_all_dim = 1};

static void yarn_leaves_fast_pairs_and_divides_slow_ones(void **state)
{
    float f[32];

    (void)state;
    ts_rope_frequencies(f, &v3, NULL);
    for (int i = 0; i < 32; i++) {
        const double plain = pow(10000, -2.0 * i / 64);
        if (i <= 10) /* the ramp runs from pair 10 to pair 23 */
            assert_true(fabs((double)f[i] / plain - 1) < 1e-6);
        else if (i >= 23)
            assert_true(fabs((double)f[i] / (plain / 40) - 1) < 1e-6);
        else
            assert_true((double)f[i] < plain && (double)f[i] > plain / 40);
    }
}

static void scales_are_those_of_the_published_models(void **state)
{
    ts_rope_config lite = v3, qwen3 = v3, half = v3;

    (void)state;
    assert_true(fabs(ts_rope_softmax_factor(&v3) - 1.8738542) < 1e-6);
    assert_true(ts_rope_amplitude(&v3) == 1.0f);
    lite.mscale = lite.mscale_all_dim = 0.707;
    assert_true(fabs(ts_rope_softmax_factor(&lite) - 1.5896262) < 1e-6);
    qwen3.mscale = qwen3.mscale_all_dim = 0;
    qwen3.factor = 4;
    assert_true(fabs((double)ts_rope_amplitude(&qwen3) - (0.1 * log(4) + 1)) < 1e-6);
    assert_true(ts_rope_softmax_factor(&qwen3) == 1);
    half.mscale_all_dim = 0.5;
    assert_true(fabs((double)ts_rope_amplitude(&half) - 1.3688879 / 1.1844440) < 1e-6);
}

static void llama3_keeps_short_waves_and_divides_long_ones(void **state)
{
    const ts_rope_config r = {.kind = TS_ROPE_LLAMA3,
                              .n_dims = 128,
                              .theta = 500000,
                              .factor = 8,
                              .original_context = 8192,
                              .low_freq_factor = 1,
                              .high_freq_factor = 4};
    float f[64];

    (void)state;
    ts_rope_frequencies(f, &r, NULL);
    for (int i = 0; i < 64; i++) {
        const double plain = pow(500000, -2.0 * i / 128), wave = 2 * 3.14159265358979 / plain;
        const double ratio = (double)f[i] / plain;
        if (wave < 2048)
            assert_true(fabs(ratio - 1) < 1e-6);
        else if (wave > 8192)
            assert_true(fabs(ratio - 0.125) < 1e-6);
        else
            assert_true(ratio > 0.125 && ratio < 1);
    }
}

static void sines_agree_with_the_library_up_to_a_million(void **state)
{
    const float frequency[3] = {1, 0.3f, 1e-4f};
    float c[3], s[3];

    (void)state;
    for (uint32_t p = 0; p < 1000000; p = p < 2000 ? p + 1 : p * 9 / 8) {
        ts_rope_angles(c, s, frequency, 3, p, 1);
        for (int i = 0; i < 3; i++) {
            const double x = (double)((float)p * frequency[i]);
            assert_true(fabs((double)c[i] - cos(x)) < 6.1e-8);
            assert_true(fabs((double)s[i] - sin(x)) < 6.1e-8);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yarn_leaves_fast_pairs_and_divides_slow_ones),
        cmocka_unit_test(scales_are_those_of_the_published_models),
        cmocka_unit_test(llama3_keeps_short_waves_and_divides_long_ones),
        cmocka_unit_test(sines_agree_with_the_library_up_to_a_million),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
