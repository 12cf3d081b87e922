/* test_hf_config.c - config.json as published and as transformers saves it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "formats/hf_config.h"

/* DeepSeek-V3, V2 (236B) and R1-0528-Qwen3-8B, without what nobody reads. */
static const char v3[] =
    "{\"architectures\":[\"DeepseekV3ForCausalLM\"],\"attention_bias\":false,\"bos_token_id\":0,"
    "\"eos_token_id\":1,\"first_k_dense_replace\":3,\"hidden_act\":\"silu\",\"hidden_size\":7168,"
    "\"intermediate_size\":18432,\"kv_lora_rank\":512,\"max_position_embeddings\":163840,"
    "\"model_type\":\"deepseek_v3\",\"moe_intermediate_size\":2048,\"moe_layer_freq\":1,"
    "\"n_group\":8,\"n_routed_experts\":256,\"n_shared_experts\":1,\"norm_topk_prob\":true,"
    "\"num_attention_heads\":128,\"num_experts_per_tok\":8,\"num_hidden_layers\":61,"
    "\"num_key_value_heads\":128,\"num_nextn_predict_layers\":1,\"q_lora_rank\":1536,"
    "\"qk_nope_head_dim\":128,\"qk_rope_head_dim\":64,\"quantization_config\":{"
    "\"activation_scheme\":\"dynamic\",\"fmt\":\"e4m3\",\"quant_method\":\"fp8\","
    "\"weight_block_size\":[128,128]},\"rms_norm_eps\":1e-06,\"rope_scaling\":{\"beta_fast\":32,"
    "\"beta_slow\":1,\"factor\":40,\"mscale\":1.0,\"mscale_all_dim\":1.0,"
    "\"original_max_position_embeddings\":4096,\"type\":\"yarn\"},\"rope_theta\":10000,"
    "\"routed_scaling_factor\":2.5,\"scoring_func\":\"sigmoid\",\"tie_word_embeddings\":false,"
    "\"topk_group\":4,\"topk_method\":\"noaux_tc\",\"v_head_dim\":128,\"vocab_size\":129280}";
static const char v2[] =
    "{\"first_k_dense_replace\":1,\"hidden_size\":5120,\"intermediate_size\":12288,"
    "\"kv_lora_rank\":512,\"max_position_embeddings\":163840,\"model_type\":\"deepseek_v2\","
    "\"moe_intermediate_size\":1536,\"n_group\":8,\"n_routed_experts\":160,\"n_shared_experts\":2,"
    "\"norm_topk_prob\":false,\"num_attention_heads\":128,\"num_experts_per_tok\":6,"
    "\"num_hidden_layers\":60,\"q_lora_rank\":1536,\"qk_nope_head_dim\":128,"
    "\"qk_rope_head_dim\":64,\"rms_norm_eps\":1e-06,\"rope_scaling\":null,\"rope_theta\":10000,"
    "\"routed_scaling_factor\":16.0,\"topk_group\":3,\"topk_method\":\"group_limited_greedy\","
    "\"v_head_dim\":128,\"vocab_size\":102400}";
static const char qwen3[] =
    "{\"attention_bias\":false,\"bos_token_id\":151643,\"eos_token_id\":151645,\"head_dim\":128,"
    "\"hidden_size\":4096,\"intermediate_size\":12288,\"max_position_embeddings\":131072,"
    "\"model_type\":\"qwen3\",\"num_attention_heads\":32,\"num_hidden_layers\":36,"
    "\"num_key_value_heads\":8,\"rms_norm_eps\":1e-06,\"rope_scaling\":{\"rope_type\":\"yarn\","
    "\"factor\":4.0,\"original_max_position_embeddings\":32768,"
    "\"attn_factor\":0.8782488562869419},\"rope_theta\":1000000,\"sliding_window\":null,"
    "\"use_sliding_window\":false,\"vocab_size\":151936}";

typedef struct read {
    json_t *j;
    ts_config c;
    bool fp8;
    tiefsee_error err;
} read;

static tiefsee_status again(read *r)
{
    r->err = (tiefsee_error){0};
    return ts_hf_config(&r->c, &r->fp8, r->j, &r->err);
}

static void start(read *r, const char *text)
{
    json_error_t e;

    r->j = json_loads(text, 0, &e);
    if (!r->j)
        fail_msg("%s", e.text);
    if (again(r) != TIEFSEE_OK)
        fail_msg("%s", r->err.message);
}

