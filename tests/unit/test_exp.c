/* test_exp.c - the accuracy of our own exponential, against libm in double. */
#include "kernels/exp.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Largest error found over every float in [-104, 89] is 0.901 ulp (gcc 12 and
 * glibc 2.36's exp in double, 2026-11-24); the bound leaves nothing to hide a
 * changed coefficient. */
#define MAX_ULP 0.91

/* Every 257th float (a prime, so that all mantissas come by). */
#define STEP 257

/* Error in units of the last place of the true result, which below 2^-126 are
 * all 2^-149. */
static double ulp_error(float got, double want)
{
    int exponent;

    (void)frexp(want, &exponent);
    const int last_place = exponent - FLT_MANT_DIG < -149 ? -149 : exponent - FLT_MANT_DIG;
    return fabs((double)got - want) / ldexp(1.0, last_place);
}

static double worst_from(uint32_t first, uint32_t last, uint32_t step)
{
    double worst = 0;

    for (uint32_t bits = first; bits <= last; bits += step) {
        const float x = exp_bits_to_float(bits);
        const double want = exp((double)x);
        const float got = exp_f32(x);
        if (want >= 0x1.ffffffp+127) {
            assert_true(isinf(got));
            continue;
        }
        const double error = ulp_error(got, want);
        worst = error > worst ? error : worst;
    }
    return worst;
}

static void is_within_one_ulp_of_the_true_value(void **state)
{
    (void)state;
    const double positive = worst_from(0, 0x42b20000u, STEP);           /* 0 to 89 */
    const double negative = worst_from(0x80000000u, 0xc2d00000u, STEP); /* -0 to -104 */

    print_message("exp: %.4f ulp for x >= 0, %.4f ulp below\n", positive, negative);
    assert_true(positive <= MAX_ULP);
    assert_true(negative <= MAX_ULP);
}

static void treats_the_ends_exactly(void **state)
{
    (void)state;
    assert_true(exp_f32(0.0f) == 1.0f);
    assert_true(exp_f32(-0.0f) == 1.0f);
    assert_true(exp_f32(-INFINITY) == 0.0f);
    assert_true(exp_f32(-FLT_MAX) == 0.0f);
    assert_true(exp_f32(-104.0f) == 0.0f);
    assert_true(exp_f32(-103.97f) == 0x1p-149f);
    assert_true(exp_f32(-103.98f) == 0.0f);
    assert_true(exp_f32(88.72283f) < INFINITY);
    assert_true(exp_f32(88.72285f) == INFINITY);
    assert_true(exp_f32(FLT_MAX) == INFINITY);
    assert_true(exp_f32(INFINITY) == INFINITY);
    assert_true(isnan(exp_f32(NAN)));
    assert_true(isnan(exp_f32(-NAN)));
}

static void gives_sigmoid_and_silu_their_limits(void **state)
{
    (void)state;
    assert_true(exp_sigmoid(0.0f) == 0.5f);
    assert_true(exp_sigmoid(-INFINITY) == 0.0f);
    assert_true(exp_sigmoid(INFINITY) == 1.0f);
    assert_true(isnan(exp_sigmoid(NAN)));
    assert_true(exp_silu(0.0f) == 0.0f);
    assert_true(exp_silu(-1000.0f) == 0.0f);
    assert_true(exp_silu(1000.0f) == 1000.0f);
    assert_true(isnan(exp_silu(-INFINITY)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_within_one_ulp_of_the_true_value),
        cmocka_unit_test(treats_the_ends_exactly),
        cmocka_unit_test(gives_sigmoid_and_silu_their_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
