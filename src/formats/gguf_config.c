/* gguf_config.c - see gguf_config.h.
 *
 * Keys as llama.cpp's converter writes them.  What older converters left out is
 * an error, except where the format itself documents a default (head sizes,
 * YaRN's betas) and in three places where the models concerned are published
 * and the file cannot mean anything else; those are noted for `inspect`:
 *
 *   - deepseek2 without expert_gating_func: softmax, but sigmoid for 256 experts
 *     with a selection bias (V3 and R1, by early converters);
 *   - deepseek2 without expert groups: 8 groups, 4 chosen for those; 8 groups,
 *     3 chosen for 160 experts (V2, V2.5); else no groups;
 *   - YaRN without yarn_log_multiplier: mscale_all_dim 1 for sigmoid routing,
 *     0.707 for softmax routing (published configs of V3 and V2).
 */
#include "formats/gguf_config.h"

#include <stdio.h>
#include <string.h>

/* Reads keys "<arch>.<name>"; after the first failure every read gives min. */
typedef struct reader {
    const ts_gguf *g;
    const ts_modelfile *file;
    ts_config_notes *notes;
    char arch[16];
    char key[96];
    tiefsee_status st;
    tiefsee_error *err;
} reader;

static const char *key_of(reader *r, const char *name)
{
    (void)snprintf(r->key, sizeof r->key, "%s.%s", r->arch, name);
    return r->key;
}

static bool has(reader *r, const char *name)
{
    return ts_gguf_find(r->g, key_of(r, name)) != NULL;
}

static uint32_t get(reader *r, const char *name, uint32_t min, uint32_t max)
{
    uint64_t v = min;

    if (r->st == TIEFSEE_OK)
        r->st = ts_gguf_uint(r->g, key_of(r, name), min, max, &v, r->err);
    return (uint32_t)v;
}

static uint32_t get_or(reader *r, const char *name, uint32_t min, uint32_t max, uint32_t absent)
{
    return has(r, name) ? get(r, name, min, max) : absent;
}

static double get_double(reader *r, const char *name, double min, double max)
{
    double v = min;

    if (r->st == TIEFSEE_OK)
        r->st = ts_gguf_double(r->g, key_of(r, name), min, max, &v, r->err);
    return v;
}

static bool get_bool(reader *r, const char *name)
{
    bool v = false;

    if (r->st == TIEFSEE_OK)
        r->st = ts_gguf_bool(r->g, key_of(r, name), &v, r->err);
    return v;
}

static void refuse(reader *r, const char *what)
{
    if (r->st == TIEFSEE_OK)
        r->st = ts_fail(r->err, TIEFSEE_E_UNSUPPORTED, "%s", what);
}

static bool has_tensor(const reader *r, const char *name)
{
    return ts_modelfile_find(r->file, name) != NULL;
}

static void read_token_ids(reader *r, ts_config *c)
{
    static const char *const keys[] = {"tokenizer.ggml.bos_token_id",
                                       "tokenizer.ggml.eos_token_id"};
    int32_t *const out[] = {&c->bos, &c->eos};

    for (size_t i = 0; i < TS_COUNT(keys); i++) {
        uint64_t id = 0;
        *out[i] = -1;
        if (r->st != TIEFSEE_OK || !ts_gguf_find(r->g, keys[i]))
            continue;
        r->st = ts_gguf_uint(r->g, keys[i], 0, c->n_vocab - 1, &id, r->err);
        if (r->st == TIEFSEE_OK)
            *out[i] = (int32_t)id;
    }
}

/* The embedding has one row per token; without vocab_size it is what counts. */
static uint32_t read_vocab_size(reader *r)
{
    const ts_tensor *embedding = ts_modelfile_find(r->file, "token_embd.weight");

    if (has(r, "vocab_size"))
        return get(r, "vocab_size", 1, TS_MAX_VOCAB);
    if (r->st != TIEFSEE_OK)
        return 1;
    if (!embedding) {
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT,
                        "key '%s' is missing and there is no tensor 'token_embd.weight'",
                        key_of(r, "vocab_size"));
        return 1;
    }
    if (embedding->ne[1] > TS_MAX_VOCAB) {
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "tensor 'token_embd.weight': %llu rows (%d)",
                        (unsigned long long)embedding->ne[1], TS_MAX_VOCAB);
        return 1;
    }
    return (uint32_t)embedding->ne[1];
}

