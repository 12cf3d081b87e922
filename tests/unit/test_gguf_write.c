/* test_gguf_write.c - what is written is read back: config, vocabulary, tensors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/file.h"
#include "formats/gguf_write.h"
#include "formats/modelfile.h"
#include "support/scratch.h"
#include "support/tiny_vocab.h"

#define FIXTURES "tests/conformance/fixtures"

static scratch place;

static int start(void **state)
{
    (void)state;
    scratch_make(&place);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    scratch_remove(&place);
    return 0;
}

static ts_modelfile *open_file(const char *path)
{
    ts_modelfile *f;
    tiefsee_error err = {0};

    if (ts_modelfile_open(&f, path, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    return f;
}

/* Numbers as the file can hold them: floats have 24 bits. */
static void print_config(char *out, size_t size, const ts_config *c)
{
    const ts_rope_config *r = &c->rope;

    (void)snprintf(
        out, size,
        "arch %d: %u %u %u %u %u eps %.6g tied %d ids %d %d\n"
        "heads %u %u %u, mla %u %u %u %u %u\n"
        "experts %u %u %u %u dense %u every %u groups %u %u norm %d scale %.6g\n"
        "rope %d %d %u theta %.6g factor %.6g context %.6g beta %.6g %.6g mscale %.6g %.6g "
        "attention %.6g truncates %d\n",
        c->arch, c->n_layers, c->d_model, c->n_vocab, c->n_ctx, c->d_ff, c->rms_eps,
        c->has_tied_head, c->bos, c->eos, c->n_heads, c->n_kv_heads, c->d_head, c->q_lora_rank,
        c->kv_lora_rank, c->d_nope, c->d_rope, c->d_value, c->n_experts, c->n_active, c->n_shared,
        c->d_expert, c->n_dense_layers, c->moe_layer_freq, c->n_groups, c->n_top_groups,
        c->norm_topk, c->route_scale, r->kind, r->is_interleaved, r->n_dims, r->theta, r->factor,
        r->original_context, r->beta_fast, r->beta_slow, r->mscale, r->mscale_all_dim,
        r->attention_factor, !r->no_truncate);
}

