/* quantize_model.c - tiefsee_quantize(): a model file into a GGUF file of other types.
 *
 * What rounding hurts most is spared, as is usual: vectors and routers stay floats; the
 * split projections of MLA, which every token passes, have at least eight bits; the
 * output matrix at least six.  A row that is no whole number of blocks takes the
 * widest type that fits: q8_0, else f16.
 */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/cpu.h"
#include "core/file.h"
#include "core/thread.h"
#include "engine/convert/source.h"
#include "formats/gguf_write.h"
#include "models/quantize_row.h"

enum { MAX_ARENA = 1 << 30, TILE_BYTES = 4 << 20 };

typedef struct job {
    const tiefsee_quantize_options *opt;
    ts_modelfile *file;
    ts_net *net; /* holds the adapter; NULL: none */
    ts_arena *arena;
    ts_source *source;
    ts_dtype *type; /* of each source, in the new file */
    size_t n;
    ts_pool *pool;
    ts_gguf_writer *w;
    tiefsee_error *err;
    uint64_t done, total; /* bytes of the old weights */
} job;

/* ---- which type */

static tiefsee_status read_type(ts_dtype *out, const char *name, tiefsee_error *err)
{
    char known[300] = "";
    size_t n = 0;

    for (uint32_t t = 0; t < TS_DTYPE_MAX; t++) {
        const char *of = ts_dtype_of(t).name;
        if (!of || !ts_can_quantize((ts_dtype)t))
            continue;
        if (strcmp(of, name) == 0) {
            *out = (ts_dtype)t;
            return TIEFSEE_OK;
        }
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", of);
    }
    return ts_fail(err, TIEFSEE_E_INVALID, "type '%.40s' (there are %s)", name, known);
}

static double bits_of(ts_dtype t)
{
    const ts_dtype_info info = ts_dtype_of(t);

    return 8.0 * info.block_bytes / info.block;
}

static ts_dtype at_least(ts_dtype wanted, ts_dtype least)
{
    return bits_of(wanted) < bits_of(least) ? least : wanted;
}

static ts_dtype choose(const ts_source *s, ts_dtype wanted, bool has_tied_head)
{
    const char *name = s->name;

    if (s->n_dims == 1 || strstr(name, "ffn_gate_inp.") || strstr(name, "_norm."))
        return TS_F32;
    if (strstr(name, "attn_kv_b.") || strstr(name, "attn_k_b.") || strstr(name, "attn_v_b.") ||
        strstr(name, "attn_kv_a_mqa."))
        wanted = at_least(wanted, TS_Q8_0);
    if (strcmp(name, "output.weight") == 0 ||
        (has_tied_head && strcmp(name, "token_embd.weight") == 0))
        wanted = at_least(wanted, TS_Q6_K);
    if (s->ne[0] % ts_dtype_of(wanted).block == 0)
        return wanted;
    return s->ne[0] % ts_dtype_of(TS_Q8_0).block == 0 ? TS_Q8_0 : TS_F16;
}

/* ---- keys */

static bool is_ours_to_say(ts_str key)
{
    return ts_str_is(key, "general.file_type") || ts_str_is(key, "general.quantization_version") ||
           ts_str_is(key, "general.alignment") || ts_str_starts(key, "split.");
}

static tiefsee_status copy_keys(job *j, const char *path)
{
    ts_map map;
    ts_gguf g;
    tiefsee_status st = ts_map_open(&map, path, j->err);

    if (st != TIEFSEE_OK)
        return st;
    st = ts_gguf_parse(&g, map.ptr, map.size, j->arena, j->err);
    for (size_t i = 0; st == TIEFSEE_OK && i < g.n_entries; i++)
        if (!is_ours_to_say(g.entries[i].key))
            ts_gguf_put_entry(j->w, &g.entries[i]);
    ts_map_close(&map); /* the writer has copies */
    return st;
}

static tiefsee_status put_keys(job *j, const char *path)
{
    ts_config c = *ts_modelfile_config(j->file);

    if (ts_modelfile_container(j->file) == TS_CONTAINER_GGUF)
        return copy_keys(j, path);
    if (c.rope.kind == TS_ROPE_LLAMA3)
        c.rope.kind = TS_ROPE_DIVISORS; /* source.c lists them */
    const tiefsee_status st = ts_gguf_put_config(j->w, &c, j->err);
    ts_gguf_put_str(j->w, "general.name", ts_str_of(ts_modelfile_name(j->file)));
    if (ts_modelfile_vocab(j->file))
        ts_gguf_put_vocab(j->w, ts_modelfile_vocab(j->file));
    return st;
}

