/* gguf_export.c - a config and a vocabulary as keys of a GGUF file: the way back of
 * gguf_config.c and gguf_vocab.c, key for key.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "formats/config_check.h"
#include "formats/gguf_write.h"

/* Writes keys "<arch>.<name>". */
typedef struct exporter {
    ts_gguf_writer *w;
    const char *arch;
    char key[96];
} exporter;

static const char *key_of(exporter *e, const char *name)
{
    (void)snprintf(e->key, sizeof e->key, "%s.%s", e->arch, name);
    return e->key;
}

static void put_uint(exporter *e, const char *name, uint32_t value)
{
    ts_gguf_put_uint(e->w, key_of(e, name), value);
}

static void put_float(exporter *e, const char *name, double value)
{
    ts_gguf_put_float(e->w, key_of(e, name), (float)value);
}

static const char *arch_name(ts_arch arch)
{
    switch (arch) {
    case TS_ARCH_DEEPSEEK_V2:
    case TS_ARCH_DEEPSEEK_V3: return "deepseek2";
    case TS_ARCH_QWEN2: return "qwen2";
    case TS_ARCH_QWEN3: return "qwen3";
    case TS_ARCH_LLAMA: return "llama";
    default: return NULL;
    }
}

static void put_mla(exporter *e, const ts_config *c)
{
    if (c->q_lora_rank > 0)
        put_uint(e, "attention.q_lora_rank", c->q_lora_rank);
    put_uint(e, "attention.kv_lora_rank", c->kv_lora_rank);
    put_uint(e, "attention.head_count_kv", 1);
    /* As other engines expect: what is cached, and beside it the true heads. */
    put_uint(e, "attention.key_length", c->kv_lora_rank + c->d_rope);
    put_uint(e, "attention.value_length", c->kv_lora_rank);
    put_uint(e, "attention.key_length_mla", c->d_nope + c->d_rope);
    put_uint(e, "attention.value_length_mla", c->d_value);
    put_uint(e, "rope.dimension_count", c->d_rope);
}

static void put_experts(exporter *e, const ts_config *c)
{
    const bool is_sigmoid = c->arch == TS_ARCH_DEEPSEEK_V3;

    put_uint(e, "expert_count", c->n_experts);
    put_uint(e, "expert_used_count", c->n_active);
    put_uint(e, "expert_shared_count", c->n_shared);
    put_uint(e, "expert_feed_forward_length", c->d_expert);
    put_uint(e, "leading_dense_block_count", c->n_dense_layers);
    put_float(e, "expert_weights_scale", c->route_scale);
    put_uint(e, "expert_gating_func", is_sigmoid ? 2 : 1);
    ts_gguf_put_bool(e->w, key_of(e, "expert_weights_norm"), c->norm_topk);
    put_uint(e, "expert_group_count", c->n_groups);
    put_uint(e, "expert_group_used_count", c->n_top_groups);
}

static void put_heads(exporter *e, const ts_config *c)
{
    put_uint(e, "attention.head_count_kv", c->n_kv_heads);
    put_uint(e, "attention.key_length", c->d_head);
    put_uint(e, "attention.value_length", c->d_head);
    put_uint(e, "rope.dimension_count", c->rope.n_dims);
}

static void put_yarn(exporter *e, const ts_config *c)
{
    const ts_rope_config *rope = &c->rope;

    put_uint(e, "rope.scaling.original_context_length", (uint32_t)rope->original_context);
    put_float(e, "rope.scaling.yarn_beta_fast", rope->beta_fast);
    put_float(e, "rope.scaling.yarn_beta_slow", rope->beta_slow);
    if (ts_arch_is_mla(c->arch))
        put_float(e, "rope.scaling.yarn_log_multiplier", rope->mscale_all_dim / 10);
    else if (rope->attention_factor > 0)
        put_float(e, "rope.scaling.attn_factor",
                  rope->attention_factor / ts_yarn_growth(rope->factor));
}

/* DeepSeek's YaRN multiplies cos and sin by a ratio that these files cannot say; it is
 * 1 in everything published. */
static bool can_say_rope(const ts_config *c)
{
    const ts_rope_config *rope = &c->rope;

    if (rope->kind == TS_ROPE_LLAMA3)
        return false;
    if (rope->kind != TS_ROPE_YARN)
        return true;
    const bool is_one = rope->attention_factor == 1 ||
                        (rope->mscale > 0 && fabs(rope->mscale - rope->mscale_all_dim) < 1e-9);
    return !rope->no_truncate && (is_one || !ts_arch_is_mla(c->arch));
}

static void put_rope(exporter *e, const ts_config *c)
{
    static const char *const names[] = {
        [TS_ROPE_PLAIN] = NULL, [TS_ROPE_LINEAR] = "linear", [TS_ROPE_YARN] = "yarn"};
    const ts_rope_config *rope = &c->rope;

    put_float(e, "rope.freq_base", rope->theta);
    if (rope->kind != TS_ROPE_LINEAR && rope->kind != TS_ROPE_YARN)
        return;
    ts_gguf_put_str(e->w, key_of(e, "rope.scaling.type"), ts_str_of(names[rope->kind]));
    put_float(e, "rope.scaling.factor", rope->factor);
    if (rope->kind == TS_ROPE_YARN)
        put_yarn(e, c);
}