static void expect_refused(read *r, const char *want)
{
    assert_int_not_equal(again(r), TIEFSEE_OK);
    if (!strstr(r->err.message, want))
        fail_msg("'%s' does not say '%s'", r->err.message, want);
}

static void reads_the_published_v3(void **state)
{
    read r;

    (void)state;
    start(&r, v3);
    assert_int_equal(r.c.arch, TS_ARCH_DEEPSEEK_V3);
    assert_int_equal(r.c.n_layers, 61);
    assert_int_equal(r.c.d_head, 192);
    assert_int_equal(r.c.n_experts, 256);
    assert_int_equal(r.c.n_groups, 8);
    assert_int_equal(r.c.n_top_groups, 4);
    assert_int_equal(r.c.n_dense_layers, 3);
    assert_true(r.c.norm_topk && r.c.route_scale == 2.5 && r.fp8);
    assert_true(r.c.rope.is_interleaved && r.c.rope.kind == TS_ROPE_YARN);
    assert_int_equal(r.c.rope.n_dims, 64);
    json_decref(r.j);
}

/* transformers leaves out what its class does not have. */
static void what_transformers_does_not_save_is_not_missed(void **state)
{
    static const char *const keys[] = {"scoring_func", "topk_method", "moe_layer_freq",
                                       "quantization_config", "architectures"};
    read r;

    (void)state;
    start(&r, v3);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_int_equal(json_object_del(r.j, keys[i]), 0);
    assert_int_equal(again(&r), TIEFSEE_OK);
    assert_int_equal(r.c.moe_layer_freq, 1);
    assert_false(r.fp8);
    json_decref(r.j);
}

