/* modelfile_gguf.c - a GGUF file, or all shards of one, as a model file.
 *
 * Shards are named NAME-00001-of-0000N.gguf and carry split.no (from 0),
 * split.count and split.tensors.count; the metadata is in the first. */
#include <stdio.h>
#include <string.h>

#include "formats/gguf.h"
#include "formats/gguf_config.h"
#include "formats/gguf_vocab.h"
#include "formats/modelfile_parts.h"

/* "-00001-of-00003.gguf" */
enum { SPLIT_SUFFIX = 20 };

static tiefsee_status read_meta(ts_modelfile *f, const ts_gguf *g, const ts_config_notes *notes,
                                tiefsee_error *err)
{
    tiefsee_status st = ts_modelfile_meta_room(f, g->n_entries + notes->n, err);

    for (size_t i = 0; st == TIEFSEE_OK && i < g->n_entries; i++) {
        char text[MODELFILE_META_TEXT + 1];
        const size_t n = ts_gguf_print(&g->entries[i].value, text, sizeof text);
        st = ts_modelfile_meta_add(f, g->entries[i].key, (ts_str){text, n}, err);
    }
    return st == TIEFSEE_OK ? ts_modelfile_meta_notes(f, notes, err) : st;
}

/* general.name, or the file's name without its ending. */
static tiefsee_status read_names(ts_modelfile *f, const ts_gguf *g, tiefsee_error *err)
{
    const char *slash = strrchr(f->path, '/');
    ts_str name = ts_str_of(slash ? slash + 1 : f->path), arch;

    if (name.len > 5 && memcmp(name.ptr + name.len - 5, ".gguf", 5) == 0)
        name.len -= 5;
    if (ts_gguf_find(g, "general.name")) {
        const tiefsee_status st = ts_gguf_string(g, "general.name", &name, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    const tiefsee_status st = ts_gguf_string(g, "general.architecture", &arch, err);
    if (st != TIEFSEE_OK)
        return st;
    f->name = ts_arena_strdup(f->arena, name.ptr, name.len < 200 ? name.len : 200);
    f->architecture = ts_arena_strdup(f->arena, arch.ptr, arch.len);
    if (!f->name || !f->architecture)
        return ts_fail_nomem(err, name.len + arch.len, "a name");
    return TIEFSEE_OK;
}

/* g: the metadata; the tensors are in place. */
static tiefsee_status interpret(ts_modelfile *f, const ts_gguf *g, tiefsee_error *err)
{
    ts_config_notes notes = {0};

    f->container = TS_CONTAINER_GGUF;
    tiefsee_status st = ts_modelfile_index(f, err);
    if (st == TIEFSEE_OK)
        st = read_names(f, g, err);
    if (st == TIEFSEE_OK)
        st = ts_gguf_config(&f->config, g, f, &notes, err);
    if (st == TIEFSEE_OK)
        st = ts_gguf_vocab(&f->vocab, &f->has_vocab, &f->no_vocab, g, f->arena, err);
    if (st == TIEFSEE_OK)
        st = read_meta(f, g, &notes, err);
    return st;
}

tiefsee_status ts_modelfile_open_gguf_bytes(ts_modelfile *f, const void *bytes, size_t size,
                                            tiefsee_error *err)
{
    ts_gguf g;
    const tiefsee_status st = ts_gguf_parse(&g, bytes, size, f->arena, err);

    if (st != TIEFSEE_OK)
        return st;
    uint64_t count = 1;
    if (ts_gguf_find(&g, "split.count")) {
        const tiefsee_status split =
            ts_gguf_uint(&g, "split.count", 0, MODELFILE_MAX_SHARDS, &count, err);
        if (split != TIEFSEE_OK)
            return split;
    }
    if (count > 1)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "one of %llu shards, in memory",
                       (unsigned long long)count);
    f->bytes = size;
    f->tensors = g.tensors;
    f->n_tensors = g.n_tensors;
    return interpret(f, &g, err);
}

static tiefsee_status shard_path(char *out, const char *first, size_t i, size_t count,
                                 tiefsee_error *err)
{
    const size_t n = strlen(first);
    char expected[SPLIT_SUFFIX + 16];

    (void)snprintf(expected, sizeof expected, "-%05d-of-%05zu.gguf", 1, count);
    if (n < SPLIT_SUFFIX || strcmp(first + n - SPLIT_SUFFIX, expected) != 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "the first of %zu shards must be named *%s", count,
                       expected);
    (void)snprintf(out, MODELFILE_MAX_PATH, "%.*s-%05zu-of-%05zu.gguf", (int)(n - SPLIT_SUFFIX),
                   first, i + 1, count);
    return TIEFSEE_OK;
}

static tiefsee_status check_split(const ts_gguf *g, size_t i, size_t count, tiefsee_error *err)
{
    uint64_t no, of;
    tiefsee_status st = ts_gguf_uint(g, "split.no", 0, MODELFILE_MAX_SHARDS - 1, &no, err);

    if (st == TIEFSEE_OK)
        st = ts_gguf_uint(g, "split.count", 0, MODELFILE_MAX_SHARDS, &of, err);
    if (st != TIEFSEE_OK)
        return st;
    if (of != count)
        return ts_fail(err, TIEFSEE_E_FORMAT, "split.count is %llu, the first shard says %zu",
                       (unsigned long long)of, count);
    if (no != i && i == 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "shard %llu of %zu (open the first)",
                       (unsigned long long)no + 1, count);
    if (no != i)
        return ts_fail(err, TIEFSEE_E_FORMAT, "split.no is %llu (%zu expected)",
                       (unsigned long long)no, i);
    return TIEFSEE_OK;
}

static tiefsee_status open_shard(ts_modelfile *f, ts_gguf *g, size_t i, size_t count,
                                 const char *path, tiefsee_error *err)
{
    tiefsee_status st = ts_modelfile_map(f, i, path, err);

    if (st != TIEFSEE_OK)
        return st;
    st = ts_gguf_parse(g, f->maps[i].ptr, f->maps[i].size, f->arena, err);
    if (st == TIEFSEE_OK && count > 1)
        st = check_split(g, i, count, err);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "%.100s", ts_modelfile_short_path(path));
}

