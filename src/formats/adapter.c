/* adapter.c - reading; see adapter.h. */
#include "formats/adapter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "formats/config.h"
#include "formats/json.h"
#include "formats/json_reader.h"
#include "formats/safetensors.h"

enum { MAX_CONFIG = 1 << 20, MAX_CONFIG_VALUES = 20000, MAX_TABLES = 256 << 20 };

const char *const ts_target_names[TS_N_TARGETS] = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                                   "gate_proj", "up_proj", "down_proj"};
const char *const ts_target_modules[TS_N_TARGETS] = {
    "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};

/* ----------------------------------------------------------------- config */

static bool is_nothing(const json_t *j)
{
    return !j || json_is_null(j) || json_is_false(j) ||
           (json_is_array(j) && json_array_size(j) == 0) ||
           (json_is_object(j) && json_object_size(j) == 0) ||
           (json_is_string(j) && json_string_length(j) == 0);
}

/* What changes the product in other ways than W + scale B A. */
static tiefsee_status refuse_others(const json_t *config, tiefsee_error *err)
{
    static const char *const keys[] = {"use_dora",          "fan_in_fan_out",
                                       "modules_to_save",   "rank_pattern",
                                       "alpha_pattern",     "lora_bias",
                                       "layer_replication", "trainable_token_indices",
                                       "target_parameters", "alora_invocation_tokens",
                                       "use_qalora",        "use_bdlora",
                                       "kasa_config",       "megatron_config"};
    const ts_str type = ts_json_str(json_object_get(config, "peft_type"));
    const json_t *bias = json_object_get(config, "bias");
    const ts_str init = ts_json_str(json_object_get(config, "init_lora_weights"));

    if (!ts_str_is(type, "LORA"))
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "peft_type '%.*s' (only LORA is known)",
                       TS_STR_ARG(type));
    if (!is_nothing(bias) && !ts_str_is(ts_json_str(bias), "none"))
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "bias is not 'none'");
    /* pissa, olora, loftq, corda, ...: the base was changed before training. */
    if (init.len > 0 && !ts_str_is(init, "gaussian") && !ts_str_is(init, "orthogonal") &&
        !ts_str_is(init, "eva"))
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "init_lora_weights '%.*s' changes the base",
                       TS_STR_ARG(init));
    for (size_t i = 0; i < TS_COUNT(keys); i++)
        if (!is_nothing(json_object_get(config, keys[i])))
            return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "%s is used, which is not supported",
                           keys[i]);
    return TIEFSEE_OK;
}

static tiefsee_status take_config(ts_adapter *a, const json_t *config, tiefsee_error *err)
{
    const json_t *rank = json_object_get(config, "r");
    const json_t *alpha = json_object_get(config, "lora_alpha");
    const tiefsee_status st = refuse_others(config, err);

    if (st != TIEFSEE_OK)
        return st;
    if (!json_is_integer(rank) || json_integer_value(rank) < 1 ||
        json_integer_value(rank) > TS_MAX_RANK)
        return ts_fail(err, TIEFSEE_E_FORMAT, "r is no rank (1 to %d)", TS_MAX_RANK);
    if (!json_is_number(alpha) || !(fabs(json_number_value(alpha)) <= 1e6))
        return ts_fail(err, TIEFSEE_E_FORMAT, "lora_alpha is not a number up to 1e6");
    a->rank = (size_t)json_integer_value(rank);
    a->alpha = json_number_value(alpha);
    const double rank_of = (double)a->rank;
    const bool is_root = json_is_true(json_object_get(config, "use_rslora"));
    a->scale = (float)(a->alpha / (is_root ? sqrt(rank_of) : rank_of));
    return TIEFSEE_OK;
}

static tiefsee_status read_config(ts_adapter *a, ts_str text, tiefsee_error *err)
{
    const ts_json_limits limits = {.bytes = MAX_CONFIG, .values = MAX_CONFIG_VALUES};
    json_t *config = NULL;
    tiefsee_status st = ts_json_parse(&config, text.ptr, text.len, limits, err);

    if (st == TIEFSEE_OK)
        st = take_config(a, config, err);
    json_decref(config);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "adapter_config.json");
}

/* ---------------------------------------------------------------- tensors */

static bool skip(ts_str *s, const char *text)
{
    const size_t n = strlen(text);

    if (!ts_str_starts(*s, text))
        return false;
    s->ptr += n;
    s->len -= n;
    return true;
}

static bool skip_number(ts_str *s, size_t *out)
{
    size_t n = 0, value = 0;

    while (n < s->len && n < 5 && s->ptr[n] >= '0' && s->ptr[n] <= '9')
        value = value * 10 + (size_t)(s->ptr[n++] - '0');
    if (n == 0 || (s->ptr[0] == '0' && n > 1) || value >= TS_MAX_LAYERS)
        return false;
    s->ptr += n;
    s->len -= n;
    *out = value;
    return true;
}

/* base_model.model.model.layers.N.MODULE.lora_X.weight */
static bool take_name(ts_str name, size_t *layer, size_t *target, bool *is_B)
{
    if (!skip(&name, "base_model.model.model.layers.") || !skip_number(&name, layer) ||
        !skip(&name, "."))
        return false;
    for (*target = 0; *target < TS_N_TARGETS; ++*target)
        if (skip(&name, ts_target_modules[*target]))
            break;
    *is_B = ts_str_is(name, ".lora_B.weight");
    return *target < TS_N_TARGETS && (*is_B || ts_str_is(name, ".lora_A.weight"));
}

