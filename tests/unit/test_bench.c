/* test_bench.c - what a share of the machine's limits is a share of, worked out by hand.
 *
 * Fixture v2lite-f32: d 48, three layers of four heads (16 + 8 and 16 wide, latents of
 * 24), one dense layer of 72, two of two from eight experts of 20 and a shared one of
 * 40; 256 tokens.  Multiply-adds of a token, in this order:
 *   attention  48 x 4 x (16 + 8) + 48 x (24 + 8) + 4 x 16 x 24 + 4 x 24 x 16 + 4 x 16 x 48
 *              = 4,608 + 1,536 + 1,536 + 1,536 + 3,072 = 12,288, three times
 *   dense      3 x 48 x 72 = 10,368
 *   experts    48 x 8 + 2 x 3 x 48 x 20 + 3 x 48 x 40 = 384 + 5,760 + 5,760 = 11,904, twice
 *   logits     48 x 256 = 12,288
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/bench.h"

enum { TOKEN = 3 * 12288 + 10368 + 2 * 11904, LOGITS = 12288 };

static void costs_are_those_worked_out_by_hand(void **state)
{
    tiefsee_model *m;

    (void)state;
    assert_int_equal(tiefsee_model_open(&m, "tests/conformance/fixtures/v2lite-f32", NULL, NULL),
                     TIEFSEE_OK);
    const ts_net_cost c = ts_net_cost_of(m->net);
    assert_int_equal(c.macs_per_token, TOKEN);
    assert_int_equal(c.macs_per_logits, LOGITS);
    assert_int_equal(c.weight_bytes, 4 * (TOKEN + LOGITS)); /* floats, each used once */
    assert_int_equal(ts_net_kv_row_floats(m->net), 24 + 8);
    tiefsee_model_close(m);
}

static void a_prompt_wants_logits_once(void **state)
{
    const ts_net_cost c = {.macs_per_token = TOKEN, .macs_per_logits = LOGITS};

    (void)state;
    assert_int_equal(ts_bench_prompt_macs(&c, 1), TOKEN + LOGITS);
    assert_int_equal(ts_bench_prompt_macs(&c, 512), 512 * TOKEN + LOGITS);
}

/* Tokens behind 10 others see 11, 12, 13 and 14 rows of 384 bytes. */
static void a_token_reads_all_weights_and_the_rows_before_it(void **state)
{
    const ts_net_cost c = {.weight_bytes = 1000};

    (void)state;
    assert_true(ts_bench_token_bytes(&c, 384, 0, 1) == 1000 + 384);
    assert_true(ts_bench_token_bytes(&c, 384, 10, 4) == 1000 + 384 * 12.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs_are_those_worked_out_by_hand),
        cmocka_unit_test(a_prompt_wants_logits_once),
        cmocka_unit_test(a_token_reads_all_weights_and_the_rows_before_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