tiefsee_status ts_gguf_put_config(ts_gguf_writer *w, const ts_config *c, tiefsee_error *err)
{
    exporter e = {.w = w, .arch = arch_name(c->arch)};

    if (!e.arch || (c->n_experts > 0 && c->moe_layer_freq > 1) || !can_say_rope(c))
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "a GGUF file cannot say this model's %s",
                       !e.arch            ? "architecture"
                       : !can_say_rope(c) ? "rotary scaling"
                                          : "expert layers");
    ts_gguf_put_str(w, "general.architecture", ts_str_of(e.arch));
    put_uint(&e, "block_count", c->n_layers);
    put_uint(&e, "embedding_length", c->d_model);
    put_uint(&e, "context_length", c->n_ctx);
    put_uint(&e, "feed_forward_length", c->d_ff);
    put_uint(&e, "vocab_size", c->n_vocab);
    put_uint(&e, "attention.head_count", c->n_heads);
    put_float(&e, "attention.layer_norm_rms_epsilon", c->rms_eps);
    if (ts_arch_is_mla(c->arch)) {
        put_mla(&e, c);
        put_experts(&e, c);
    } else
        put_heads(&e, c);
    put_rope(&e, c);
    return TIEFSEE_OK;
}

/* ---- the vocabulary */

static const char *pre_name(const ts_vocab *v)
{
    switch (v->pre) {
    case TS_PRE_DEEPSEEK_LLM: return "deepseek-llm";
    case TS_PRE_DEEPSEEK_CODER: return "deepseek-coder";
    case TS_PRE_DEEPSEEK_V3: return "deepseek-v3";
    case TS_PRE_QWEN2: return v->normalizes_nfc ? "qwen2" : "deepseek-r1-qwen";
    case TS_PRE_LLAMA3: return "llama-bpe";
    default: return "";
    }
}

static void put_id(ts_gguf_writer *w, const char *key, int32_t id)
{
    if (id >= 0)
        ts_gguf_put_uint(w, key, (uint32_t)id);
}

/* "left right", each behind the other in one buffer. */
static bool join_merges(ts_str *out, ts_buf *text, const ts_vocab *v)
{
    size_t at = 0;

    for (uint32_t i = 0; i < v->n_merges; i++)
        if (!ts_buf_append(text, v->merge_left[i].ptr, v->merge_left[i].len) ||
            !ts_buf_append(text, " ", 1) ||
            !ts_buf_append(text, v->merge_right[i].ptr, v->merge_right[i].len))
            return false;
    for (uint32_t i = 0; i < v->n_merges; i++) {
        const size_t n = v->merge_left[i].len + 1 + v->merge_right[i].len;
        out[i] = (ts_str){text->ptr + at, n};
        at += n;
    }
    return true;
}

/* A hole in the ids gets a name, since a file must have one. */
static bool name_tokens(ts_str *out, int32_t *type, ts_buf *holes, const ts_vocab *v)
{
    enum { WIDTH = 24 };

    for (uint32_t i = 0; i < v->n_tokens; i++)
        if (v->text[i].len == 0) {
            char name[WIDTH];
            const int n = snprintf(name, sizeof name, "[PAD%u]", i);
            if (n < 0 || !ts_buf_append(holes, name, (size_t)n))
                return false;
        }
    for (size_t i = 0, at = 0; i < v->n_tokens; i++) {
        out[i] = v->text[i];
        type[i] = v->type[i];
        if (v->text[i].len > 0)
            continue;
        const char *name = holes->ptr + at;
        out[i] = (ts_str){name, (size_t)(strchr(name, ']') + 1 - name)};
        type[i] = TS_TOKEN_UNUSED;
        at += out[i].len;
    }
    return true;
}

void ts_gguf_put_vocab(ts_gguf_writer *w, const ts_vocab *v)
{
    ts_str *tokens = ts_alloc_zero(v->n_tokens, sizeof *tokens);
    ts_str *merges = ts_alloc_zero(v->n_merges, sizeof *merges);
    int32_t *types = ts_alloc_zero(v->n_tokens, sizeof *types);
    ts_buf merge_text = ts_buf_make(1 << 30), holes = ts_buf_make(1 << 28);

    ts_gguf_put_str(w, "tokenizer.ggml.model", TS_STR("gpt2"));
    ts_gguf_put_str(w, "tokenizer.ggml.pre", ts_str_of(pre_name(v)));
    if (tokens && merges && types && name_tokens(tokens, types, &holes, v) &&
        join_merges(merges, &merge_text, v)) {
        ts_gguf_put_strings(w, "tokenizer.ggml.tokens", tokens, v->n_tokens);
        ts_gguf_put_ints(w, "tokenizer.ggml.token_type", types, v->n_tokens);
        ts_gguf_put_strings(w, "tokenizer.ggml.merges", merges, v->n_merges);
    } else
        ts_gguf_writer_spoil(w, "the vocabulary");
    put_id(w, "tokenizer.ggml.bos_token_id", v->bos);
    put_id(w, "tokenizer.ggml.eos_token_id", v->eos);
    put_id(w, "tokenizer.ggml.padding_token_id", v->pad);
    ts_gguf_put_bool(w, "tokenizer.ggml.add_bos_token", v->adds_bos);
    if (v->chat_template.len > 0)
        ts_gguf_put_str(w, "tokenizer.chat_template", v->chat_template);
    if (v->encoding.len > 0)
        ts_gguf_put_str(w, "tiefsee.encoding", v->encoding);
    ts_free(tokens);
    ts_free(merges);
    ts_free(types);
    ts_buf_free(&merge_text);
    ts_buf_free(&holes);
}
