/* test_adapter.c - LoRA adapters: what PEFT wrote gives PEFT's logits, what was written is
 * read, and what does not belong to the model is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "forge.h"
#include "formats/adapter.h"
#include "support/lora_fixture.h"
#include "support/scratch.h"
#include "tiefsee/tiefsee.h"

enum { N_DOC = 19, N_VOCAB_MAX = 300 };

/* ---------------------------------------------------------------- logits */

typedef struct row_taker {
    float at[N_DOC * N_VOCAB_MAX];
    size_t n_vocab;
} row_taker;

static void on_row(void *user, size_t i, const float *row)
{
    row_taker *r = user;

    assert_true(i < N_DOC);
    memcpy(r->at + i * r->n_vocab, row, r->n_vocab * sizeof *row);
}

static void run_model(row_taker *out, const char *base, const char *adapter, const int32_t *tokens)
{
    const tiefsee_model_options opt = {
        .size = sizeof opt, .n_threads = 2, .adapter = adapter, .precise = true};
    const tiefsee_session_options session = {.size = sizeof session, .n_ctx = 64};
    tiefsee_model_info info;
    tiefsee_model *m;
    tiefsee_session *s;
    tiefsee_error err;

    if (tiefsee_model_open(&m, base, &opt, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    tiefsee_model_describe(m, &info);
    out->n_vocab = info.n_vocab;
    assert_true(info.n_vocab <= N_VOCAB_MAX);
    assert_int_equal(tiefsee_session_open(&s, m, &session, &err), TIEFSEE_OK);
    assert_int_equal(tiefsee_session_feed_all(s, tokens, N_DOC, on_row, out, &err), TIEFSEE_OK);
    tiefsee_session_close(s);
    tiefsee_model_close(m);
}

static double distance(const float *a, const float *b, size_t n)
{
    double error = 0, size = 0;

    for (size_t i = 0; i < n; i++) {
        error += pow((double)a[i] - (double)b[i], 2);
        size += pow((double)b[i], 2);
    }
    return sqrt(error / size);
}

static row_taker with, without;

static void what_peft_wrote_gives_its_logits(void **state)
{
    static const char *const names[] = {"qwen2", "qwen3", "llama3"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        lora_fixture f;
        size_t n;

        lora_fixture_open(&f, names[i]);
        const int32_t *tokens = lora_fixture_data(&f, "tokens", NULL);
        const float *logits = lora_fixture_data(&f, "logits", &n);
        run_model(&with, f.base, f.adapter, tokens);
        run_model(&without, f.base, NULL, tokens);
        assert_int_equal(n, N_DOC * with.n_vocab);
        const double error = distance(with.at, logits, n);
        if (!(error < 1e-5))
            fail_msg("%s: %g", names[i], error);
        assert_true(distance(without.at, logits, n) > 0.01);
        lora_fixture_close(&f);
    }
}

/* A GGUF file of Llama has the rows of queries and keys in another order. */
static void an_adapter_also_fits_the_gguf_file_of_its_base(void **state)
{
    const tiefsee_quantize_options opt = {.size = sizeof opt, .type = "f32"};
    static const char *const names[] = {"qwen3", "llama3"};
    tiefsee_error err;
    scratch s;

    (void)state;
    scratch_make(&s);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = scratch_path(&s, "model.gguf");
        lora_fixture f;

        lora_fixture_open(&f, names[i]);
        if (tiefsee_quantize(f.base, path, &opt, &err) != TIEFSEE_OK)
            fail_msg("%s", err.message);
        const float *logits = lora_fixture_data(&f, "logits", NULL);
        run_model(&with, path, f.adapter, lora_fixture_data(&f, "tokens", NULL));
        const double error = distance(with.at, logits, N_DOC * with.n_vocab);
        if (!(error < 1e-4))
            fail_msg("%s: %g", names[i], error);
        lora_fixture_close(&f);
    }
    scratch_remove(&s);
}

/* --------------------------------------------------------------- refusals */

static void refuses_model(const char *base, const char *adapter, const char *why)
{
    const tiefsee_model_options opt = {.size = sizeof opt, .n_threads = 1, .adapter = adapter};
    tiefsee_model *m;
    tiefsee_error err;

    assert_int_not_equal(tiefsee_model_open(&m, base, &opt, &err), TIEFSEE_OK);
    assert_null(m);
    if (!strstr(err.message, why))
        fail_msg("'%s' does not say '%s'", err.message, why);
}

static void another_model_refuses_it(void **state)
{
    (void)state;
    refuses_model("tests/conformance/fixtures/qwen3-f32", "tests/train/fixtures/lora-qwen2",
                  "q_proj: made for 48 x 48 weights, the model has 48 x 96");
    refuses_model("tests/conformance/fixtures/v3-f32", "tests/train/fixtures/lora-qwen2",
                  "only Qwen2, Qwen3 and Llama models take adapters");
    refuses_model("tests/conformance/fixtures/qwen2-f32", "tests/train/fixtures",
                  "adapter_config.json");
}

#define NAME_Q "base_model.model.model.layers.0.self_attn.q_proj"
#define CONFIG "{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":4"

/* One pair on the first queries of a model of width 4. */
static void parse(const char *config, const char *a, const char *b, const char *why)
{
    char header[600];
    forge_buf file = {0};
    ts_adapter adapter;
    tiefsee_error err = {0};

    (void)snprintf(header, sizeof header,
                   "{\"%s\":{\"dtype\":\"F32\",\"shape\":[2,4],\"data_offsets\":[0,32]},"
                   "\"%s\":{\"dtype\":\"F32\",\"shape\":[4,2],\"data_offsets\":[32,64]}}",
                   a, b);
    forge_safetensors(&file, header, 0, 64);
    const tiefsee_status st =
        ts_adapter_parse(&adapter, ts_str_of(config), (ts_str){(const char *)file.p, file.n}, &err);
    if (!why) {
        if (st != TIEFSEE_OK)
            fail_msg("%s", err.message);
        assert_int_equal(adapter.n_layers, 1);
        assert_float_equal(adapter.scale, 2, 0);
    } else if (st == TIEFSEE_OK || !strstr(err.message, why)) {
        fail_msg("'%s' does not say '%s'", err.message, why);
    }
    ts_adapter_close(&adapter);
    free(file.p);
}

static void refuses_by_name(void **state)
{
    static const char A[] = NAME_Q ".lora_A.weight", B[] = NAME_Q ".lora_B.weight";

    (void)state;
    parse(CONFIG "}", A, B, NULL);
    parse(CONFIG ",\"bias\":\"none\",\"rank_pattern\":{},\"init_lora_weights\":\"gaussian\"}", A, B,
          NULL);
    parse(CONFIG, A, B, "adapter_config.json");
    parse("{\"peft_type\":\"IA3\",\"r\":2,\"lora_alpha\":4}", A, B, "'IA3'");
    parse("{\"peft_type\":\"LORA\",\"r\":0,\"lora_alpha\":4}", A, B, "r is no rank");
    parse("{\"peft_type\":\"LORA\",\"r\":3,\"lora_alpha\":4}", A, B, "the rank is 3");
    parse("{\"peft_type\":\"LORA\",\"r\":2,\"lora_alpha\":\"x\"}", A, B, "lora_alpha");
    parse(CONFIG ",\"use_dora\":true}", A, B, "use_dora");
    parse(CONFIG ",\"modules_to_save\":[\"lm_head\"]}", A, B, "modules_to_save");
    parse(CONFIG ",\"rank_pattern\":{\"q_proj\":8}}", A, B, "rank_pattern");
    parse(CONFIG ",\"bias\":\"all\"}", A, B, "bias");
    parse(CONFIG ",\"init_lora_weights\":\"pissa\"}", A, B, "pissa");
    parse(CONFIG "}", A, "base_model.model.lm_head.lora_B.weight", "lm_head.lora_B.weight");
    parse(CONFIG "}", A, "base_model.model.model.layers.0.self_attn.q_proj.bias", "q_proj.bias");
    parse(CONFIG "}", A, "base_model.model.model.layers.00.self_attn.q_proj.lora_B.weight",
          "layers.00.");
    parse(CONFIG "}", A, "base_model.model.model.layers.1024.self_attn.q_proj.lora_B.weight",
          "layers.1024.");
    parse(CONFIG "}", A, "base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight",
          "layer 0, q_proj: lora_B is missing");
    parse(CONFIG "}", B, A, "shape");
}

/* ---------------------------------------------------------------- writing */

static ts_tensor matrix(float *data, size_t n_in, size_t n_out)
{
    for (size_t i = 0; i < n_in * n_out; i++)
        data[i] = (float)i / 8;
    return (ts_tensor){.data = data,
                       .ne = {n_in, n_out, 1, 1},
                       .n_dims = 2,
                       .type = TS_F32,
                       .row_bytes = n_in * sizeof *data,
                       .bytes = n_in * n_out * sizeof *data};
}

static void write_one(const scratch *s, const char *base, float bad)
{
    ts_adapter_pair pair[2 * TS_N_TARGETS] = {0};
    static float a[2 * 48], b[48 * 2];
    ts_adapter out = {.n_layers = 2, .pair = pair, .rank = 2, .alpha = 3};
    tiefsee_error err;

    pair[0] = (ts_adapter_pair){matrix(a, 48, 2), matrix(b, 2, 48)};
    pair[TS_N_TARGETS + TS_TARGET_O] = pair[0];
    (void)snprintf(out.base, sizeof out.base, "%s", base);
    b[5] = bad;
    if (ts_adapter_write(&out, s->folder, "a \"model\"", &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
}

static void what_is_written_is_read(void **state)
{
    ts_adapter in;
    tiefsee_error err;
    scratch s;

    (void)state;
    scratch_make(&s);
    write_one(&s, "0123456789abcdef", 1);
    if (ts_adapter_open(&in, s.folder, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    assert_int_equal(in.rank, 2);
    assert_int_equal(in.n_layers, 2);
    assert_float_equal(in.scale, 1.5, 0);
    assert_string_equal(in.base, "0123456789abcdef");
    assert_non_null(in.pair[0].A.data);
    assert_null(in.pair[1].A.data);
    const float *B = in.pair[TS_N_TARGETS + TS_TARGET_O].B.data;
    assert_float_equal(B[7], 7.0f / 8, 0);
    ts_adapter_close(&in);
    /* Its base is another one. */
    refuses_model("tests/conformance/fixtures/qwen2-f32", s.folder,
                  "another base model (0123456789abcdef");
    write_one(&s, "", NAN);
    refuses_model("tests/conformance/fixtures/qwen2-f32", s.folder,
                  "layer 0, q_proj: a weight is not a finite number");
    scratch_remove(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_peft_wrote_gives_its_logits),
        cmocka_unit_test(an_adapter_also_fits_the_gguf_file_of_its_base),
        cmocka_unit_test(another_model_refuses_it),
        cmocka_unit_test(refuses_by_name),
        cmocka_unit_test(what_is_written_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