/* The tensors of all shards in one table. */
static tiefsee_status gather(ts_modelfile *f, const ts_gguf *shards, size_t count,
                             tiefsee_error *err)
{
    uint64_t total = 0, promised;

    for (size_t i = 0; i < count; i++)
        total += shards[i].n_tensors;
    tiefsee_status st = ts_gguf_uint(&shards[0], "split.tensors.count", 0,
                                     (uint64_t)GGUF_MAX_TENSORS, &promised, err);
    if (st != TIEFSEE_OK)
        return st;
    if (promised != total)
        return ts_fail(err, TIEFSEE_E_FORMAT, "split.tensors.count is %llu, the shards hold %llu",
                       (unsigned long long)promised, (unsigned long long)total);
    f->tensors = ts_arena_alloc(f->arena, (size_t)total * sizeof *f->tensors);
    if (!f->tensors)
        return ts_fail_nomem(err, total * sizeof *f->tensors, "the tensor table");
    for (size_t i = 0; i < count; i++) {
        if (shards[i].n_tensors)
            memcpy(f->tensors + f->n_tensors, shards[i].tensors,
                   shards[i].n_tensors * sizeof *f->tensors);
        f->n_tensors += shards[i].n_tensors;
    }
    return TIEFSEE_OK;
}

static tiefsee_status open_others(ts_modelfile *f, const ts_gguf *first, size_t count,
                                  const char *path, tiefsee_error *err)
{
    ts_gguf *shards = ts_arena_alloc_zero(f->arena, count, sizeof *shards);
    ts_map *maps = ts_arena_alloc_zero(f->arena, count, sizeof *maps);

    if (!shards || !maps)
        return ts_fail_nomem(err, count * sizeof *shards, "the shards");
    shards[0] = *first;
    maps[0] = f->maps[0];
    f->maps = maps;
    f->n_maps = count;
    tiefsee_status st = check_split(first, 0, count, err);
    for (size_t i = 1; st == TIEFSEE_OK && i < count; i++) {
        char name[MODELFILE_MAX_PATH];
        st = shard_path(name, path, i, count, err);
        if (st == TIEFSEE_OK)
            st = open_shard(f, &shards[i], i, count, name, err);
    }
    return st == TIEFSEE_OK ? gather(f, shards, count, err) : st;
}

tiefsee_status ts_modelfile_open_gguf(ts_modelfile *f, const char *path, tiefsee_error *err)
{
    ts_gguf g;
    uint64_t count = 1;

    f->maps = ts_arena_alloc_zero(f->arena, 1, sizeof *f->maps);
    if (!f->maps)
        return ts_fail_nomem(err, sizeof *f->maps, "a mapping");
    f->n_maps = 1;
    tiefsee_status st = open_shard(f, &g, 0, 1, path, err);
    if (st != TIEFSEE_OK)
        return st;
    if (ts_gguf_find(&g, "split.count"))
        st = ts_gguf_uint(&g, "split.count", 0, MODELFILE_MAX_SHARDS, &count, err);
    if (st == TIEFSEE_OK && count > 1) {
        st = open_others(f, &g, (size_t)count, path, err);
    } else {
        f->tensors = g.tensors;
        f->n_tensors = g.n_tensors;
    }
    if (st == TIEFSEE_OK)
        st = interpret(f, &g, err);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "%.100s", ts_modelfile_short_path(path));
}
