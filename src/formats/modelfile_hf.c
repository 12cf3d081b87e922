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
#include "formats/json_reader.h"
#include "formats/modelfile_parts.h"
#include "formats/safetensors.h"

enum {
    MAX_INDEX_BYTES = 64 << 20,
    MAX_TOKENIZER_BYTES = 64 << 20,
    MAX_TEMPLATE_BYTES = 4 << 20,
    MAX_TENSORS = 1 << 18,
    FP8_BLOCK = 128
};

static const ts_json_limits config_limits = {4 << 20, 1 << 16, false};
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
    ts_str *names; /* sorted, unique; in the mapped index */
} shards;

static int compare(ts_str a, ts_str b)
{
    const int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
    return compare(*(const ts_str *)a, *(const ts_str *)b);
}

/* A plain file name inside the folder, written without escapes. */
static bool is_shard_name(ts_str s)
{
    static const char ending[] = ".safetensors";
    const size_t m = sizeof ending - 1;

    if (s.len <= m || s.len > 200 || s.ptr[0] == '.' || memcmp(s.ptr + s.len - m, ending, m) != 0)
        return false;
    return !memchr(s.ptr, '/', s.len) && !memchr(s.ptr, '\\', s.len);
}

/* The object of weight_map in an index; an empty text if there is none. */
static tiefsee_status find_map(ts_str *map, ts_str index, tiefsee_error *err)
{
    ts_json_reader r = ts_json_reader_of(index);
    ts_str key;

    *map = (ts_str){0};
    if (ts_json_enter(&r, '{'))
        while (ts_json_next_key(&r, &key)) {
            const ts_str value = ts_json_read_any(&r);
            if (ts_str_is(key, "weight_map") && map->len)
                return ts_fail(err, TIEFSEE_E_FORMAT, "weight_map is there twice");
            if (ts_str_is(key, "weight_map"))
                *map = value;
        }
    ts_json_end(&r);
    return ts_json_reader_status(&r, "index", err);
}

/* Behind this, the map's grammar and its file names are sound. */
static tiefsee_status count_map(size_t *n, ts_str map, tiefsee_error *err)
{
    ts_json_reader r = ts_json_reader_of(map);
    ts_str key;

    *n = 0;
    if (map.len && ts_json_enter(&r, '{'))
        while (ts_json_next_key(&r, &key)) {
            const ts_str file = ts_json_read_text(&r);
            if (!r.problem && !is_shard_name(file))
                return ts_fail(err, TIEFSEE_E_FORMAT,
                               "weight_map: '%.*s' is in '%.*s' (a file *.safetensors in the same "
                               "folder expected)",
                               (int)(key.len < 60 ? key.len : 60), key.ptr,
                               (int)(file.len < 60 ? file.len : 60), file.ptr);
            if (++*n > MAX_TENSORS)
                return ts_fail(err, TIEFSEE_E_LIMIT, "weight_map of more than %d tensors",
                               MAX_TENSORS);
        }
    if (*n == 0 && !r.problem)
        return ts_fail(err, TIEFSEE_E_FORMAT, "no weight_map with tensors");
    return ts_json_reader_status(&r, "weight_map", err);
}

static tiefsee_status list_shards(ts_modelfile *f, shards *s, ts_str map, tiefsee_error *err)
{
    ts_json_reader r = ts_json_reader_of(map);
    size_t n = 0, count;
    ts_str key;

    const tiefsee_status st = count_map(&count, map, err);
    if (st != TIEFSEE_OK)
        return st;
    s->names = ts_arena_alloc(f->arena, count * sizeof *s->names);
    if (!s->names)
        return ts_fail_nomem(err, count * sizeof *s->names, "the shards");
    (void)ts_json_enter(&r, '{');
    while (ts_json_next_key(&r, &key))
        s->names[n++] = ts_json_read_text(&r);
    qsort(s->names, n, sizeof *s->names, by_name);
    for (size_t i = 0; i < n; i++)
        if (s->n == 0 || !ts_str_eq(s->names[i], s->names[s->n - 1]))
            s->names[s->n++] = s->names[i];
    if (s->n > MODELFILE_MAX_SHARDS)
        return ts_fail(err, TIEFSEE_E_LIMIT, "%zu shards (%d allowed)", s->n, MODELFILE_MAX_SHARDS);
    return TIEFSEE_OK;
}

static tiefsee_status read_shard(ts_modelfile *f, ts_safetensors *out, size_t i, const char *folder,
                                 ts_str file, tiefsee_error *err)
{
    char path[MODELFILE_MAX_PATH], name[256];

    (void)snprintf(name, sizeof name, "%.*s", TS_STR_ARG(file));
    tiefsee_status st = join(path, folder, name, err);
    if (st == TIEFSEE_OK)
        st = ts_modelfile_map(f, i, path, err);
    if (st != TIEFSEE_OK)
        return st;
    st = ts_safetensors_parse(out, f->maps[i].ptr, f->maps[i].size, f->arena, err);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "%.100s", name);
}

