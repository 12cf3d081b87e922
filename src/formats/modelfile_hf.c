/* modelfile_hf.c - a Hugging Face folder as a model file.
 *
 * config.json, model.safetensors or the shards that model.safetensors.index.json
 * names, tokenizer.json with tokenizer_config.json and chat_template.jinja.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/hf_config.h"
#include "formats/hf_vocab.h"
#include "formats/json.h"
#include "formats/modelfile_parts.h"
#include "formats/safetensors.h"

enum { MAX_TEMPLATE_BYTES = 4 << 20, MAX_TENSORS = 1 << 18, FP8_BLOCK = 128 };

static const ts_json_limits config_limits = {4 << 20, 1 << 16, false};
static const ts_json_limits index_limits = {64 << 20, 1 << 20, false};
static const ts_json_limits tokenizer_limits = {64 << 20, 1 << 22, false};
static const ts_json_limits tokenizer_config_limits = {4 << 20, 1 << 16, true};

static tiefsee_status join(char *out, const char *folder, const char *name, tiefsee_error *err)
{
    const size_t n = strlen(folder);
    const char *slash = n && folder[n - 1] == '/' ? "" : "/";
    const int len = snprintf(out, MODELFILE_MAX_PATH, "%s%s%s", folder, slash, name);

    if (len < 0 || len >= MODELFILE_MAX_PATH)
        return ts_fail(err, TIEFSEE_E_INVALID, "path '%.100s' is too long", folder);
    return TIEFSEE_OK;
}

/* *out is NULL if there is no such file. */
static tiefsee_status load_optional(json_t **out, const char *folder, const char *name,
                                    ts_json_limits limits, tiefsee_error *err)
{
    char path[MODELFILE_MAX_PATH];

    *out = NULL;
    tiefsee_status st = join(path, folder, name, err);
    if (st != TIEFSEE_OK || !ts_file_exists(path))
        return st;
    st = ts_json_load(out, path, limits, err);
    /* An error of the system names the file already. */
    return st == TIEFSEE_OK || st == TIEFSEE_E_IO ? st : ts_while(err, st, "%s", name);
}

/* ------------------------------------------------------------------ tensors */

typedef struct shards {
    size_t n;
    const char **names; /* sorted, unique */
} shards;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A plain file name inside the folder. */
static bool is_shard_name(const char *s)
{
    static const char ending[] = ".safetensors";
    const size_t n = strlen(s), m = sizeof ending - 1;

    if (n <= m || n > 200 || s[0] == '.' || strcmp(s + n - m, ending) != 0)
        return false;
    for (size_t i = 0; i < n; i++)
        if (s[i] == '/' || s[i] == '\\' || (unsigned char)s[i] < 0x20)
            return false;
    return true;
}

static tiefsee_status list_shards(ts_modelfile *f, shards *s, json_t *map, tiefsee_error *err)
{
    const char *key;
    json_t *value;
    size_t n = 0;

    if (!json_is_object(map) || json_object_size(map) == 0 || json_object_size(map) > MAX_TENSORS)
        return ts_fail(err, TIEFSEE_E_FORMAT, "weight_map is no object of 1 to %d tensors",
                       MAX_TENSORS);
    s->names = ts_arena_alloc(f->arena, json_object_size(map) * sizeof *s->names);
    if (!s->names)
        return ts_fail_nomem(err, json_object_size(map) * sizeof *s->names, "the shards");
    json_object_foreach(map, key, value)
    {
        if (!json_is_string(value) || !is_shard_name(json_string_value(value)))
            return ts_fail(err, TIEFSEE_E_FORMAT,
                           "weight_map: '%.60s' is in '%.60s' (a file *.safetensors in the same "
                           "folder expected)",
                           key, json_is_string(value) ? json_string_value(value) : "");
        s->names[n++] = json_string_value(value);
    }
    qsort(s->names, n, sizeof *s->names, by_name);
    for (size_t i = 0; i < n; i++)
        if (s->n == 0 || strcmp(s->names[i], s->names[s->n - 1]) != 0)
            s->names[s->n++] = s->names[i];
    if (s->n > MODELFILE_MAX_SHARDS)
        return ts_fail(err, TIEFSEE_E_LIMIT, "%zu shards (%d allowed)", s->n, MODELFILE_MAX_SHARDS);
    return TIEFSEE_OK;
}

