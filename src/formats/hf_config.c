/* hf_config.c - see hf_config.h.
 *
 * Reads config.json as the published checkpoints have it (rope_theta and
 * rope_scaling at top level) and as transformers 5 saves it (rope_parameters).
 * A field is required, null counts as absent.  Defaults are taken only where
 * published files and transformers leave a field out because its class has one
 * value for it: tie_word_embeddings false, head_dim hidden_size /
 * num_attention_heads, num_key_value_heads num_attention_heads, rope scaling
 * none, rope_interleave true, YaRN's betas 32 and 1, moe_layer_freq 1,
 * scoring_func and V3's topk_method (transformers does not save them).
 * What would change the computation and is not built is refused by its key.
 */
#include "formats/hf_config.h"

#include <string.h>

#include "formats/json.h"

/* After the first failure every read gives min. */
typedef struct reader {
    const json_t *j;
    const char *prefix; /* of keys in messages: "", "rope_scaling." */
    tiefsee_status st;
    tiefsee_error *err;
} reader;

static const json_t *find(const reader *r, const char *key)
{
    const json_t *v = json_object_get(r->j, key);

    return json_is_null(v) ? NULL : v;
}

static const json_t *require(reader *r, const char *key)
{
    const json_t *v = find(r, key);

    if (!v && r->st == TIEFSEE_OK)
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "'%s%s' is missing", r->prefix, key);
    return r->st == TIEFSEE_OK ? v : NULL;
}

static uint32_t get(reader *r, const char *key, uint32_t min, uint32_t max)
{
    const json_t *v = require(r, key);

    if (!v)
        return min;
    if (!json_is_integer(v)) {
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "'%s%s' is not a whole number", r->prefix, key);
        return min;
    }
    const json_int_t i = json_integer_value(v);
    if (i < (json_int_t)min || i > (json_int_t)max) {
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "'%s%s' is %lld (%u to %u allowed)", r->prefix,
                        key, (long long)i, min, max);
        return min;
    }
    return (uint32_t)i;
}

static uint32_t get_or(reader *r, const char *key, uint32_t min, uint32_t max, uint32_t absent)
{
    return find(r, key) ? get(r, key, min, max) : absent;
}

static double get_double(reader *r, const char *key, double min, double max)
{
    const json_t *v = require(r, key);

    if (!v)
        return min;
    if (!json_is_number(v)) {
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "'%s%s' is not a number", r->prefix, key);
        return min;
    }
    const double d = json_number_value(v);
    if (!(d >= min && d <= max)) {
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "'%s%s' is %g (%g to %g allowed)", r->prefix, key,
                        d, min, max);
        return min;
    }
    return d;
}

static double get_double_or(reader *r, const char *key, double min, double max, double absent)
{
    return find(r, key) ? get_double(r, key, min, max) : absent;
}

static bool get_bool(reader *r, const char *key)
{
    const json_t *v = require(r, key);

    if (v && !json_is_boolean(v))
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "'%s%s' is not true or false", r->prefix, key);
    return v && json_is_true(v);
}

static bool get_bool_or(reader *r, const char *key, bool absent)
{
    return find(r, key) ? get_bool(r, key) : absent;
}

static ts_str get_str(reader *r, const char *key)
{
    const json_t *v = require(r, key);

    if (v && !json_is_string(v))
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "'%s%s' is not a text", r->prefix, key);
    return v ? ts_json_str(v) : (ts_str){0};
}

/* A text that, if it is there, must be this one. */
static void only(reader *r, const char *key, const char *value)
{
    if (!find(r, key))
        return;
    const ts_str s = get_str(r, key);
    if (r->st == TIEFSEE_OK && !ts_str_is(s, value))
        r->st = ts_fail(r->err, TIEFSEE_E_UNSUPPORTED, "'%s%s' is '%.*s' (only '%s' is supported)",
                        r->prefix, key, TS_STR_ARG(s), value);
}

static void only_false(reader *r, const char *key)
{
    if (get_bool_or(r, key, false))
        r->st =
            ts_fail(r->err, TIEFSEE_E_UNSUPPORTED, "'%s%s' true is not supported", r->prefix, key);
}

/* bos_token_id and eos_token_id: a number, a list (the first counts) or null. */
static int32_t get_token(reader *r, const char *key, uint32_t n_vocab)
{
    const json_t *v = find(r, key);

    if (json_is_array(v))
        v = json_array_get(v, 0);
    if (!v || r->st != TIEFSEE_OK)
        return -1;
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) >= n_vocab) {
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "'%s' is not a token of %u", key, n_vocab);
        return -1;
    }
    return (int32_t)json_integer_value(v);
}

