/* export_gguf.c - see export_gguf.h. */
#include "train/export_gguf.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "formats/gguf_write.h"
#include "formats/modelfile.h"
#include "models/quantize_row.h"
#include "train/checkpoint.h"
#include "train/dataset.h"
#include "train/make_data.h"

bool ts_export_type(ts_dtype *out, const char *name)
{
    for (uint32_t t = 0; t < TS_DTYPE_MAX; t++) {
        const ts_dtype_info info = ts_dtype_of(t);

        if (info.name && strcmp(info.name, name) == 0 && ts_can_quantize((ts_dtype)t)) {
            *out = (ts_dtype)t;
            return true;
        }
    }
    return false;
}

/* A tensor of the file: rows of n_in numbers, row i at from + (i / n_out) * mat_stride +
 * (i % n_out) * row_stride, its numbers `step` apart. */
typedef struct view {
    char name[64];
    const float *from;
    size_t n_in, n_out, n_mats, mat_stride, row_stride, step;
    ts_dtype type;
} view;

typedef struct export
{
    const ts_network *n;
    const ts_export_options *opt;
    ts_gguf_writer *w;
    float *row;
    uint8_t *packed;
    tiefsee_error *err;
}
export;

typedef tiefsee_status each_view(export *x, const view *v);

static ts_dtype type_of(const export *x, const ts_param *p, size_t n_in)
{
    const bool stays = p->kind == TS_PARAM_GAIN || p->kind == TS_PARAM_ROUTER;
    const ts_dtype type = p->n_mats > 1 ? x->opt->experts : x->opt->type;

    if (stays)
        return TS_F32;
    return n_in % ts_dtype_of(type).block == 0 ? type : TS_F16;
}

/* Keys and values of the joint projection apart, keys transposed: as the file format has
 * them, see models/mla.c. */
static tiefsee_status split_keys_and_values(export *x, const ts_param *p, each_view *each)
{
    const ts_config *c = &x->n->config;
    const size_t R = c->kv_lora_rank, both = c->d_nope + c->d_value;
    const float *W = x->n->value + p->offset;
    const int stem = (int)(strlen(p->name) - strlen("kv_b.weight"));
    view keys = {.from = W,
                 .n_in = c->d_nope,
                 .n_out = R,
                 .n_mats = c->n_heads,
                 .mat_stride = both * R,
                 .row_stride = 1,
                 .step = R};
    view values = {.from = W + c->d_nope * R,
                   .n_in = R,
                   .n_out = c->d_value,
                   .n_mats = c->n_heads,
                   .mat_stride = both * R,
                   .row_stride = R,
                   .step = 1};

    (void)snprintf(keys.name, sizeof keys.name, "%.*sk_b.weight", stem, p->name);
    (void)snprintf(values.name, sizeof values.name, "%.*sv_b.weight", stem, p->name);
    keys.type = keys.n_in % ts_dtype_of(x->opt->type).block == 0 ? x->opt->type : TS_F16;
    values.type = values.n_in % ts_dtype_of(x->opt->type).block == 0 ? x->opt->type : TS_F16;
    const tiefsee_status st = each(x, &keys);
    return st == TIEFSEE_OK ? each(x, &values) : st;
}

static tiefsee_status biases(export *x, each_view *each)
{
    const ts_config *c = &x->n->config;
    tiefsee_status st = TIEFSEE_OK;

    for (size_t l = 0; l < c->n_layers && st == TIEFSEE_OK; l++) {
        view v = {.from = x->n->block[l].bias,
                  .n_in = c->n_experts,
                  .n_out = 1,
                  .n_mats = 1,
                  .step = 1,
                  .type = TS_F32};

        (void)snprintf(v.name, sizeof v.name, "blk.%zu.exp_probs_b.bias", l);
        if (x->n->block[l].is_moe)
            st = each(x, &v);
    }
    return st;
}