static tiefsee_status read_shard(ts_modelfile *f, ts_safetensors *out, size_t i, const char *folder,
                                 const char *name, tiefsee_error *err)
{
    char path[MODELFILE_MAX_PATH];
    tiefsee_status st = join(path, folder, name, err);

    if (st == TIEFSEE_OK)
        st = ts_modelfile_map(f, i, path, err);
    if (st != TIEFSEE_OK)
        return st;
    st = ts_safetensors_parse(out, f->maps[i].ptr, f->maps[i].size, f->arena, err);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "%.100s", name);
}

/* map: the index, to hold the shards to what it promises; or NULL. */
static tiefsee_status check_index(const ts_modelfile *f, const shards *s,
                                  const size_t *first_of_shard, json_t *map, tiefsee_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach(map, key, value)
    {
        const size_t at = ts_names_find(&f->names, ts_str_of(key));
        size_t shard = 0;
        while (at != SIZE_MAX && shard + 1 < s->n && at >= first_of_shard[shard + 1])
            shard++;
        if (at == SIZE_MAX || strcmp(s->names[shard], json_string_value(value)) != 0)
            return ts_fail(err, TIEFSEE_E_FORMAT, "tensor '%.100s' is not in '%.80s'", key,
                           json_string_value(value));
    }
    return TIEFSEE_OK;
}

static tiefsee_status read_shards(ts_modelfile *f, const shards *s, const char *folder, json_t *map,
                                  tiefsee_error *err)
{
    ts_safetensors *parts = ts_arena_alloc_zero(f->arena, s->n, sizeof *parts);
    size_t *first = ts_arena_alloc_zero(f->arena, s->n, sizeof *first);
    tiefsee_status st = TIEFSEE_OK;
    size_t total = 0;

    f->maps = ts_arena_alloc_zero(f->arena, s->n, sizeof *f->maps);
    if (!parts || !first || !f->maps)
        return ts_fail_nomem(err, s->n * sizeof *parts, "the shards");
    f->n_maps = s->n;
    for (size_t i = 0; st == TIEFSEE_OK && i < s->n; i++) {
        st = read_shard(f, &parts[i], i, folder, s->names[i], err);
        total += parts[i].n_tensors;
        if (st == TIEFSEE_OK && total > MAX_TENSORS)
            st = ts_fail(err, TIEFSEE_E_LIMIT, "more than %d tensors", MAX_TENSORS);
    }
    if (st != TIEFSEE_OK)
        return st;
    f->tensors = ts_arena_alloc(f->arena, total * sizeof *f->tensors);
    if (!f->tensors)
        return ts_fail_nomem(err, total * sizeof *f->tensors, "the tensor table");
    for (size_t i = 0; i < s->n; i++) {
        first[i] = f->n_tensors;
        if (parts[i].n_tensors)
            memcpy(f->tensors + f->n_tensors, parts[i].tensors,
                   parts[i].n_tensors * sizeof *f->tensors);
        f->n_tensors += parts[i].n_tensors;
    }
    st = ts_modelfile_index(f, err);
    return st == TIEFSEE_OK && map ? check_index(f, s, first, map, err) : st;
}

/* As transformers does: one file if it is there, else the index. */
static tiefsee_status read_weights(ts_modelfile *f, const char *folder, tiefsee_error *err)
{
    static const char *single = "model.safetensors";
    static const char *index_name = "model.safetensors.index.json";
    char path[MODELFILE_MAX_PATH];
    json_t *index;
    shards s = {0};

    tiefsee_status st = join(path, folder, single, err);
    if (st != TIEFSEE_OK)
        return st;
    if (ts_file_exists(path)) {
        s = (shards){1, &single};
        return read_shards(f, &s, folder, NULL, err);
    }
    st = load_optional(&index, folder, index_name, index_limits, err);
    if (st != TIEFSEE_OK)
        return st;
    if (!index)
        return ts_fail(err, TIEFSEE_E_FORMAT, "neither %s nor %s", single, index_name);
    json_t *map = json_object_get(index, "weight_map");
    st = list_shards(f, &s, map, err);
    if (st == TIEFSEE_OK)
        st = read_shards(f, &s, folder, map, err);
    json_decref(index);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "%s", index_name);
}

/* --------------------------------------------------------------------- FP8 */