static void read_arch(reader *r, ts_config *c)
{
    static const struct {
        const char *name;
        ts_arch arch;
    } known[] = {{"deepseek_v2", TS_ARCH_DEEPSEEK_V2},
                 {"deepseek_v3", TS_ARCH_DEEPSEEK_V3},
                 {"qwen2", TS_ARCH_QWEN2},
                 {"qwen3", TS_ARCH_QWEN3},
                 {"llama", TS_ARCH_LLAMA}};
    const ts_str name = get_str(r, "model_type");

    for (size_t i = 0; i < TS_COUNT(known); i++)
        if (ts_str_is(name, known[i].name))
            c->arch = known[i].arch;
    if (r->st == TIEFSEE_OK && c->arch == TS_ARCH_NONE)
        r->st = ts_fail(r->err, TIEFSEE_E_UNSUPPORTED,
                        "model_type '%.*s' (supported: deepseek_v2, deepseek_v3, qwen2, qwen3, "
                        "llama)",
                        TS_STR_ARG(name));
}

static void read_common(reader *r, ts_config *c)
{
    c->n_layers = get(r, "num_hidden_layers", 1, TS_MAX_LAYERS);
    c->d_model = get(r, "hidden_size", 1, TS_MAX_WIDTH);
    c->n_vocab = get(r, "vocab_size", 1, TS_MAX_VOCAB);
    c->n_ctx = get(r, "max_position_embeddings", 1, TS_MAX_CONTEXT);
    c->d_ff = get(r, "intermediate_size", 1, TS_MAX_WIDTH);
    c->n_heads = get(r, "num_attention_heads", 1, TS_MAX_HEADS);
    c->rms_eps = get_double(r, "rms_norm_eps", 1e-30, 1);
    c->has_tied_head = get_bool_or(r, "tie_word_embeddings", false);
    c->bos = get_token(r, "bos_token_id", c->n_vocab);
    c->eos = get_token(r, "eos_token_id", c->n_vocab);
    only(r, "hidden_act", "silu");
    only_false(r, "attention_bias");
    only_false(r, "mlp_bias");
}

static void refuse_sliding_window(reader *r)
{
    const json_t *types = find(r, "layer_types");
    const json_t *type;
    size_t i;

    if (find(r, "sliding_window"))
        only_false(r, "use_sliding_window");
    json_array_foreach((json_t *)(uintptr_t)types, i,
                       type) if (r->st == TIEFSEE_OK &&
                                 !ts_str_is(ts_json_str(type), "full_attention")) r->st =
        ts_fail(r->err, TIEFSEE_E_UNSUPPORTED, "'layer_types' %zu is not 'full_attention'", i);
}

static void read_dense(reader *r, ts_config *c)
{
    c->n_kv_heads = get_or(r, "num_key_value_heads", 1, TS_MAX_HEADS, c->n_heads);
    /* Qwen 3's heads are wider than its hidden size: there it must be said. */
    if (c->arch == TS_ARCH_QWEN3 || find(r, "head_dim"))
        c->d_head = get(r, "head_dim", 1, TS_MAX_HEAD_DIM);
    else
        c->d_head = c->d_model / c->n_heads;
    if (r->st == TIEFSEE_OK && (c->d_head == 0 || c->d_head > TS_MAX_HEAD_DIM))
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "'hidden_size' %u for %u heads", c->d_model,
                        c->n_heads);
    c->rope.n_dims = c->d_head;
    refuse_sliding_window(r);
}

static void read_routing(reader *r, ts_config *c)
{
    const bool is_v3 = c->arch == TS_ARCH_DEEPSEEK_V3;
    bool has_groups = is_v3;

    only(r, "scoring_func", is_v3 ? "sigmoid" : "softmax");
    if (is_v3) {
        only(r, "topk_method", "noaux_tc");
    } else {
        const ts_str method = get_str(r, "topk_method");
        has_groups = ts_str_is(method, "group_limited_greedy");
        if (r->st == TIEFSEE_OK && !has_groups && !ts_str_is(method, "greedy"))
            r->st = ts_fail(r->err, TIEFSEE_E_UNSUPPORTED,
                            "'topk_method' is '%.*s' (greedy and group_limited_greedy are "
                            "supported)",
                            TS_STR_ARG(method));
    }
    c->n_groups = has_groups ? get(r, "n_group", 1, TS_MAX_EXPERTS) : 1;
    c->n_top_groups = has_groups ? get(r, "topk_group", 1, TS_MAX_EXPERTS) : 1;
    c->norm_topk = get_bool(r, "norm_topk_prob");
    /* transformers ignores it, the published code does not scale then. */
    if (!is_v3)
        only_false(r, "norm_topk_prob");
}