static void read_common(reader *r, ts_config *c)
{
    const uint32_t n_blocks = get(r, "block_count", 1, TS_MAX_LAYERS);
    /* Layers for predicting further ahead come last and are counted. */
    const uint32_t n_next = get_or(r, "nextn_predict_layers", 0, n_blocks - 1, 0);

    c->n_layers = n_blocks - n_next;
    c->d_model = get(r, "embedding_length", 1, TS_MAX_WIDTH);
    c->n_ctx = get(r, "context_length", 1, TS_MAX_CONTEXT);
    c->d_ff = get(r, "feed_forward_length", 1, TS_MAX_WIDTH);
    c->n_heads = get(r, "attention.head_count", 1, TS_MAX_HEADS);
    c->rms_eps = get_double(r, "attention.layer_norm_rms_epsilon", 1e-30, 1);
    c->n_vocab = read_vocab_size(r);
    c->has_tied_head = !has_tensor(r, "output.weight");
    read_token_ids(r, c);
}

static void read_deepseek_yarn(reader *r, ts_config *c)
{
    ts_rope_config *rope = &c->rope;

    if (has(r, "rope.scaling.yarn_log_multiplier")) {
        rope->mscale_all_dim = 10 * get_double(r, "rope.scaling.yarn_log_multiplier", 0, 10);
    } else if (c->arch == TS_ARCH_DEEPSEEK_V3) {
        rope->mscale_all_dim = 1;
        ts_config_note(r->notes, "tiefsee.assumed.yarn_log_multiplier", "0.1 (as published)");
    } else {
        rope->mscale_all_dim = 0.707;
        ts_config_note(r->notes, "tiefsee.assumed.yarn_log_multiplier", "0.0707 (as published)");
    }
    /* The amplitude of cos and sin is always 1 in these files. */
    rope->mscale = rope->mscale_all_dim;
    rope->attention_factor = 1;
}

/* ggml multiplies cos and sin by the factor and by 1 + 0.1 ln s. */
static void read_plain_yarn(reader *r, ts_rope_config *rope)
{
    static const char *const keys[] = {"rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor"};

    for (size_t i = 0; i < TS_COUNT(keys); i++)
        if (has(r, keys[i]))
            rope->attention_factor =
                get_double(r, keys[i], 1e-3, 1e3) * ts_yarn_growth(rope->factor);
}

static void read_rope(reader *r, ts_config *c)
{
    ts_rope_config *rope = &c->rope;
    ts_str type = TS_STR("none");

    rope->is_interleaved = ts_arch_is_mla(c->arch) || c->arch == TS_ARCH_LLAMA;
    rope->theta = get_double(r, "rope.freq_base", 1, 1e12);
    rope->factor = 1;
    if (r->st == TIEFSEE_OK && has(r, "rope.scaling.type"))
        r->st = ts_gguf_string(r->g, key_of(r, "rope.scaling.type"), &type, r->err);
    if (has(r, "rope.scale_linear"))
        refuse(r, "key 'rope.scale_linear' of an outdated converter is not supported");
    if (r->st != TIEFSEE_OK)
        return;
    if (has_tensor(r, "rope_freqs.weight")) {
        rope->kind = TS_ROPE_DIVISORS;
        if (!ts_str_is(type, "none"))
            refuse(r, "tensor 'rope_freqs.weight' together with 'rope.scaling.type'");
    } else if (ts_str_is(type, "none")) {
        rope->kind = TS_ROPE_PLAIN;
    } else if (ts_str_is(type, "linear")) {
        rope->kind = TS_ROPE_LINEAR;
        rope->factor = get_double(r, "rope.scaling.factor", 1e-3, 1e6);
    } else if (ts_str_is(type, "yarn")) {
        rope->kind = TS_ROPE_YARN;
        rope->factor = get_double(r, "rope.scaling.factor", 1, 1e6);
        rope->original_context = get(r, "rope.scaling.original_context_length", 1, TS_MAX_CONTEXT);
        rope->beta_fast = has(r, "rope.scaling.yarn_beta_fast")
                              ? get_double(r, "rope.scaling.yarn_beta_fast", 1e-3, 1e6)
                              : 32;
        rope->beta_slow = has(r, "rope.scaling.yarn_beta_slow")
                              ? get_double(r, "rope.scaling.yarn_beta_slow", 1e-3, 1e6)
                              : 1;
        if (ts_arch_is_mla(c->arch))
            read_deepseek_yarn(r, c);
        else
            read_plain_yarn(r, rope);
    } else {
        r->st = ts_fail(r->err, TIEFSEE_E_UNSUPPORTED,
                        "key '%s' is '%.*s' (none, linear and yarn are supported)",
                        key_of(r, "rope.scaling.type"), TS_STR_ARG(type));
    }
}