/* Every tensor of the file, in its order. */
static tiefsee_status for_each(export *x, each_view *each)
{
    char mtp[24];
    tiefsee_status st = TIEFSEE_OK;

    const int n_mtp = snprintf(mtp, sizeof mtp, "blk.%u.", x->n->config.n_layers);
    for (size_t i = 0; i < x->n->n_params && st == TIEFSEE_OK; i++) {
        const ts_param *p = &x->n->param[i];
        view v = {.from = x->n->value + p->offset,
                  .n_in = p->n_in,
                  .n_out = p->n_out,
                  .n_mats = p->n_mats,
                  .mat_stride = p->n_in * p->n_out,
                  .row_stride = p->n_in,
                  .step = 1,
                  .type = type_of(x, p, p->n_in)};

        if (strncmp(p->name, mtp, (size_t)n_mtp) == 0)
            continue;
        (void)snprintf(v.name, sizeof v.name, "%s", p->name);
        st = strstr(p->name, "attn_kv_b") ? split_keys_and_values(x, p, each) : each(x, &v);
    }
    return st == TIEFSEE_OK ? biases(x, each) : st;
}

static tiefsee_status declare(export *x, const view *v)
{
    const uint64_t ne[] = {v->n_in, v->n_out, v->n_mats};

    ts_gguf_declare(x->w, v->name, v->type, v->n_mats > 1 ? 3 : v->n_out > 1 ? 2 : 1, ne);
    return TIEFSEE_OK;
}

static tiefsee_status write_rows(export *x, const view *v)
{
    uint64_t row_bytes = 0;

    (void)ts_dtype_row_bytes(v->type, v->n_in, &row_bytes);
    for (size_t i = 0; i < v->n_out * v->n_mats; i++) {
        const float *from = v->from + i / v->n_out * v->mat_stride + i % v->n_out * v->row_stride;

        for (size_t j = 0; j < v->n_in; j++)
            x->row[j] = from[j * v->step];
        if (!ts_quantize_row(v->type, x->packed, x->row, v->n_in))
            return ts_fail(x->err, TIEFSEE_E_INVALID, "%s: a weight is not a finite number",
                           v->name);
        const tiefsee_status st = ts_gguf_write(x->w, x->packed, row_bytes, x->err);
        if (st != TIEFSEE_OK)
            return st;
    }
    return TIEFSEE_OK;
}

static tiefsee_status write_keys(export *x, const ts_vocab *vocab)
{
    ts_config c = x->n->config;
    ts_vocab v = *vocab;

    c.bos = v.bos;
    c.eos = v.eos;
    if (x->opt->encoding)
        v.encoding = ts_str_of(x->opt->encoding);
    else if (v.encoding.len == 0)
        v.encoding = TS_STR("deepseek-v3.1");
    ts_gguf_put_str(x->w, "general.name", ts_str_of(x->opt->name));
    const tiefsee_status st = ts_gguf_put_config(x->w, &c, x->err);
    if (st == TIEFSEE_OK)
        ts_gguf_put_vocab(x->w, &v);
    return st;
}

static tiefsee_status write_file(export *x, const ts_vocab *vocab)
{
    tiefsee_status st = write_keys(x, vocab);

    if (st == TIEFSEE_OK)
        st = for_each(x, declare);
    if (st == TIEFSEE_OK)
        st = ts_gguf_writer_begin(x->w, x->err);
    if (st == TIEFSEE_OK)
        st = for_each(x, write_rows);
    return st;
}

/* Of all views: those of keys are transposed, rows of d_nope. */
static size_t widest(const ts_network *n)
{
    size_t w = n->config.d_nope;

    for (size_t i = 0; i < n->n_params; i++)
        w = n->param[i].n_in > w ? n->param[i].n_in : w;
    return w > n->config.n_experts ? w : n->config.n_experts;
}

