/* test_modelfile.c - every fixture opens, and means what its maker says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forge.h"
#include "formats/modelfile.h"

/* The tests run in the root of the source. */
#define FIXTURES "tests/conformance/fixtures"

static ts_modelfile *open_fixture(const char *name)
{
    char path[512];
    tiefsee_error err = {0};
    ts_modelfile *f;

    (void)snprintf(path, sizeof path, "%s/%s", FIXTURES, name);
    if (ts_modelfile_open(&f, path, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    return f;
}

static void every_fixture_opens(void **state)
{
    char line[512], path[256];
    int n = 0;

    (void)state;
    FILE *manifest = fopen(FIXTURES "/manifest.txt", "r");
    assert_non_null(manifest);
    while (fgets(line, sizeof line, manifest)) {
        if (line[0] == '#' || sscanf(line, "%*s %255s", path) != 1)
            continue;
        ts_modelfile *f = open_fixture(path);
        assert_true(ts_modelfile_count(f) > 0);
        assert_true(ts_modelfile_bytes(f) > 0);
        assert_true(ts_modelfile_meta_count(f) > 0);
        assert_true(ts_modelfile_config(f)->arch != TS_ARCH_NONE);
        ts_modelfile_close(f);
        n++;
    }
    assert_int_equal(fclose(manifest), 0);
    assert_true(n >= 32);
}

static void a_published_config_is_read_as_it_is(void **state)
{
    ts_modelfile *f = open_fixture("v3-f32");
    const ts_config *c = ts_modelfile_config(f);

    (void)state;
    assert_int_equal(ts_modelfile_container(f), TS_CONTAINER_HF);
    assert_string_equal(ts_modelfile_name(f), "v3-f32");
    assert_string_equal(ts_modelfile_architecture(f), "deepseek_v3");
    assert_int_equal(c->arch, TS_ARCH_DEEPSEEK_V3);
    assert_int_equal(c->n_layers, 3);
    assert_int_equal(c->q_lora_rank, 20);
    assert_int_equal(c->kv_lora_rank, 24);
    assert_int_equal(c->d_nope, 16);
    assert_int_equal(c->d_rope, 8);
    assert_int_equal(c->d_value, 12);
    assert_int_equal(c->n_experts, 12);
    assert_int_equal(c->n_active, 3);
    assert_int_equal(c->n_groups, 4);
    assert_int_equal(c->n_top_groups, 2);
    assert_true(c->norm_topk);
    assert_true(c->route_scale == 2.5);
    assert_int_equal(c->rope.kind, TS_ROPE_YARN);
    assert_true(c->rope.is_interleaved);
    assert_true(c->rope.mscale_all_dim == 1 && c->rope.factor == 4);
    assert_true(c->rope.original_context == 16 && c->rope.beta_fast == 32);
    assert_null(ts_modelfile_vocab(f));
    assert_string_equal(ts_modelfile_no_vocab(f), "the folder has no tokenizer.json");
    ts_modelfile_close(f);
}

static void transformers_5_puts_rope_into_one_object(void **state)
{
    ts_modelfile *f = open_fixture("qwen3-yarn-hf5");
    const ts_rope_config *r = &ts_modelfile_config(f)->rope;

    (void)state;
    assert_int_equal(r->kind, TS_ROPE_YARN);
    assert_false(r->is_interleaved);
    assert_true(r->theta == 2000 && r->factor == 4 && r->original_context == 20);
    assert_true(r->beta_fast == 3 && r->beta_slow == 0.4 && r->no_truncate);
    assert_true(r->attention_factor == 0.8782488562869419);
    assert_int_equal(ts_modelfile_config(f)->d_head, 24);
    ts_modelfile_close(f);
}

static void both_layouts_of_latent_attention_have_the_same_heads(void **state)
{
    static const char *const names[] = {"v3-gguf-old-f16/model.gguf", "v3-gguf-new-f32/model.gguf"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        ts_modelfile *f = open_fixture(names[i]);
        const ts_config *c = ts_modelfile_config(f);
        assert_int_equal(ts_modelfile_container(f), TS_CONTAINER_GGUF);
        assert_int_equal(c->arch, TS_ARCH_DEEPSEEK_V3);
        assert_int_equal(c->d_nope, 16);
        assert_int_equal(c->d_rope, 8);
        assert_int_equal(c->d_value, 12);
        assert_int_equal(c->n_groups, 4);
        assert_true(c->rope.mscale == c->rope.mscale_all_dim && c->rope.attention_factor == 1);
        assert_int_equal(ts_modelfile_find(f, "blk.0.attn_kv_b.weight") != NULL, i == 0);
        assert_int_equal(ts_modelfile_find(f, "blk.0.attn_k_b.weight") != NULL, i == 1);
        ts_modelfile_close(f);
    }
}

static void what_a_file_does_not_say_is_noted(void **state)
{
    ts_modelfile *f = open_fixture("v2lite-gguf-old-f16/model.gguf");
    bool found = false;

    (void)state;
    assert_int_equal(ts_modelfile_config(f)->arch, TS_ARCH_DEEPSEEK_V2);
    assert_false(ts_modelfile_config(f)->norm_topk);
    for (size_t i = 0; i < ts_modelfile_meta_count(f); i++) {
        ts_str key, value;
        ts_modelfile_meta(f, i, &key, &value);
        found = found || ts_str_is(key, "tiefsee.assumed.expert_gating_func");
    }
    assert_true(found);
    ts_modelfile_close(f);
}

static void rope_divisors_are_a_kind_of_their_own(void **state)
{
    ts_modelfile *f = open_fixture("llama3-gguf-f32/model.gguf");

    (void)state;
    assert_int_equal(ts_modelfile_config(f)->rope.kind, TS_ROPE_DIVISORS);
    assert_true(ts_modelfile_config(f)->rope.is_interleaved);
    assert_non_null(ts_modelfile_find(f, "rope_freqs.weight"));
    ts_modelfile_close(f);
}

static void fp8_weights_carry_their_scales(void **state)
{
    ts_modelfile *f = open_fixture("v3-fp8");
    const ts_tensor *t = ts_modelfile_find(f, "model.layers.0.mlp.down_proj.weight");

    (void)state;
    assert_non_null(t);
    assert_int_equal(t->type, TS_F8_E4M3);
    assert_int_equal(t->ne[0], 152);
    assert_int_equal(t->ne[1], 136);
    assert_non_null(t->scale);
    assert_int_equal((uintptr_t)t->scale % sizeof(float), 0);
    assert_null(ts_modelfile_find(f, "model.layers.0.mlp.down_proj.weight_scale_inv"));
    for (size_t i = 0; i < ts_modelfile_count(f); i++) {
        const ts_tensor *x = &ts_modelfile_tensor(f, i)->tensor;
        assert_int_equal(x->scale != NULL, x->type == TS_F8_E4M3);
    }
    ts_modelfile_close(f);
}

static void a_tied_head_is_known_from_both_containers(void **state)
{
    static const struct {
        const char *name;
        bool tied;
    } cases[] = {{"llama-gguf-tied-q8/model.gguf", true},
                 {"llama3-gguf-f32/model.gguf", false},
                 {"qwen2-tied-hf5", true},
                 {"qwen2-f32", false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ts_modelfile *f = open_fixture(cases[i].name);
        assert_int_equal(ts_modelfile_config(f)->has_tied_head, cases[i].tied);
        ts_modelfile_close(f);
    }
}

static ts_modelfile *open_forged(forge *f, size_t shift, forge_buf *b, uint8_t **room)
{
    tiefsee_error err = {0};
    ts_modelfile *m;

    forge_write(f, b);
    *room = malloc(b->n + shift);
    assert_non_null(*room);
    memcpy(*room + shift, b->p, b->n);
    if (ts_modelfile_open_memory(&m, "dir/forged.gguf", *room + shift, b->n, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    return m;
}

static void a_file_in_memory_is_a_file(void **state)
{
    forge *f = malloc(sizeof *f);
    forge_buf b = {0};
    uint8_t *room;

    (void)state;
    assert_non_null(f);
    forge_good(f);
    forge_drop(f, "general.name");
    ts_modelfile *m = open_forged(f, 0, &b, &room);
    assert_string_equal(ts_modelfile_name(m), "forged");
    assert_int_equal(ts_modelfile_bytes(m), b.n);
    const ts_vocab *v = ts_modelfile_vocab(m);
    assert_non_null(v);
    assert_int_equal(v->n_tokens, 6);
    assert_true(ts_str_is(v->text[2], "ab"));
    assert_true(v->pre == TS_PRE_LLAMA3 && v->ignore_merges && v->adds_bos);
    assert_int_equal(v->bos, 4);
    ts_modelfile_close(m);
    forge_free(f);
    free(f);
    free(b.p);
    free(room);
}

/* A converter that calls the mark of a turn ordinary text must not let people
 * write it. */
static void a_mark_of_a_turn_is_a_control_token_whatever_the_file_says(void **state)
{
    forge *f = malloc(sizeof *f);
    forge_buf b = {0};
    uint8_t *room;

    (void)state;
    assert_non_null(f);
    forge_good(f);
    forge_set_texts(f, "tokenizer.ggml.tokens", "a|b|ab|c|<s>|<\uff5cUser\uff5c>");
    forge_set_numbers(f, "tokenizer.ggml.token_type", 5, "111144");
    ts_modelfile *m = open_forged(f, 0, &b, &room);
    const ts_vocab *v = ts_modelfile_vocab(m);
    assert_non_null(v);
    assert_int_equal(v->type[4], TS_TOKEN_USER_DEFINED);
    assert_int_equal(v->type[5], TS_TOKEN_CONTROL);
    ts_modelfile_close(m);
    forge_free(f);
    free(f);
    free(b.p);
    free(room);
}

static void small_float_tensors_are_always_aligned(void **state)
{
    forge *f = malloc(sizeof *f);
    forge_buf b = {0};
    uint8_t *room;

    (void)state;
    assert_non_null(f);
    forge_good(f);
    ts_modelfile *m = open_forged(f, 1, &b, &room);
    for (size_t i = 0; i < ts_modelfile_count(m); i++) {
        const ts_tensor *t = &ts_modelfile_tensor(m, i)->tensor;
        const uint8_t last = ((const uint8_t *)t->data)[t->bytes - 1];
        assert_int_equal((uintptr_t)t->data % sizeof(float), 0);
        assert_int_equal(last, 0x3f);
    }
    ts_modelfile_close(m);
    forge_free(f);
    free(f);
    free(b.p);
    free(room);
}

static void another_kind_of_tokenizer_is_a_reason_not_an_error(void **state)
{
    static const char *const cases[][2] = {{"tokenizer.ggml.model", "llama"},
                                           {"tokenizer.ggml.pre", "smaug-bpe"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        forge *f = malloc(sizeof *f);
        forge_buf b = {0};
        uint8_t *room;
        assert_non_null(f);
        forge_good(f);
        forge_set_text(f, cases[i][0], cases[i][1], strlen(cases[i][1]));
        ts_modelfile *m = open_forged(f, 0, &b, &room);
        assert_null(ts_modelfile_vocab(m));
        assert_non_null(strstr(ts_modelfile_no_vocab(m), cases[i][1]));
        ts_modelfile_close(m);
        forge_free(f);
        free(f);
        free(b.p);
        free(room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fixture_opens),
        cmocka_unit_test(a_published_config_is_read_as_it_is),
        cmocka_unit_test(transformers_5_puts_rope_into_one_object),
        cmocka_unit_test(both_layouts_of_latent_attention_have_the_same_heads),
        cmocka_unit_test(what_a_file_does_not_say_is_noted),
        cmocka_unit_test(rope_divisors_are_a_kind_of_their_own),
        cmocka_unit_test(fp8_weights_carry_their_scales),
        cmocka_unit_test(a_tied_head_is_known_from_both_containers),
        cmocka_unit_test(a_file_in_memory_is_a_file),
        cmocka_unit_test(a_mark_of_a_turn_is_a_control_token_whatever_the_file_says),
        cmocka_unit_test(small_float_tensors_are_always_aligned),
        cmocka_unit_test(another_kind_of_tokenizer_is_a_reason_not_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