/* Every tensor that the index promises is in the shard that it names. */
static tiefsee_status check_index(const ts_modelfile *f, const shards *s,
                                  const size_t *first_of_shard, ts_str map, tiefsee_error *err)
{
    ts_json_reader r = ts_json_reader_of(map);
    ts_str key;

    (void)ts_json_enter(&r, '{');
    while (ts_json_next_key(&r, &key)) {
        char name[SAFETENSORS_MAX_NAME];
        const ts_str file = ts_json_read_text(&r);
        size_t at = SIZE_MAX, shard = 0;
        if (key.len <= sizeof name)
            at = ts_names_find(&f->names, (ts_str){name, ts_json_unescape(key, name)});
        while (at != SIZE_MAX && shard + 1 < s->n && at >= first_of_shard[shard + 1])
            shard++;
        if (at == SIZE_MAX || !ts_str_eq(s->names[shard], file))
            return ts_fail(err, TIEFSEE_E_FORMAT, "tensor '%.*s' is not in '%.*s'",
                           (int)(key.len < 100 ? key.len : 100), key.ptr,
                           (int)(file.len < 80 ? file.len : 80), file.ptr);
    }
    return TIEFSEE_OK;
}

/* map: the index, to hold the shards to what it promises; or empty. */
static tiefsee_status read_shards(ts_modelfile *f, const shards *s, const char *folder, ts_str map,
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
    return st == TIEFSEE_OK && map.len ? check_index(f, s, first, map, err) : st;
}

static tiefsee_status read_index(ts_modelfile *f, const char *folder, const char *path,
                                 tiefsee_error *err)
{
    shards s = {0};
    ts_map index;
    ts_str map;

    tiefsee_status st = ts_map_open(&index, path, err);
    if (st != TIEFSEE_OK)
        return st;
    if (index.size > MAX_INDEX_BYTES)
        st = ts_fail(err, TIEFSEE_E_LIMIT, "%zu bytes (%d allowed)", index.size, MAX_INDEX_BYTES);
    if (st == TIEFSEE_OK)
        st = find_map(&map, (ts_str){(const char *)index.ptr, index.size}, err);
    if (st == TIEFSEE_OK)
        st = list_shards(f, &s, map, err);
    if (st == TIEFSEE_OK)
        st = read_shards(f, &s, folder, map, err);
    ts_map_close(&index);
    return st;
}

/* As transformers does: one file if it is there, else the index. */
static tiefsee_status read_weights(ts_modelfile *f, const char *folder, tiefsee_error *err)
{
    static const char single[] = "model.safetensors", index[] = "model.safetensors.index.json";
    char path[MODELFILE_MAX_PATH];

    tiefsee_status st = join(path, folder, single, err);
    if (st != TIEFSEE_OK)
        return st;
    if (ts_file_exists(path)) {
        ts_str name = TS_STR(single);
        const shards s = {1, &name};
        return read_shards(f, &s, folder, (ts_str){0}, err);
    }
    st = join(path, folder, index, err);
    if (st != TIEFSEE_OK)
        return st;
    if (!ts_file_exists(path))
        return ts_fail(err, TIEFSEE_E_FORMAT, "neither %s nor %s", single, index);
    st = read_index(f, folder, path, err);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "%s", index);
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

static tiefsee_status read_vocab(ts_modelfile *f, const char *folder, const char *path,
                                 tiefsee_error *err)
{
    json_t *config = NULL;
    ts_map text;

    tiefsee_status st = ts_map_open(&text, path, err);
    if (st != TIEFSEE_OK)
        return st;
    st = load_optional(&config, folder, "tokenizer_config.json", tokenizer_config_limits, err);
    if (st == TIEFSEE_OK) {
        const ts_str tokenizer = {(const char *)text.ptr, text.size};
        if (text.size > MAX_TOKENIZER_BYTES)
            st = ts_fail(err, TIEFSEE_E_LIMIT, "%zu bytes (%d allowed)", text.size,
                         MAX_TOKENIZER_BYTES);
        else
            st = ts_hf_vocab(&f->vocab, &f->has_vocab, &f->no_vocab, tokenizer, config, f->arena,
                             err);
        if (st != TIEFSEE_OK)
            (void)ts_while(err, st, "tokenizer.json");
    }
    json_decref(config);
    ts_map_close(&text);
    return st;
}

static tiefsee_status read_tokenizer(ts_modelfile *f, const char *folder, tiefsee_error *err)
{
    char path[MODELFILE_MAX_PATH];

    f->no_vocab = "the folder has no tokenizer.json";
    tiefsee_status st = join(path, folder, "tokenizer.json", err);
    if (st != TIEFSEE_OK || !ts_file_exists(path))
        return st;
    st = read_vocab(f, folder, path, err);
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