static void read_deepseek(reader *r, ts_config *c)
{
    c->q_lora_rank = 0;
    /* null is a value here; absent is not. */
    if (!json_object_get(r->j, "q_lora_rank") || find(r, "q_lora_rank"))
        c->q_lora_rank = get(r, "q_lora_rank", 1, TS_MAX_WIDTH);
    c->kv_lora_rank = get(r, "kv_lora_rank", 1, TS_MAX_WIDTH);
    c->d_nope = get(r, "qk_nope_head_dim", 1, TS_MAX_HEAD_DIM);
    c->d_rope = get(r, "qk_rope_head_dim", 2, TS_MAX_HEAD_DIM);
    c->d_value = get(r, "v_head_dim", 1, TS_MAX_HEAD_DIM);
    c->d_head = c->d_nope + c->d_rope;
    c->n_kv_heads = 1;
    c->rope.n_dims = c->d_rope;

    c->n_experts = get(r, "n_routed_experts", 1, TS_MAX_EXPERTS);
    c->n_active = get(r, "num_experts_per_tok", 1, TS_MAX_ACTIVE);
    c->n_shared = get_or(r, "n_shared_experts", 0, TS_MAX_EXPERTS, 0);
    c->d_expert = get(r, "moe_intermediate_size", 1, TS_MAX_WIDTH);
    c->n_dense_layers = get(r, "first_k_dense_replace", 0, TS_MAX_LAYERS);
    c->moe_layer_freq = get_or(r, "moe_layer_freq", 1, TS_MAX_LAYERS, 1);
    c->route_scale = get_double(r, "routed_scaling_factor", 1e-6, 1e6);
    read_routing(r, c);
}

static void read_yarn(reader *s, const reader *top, ts_rope_config *rope)
{
    rope->kind = TS_ROPE_YARN;
    rope->beta_fast = get_double_or(s, "beta_fast", 0, 1e6, 0);
    rope->beta_slow = get_double_or(s, "beta_slow", 0, 1e6, 0);
    /* A zero counts as absent, as in the published code. */
    rope->beta_fast = rope->beta_fast > 0 ? rope->beta_fast : 32;
    rope->beta_slow = rope->beta_slow > 0 ? rope->beta_slow : 1;
    rope->mscale = get_double_or(s, "mscale", 0, 100, 0);
    rope->mscale_all_dim = get_double_or(s, "mscale_all_dim", 0, 100, 0);
    rope->attention_factor = get_double_or(s, "attention_factor", 1e-3, 1e3, 0);
    rope->no_truncate = !get_bool_or(s, "truncate", true);
    if (find(s, "factor") || s->st != TIEFSEE_OK) {
        rope->factor = get_double(s, "factor", 1, 1e6);
    } else {
        reader context = *top;
        rope->factor =
            get(&context, "max_position_embeddings", 1, TS_MAX_CONTEXT) / rope->original_context;
    }
    /* R1-0528-Qwen3-8B's own spelling: a multiple of YaRN's growth, which makes
     * the amplitude 1.  transformers does not know it (deepseek-ai/DeepSeek-R1#684). */
    if (!find(s, "attention_factor") && find(s, "attn_factor"))
        rope->attention_factor =
            get_double(s, "attn_factor", 1e-3, 1e3) * ts_yarn_growth(rope->factor);
}

/* s reads the object of rope parameters, r the whole config. */
static void read_scaling(reader *s, const reader *r, ts_rope_config *rope)
{
    ts_str type = TS_STR("default");

    if (find(s, "rope_type"))
        type = get_str(s, "rope_type");
    else if (find(s, "type"))
        type = get_str(s, "type");
    const double part = get_double_or(s, "partial_rotary_factor", 0, 1, 1);
    if (s->st == TIEFSEE_OK && part < 1)
        s->st = ts_fail(s->err, TIEFSEE_E_UNSUPPORTED, "'%spartial_rotary_factor' is %g", s->prefix,
                        part);
    if (s->st != TIEFSEE_OK || ts_str_is(type, "default"))
        return;
    if (ts_str_is(type, "linear")) {
        rope->kind = TS_ROPE_LINEAR;
        rope->factor = get_double(s, "factor", 1e-3, 1e6);
        return;
    }
    if (!ts_str_is(type, "yarn") && !ts_str_is(type, "llama3")) {
        s->st = ts_fail(s->err, TIEFSEE_E_UNSUPPORTED,
                        "'%srope_type' is '%.*s' (default, linear, yarn and llama3 are supported)",
                        s->prefix, TS_STR_ARG(type));
        return;
    }
    /* At the top of the file it wins, as in transformers. */
    reader where = find(r, "original_max_position_embeddings") ? *r : *s;
    where.st = s->st;
    rope->original_context = get(&where, "original_max_position_embeddings", 1, TS_MAX_CONTEXT);
    s->st = where.st;
    if (ts_str_is(type, "yarn")) {
        read_yarn(s, r, rope);
        return;
    }
    rope->kind = TS_ROPE_LLAMA3;
    rope->factor = get_double(s, "factor", 1e-3, 1e6);
    rope->low_freq_factor = get_double(s, "low_freq_factor", 1e-6, 1e6);
    rope->high_freq_factor = get_double(s, "high_freq_factor", 1e-6, 1e6);
}

