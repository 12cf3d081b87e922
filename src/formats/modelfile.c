/* modelfile.c - see modelfile.h.  Opening, closing and looking things up; the
 * containers are read by modelfile_gguf.c and modelfile_hf.c. */
#include "formats/modelfile.h"

#include <assert.h>
#include <string.h>

#include "core/alloc.h"
#include "core/hash.h"
#include "core/utf8.h"
#include "formats/modelfile_parts.h"
#include "formats/vocab_check.h"

/* The tables of the largest file that the limits allow, and realigned tensors. */
static const size_t ARENA_MAX = (size_t)1 << 30;
static const size_t SCRATCH_MAX = (size_t)1 << 27;

/* A float tensor up to this size is copied if the file has it unaligned: norms,
 * biases and routers are read as float arrays.  Larger matrices go through
 * kernels that take any address. */
static const uint64_t MAX_REALIGNED = (uint64_t)16 << 20;

const char *ts_modelfile_short_path(const char *path)
{
    const size_t n = strlen(path);
    const char *slash = strrchr(path, '/');

    if (n <= 100)
        return path;
    return slash && slash[1] ? slash + 1 : path + n - 100;
}

tiefsee_status ts_modelfile_map(ts_modelfile *f, size_t i, const char *path, tiefsee_error *err)
{
    assert(i < f->n_maps && !f->maps[i].ptr);
    const tiefsee_status st = ts_map_open(&f->maps[i], path, err);

    if (st == TIEFSEE_OK)
        f->bytes += f->maps[i].size;
    return st;
}

tiefsee_status ts_modelfile_index(ts_modelfile *f, tiefsee_error *err)
{
    if (!ts_names_init(&f->names, f->tensors, sizeof *f->tensors, f->n_tensors, f->arena))
        return ts_fail_nomem(err, f->n_tensors * 16, "the table of tensors");
    for (size_t i = 0; i < f->n_tensors; i++) {
        const ts_names_result r = ts_names_add(&f->names, i);
        if (r == TS_NAMES_DUPLICATE)
            return ts_fail(err, TIEFSEE_E_FORMAT, "tensor '%.*s' is in two shards",
                           TS_STR_ARG(f->tensors[i].name));
        if (r != TS_NAMES_OK)
            return ts_fail(err, TIEFSEE_E_LIMIT, "tensor '%.*s': too many names collide",
                           TS_STR_ARG(f->tensors[i].name));
    }
    return TIEFSEE_OK;
}

tiefsee_status ts_modelfile_meta_room(ts_modelfile *f, size_t n, tiefsee_error *err)
{
    f->meta = ts_arena_alloc_zero(f->arena, n, sizeof *f->meta);
    if (!f->meta)
        return ts_fail_nomem(err, n * sizeof *f->meta, "metadata");
    f->meta_cap = n;
    return TIEFSEE_OK;
}

static bool copy_printable(ts_str *out, ts_str in, ts_arena *arena)
{
    size_t n = in.len < MODELFILE_META_TEXT ? in.len : MODELFILE_META_TEXT;

    n = ts_utf8_whole(in.ptr, n);
    char *copy = ts_arena_strdup(arena, in.ptr, n);
    if (!copy)
        return false;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        const size_t len = ts_utf8_decode(copy + i, n - i, &code);
        if (len == 0 || code < 0x20 || code == 0x7f)
            copy[i] = code == '\n' && len ? ' ' : '?';
        i += len ? len : 1;
    }
    *out = (ts_str){copy, n};
    return true;
}

tiefsee_status ts_modelfile_meta_add(ts_modelfile *f, ts_str key, ts_str value, tiefsee_error *err)
{
    assert(f->n_meta < f->meta_cap);
    ts_meta *m = &f->meta[f->n_meta];

    if (!copy_printable(&m->key, key, f->arena) || !copy_printable(&m->value, value, f->arena))
        return ts_fail_nomem(err, MODELFILE_META_TEXT, "metadata");
    f->n_meta++;
    return TIEFSEE_OK;
}