static void every_required_key_is_named_when_it_is_missing(void **state)
{
    static const struct {
        const char *config, *keys[24];
    } cases[] = {
        {v3,
         {"model_type",
          "num_hidden_layers",
          "hidden_size",
          "vocab_size",
          "max_position_embeddings",
          "intermediate_size",
          "num_attention_heads",
          "rms_norm_eps",
          "rope_theta",
          "q_lora_rank",
          "kv_lora_rank",
          "qk_nope_head_dim",
          "qk_rope_head_dim",
          "v_head_dim",
          "n_routed_experts",
          "num_experts_per_tok",
          "moe_intermediate_size",
          "first_k_dense_replace",
          "routed_scaling_factor",
          "n_group",
          "topk_group",
          "norm_topk_prob"}},
        {v2, {"topk_method", "n_group", "topk_group", "norm_topk_prob", "routed_scaling_factor"}},
        {qwen3, {"head_dim", "rope_theta", "rms_norm_eps"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; cases[i].keys[k]; k++) {
            char want[96];
            read r;
            start(&r, cases[i].config);
            assert_int_equal(json_object_del(r.j, cases[i].keys[k]), 0);
            (void)snprintf(want, sizeof want, "'%s' is missing", cases[i].keys[k]);
            expect_refused(&r, want);
            json_decref(r.j);
        }
}

static void every_required_key_of_a_scaling_is_named(void **state)
{
    static const struct {
        const char *type, *keys[5];
    } cases[] = {
        {"yarn", {"original_max_position_embeddings"}},
        {"llama3",
         {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}},
        {"linear", {"factor"}}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t k = 0; cases[i].keys[k]; k++) {
            char want[96];
            read r;
            start(&r, qwen3);
            json_t *s = json_pack("{s:s,s:f,s:f,s:f,s:i}", "rope_type", cases[i].type, "factor",
                                  8.0, "low_freq_factor", 1.0, "high_freq_factor", 4.0,
                                  "original_max_position_embeddings", 8192);
            assert_int_equal(json_object_set_new(r.j, "rope_scaling", s), 0);
            assert_int_equal(again(&r), TIEFSEE_OK);
            assert_int_equal(json_object_del(s, cases[i].keys[k]), 0);
            (void)snprintf(want, sizeof want, "'rope_scaling.%s' is missing", cases[i].keys[k]);
            /* YaRN may leave factor out, as transformers allows. */
            expect_refused(&r, want);
            json_decref(r.j);
        }
}

static void null_is_a_value_for_q_lora_rank_only(void **state)
{
    read r;

    (void)state;
    start(&r, v2);
    assert_int_equal(json_object_set_new(r.j, "q_lora_rank", json_null()), 0);
    assert_int_equal(again(&r), TIEFSEE_OK);
    assert_int_equal(r.c.q_lora_rank, 0);
    assert_int_equal(json_object_set_new(r.j, "kv_lora_rank", json_null()), 0);
    expect_refused(&r, "'kv_lora_rank' is missing");
    json_decref(r.j);
}

static void greedy_routing_has_no_groups(void **state)
{
    read r;

    (void)state;
    start(&r, v2);
    assert_int_equal(r.c.n_groups, 8);
    assert_int_equal(json_object_set_new(r.j, "topk_method", json_string("greedy")), 0);
    assert_int_equal(json_object_set_new(r.j, "n_group", json_null()), 0);
    assert_int_equal(again(&r), TIEFSEE_OK);
    assert_int_equal(r.c.n_groups, 1);
    assert_int_equal(r.c.n_top_groups, 1);
    json_decref(r.j);
}

static void the_makers_attn_factor_makes_the_amplitude_one(void **state)
{
    read r;

    (void)state;
    start(&r, qwen3);
    assert_true(r.c.rope.attention_factor > 0.999999 && r.c.rope.attention_factor < 1.000001);
    assert_false(r.c.rope.is_interleaved);
    json_t *s = json_object_get(r.j, "rope_scaling");
    assert_int_equal(json_object_del(s, "attn_factor"), 0);
    assert_int_equal(again(&r), TIEFSEE_OK);
    assert_true(r.c.rope.attention_factor == 0);
    assert_int_equal(json_object_set_new(s, "factor", json_null()), 0);
    assert_int_equal(again(&r), TIEFSEE_OK);
    assert_true(r.c.rope.factor == 4); /* 131072 / 32768 */
    json_decref(r.j);
}

static void what_would_change_the_computation_is_refused(void **state)
{
    static const struct {
        const char *config, *key, *value, *want;
    } cases[] = {
        {v3, "scoring_func", "\"softmax\"", "'scoring_func' is 'softmax'"},
        {v3, "topk_method", "\"greedy\"", "'topk_method' is 'greedy'"},
        {v2, "scoring_func", "\"sigmoid\"", "'scoring_func' is 'sigmoid'"},
        {v2, "topk_method", "\"noaux_tc\"", "'topk_method' is 'noaux_tc'"},
        {v2, "norm_topk_prob", "true", "'norm_topk_prob' true"},
        {v3, "n_group", "7", "256 experts do not divide into 7 groups"},
        {v3, "topk_group", "9", "9 expert groups chosen of 8"},
        {v3, "num_experts_per_tok", "64", ""},
        {v3, "num_experts_per_tok", "65", "'num_experts_per_tok' is 65"},
        {v3, "first_k_dense_replace", "62", "62 dense layers of 61"},
        {v3, "n_shared_experts", "4096", "4096 shared experts"},
        {v3, "attention_bias", "true", "'attention_bias' true"},
        {qwen3, "layer_types", "[\"full_attention\",\"sliding_attention\"]", "'layer_types' 1"},
        {qwen3, "rope_parameters", "{\"rope_theta\":5}", ""},
        {v3, "quantization_config", "{\"quant_method\":\"fp8\"}", "weight_block_size' is missing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_error_t e;
        read r;
        start(&r, cases[i].config);
        json_t *v = json_loads(cases[i].value, JSON_DECODE_ANY, &e);
        assert_int_equal(json_object_set_new(r.j, cases[i].key, v), 0);
        if (*cases[i].want)
            expect_refused(&r, cases[i].want);
        else
            assert_int_equal(again(&r), TIEFSEE_OK);
        json_decref(r.j);
    }
}

static void sliding_windows_are_refused_only_when_used(void **state)
{
    read r;

    (void)state;
    start(&r, qwen3);
    assert_int_equal(json_object_set_new(r.j, "sliding_window", json_integer(4096)), 0);
    assert_int_equal(again(&r), TIEFSEE_OK);
    assert_int_equal(json_object_set_new(r.j, "use_sliding_window", json_true()), 0);
    expect_refused(&r, "'use_sliding_window' true");
    json_decref(r.j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_published_v3),
        cmocka_unit_test(what_transformers_does_not_save_is_not_missed),
        cmocka_unit_test(every_required_key_is_named_when_it_is_missing),
        cmocka_unit_test(every_required_key_of_a_scaling_is_named),
        cmocka_unit_test(null_is_a_value_for_q_lora_rank_only),
        cmocka_unit_test(greedy_routing_has_no_groups),
        cmocka_unit_test(the_makers_attn_factor_makes_the_amplitude_one),
        cmocka_unit_test(what_would_change_the_computation_is_refused),
        cmocka_unit_test(sliding_windows_are_refused_only_when_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
