/* test_router.c - which experts are chosen, and how much they weigh. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backends/router.h"

enum { E = 8, K = 2 };

static void choose(const ts_router *rule, const float *s, const float *bias, int32_t *id,
                   float *weight)
{
    float scratch[2 * E + E];
    ts_router a = *rule;

    a.bias = bias;
    a.id = id;
    a.weight = weight;
    a.T = 1;
    a.n_experts = E;
    a.n_active = K;
    ts_router_choose(&a, 0, s, scratch);
}

static void the_bias_steers_the_choice_but_not_the_weight(void **state)
{
    const float s[E] = {.9f, .8f, .1f, .2f, .3f, .4f, .5f, .6f};
    const float bias[E] = {0, -1, 0, 0, 0, 0, 0, .25f};
    const ts_router rule = {.n_groups = 1, .n_top_groups = 1, .normalise = true, .scale = 2.5f};
    int32_t id[K];
    float w[K];

    (void)state;
    choose(&rule, s, bias, id, w);
    assert_int_equal(id[0], 0);
    assert_int_equal(id[1], 7);
    assert_true(fabsf(w[0] - 2.5f * .9f / 1.5f) < 1e-6f);
    assert_true(fabsf(w[1] - 2.5f * .6f / 1.5f) < 1e-6f);
}

static void groups_are_judged_by_their_two_best_or_their_best(void **state)
{
    /* Two groups: one has the best expert, the other the better pair. */
    const float s[E] = {.95f, .1f, .1f, .1f, .7f, .6f, .2f, .2f};
    const ts_router pair = {.n_groups = 2,
                            .n_top_groups = 1,
                            .group_rule = TS_GROUP_TOP2,
                            .scale = 1},
                    best = {
                        .n_groups = 2, .n_top_groups = 1, .group_rule = TS_GROUP_MAX, .scale = 1};
    int32_t id[K];
    float w[K];

    (void)state;
    choose(&pair, s, NULL, id, w);
    assert_true(id[0] == 4 && id[1] == 5);
    choose(&best, s, NULL, id, w);
    assert_true(id[0] == 0 && id[1] == 1); /* a tie: the lowest index */
}

static void a_dropped_group_loses_to_negative_scores(void **state)
{
    /* Every kept expert has a negative biased score: a mask of zero would let
     * the dropped group in (models with b < 0). */
    const float s[E] = {.5f, .5f, .1f, .1f, .4f, .3f, .1f, .1f};
    const float bias[E] = {-3, -3, -3, -3, -1, -1, -1, -1};
    const ts_router rule = {
        .n_groups = 2, .n_top_groups = 1, .group_rule = TS_GROUP_TOP2, .scale = 1};
    int32_t id[K];
    float w[K];

    (void)state;
    choose(&rule, s, bias, id, w);
    assert_true(id[0] == 4 && id[1] == 5);
}

static void pairs_are_sorted_by_expert_then_by_token(void **state)
{
    const int32_t id[3 * K] = {5, 0, 0, 7, 5, 0};
    int32_t offset[E + 1], token[3 * K], place[3 * K];
    ts_moe_plan plan = {E, K, offset, token, place};

    (void)state;
    ts_moe_plan_sort(&plan, id, 3);
    assert_true(offset[0] == 0 && offset[1] == 3 && offset[5] == 3 && offset[6] == 5);
    assert_true(offset[7] == 5 && offset[8] == 6);
    for (int i = 0; i < 3; i++)
        assert_int_equal(token[i], i);
    for (int i = 0; i < 3 * K; i++)
        assert_int_equal(token[place[i]], i / K);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bias_steers_the_choice_but_not_the_weight),
        cmocka_unit_test(groups_are_judged_by_their_two_best_or_their_best),
        cmocka_unit_test(a_dropped_group_loses_to_negative_scores),
        cmocka_unit_test(pairs_are_sorted_by_expert_then_by_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