tiefsee_status ts_modelfile_meta_notes(ts_modelfile *f, const ts_config_notes *notes,
                                       tiefsee_error *err)
{
    for (size_t i = 0; i < notes->n; i++) {
        const tiefsee_status st = ts_modelfile_meta_add(f, ts_str_of(notes->item[i].key),
                                                        ts_str_of(notes->item[i].value), err);
        if (st != TIEFSEE_OK)
            return st;
    }
    return TIEFSEE_OK;
}

static tiefsee_status new_file(ts_modelfile **out, const char *path, tiefsee_error *err)
{
    ts_modelfile *f = ts_alloc_zero(1, sizeof *f);

    if (!f)
        return ts_fail_nomem(err, sizeof *f, "a model file");
    *out = f;
    f->arena = ts_arena_new(ARENA_MAX);
    if (f->arena)
        f->path = ts_arena_strdup(f->arena, path, strlen(path));
    if (!f->path)
        return ts_fail_nomem(err, strlen(path) + 1, "a model file");
    f->name = f->architecture = f->no_vocab = "";
    return TIEFSEE_OK;
}

/* Small float tensors at odd addresses. */
static tiefsee_status realign(ts_modelfile *f, tiefsee_error *err)
{
    for (size_t i = 0; i < f->n_tensors; i++) {
        ts_tensor *t = &f->tensors[i].tensor;
        if (t->type != TS_F32 || (uintptr_t)t->data % sizeof(float) == 0 ||
            t->bytes > MAX_REALIGNED)
            continue;
        void *copy = ts_arena_alloc(f->arena, (size_t)t->bytes);
        if (!copy)
            return ts_fail_nomem(err, t->bytes, "unaligned tensors");
        memcpy(copy, t->data, (size_t)t->bytes);
        t->data = copy;
    }
    return TIEFSEE_OK;
}

/* The embedding ties the config to the tensors; the models check the rest. */
static tiefsee_status check_embedding(const ts_modelfile *f, tiefsee_error *err)
{
    static const char *const names[] = {"token_embd.weight", "model.embed_tokens.weight"};

    for (size_t i = 0; i < TS_COUNT(names); i++) {
        const ts_tensor *t = ts_modelfile_find(f, names[i]);
        if (t && (t->n_dims != 2 || t->ne[0] != f->config.d_model || t->ne[1] != f->config.n_vocab))
            return ts_fail(err, TIEFSEE_E_FORMAT,
                           "tensor '%s' has %llu rows of %llu, the config says %u rows of %u",
                           names[i], (unsigned long long)t->ne[1], (unsigned long long)t->ne[0],
                           f->config.n_vocab, f->config.d_model);
    }
    return TIEFSEE_OK;
}

static tiefsee_status check_vocab(const ts_modelfile *f, tiefsee_error *err)
{
    if (!f->has_vocab)
        return TIEFSEE_OK;
    if (f->vocab.n_tokens > f->config.n_vocab)
        return ts_fail(err, TIEFSEE_E_FORMAT, "a tokenizer of %u tokens for a model of %u",
                       f->vocab.n_tokens, f->config.n_vocab);
    ts_arena *scratch = ts_arena_new(SCRATCH_MAX);
    if (!scratch)
        return ts_fail_nomem(err, 1, "the vocabulary");
    const tiefsee_status st = ts_vocab_check(&f->vocab, scratch, err);
    ts_arena_free(scratch);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "tokenizer");
}

static tiefsee_status finish(ts_modelfile *f, tiefsee_error *err)
{
    tiefsee_status st = realign(f, err);

    if (st == TIEFSEE_OK)
        st = check_embedding(f, err);
    if (st == TIEFSEE_OK)
        st = check_vocab(f, err);
    return st;
}

static tiefsee_status give(ts_modelfile **out, ts_modelfile *f, tiefsee_status st)
{
    if (st == TIEFSEE_OK)
        *out = f;
    else
        ts_modelfile_close(f);
    return st;
}

