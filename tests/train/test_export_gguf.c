/* test_export_gguf.c - an exported network computes in the engine what it computed in
 * the trainer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "formats/modelfile.h"
#include "support/scratch.h"
#include "tiefsee/tiefsee.h"
#include "tiny_trunk.h"
#include "train/export_gguf.h"
#include "train/run.h"

static const char VOCAB_MODEL[] = "assets/tiefsee-mini.gguf";

static scratch folder;
static tiny_trunk net;
static tiny_batch batch;
static ts_modelfile *vocab_file;

static ts_config config_of_width_32(uint32_t q_lora)
{
    ts_config c = tiny_config();

    c.n_vocab = 2048;
    c.d_model = 64;
    c.d_ff = 96;
    c.d_nope = c.d_value = c.kv_lora_rank = c.d_expert = 32;
    c.q_lora_rank = q_lora;
    c.d_rope = c.rope.n_dims = 16;
    c.d_head = 48;
    return c;
}

typedef struct comparison {
    double worst, largest;
    size_t n_rows;
} comparison;

static void compare_row(void *user, size_t i, const float *row)
{
    static float want[2048];
    comparison *c = user;

    ts_trunk_logits(&net.trunk, batch.begin[1] + i, want);
    for (size_t v = 0; v < 2048; v++) {
        c->worst = fmax(c->worst, fabs((double)want[v] - (double)row[v]));
        c->largest = fmax(c->largest, fabs((double)want[v]));
    }
    c->n_rows++;
}

/* The second document alone, through the engine. */
static comparison compare(ts_dtype type, bool precise)
{
    const ts_export_options opt = {.name = "exported", .type = type, .experts = type};
    const tiefsee_model_options model_opt = {
        .size = sizeof model_opt, .precise = precise, .n_threads = 1};
    const char *path = scratch_path(&folder, "exported.gguf");
    tiefsee_token token[TINY_TOKENS];
    tiefsee_error err = {0};
    tiefsee_session *s;
    tiefsee_model *m;
    comparison c = {0};

    if (ts_export_network(&net.trunk.net, ts_modelfile_vocab(vocab_file), &opt, path, &err) !=
        TIEFSEE_OK)
        fail_msg("%s", err.message);
    if (tiefsee_model_open(&m, path, &model_opt, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    const tiefsee_session_options session_opt = {.size = sizeof session_opt, .n_ctx = 100};
    assert_int_equal(tiefsee_session_open(&s, m, &session_opt, &err), TIEFSEE_OK);
    const size_t n = batch.begin[2] - batch.begin[1];
    for (size_t i = 0; i < n; i++)
        token[i] = (tiefsee_token)batch.token[batch.begin[1] + i];
    assert_int_equal(tiefsee_session_feed_all(s, token, n, compare_row, &c, &err), TIEFSEE_OK);
    assert_int_equal(c.n_rows, n);
    tiefsee_session_close(s);
    tiefsee_model_close(m);
    print_message("%s: largest difference %.2e of logits up to %.1f\n", ts_dtype_of(type).name,
                  c.worst, c.largest);
    return c;
}

static void open_trunk(uint32_t q_lora, bool has_mtp)
{
    tiny_open(&net, config_of_width_32(q_lora), has_mtp, (ts_trunk_sizes){TINY_TOKENS, 76, 1},
              ts_cpu_flags());
    batch = (tiny_batch){0};
    tiny_fill(&batch, 3, 2048);
    ts_trunk_forward(&net.trunk, &batch.b);
}

static void the_engine_computes_the_trainers_logits(void **state)
{
    (void)state;
    open_trunk(32, true);
    assert_true(compare(TS_F32, true).worst < 2e-4);
    tiny_close(&net);
    open_trunk(0, false);
    assert_true(compare(TS_F32, true).worst < 2e-4);
    tiny_close(&net);
}

/* Rows of keys are the longest ones of this network. */
static void keys_wider_than_everything_else_fit(void **state)
{
    ts_config c = config_of_width_32(0);

    (void)state;
    c.d_nope = TS_MAX_HEAD_DIM / 2;
    tiny_open(&net, c, false, (ts_trunk_sizes){TINY_TOKENS, 76, 1}, ts_cpu_flags());
    batch = (tiny_batch){0};
    tiny_fill(&batch, 3, 2048);
    ts_trunk_forward(&net.trunk, &batch.b);
    assert_true(compare(TS_F32, true).worst < 2e-4);
    tiny_close(&net);
}

/* d-5m: no layer has experts, MTP's neither; a file has to name some all the same. */
static void a_network_without_experts_is_as_active_and_runs(void **state)
{
    ts_run_plan with, without;
    ts_run_options o;
    tiefsee_error err;
    ts_config c;

    (void)state;
    assert_true(ts_run_preset(&c, "r-5m", 2048));
    ts_run_defaults(&o, &c, 1);
    assert_int_equal(ts_run_make_plan(&with, &o, 1, &err), TIEFSEE_OK);
    assert_true(ts_run_preset(&c, "d-5m", 2048));
    ts_run_defaults(&o, &c, 1);
    assert_int_equal(ts_run_make_plan(&without, &o, 1, &err), TIEFSEE_OK);
    assert_true(fabs((double)without.n_active / (double)with.n_active - 1) < 0.02);
    assert_true(without.n_parameters < with.n_parameters / 2);

    c.n_vocab = 2048;
    tiny_open(&net, c, true, (ts_trunk_sizes){TINY_TOKENS, 76, 1}, ts_cpu_flags());
    for (size_t l = 0; l <= c.n_layers; l++)
        assert_false(net.trunk.net.block[l].is_moe);
    batch = (tiny_batch){0};
    tiny_fill(&batch, 3, 2048);
    ts_trunk_forward(&net.trunk, &batch.b);
    assert_true(compare(TS_F32, true).worst < 2e-4);
    tiny_close(&net);
}

/* The types of smaller files: near, and the nearer the more bits. */
static void narrower_types_stay_near(void **state)
{
    (void)state;
    open_trunk(32, false);
    const comparison half = compare(TS_F16, true), q8 = compare(TS_Q8_0, true);
    const comparison q4 = compare(TS_Q4_0, true);
    assert_true(half.worst < 0.01 * half.largest);
    assert_true(half.worst < q8.worst && q8.worst < q4.worst);
    assert_true(q8.worst < 0.2 * q8.largest);
    tiny_close(&net);
}

static void a_tokenizer_of_another_size_and_broken_weights_are_refused(void **state)
{
    const ts_export_options opt = {.name = "x", .type = TS_Q8_0, .experts = TS_Q8_0};
    const ts_vocab *vocab = ts_modelfile_vocab(vocab_file);
    tiefsee_error err = {0};

    (void)state;
    open_trunk(32, false);
    net.trunk.net.value[7] = NAN;
    assert_int_equal(
        ts_export_network(&net.trunk.net, vocab, &opt, scratch_path(&folder, "nan.gguf"), &err),
        TIEFSEE_E_INVALID);
    assert_non_null(strstr(err.message, "token_embd.weight: a weight is not a finite number"));
    net.trunk.net.config.n_vocab = 100;
    assert_int_equal(
        ts_export_network(&net.trunk.net, vocab, &opt, scratch_path(&folder, "v.gguf"), &err),
        TIEFSEE_E_INVALID);
    assert_non_null(strstr(err.message, "the tokenizer has 2048 tokens, the model 100"));
    tiny_close(&net);
}

static int open_files(void **state)
{
    tiefsee_error err;

    (void)state;
    scratch_make(&folder);
    return ts_modelfile_open(&vocab_file, VOCAB_MODEL, &err) != TIEFSEE_OK;
}

static int close_files(void **state)
{
    (void)state;
    ts_modelfile_close(vocab_file);
    scratch_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_engine_computes_the_trainers_logits),
        cmocka_unit_test(keys_wider_than_everything_else_fit),
        cmocka_unit_test(a_network_without_experts_is_as_active_and_runs),
        cmocka_unit_test(narrower_types_stay_near),
        cmocka_unit_test(a_tokenizer_of_another_size_and_broken_weights_are_refused),
    };
    return cmocka_run_group_tests(tests, open_files, close_files);
}