/* scale: X_scale_inv of X, [ceil(out / 128)][ceil(in / 128)] floats. */
static tiefsee_status attach_scale(ts_modelfile *f, ts_named_tensor *t, const ts_tensor *scale,
                                   tiefsee_error *err)
{
    const uint64_t in = (t->tensor.ne[0] + FP8_BLOCK - 1) / FP8_BLOCK;
    const uint64_t out = (t->tensor.ne[1] + FP8_BLOCK - 1) / FP8_BLOCK;

    if (t->tensor.n_dims != 2 || scale->n_dims != 2 || scale->ne[0] != in || scale->ne[1] != out)
        return ts_fail(
            err, TIEFSEE_E_FORMAT, "tensor '%.*s': scales are [%llu, %llu] ([%llu, %llu] expected)",
            TS_STR_ARG(t->name), (unsigned long long)scale->ne[1], (unsigned long long)scale->ne[0],
            (unsigned long long)out, (unsigned long long)in);
    if (scale->type != TS_F32)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "tensor '%.*s': scales of type %s (f32 expected)", TS_STR_ARG(t->name),
                       ts_dtype_of(scale->type).name);
    t->tensor.scale = scale->data;
    if ((uintptr_t)scale->data % sizeof(float) != 0) {
        float *copy = ts_arena_alloc(f->arena, (size_t)scale->bytes);
        if (!copy)
            return ts_fail_nomem(err, scale->bytes, "scales");
        memcpy(copy, scale->data, (size_t)scale->bytes);
        t->tensor.scale = copy;
    }
    return TIEFSEE_OK;
}

static bool is_scale_name(ts_str name)
{
    static const char ending[] = "_scale_inv";
    const size_t n = sizeof ending - 1;

    return name.len > n && memcmp(name.ptr + name.len - n, ending, n) == 0;
}

/* Scales move into their weights and leave the table. */
static tiefsee_status attach_scales(ts_modelfile *f, bool fp8, tiefsee_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_tensors; i++) {
        ts_named_tensor *t = &f->tensors[i];
        char name[SAFETENSORS_MAX_NAME + 16];
        if (t->tensor.type != TS_F8_E4M3)
            continue;
        (void)snprintf(name, sizeof name, "%.*s_scale_inv", (int)t->name.len, t->name.ptr);
        const ts_tensor *scale = ts_modelfile_find(f, name);
        if (!scale || !fp8)
            return ts_fail(err, TIEFSEE_E_FORMAT, "tensor '%.*s' is FP8 without %s",
                           TS_STR_ARG(t->name), fp8 ? "scales" : "a quantization_config");
        const tiefsee_status st = attach_scale(f, t, scale, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    for (size_t i = 0; i < f->n_tensors; i++) {
        ts_str weight = f->tensors[i].name;
        if (is_scale_name(weight)) {
            weight.len -= strlen("_scale_inv");
            const size_t at = ts_names_find(&f->names, weight);
            if (at == SIZE_MAX || f->tensors[at].tensor.type != TS_F8_E4M3)
                return ts_fail(err, TIEFSEE_E_FORMAT, "tensor '%.*s' scales no FP8 tensor",
                               TS_STR_ARG(f->tensors[i].name));
        }
    }
    for (size_t i = 0; i < f->n_tensors; i++)
        if (!is_scale_name(f->tensors[i].name))
            f->tensors[n++] = f->tensors[i];
    if (n == f->n_tensors)
        return TIEFSEE_OK;
    f->n_tensors = n;
    return ts_modelfile_index(f, err);
}

/* ---------------------------------------------------------------- tokenizer */

static tiefsee_status read_template(ts_modelfile *f, const char *folder, tiefsee_error *err)
{
    char path[MODELFILE_MAX_PATH];
    ts_buf text;

    tiefsee_status st = join(path, folder, "chat_template.jinja", err);
    if (st != TIEFSEE_OK || !ts_file_exists(path))
        return st;
    st = ts_file_read(&text, path, MAX_TEMPLATE_BYTES, err);
    if (st != TIEFSEE_OK)
        return st;
    const char *copy = ts_arena_strdup(f->arena, text.ptr, text.len);
    f->vocab.chat_template = (ts_str){copy, copy ? text.len : 0};
    ts_buf_free(&text);
    return copy ? TIEFSEE_OK : ts_fail_nomem(err, MAX_TEMPLATE_BYTES, "the chat template");
}

static tiefsee_status read_tokenizer(ts_modelfile *f, const char *folder, tiefsee_error *err)
{
    json_t *tokenizer, *config = NULL;

    f->no_vocab = "the folder has no tokenizer.json";
    tiefsee_status st = load_optional(&tokenizer, folder, "tokenizer.json", tokenizer_limits, err);
    if (st != TIEFSEE_OK || !tokenizer)
        return st;
    st = load_optional(&config, folder, "tokenizer_config.json", tokenizer_config_limits, err);
    if (st == TIEFSEE_OK) {
        st = ts_hf_vocab(&f->vocab, &f->has_vocab, &f->no_vocab, tokenizer, config, f->arena, err);
        if (st != TIEFSEE_OK)
            (void)ts_while(err, st, "tokenizer.json");
    }
    json_decref(config);
    json_decref(tokenizer);
    return st == TIEFSEE_OK && f->has_vocab ? read_template(f, folder, err) : st;
}

/* ----------------------------------------------------------------- metadata */

static ts_str print_value(const json_t *v, char *out, size_t size)
{
    int n = 0;

    switch (json_typeof(v)) {
    case JSON_STRING: return ts_json_str(v);
    case JSON_INTEGER: n = snprintf(out, size, "%lld", (long long)json_integer_value(v)); break;
    case JSON_REAL: n = snprintf(out, size, "%.9g", json_real_value(v)); break;
    case JSON_TRUE: return TS_STR("true");
    case JSON_FALSE: return TS_STR("false");
    case JSON_NULL: return TS_STR("null");
    case JSON_ARRAY: n = snprintf(out, size, "[%zu x value]", json_array_size(v)); break;
    case JSON_OBJECT: n = snprintf(out, size, "{%zu keys}", json_object_size(v)); break;
    }
    return (ts_str){out, n > 0 ? (size_t)n : 0};
}

/* Objects of the top level give one line per key. */
static tiefsee_status add_meta(ts_modelfile *f, const char *prefix, json_t *object,
                               tiefsee_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        char name[160], text[64];
        tiefsee_status st = TIEFSEE_OK;
        (void)snprintf(name, sizeof name, "%.60s%.80s", prefix, key);
        if (json_is_object(value) && !*prefix) {
            (void)snprintf(name, sizeof name, "%.60s.", key);
            st = add_meta(f, name, value, err);
        } else {
            st = ts_modelfile_meta_add(f, ts_str_of(name), print_value(value, text, sizeof text),
                                       err);
        }
        if (st != TIEFSEE_OK)
            return st;
    }
    return TIEFSEE_OK;
}