tiefsee_status ts_modelfile_open(ts_modelfile **out, const char *path, tiefsee_error *err)
{
    ts_modelfile *f = NULL;

    *out = NULL;
    tiefsee_status st = new_file(&f, path, err);
    if (st == TIEFSEE_OK && strlen(path) >= MODELFILE_MAX_PATH - 256)
        st = ts_fail(err, TIEFSEE_E_INVALID, "a path of %zu bytes", strlen(path));
    if (st == TIEFSEE_OK)
        st = ts_file_is_folder(path) ? ts_modelfile_open_hf(f, path, err)
                                     : ts_modelfile_open_gguf(f, path, err);
    if (st == TIEFSEE_OK) {
        st = finish(f, err);
        if (st != TIEFSEE_OK)
            (void)ts_while(err, st, "%.100s", ts_modelfile_short_path(path));
    }
    return give(out, f, st);
}

tiefsee_status ts_modelfile_open_memory(ts_modelfile **out, const char *name, const void *bytes,
                                        size_t size, tiefsee_error *err)
{
    ts_modelfile *f = NULL;

    *out = NULL;
    tiefsee_status st = new_file(&f, name, err);
    if (st == TIEFSEE_OK)
        st = ts_modelfile_open_gguf_bytes(f, bytes, size, err);
    if (st == TIEFSEE_OK)
        st = finish(f, err);
    if (st != TIEFSEE_OK)
        (void)ts_while(err, st, "%.100s", ts_modelfile_short_path(name));
    return give(out, f, st);
}

void ts_modelfile_close(ts_modelfile *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n_maps; i++)
        ts_map_close(&f->maps[i]);
    ts_arena_free(f->arena);
    ts_free(f);
}

ts_container ts_modelfile_container(const ts_modelfile *f)
{
    return f->container;
}

const char *ts_modelfile_path(const ts_modelfile *f)
{
    return f->path;
}

const char *ts_modelfile_name(const ts_modelfile *f)
{
    return f->name;
}

const char *ts_modelfile_architecture(const ts_modelfile *f)
{
    return f->architecture;
}

uint64_t ts_modelfile_bytes(const ts_modelfile *f)
{
    return f->bytes;
}

uint64_t ts_modelfile_stamp(const ts_modelfile *f)
{
    uint64_t h = 0;

    for (size_t i = 0; i < f->n_maps; i++) {
        h = ts_hash_more(h, &f->maps[i].size, sizeof f->maps[i].size);
        h = ts_hash_more(h, &f->maps[i].changed_ns, sizeof f->maps[i].changed_ns);
    }
    return h;
}

const ts_config *ts_modelfile_config(const ts_modelfile *f)
{
    return &f->config;
}

const ts_vocab *ts_modelfile_vocab(const ts_modelfile *f)
{
    return f->has_vocab ? &f->vocab : NULL;
}

const char *ts_modelfile_no_vocab(const ts_modelfile *f)
{
    return f->has_vocab ? "" : f->no_vocab;
}

size_t ts_modelfile_count(const ts_modelfile *f)
{
    return f->n_tensors;
}

const ts_named_tensor *ts_modelfile_tensor(const ts_modelfile *f, size_t i)
{
    assert(i < f->n_tensors);
    return &f->tensors[i];
}

const ts_tensor *ts_modelfile_find(const ts_modelfile *f, const char *name)
{
    const size_t i = ts_names_find(&f->names, ts_str_of(name));

    return i == SIZE_MAX ? NULL : &f->tensors[i].tensor;
}

size_t ts_modelfile_meta_count(const ts_modelfile *f)
{
    return f->n_meta;
}

void ts_modelfile_meta(const ts_modelfile *f, size_t i, ts_str *key, ts_str *value)
{
    assert(i < f->n_meta);
    *key = f->meta[i].key;
    *value = f->meta[i].value;
}