static void put_tensors(ts_gguf_writer *w, const ts_modelfile *f)
{
    tiefsee_error err = {0};
    char name[300];

    for (size_t i = 0; i < ts_modelfile_count(f); i++) {
        const ts_named_tensor *t = ts_modelfile_tensor(f, i);
        (void)snprintf(name, sizeof name, "%.*s", (int)t->name.len, t->name.ptr);
        ts_gguf_declare(w, name, t->tensor.type, t->tensor.n_dims, t->tensor.ne);
    }
    if (ts_gguf_writer_begin(w, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < ts_modelfile_count(f); i++) {
        const ts_tensor *t = &ts_modelfile_tensor(f, i)->tensor;
        const size_t half = (size_t)t->bytes / 2;
        assert_int_equal(ts_gguf_write(w, t->data, half, &err), TIEFSEE_OK);
        assert_int_equal(
            ts_gguf_write(w, (const char *)t->data + half, (size_t)t->bytes - half, &err),
            TIEFSEE_OK);
    }
}

static void compare_tensors(const ts_modelfile *a, const ts_modelfile *b)
{
    assert_int_equal(ts_modelfile_count(a), ts_modelfile_count(b));
    for (size_t i = 0; i < ts_modelfile_count(a); i++) {
        const ts_named_tensor *x = ts_modelfile_tensor(a, i), *y = ts_modelfile_tensor(b, i);
        assert_true(ts_str_eq(x->name, y->name));
        assert_int_equal(x->tensor.type, y->tensor.type);
        assert_memory_equal(x->tensor.ne, y->tensor.ne, sizeof x->tensor.ne);
        assert_int_equal(x->tensor.bytes, y->tensor.bytes);
        assert_memory_equal(x->tensor.data, y->tensor.data, x->tensor.bytes);
    }
}

static void copy_and_compare(const char *path)
{
    ts_modelfile *f = open_file(path);
    char was[1000], is[1000];
    tiefsee_error err = {0};
    ts_gguf_writer *w;

    const char *copy = scratch_path(&place, "copy.gguf");
    assert_int_equal(ts_gguf_writer_open(&w, copy, &err), TIEFSEE_OK);
    if (ts_gguf_put_config(w, ts_modelfile_config(f), &err) != TIEFSEE_OK)
        fail_msg("%s: %s", path, err.message);
    if (ts_modelfile_vocab(f))
        ts_gguf_put_vocab(w, ts_modelfile_vocab(f));
    put_tensors(w, f);
    assert_int_equal(ts_gguf_writer_commit(w, &err), TIEFSEE_OK);

    ts_modelfile *g = open_file(copy);
    print_config(was, sizeof was, ts_modelfile_config(f));
    print_config(is, sizeof is, ts_modelfile_config(g));
    assert_string_equal(was, is);
    compare_tensors(f, g);
    ts_modelfile_close(f);
    ts_modelfile_close(g);
}

static void every_gguf_fixture_survives_a_copy(void **state)
{
    char line[512], path[256], full[512];
    int n = 0;

    (void)state;
    FILE *manifest = fopen(FIXTURES "/manifest.txt", "r");
    assert_non_null(manifest);
    while (fgets(line, sizeof line, manifest)) {
        if (line[0] == '#' || sscanf(line, "%*s %255s", path) != 1 || !strstr(path, ".gguf"))
            continue;
        (void)snprintf(full, sizeof full, "%s/%s", FIXTURES, path);
        copy_and_compare(full);
        n++;
    }
    assert_int_equal(fclose(manifest), 0);
    assert_true(n >= 8);
}

static void the_embedded_model_survives_a_copy(void **state)
{
    (void)state;
    copy_and_compare("assets/tiefsee-mini.gguf");

    ts_modelfile *f = open_file("assets/tiefsee-mini.gguf");
    ts_modelfile *g = open_file(scratch_path(&place, "copy.gguf"));
    const ts_vocab *a = ts_modelfile_vocab(f), *b = ts_modelfile_vocab(g);
    assert_true(a->n_tokens == b->n_tokens && a->n_merges == b->n_merges && a->pre == b->pre);
    assert_true(a->bos == b->bos && a->eos == b->eos && a->pad == b->pad);
    assert_true(a->adds_bos == b->adds_bos && ts_str_eq(a->encoding, b->encoding));
    for (uint32_t i = 0; i < a->n_tokens; i++)
        assert_true(ts_str_eq(a->text[i], b->text[i]) && a->type[i] == b->type[i]);
    for (uint32_t i = 0; i < a->n_merges; i++)
        assert_true(ts_str_eq(a->merge_left[i], b->merge_left[i]) &&
                    ts_str_eq(a->merge_right[i], b->merge_right[i]));
    ts_modelfile_close(f);
    ts_modelfile_close(g);
}

static void a_hole_in_the_ids_becomes_an_unused_token(void **state)
{
    static const char *const merges[] = {"a b", NULL};
    static tiny_vocab v;
    ts_map map;
    ts_gguf g;
    tiefsee_error err = {0};
    ts_gguf_writer *w;
    size_t pos = 0;
    const ts_gguf_value *tokens;

    (void)state;
    tiny_vocab_init(&v, TS_PRE_DEEPSEEK_V3, merges);
    (void)tiny_vocab_add(&v, "", TS_TOKEN_UNUSED);
    const char *path = scratch_path(&place, "holes.gguf");
    assert_int_equal(ts_gguf_writer_open(&w, path, &err), TIEFSEE_OK);
    ts_gguf_put_vocab(w, &v.vocab);
    assert_int_equal(ts_gguf_writer_begin(w, &err), TIEFSEE_OK);
    assert_int_equal(ts_gguf_writer_commit(w, &err), TIEFSEE_OK);

    ts_arena *arena = ts_arena_new(1 << 24);
    assert_int_equal(ts_map_open(&map, path, &err), TIEFSEE_OK);
    assert_int_equal(ts_gguf_parse(&g, map.ptr, map.size, arena, &err), TIEFSEE_OK);
    assert_int_equal(ts_gguf_array(&g, "tokenizer.ggml.tokens", GGUF_STRING, 1000, &tokens, &err),
                     TIEFSEE_OK);
    assert_int_equal(tokens->n, 258);
    for (int i = 0; i < 257; i++)
        (void)ts_gguf_next_string(tokens, &pos);
    assert_true(ts_str_is(ts_gguf_next_string(tokens, &pos), "[PAD257]"));
    ts_map_close(&map);
    ts_arena_free(arena);
}

static void what_is_dropped_leaves_the_old_file(void **state)
{
    tiefsee_error err = {0};
    ts_gguf_writer *w;
    ts_buf text;

    (void)state;
    const char *path = scratch_path(&place, "old.gguf");
    assert_int_equal(ts_file_write(path, "old", 3, &err), TIEFSEE_OK);
    assert_int_equal(ts_gguf_writer_open(&w, path, &err), TIEFSEE_OK);
    ts_gguf_put_uint(w, "a", 1);
    assert_int_equal(ts_gguf_writer_begin(w, &err), TIEFSEE_OK);
    ts_gguf_writer_free(w);
    assert_int_equal(ts_file_read(&text, path, 100, &err), TIEFSEE_OK);
    assert_string_equal(text.ptr, "old");
    ts_buf_free(&text);
}

static void what_cannot_be_said_is_refused(void **state)
{
    static const uint64_t odd[] = {33, 1};
    tiefsee_error err = {0};
    ts_gguf_writer *w;

    (void)state;
    assert_int_not_equal(ts_gguf_writer_open(&w, "/no/such/folder/x.gguf", &err), TIEFSEE_OK);
    assert_non_null(strstr(err.message, "/no/such/folder/x.gguf"));

    assert_int_equal(ts_gguf_writer_open(&w, scratch_path(&place, "x.gguf"), &err), TIEFSEE_OK);
    ts_config c = {.arch = TS_ARCH_LLAMA, .rope = {.kind = TS_ROPE_LLAMA3}};
    assert_int_equal(ts_gguf_put_config(w, &c, &err), TIEFSEE_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "rotary"));
    ts_gguf_declare(w, "crooked", TS_Q8_0, 2, odd);
    assert_int_equal(ts_gguf_writer_begin(w, &err), TIEFSEE_E_INVALID);
    assert_non_null(strstr(err.message, "crooked"));
    ts_gguf_writer_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_gguf_fixture_survives_a_copy),
        cmocka_unit_test(the_embedded_model_survives_a_copy),
        cmocka_unit_test(a_hole_in_the_ids_becomes_an_unused_token),
        cmocka_unit_test(what_is_dropped_leaves_the_old_file),
        cmocka_unit_test(what_cannot_be_said_is_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