static tiefsee_status read_meta(ts_modelfile *f, json_t *config, tiefsee_error *err)
{
    const char *key;
    json_t *value;
    size_t n = json_object_size(config);

    json_object_foreach(config, key, value) n += json_object_size(value);
    const tiefsee_status st = ts_modelfile_meta_room(f, n, err);
    return st == TIEFSEE_OK ? add_meta(f, "", config, err) : st;
}

/* The folder's name and model_type. */
static tiefsee_status read_names(ts_modelfile *f, const json_t *config, tiefsee_error *err)
{
    const ts_str arch = ts_json_str(json_object_get(config, "model_type"));
    size_t n = strlen(f->path);

    while (n > 1 && f->path[n - 1] == '/')
        n--;
    size_t begin = n;
    while (begin > 0 && f->path[begin - 1] != '/')
        begin--;
    f->name = ts_arena_strdup(f->arena, f->path + begin, n - begin);
    f->architecture = ts_arena_strdup(f->arena, arch.ptr, arch.len);
    if (!f->name || !f->architecture)
        return ts_fail_nomem(err, n + arch.len, "a name");
    return TIEFSEE_OK;
}

static tiefsee_status read_config(ts_modelfile *f, bool *fp8, const char *folder,
                                  tiefsee_error *err)
{
    json_t *config;
    tiefsee_status st = load_optional(&config, folder, "config.json", config_limits, err);

    if (st != TIEFSEE_OK)
        return st;
    if (!config)
        return ts_fail(err, TIEFSEE_E_FORMAT, "no config.json (a Hugging Face folder expected)");
    st = ts_hf_config(&f->config, fp8, config, err);
    if (st != TIEFSEE_OK)
        (void)ts_while(err, st, "config.json");
    if (st == TIEFSEE_OK)
        st = read_names(f, config, err);
    if (st == TIEFSEE_OK)
        st = read_meta(f, config, err);
    json_decref(config);
    return st;
}

tiefsee_status ts_modelfile_open_hf(ts_modelfile *f, const char *folder, tiefsee_error *err)
{
    bool fp8 = false;

    f->container = TS_CONTAINER_HF;
    tiefsee_status st = read_config(f, &fp8, folder, err);
    if (st == TIEFSEE_OK)
        st = read_weights(f, folder, err);
    if (st == TIEFSEE_OK)
        st = attach_scales(f, fp8, err);
    if (st == TIEFSEE_OK)
        st = read_tokenizer(f, folder, err);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "%.100s", ts_modelfile_short_path(folder));
}