tiefsee_status ts_export_network(const ts_network *n, const ts_vocab *vocab,
                                 const ts_export_options *opt, const char *path, tiefsee_error *err)
{
    export x = {.n = n, .opt = opt, .err = err};

    if (vocab->n_tokens != n->config.n_vocab)
        return ts_fail(err, TIEFSEE_E_INVALID, "the tokenizer has %u tokens, the model %u",
                       vocab->n_tokens, n->config.n_vocab);
    tiefsee_status st = ts_gguf_writer_open(&x.w, path, err);
    if (st != TIEFSEE_OK)
        return st;
    /* No type takes more than a float and the scales of a last, partial block. */
    x.row = ts_alloc(widest(n) * sizeof *x.row);
    x.packed = ts_alloc(widest(n) * sizeof *x.row + 512);
    if (!x.row || !x.packed)
        st = ts_fail_nomem(err, widest(n) * 2 * sizeof *x.row, "a row of weights");
    if (st == TIEFSEE_OK)
        st = write_file(&x, vocab);
    if (st == TIEFSEE_OK)
        st = ts_gguf_writer_commit(x.w, err);
    else
        ts_gguf_writer_free(x.w);
    ts_free(x.row);
    ts_free(x.packed);
    return st;
}

/* Views of the checkpoint's own bytes; nothing is written to them. */
static tiefsee_status open_network(ts_network *n, void **work_memory, const ts_checkpoint_file *f,
                                   tiefsee_error *err)
{
    const ts_run_options *o = &f->head.options;
    ts_carve state = {0}, work = {0};

    *n = (ts_network){.config = o->config, .has_mtp = o->has_mtp};
    ts_network_carve(n, &state, &work);
    *work_memory = ts_alloc_zero(work.used, 1);
    if (!*work_memory)
        return ts_fail_nomem(err, work.used, "the views of a checkpoint");
    state = (ts_carve){(uint8_t *)(uintptr_t)f->body, 0};
    work = (ts_carve){*work_memory, 0};
    ts_network_carve(n, &state, &work);
    return TIEFSEE_OK;
}

tiefsee_status ts_vocab_file_open(ts_vocab_file *t, const char *path, tiefsee_error *err)
{
    const size_t n = strlen(path);

    if (n > 5 && strcmp(path + n - 5, ".json") == 0) {
        t->arena = ts_arena_new((size_t)1 << 30);
        t->vocab.bos = t->vocab.eos = t->vocab.pad = -1;
        return t->arena ? ts_read_tokenizer(&t->vocab, t->arena, path, err)
                        : ts_fail_nomem(err, 0, "a tokenizer");
    }
    const tiefsee_status st = ts_modelfile_open(&t->file, path, err);
    if (st != TIEFSEE_OK)
        return st;
    if (!ts_modelfile_vocab(t->file))
        return ts_fail(err, TIEFSEE_E_INVALID, "%s: no tokenizer", path);
    t->vocab = *ts_modelfile_vocab(t->file);
    return TIEFSEE_OK;
}

void ts_vocab_file_close(ts_vocab_file *t)
{
    ts_modelfile_close(t->file);
    ts_arena_free(t->arena);
    *t = (ts_vocab_file){0};
}

tiefsee_status ts_vocab_file_check(const ts_vocab_file *t, uint64_t fingerprint, const char *path,
                                   tiefsee_error *err)
{
    if (fingerprint && fingerprint != ts_vocab_fingerprint(&t->vocab))
        return ts_fail(err, TIEFSEE_E_INVALID, "%s: not the tokenizer of the data", path);
    return TIEFSEE_OK;
}

tiefsee_status ts_export_checkpoint(const char *checkpoint, const char *tokenizer_path,
                                    const ts_export_options *opt, const char *path,
                                    tiefsee_error *err)
{
    ts_vocab_file t = {0};
    void *work = NULL;
    ts_checkpoint_file from;
    ts_network n;
    tiefsee_status st = ts_checkpoint_open(&from, checkpoint, err);

    if (st != TIEFSEE_OK)
        return st;
    st = ts_vocab_file_open(&t, tokenizer_path, err);
    if (st == TIEFSEE_OK)
        st = ts_vocab_file_check(&t, from.head.tokenizer, tokenizer_path, err);
    if (st == TIEFSEE_OK)
        st = open_network(&n, &work, &from, err);
    if (st == TIEFSEE_OK)
        st = ts_export_network(&n, &t.vocab, opt, path, err);
    ts_free(work);
    ts_vocab_file_close(&t);
    ts_checkpoint_close(&from);
    return st;
}