static void read_dense(reader *r, ts_config *c)
{
    const uint32_t absent = c->d_model / c->n_heads;

    c->n_kv_heads = get_or(r, "attention.head_count_kv", 1, TS_MAX_HEADS, c->n_heads);
    c->d_head = get_or(r, "attention.key_length", 1, TS_MAX_HEAD_DIM, absent);
    const uint32_t d_value = get_or(r, "attention.value_length", 1, TS_MAX_HEAD_DIM, c->d_head);
    c->rope.n_dims = get_or(r, "rope.dimension_count", 2, TS_MAX_HEAD_DIM, c->d_head);
    if (get_or(r, "expert_count", 0, TS_MAX_EXPERTS, 0) > 0)
        refuse(r, "experts in a dense architecture are not supported");
    if (get_or(r, "attention.sliding_window", 0, TS_MAX_CONTEXT, 0) > 0)
        refuse(r, "sliding-window attention is not supported");
    if (d_value != c->d_head)
        refuse(r, "keys and values of different length are not supported");
}

static void read_gating(reader *r, ts_config *c)
{
    enum { SOFTMAX = 1, SIGMOID = 2 };
    char name[64];

    (void)snprintf(name, sizeof name, "blk.%u.exp_probs_b.bias", c->n_dense_layers);
    const bool has_bias = has_tensor(r, name);
    uint32_t gating = SOFTMAX;

    if (has(r, "expert_gating_func")) {
        gating = get(r, "expert_gating_func", SOFTMAX, SIGMOID);
    } else if (c->n_experts == 256 && has_bias) {
        gating = SIGMOID;
        ts_config_note(r->notes, "tiefsee.assumed.expert_gating_func", "2 (as V3 has it)");
    } else {
        ts_config_note(r->notes, "tiefsee.assumed.expert_gating_func", "1 (as V2 has it)");
    }
    c->arch = gating == SIGMOID ? TS_ARCH_DEEPSEEK_V3 : TS_ARCH_DEEPSEEK_V2;
    if (gating == SOFTMAX && has_bias)
        refuse(r, "softmax routing with a selection bias (exp_probs_b) is not supported");
}

static void read_groups(reader *r, ts_config *c)
{
    c->n_groups = c->n_top_groups = 1;
    if (has(r, "expert_group_count")) {
        c->n_groups = get(r, "expert_group_count", 1, TS_MAX_EXPERTS);
        c->n_top_groups = c->n_groups > 1 || has(r, "expert_group_used_count")
                              ? get(r, "expert_group_used_count", 1, TS_MAX_EXPERTS)
                              : 1;
    } else if (c->n_experts == 256 && c->arch == TS_ARCH_DEEPSEEK_V3) {
        c->n_groups = 8;
        c->n_top_groups = 4;
        ts_config_note(r->notes, "tiefsee.assumed.expert_groups", "4 of 8 (as V3 has it)");
    } else if (c->n_experts == 160 && c->arch == TS_ARCH_DEEPSEEK_V2) {
        c->n_groups = 8;
        c->n_top_groups = 3;
        ts_config_note(r->notes, "tiefsee.assumed.expert_groups", "3 of 8 (as V2 has it)");
    } else {
        ts_config_note(r->notes, "tiefsee.assumed.expert_groups", "none");
    }
}