/* ---- weights */

typedef struct tile {
    const ts_source *s;
    ts_dtype type;
    uint64_t first, row_bytes;
    uint8_t *out;
    float *row; /* [threads][n] */
    size_t n;
    _Atomic int is_bad;
} tile;

static void quantize_rows(void *ctx, size_t begin, size_t end, int thread)
{
    tile *t = ctx;
    float *row = t->row + (size_t)thread * t->n;

    for (size_t r = begin; r < end; r++) {
        ts_source_row(t->s, t->first + r, row);
        if (!ts_quantize_row(t->type, t->out + r * t->row_bytes, row, (size_t)t->s->ne[0]))
            t->is_bad = 1;
    }
}

static bool report(const job *j)
{
    return !j->opt->on_progress || j->opt->on_progress(j->opt->user, j->done, j->total);
}

/* Bytes that need no arithmetic go as they are. */
static bool can_copy(const ts_source *s, ts_dtype type)
{
    return s->kind == TS_SOURCE_PLAIN && s->from[0]->type == type && !s->from[0]->scale && !s->low;
}

static uint64_t rows_of(const ts_source *s)
{
    return s->ne[1] * s->ne[2] * s->ne[3];
}

static tiefsee_status copy_tensor(job *j, const ts_source *s)
{
    tiefsee_status st = TIEFSEE_OK;

    for (uint64_t i = 0; i < s->n_from && st == TIEFSEE_OK; i++)
        st = ts_gguf_write(j->w, s->from[i]->data, (size_t)s->from[i]->bytes, j->err);
    return st;
}

static tiefsee_status round_tensor(job *j, tile *t)
{
    const uint64_t n_rows = rows_of(t->s), at_once = TILE_BYTES / t->row_bytes + 1;
    const uint64_t old = j->done, bytes = t->s->kind == TS_SOURCE_FLOATS ? 0 : t->s->from[0]->bytes;

    for (uint64_t r = 0; r < n_rows; r += at_once) {
        const uint64_t n = n_rows - r < at_once ? n_rows - r : at_once;
        t->first = r;
        ts_pool_loop(j->pool, (size_t)n, 4, quantize_rows, t);
        if (t->is_bad)
            return ts_fail(j->err, TIEFSEE_E_FORMAT, "tensor '%s': a weight is not a finite number",
                           t->s->name);
        const tiefsee_status st = ts_gguf_write(j->w, t->out, (size_t)(n * t->row_bytes), j->err);
        if (st != TIEFSEE_OK)
            return st;
        j->done = old + (uint64_t)((double)bytes * (double)t->s->n_from * (double)(r + n) /
                                   (double)n_rows);
        if (!report(j))
            return ts_fail(j->err, TIEFSEE_E_CANCELLED, "stopped");
    }
    j->done = old;
    return TIEFSEE_OK;
}

static size_t longest_row(const job *j)
{
    uint64_t n = 1;

    for (size_t i = 0; i < j->n; i++)
        n = j->source[i].ne[0] > n ? j->source[i].ne[0] : n;
    return (size_t)n;
}

static tiefsee_status write_weights(job *j)
{
    const size_t n = longest_row(j), n_threads = (size_t)ts_pool_threads(j->pool);
    tile t = {.n = n};
    tiefsee_status st = TIEFSEE_OK;

    t.row = ts_alloc_zero(n_threads * n, sizeof *t.row);
    t.out = ts_alloc(TILE_BYTES + n * sizeof(float));
    if (!t.row || !t.out)
        st = ts_fail_nomem(j->err, n_threads * n * sizeof *t.row, "rows");
    for (size_t i = 0; i < j->n && st == TIEFSEE_OK; i++) {
        t.s = &j->source[i];
        t.type = j->type[i];
        (void)ts_dtype_row_bytes(t.type, t.s->ne[0], &t.row_bytes);
        st = can_copy(t.s, t.type) ? copy_tensor(j, t.s) : round_tensor(j, &t);
        for (uint64_t k = 0; k < t.s->n_from; k++)
            j->done += t.s->from[k]->bytes;
        if (st == TIEFSEE_OK && !report(j))
            st = ts_fail(j->err, TIEFSEE_E_CANCELLED, "stopped");
    }
    ts_free(t.row);
    ts_free(t.out);
    return st;
}