static tiefsee_status take_tensor(ts_adapter *a, const ts_named_tensor *t, tiefsee_error *err)
{
    size_t layer, target;
    bool is_B;

    if (!take_name(t->name, &layer, &target, &is_B))
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "tensor '%.*s' is no low-rank part of a known matrix", TS_STR_ARG(t->name));
    const ts_tensor *x = &t->tensor;
    if (x->type != TS_F32 && x->type != TS_F16 && x->type != TS_BF16)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "tensor '%.*s': type %s (f32, f16 or bf16)",
                       TS_STR_ARG(t->name), ts_dtype_of((uint32_t)x->type).name);
    if (x->n_dims != 2 || x->ne[!is_B] != a->rank)
        return ts_fail(err, TIEFSEE_E_FORMAT,
                       "tensor '%.*s': shape %llu x %llu, but the rank is %zu", TS_STR_ARG(t->name),
                       (unsigned long long)x->ne[0], (unsigned long long)x->ne[1], a->rank);
    ts_adapter_pair *p = &a->pair[layer * TS_N_TARGETS + target];
    *(is_B ? &p->B : &p->A) = *x;
    a->n_layers = layer + 1 > a->n_layers ? layer + 1 : a->n_layers;
    return TIEFSEE_OK;
}

static tiefsee_status check_pairs(const ts_adapter *a, tiefsee_error *err)
{
    for (size_t i = 0; i < a->n_layers * TS_N_TARGETS; i++)
        if (!a->pair[i].A.data != !a->pair[i].B.data)
            return ts_fail(err, TIEFSEE_E_FORMAT, "layer %zu, %s: lora_%c is missing",
                           i / TS_N_TARGETS, ts_target_names[i % TS_N_TARGETS],
                           a->pair[i].A.data ? 'B' : 'A');
    return a->n_layers > 0 ? TIEFSEE_OK : ts_fail(err, TIEFSEE_E_FORMAT, "it has no tensors");
}

/* "__metadata__": {"tiefsee.base": "..."}; the header is sound already. */
static void take_base(ts_adapter *a, ts_str file)
{
    uint64_t n;

    memcpy(&n, file.ptr, sizeof n);
    ts_json_reader r = ts_json_reader_of((ts_str){file.ptr + 8, (size_t)n});
    ts_str key, name;

    if (!ts_json_enter(&r, '{'))
        return;
    while (ts_json_next_key(&r, &key)) {
        if (!ts_str_is(key, "__metadata__") || !ts_json_enter(&r, '{')) {
            (void)ts_json_read_any(&r);
            continue;
        }
        while (ts_json_next_key(&r, &name)) {
            const ts_str value = ts_json_read_text(&r);
            if (ts_str_is(name, "tiefsee.base") && value.len == TS_ADAPTER_BASE_LEN)
                memcpy(a->base, value.ptr, TS_ADAPTER_BASE_LEN);
        }
    }
}

static tiefsee_status read_tensors(ts_adapter *a, ts_str file, tiefsee_error *err)
{
    ts_safetensors s;
    tiefsee_status st =
        ts_safetensors_parse(&s, (const uint8_t *)file.ptr, file.len, a->arena, err);

    a->pair = st == TIEFSEE_OK
                  ? ts_arena_alloc_zero(a->arena, TS_MAX_LAYERS * TS_N_TARGETS, sizeof *a->pair)
                  : NULL;
    if (st == TIEFSEE_OK && !a->pair)
        st = ts_fail_nomem(err, sizeof *a->pair * TS_MAX_LAYERS * TS_N_TARGETS, "an adapter");
    for (size_t i = 0; st == TIEFSEE_OK && i < s.n_tensors; i++)
        st = take_tensor(a, &s.tensors[i], err);
    if (st == TIEFSEE_OK)
        st = check_pairs(a, err);
    if (st != TIEFSEE_OK)
        return ts_while(err, st, "adapter_model.safetensors");
    take_base(a, file);
    a->bytes = file;
    return st;
}

tiefsee_status ts_adapter_parse(ts_adapter *out, ts_str config, ts_str tensors, tiefsee_error *err)
{
    *out = (ts_adapter){.arena = ts_arena_new(MAX_TABLES)};
    if (!out->arena)
        return ts_fail_nomem(err, sizeof *out, "an adapter");
    tiefsee_status st = read_config(out, config, err);
    if (st == TIEFSEE_OK)
        st = read_tensors(out, tensors, err);
    if (st != TIEFSEE_OK)
        ts_adapter_close(out);
    return st;
}

tiefsee_status ts_adapter_open(ts_adapter *out, const char *folder, tiefsee_error *err)
{
    char path[4096];
    ts_buf config;
    ts_map map = {0};

    *out = (ts_adapter){0};
    int n = snprintf(path, sizeof path, "%s/adapter_config.json", folder);
    if (n < 0 || (size_t)n >= sizeof path - 16)
        return ts_fail(err, TIEFSEE_E_INVALID, "the name of the adapter's folder is too long");
    tiefsee_status st = ts_file_read(&config, path, MAX_CONFIG, err);
    if (st != TIEFSEE_OK)
        return st;
    (void)snprintf(path, sizeof path, "%s/adapter_model.safetensors", folder);
    st = ts_map_open(&map, path, err);
    if (st == TIEFSEE_OK) {
        st = ts_adapter_parse(out, (ts_str){config.ptr, config.len},
                              (ts_str){(const char *)map.ptr, map.size}, err);
        if (st == TIEFSEE_OK)
            out->map = map;
        else
            (void)ts_while(err, st, "%.120s", folder);
    }
    if (st != TIEFSEE_OK)
        ts_map_close(&map);
    ts_buf_free(&config);
    return st;
}

void ts_adapter_close(ts_adapter *a)
{
    ts_arena_free(a->arena);
    ts_map_close(&a->map);
    *a = (ts_adapter){0};
}