static void read_experts(reader *r, ts_config *c)
{
    c->n_experts = get(r, "expert_count", 1, TS_MAX_EXPERTS);
    c->n_active = get(r, "expert_used_count", 1, TS_MAX_ACTIVE);
    c->n_shared = get(r, "expert_shared_count", 0, TS_MAX_EXPERTS);
    c->d_expert = get(r, "expert_feed_forward_length", 1, TS_MAX_WIDTH);
    c->n_dense_layers = get(r, "leading_dense_block_count", 0, TS_MAX_LAYERS);
    c->moe_layer_freq = 1;
    c->route_scale = get_double(r, "expert_weights_scale", 1e-6, 1e6);
    read_gating(r, c);
    read_groups(r, c);
    /* V2's converters did not write it; V2 does not normalise. */
    c->norm_topk = c->arch == TS_ARCH_DEEPSEEK_V3 || has(r, "expert_weights_norm")
                       ? get_bool(r, "expert_weights_norm")
                       : false;
    if (c->norm_topk && c->arch == TS_ARCH_DEEPSEEK_V2)
        refuse(r, "normalised softmax routing (expert_weights_norm) is not supported");
}

/* key_length and value_length describe the cached latents in newer files, which
 * say the true head sizes in *_mla, and the heads themselves in older ones. */
static void read_mla(reader *r, ts_config *c)
{
    const bool is_new = has(r, "attention.key_length_mla");
    const uint32_t d_key =
        get(r, is_new ? "attention.key_length_mla" : "attention.key_length", 1, TS_MAX_HEAD_DIM);

    c->d_value = get(r, is_new ? "attention.value_length_mla" : "attention.value_length", 1,
                     TS_MAX_HEAD_DIM);
    c->kv_lora_rank = get(r, "attention.kv_lora_rank", 1, TS_MAX_WIDTH);
    c->q_lora_rank = get_or(r, "attention.q_lora_rank", 0, TS_MAX_WIDTH, 0);
    c->d_rope = get(r, "rope.dimension_count", 2, TS_MAX_HEAD_DIM);
    c->rope.n_dims = c->d_rope;
    c->n_kv_heads = 1;
    c->d_head = d_key;
    if (r->st == TIEFSEE_OK && d_key <= c->d_rope)
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "heads of %u with %u rotated dimensions", d_key,
                        c->d_rope);
    c->d_nope = d_key - c->d_rope;
}

static tiefsee_status read_arch(reader *r, ts_config *c)
{
    static const struct {
        const char *name;
        ts_arch arch;
    } known[] = {{"deepseek2", TS_ARCH_DEEPSEEK_V2}, /* or V3: the routing decides */
                 {"qwen2", TS_ARCH_QWEN2},
                 {"qwen3", TS_ARCH_QWEN3},
                 {"llama", TS_ARCH_LLAMA}};
    ts_str name;
    const tiefsee_status st = ts_gguf_string(r->g, "general.architecture", &name, r->err);

    if (st != TIEFSEE_OK)
        return st;
    for (size_t i = 0; i < TS_COUNT(known); i++)
        if (ts_str_is(name, known[i].name)) {
            c->arch = known[i].arch;
            (void)snprintf(r->arch, sizeof r->arch, "%s", known[i].name);
            return TIEFSEE_OK;
        }
    return ts_fail(r->err, TIEFSEE_E_UNSUPPORTED,
                   "architecture '%.*s' (supported: deepseek2, qwen2, qwen3, llama)",
                   TS_STR_ARG(name));
}

tiefsee_status ts_gguf_config(ts_config *out, const ts_gguf *g, const ts_modelfile *file,
                              ts_config_notes *notes, tiefsee_error *err)
{
    reader r = {.g = g, .file = file, .notes = notes, .err = err};
    ts_config c = {0};

    *out = c;
    r.st = read_arch(&r, &c);
    if (r.st != TIEFSEE_OK)
        return r.st;
    read_common(&r, &c);
    if (r.st == TIEFSEE_OK) {
        if (ts_arch_is_mla(c.arch)) {
            read_mla(&r, &c);
            read_experts(&r, &c);
        } else {
            read_dense(&r, &c);
        }
    }
    if (r.st == TIEFSEE_OK)
        read_rope(&r, &c);
    if (r.st == TIEFSEE_OK)
        r.st = ts_config_check(&c, err);
    if (r.st == TIEFSEE_OK)
        *out = c;
    return r.st;
}