/* ---- the whole */

static tiefsee_status choose_types(job *j, ts_dtype wanted)
{
    const bool is_tied = ts_modelfile_config(j->file)->has_tied_head;

    j->type = ts_arena_alloc_zero(j->arena, j->n, sizeof *j->type);
    if (!j->type)
        return ts_fail_nomem(j->err, j->n * sizeof *j->type, "the list of types");
    for (size_t i = 0; i < j->n; i++) {
        const ts_source *s = &j->source[i];
        j->type[i] = choose(s, wanted, is_tied);
        if (!ts_dtype_of(ts_source_type(s)).can_compute)
            return ts_fail(j->err, TIEFSEE_E_UNSUPPORTED, "tensor '%s': weights of type %s",
                           s->name, ts_dtype_of(ts_source_type(s)).name);
        for (uint64_t k = 0; k < s->n_from; k++)
            j->total += s->from[k]->bytes;
    }
    return TIEFSEE_OK;
}

static tiefsee_status write_file(job *j, const char *in)
{
    tiefsee_status st = put_keys(j, in);

    if (st != TIEFSEE_OK)
        return st;
    ts_gguf_put_uint(j->w, "general.quantization_version", 2);
    for (size_t i = 0; i < j->n; i++)
        ts_gguf_declare(j->w, j->source[i].name, j->type[i], j->source[i].n_dims, j->source[i].ne);
    st = ts_gguf_writer_begin(j->w, j->err);
    return st == TIEFSEE_OK ? write_weights(j) : st;
}

static tiefsee_status adapt(job *j, const char *folder)
{
    ts_adapter adapter;
    tiefsee_status st = ts_adapter_open(&adapter, folder, j->err);

    if (st != TIEFSEE_OK)
        return st;
    st = ts_net_open(&j->net, j->file, j->err);
    if (st == TIEFSEE_OK)
        st = ts_net_adapt(j->net, &adapter, j->err);
    if (st == TIEFSEE_OK)
        ts_sources_adapt(j->source, j->n, j->net);
    ts_adapter_close(&adapter);
    return st;
}

static tiefsee_status run(job *j, const char *in, const char *out)
{
    ts_dtype wanted = TS_F32;
    tiefsee_status st = read_type(&wanted, j->opt->type, j->err);

    if (st == TIEFSEE_OK)
        st = ts_sources_of(&j->source, &j->n, j->file, j->arena, j->err);
    if (st == TIEFSEE_OK && j->opt->adapter)
        st = adapt(j, j->opt->adapter);
    if (st == TIEFSEE_OK)
        st = choose_types(j, wanted);
    if (st == TIEFSEE_OK)
        st = ts_pool_new(&j->pool, j->opt->n_threads > 0 ? j->opt->n_threads : ts_cpu_cores(),
                         j->err);
    if (st == TIEFSEE_OK)
        st = ts_gguf_writer_open(&j->w, out, j->err);
    if (st == TIEFSEE_OK)
        st = write_file(j, in);
    if (st == TIEFSEE_OK) {
        st = ts_gguf_writer_commit(j->w, j->err);
        j->w = NULL;
    }
    return st;
}

tiefsee_status tiefsee_quantize(const char *in, const char *out,
                                const tiefsee_quantize_options *opt, tiefsee_error *err)
{
    tiefsee_quantize_options o = {0};
    job j = {.opt = &o, .err = err, .arena = ts_arena_new(MAX_ARENA)};

    memcpy(&o, opt, opt->size < sizeof o ? opt->size : sizeof o);
    if (!j.arena)
        return ts_fail_nomem(err, 64, "tables");
    tiefsee_status st = ts_modelfile_open(&j.file, in, err);
    if (st == TIEFSEE_OK)
        st = run(&j, in, out);
    ts_gguf_writer_free(j.w);
    ts_pool_free(j.pool);
    ts_net_close(j.net);
    ts_modelfile_close(j.file);
    ts_arena_free(j.arena);
    return st;
}