static void read_rope(reader *r, ts_config *c)
{
    const bool is_new = find(r, "rope_scaling") == NULL && find(r, "rope_parameters") != NULL;
    const json_t *j = find(r, is_new ? "rope_parameters" : "rope_scaling");
    reader s = {.j = j,
                .prefix = is_new ? "rope_parameters." : "rope_scaling.",
                .st = r->st,
                .err = r->err};

    c->rope.factor = 1;
    c->rope.is_interleaved = ts_arch_is_mla(c->arch) && get_bool_or(r, "rope_interleave", true);
    if (r->st != TIEFSEE_OK)
        return;
    if (j && !json_is_object(j)) {
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "'%.*s' is not an object",
                        (int)strlen(s.prefix) - 1, s.prefix);
        return;
    }
    if (j && find(&s, "rope_theta"))
        c->rope.theta = get_double(&s, "rope_theta", 1, 1e12);
    else
        c->rope.theta = get_double(r, "rope_theta", 1, 1e12);
    const double part = get_double_or(r, "partial_rotary_factor", 0, 1, 1);
    if (r->st == TIEFSEE_OK && part < 1)
        r->st = ts_fail(r->err, TIEFSEE_E_UNSUPPORTED, "'partial_rotary_factor' is %g", part);
    if (r->st != TIEFSEE_OK)
        return;
    if (j && s.st == TIEFSEE_OK)
        read_scaling(&s, r, &c->rope);
    r->st = s.st;
}

/* Only DeepSeek's FP8: e4m3 with one scale per 128 x 128 weights. */
static void read_quantization(reader *r, bool *fp8)
{
    const json_t *j = find(r, "quantization_config");
    reader q = {.j = j, .prefix = "quantization_config.", .st = r->st, .err = r->err};

    *fp8 = false;
    if (!j || r->st != TIEFSEE_OK)
        return;
    if (!json_is_object(j)) {
        r->st = ts_fail(r->err, TIEFSEE_E_FORMAT, "'quantization_config' is not an object");
        return;
    }
    const ts_str method = get_str(&q, "quant_method");
    if (q.st == TIEFSEE_OK && !ts_str_is(method, "fp8"))
        q.st = ts_fail(q.err, TIEFSEE_E_UNSUPPORTED,
                       "'quantization_config.quant_method' is '%.*s' (only 'fp8' is supported)",
                       TS_STR_ARG(method));
    only(&q, "fmt", "e4m3");
    const json_t *block = require(&q, "weight_block_size");
    if (q.st == TIEFSEE_OK &&
        (json_array_size(block) != 2 || json_integer_value(json_array_get(block, 0)) != 128 ||
         json_integer_value(json_array_get(block, 1)) != 128))
        q.st = ts_fail(q.err, TIEFSEE_E_UNSUPPORTED,
                       "'quantization_config.weight_block_size' is not [128, 128]");
    r->st = q.st;
    *fp8 = q.st == TIEFSEE_OK;
}

tiefsee_status ts_hf_config(ts_config *out, bool *fp8, const json_t *j, tiefsee_error *err)
{
    reader r = {.j = j, .prefix = "", .err = err};
    ts_config c = {0};

    *out = c;
    read_arch(&r, &c);
    read_common(&r, &c);
    if (r.st == TIEFSEE_OK) {
        if (ts_arch_is_mla(c.arch))
            read_deepseek(&r, &c);
        else
            read_dense(&r, &c);
        read_rope(&r, &c);
        read_quantization(&r, fp8);
    }
    if (r.st == TIEFSEE_OK)
        r.st = ts_config_check(&c, err);
    if (r.st == TIEFSEE_OK)
        *out = c;
    return r.st;
}
