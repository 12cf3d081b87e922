/* export_gguf.c - see export_gguf.h. */
#include "train/export_gguf.h"

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

static tiefsee_status declare(void *ctx, const ts_file_tensor *t)
{
    export *x = ctx;
    const uint64_t ne[] = {t->n_in, t->n_out, t->n_mats};

    ts_gguf_declare(x->w, t->name, t->type, t->n_mats > 1 ? 3 : t->n_out > 1 ? 2 : 1, ne);
    return TIEFSEE_OK;
}

static tiefsee_status write_rows(void *ctx, const ts_file_tensor *t)
{
    export *x = ctx;
    uint64_t row_bytes = 0;

    (void)ts_dtype_row_bytes(t->type, t->n_in, &row_bytes);
    for (size_t i = 0; i < ts_file_tensor_rows(t); i++) {
        const float *from = ts_file_tensor_row(t, i);

        for (size_t j = 0; j < t->n_in; j++)
            x->row[j] = from[j * t->step];
        if (!ts_quantize_row(t->type, x->packed, x->row, t->n_in))
            return ts_fail(x->err, TIEFSEE_E_INVALID, "%s: a weight is not a finite number",
                           t->name);
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
    const ts_file_types types = {x->opt->type, x->opt->experts};
    tiefsee_status st = write_keys(x, vocab);

    if (st == TIEFSEE_OK)
        st = ts_file_tensors(x->n, types, declare, x);
    if (st == TIEFSEE_OK)
        st = ts_gguf_writer_begin(x->w, x->err);
    if (st == TIEFSEE_OK)
        st = ts_file_tensors(x->n, types, write_rows, x);
    return st;
}

tiefsee_status ts_export_network(const ts_network *n, const ts_vocab *vocab,
                                 const ts_export_options *opt, const char *path, tiefsee_error *err)
{
    const size_t widest = ts_file_tensors_widest(n);
    export x = {.n = n, .opt = opt, .err = err};

    if (vocab->n_tokens != n->config.n_vocab)
        return ts_fail(err, TIEFSEE_E_INVALID, "the tokenizer has %u tokens, the model %u",
                       vocab->n_tokens, n->config.n_vocab);
    tiefsee_status st = ts_gguf_writer_open(&x.w, path, err);
    if (st != TIEFSEE_OK)
        return st;
    /* No type takes more than a float and the scales of a last, partial block. */
    x.row = ts_alloc(widest * sizeof *x.row);
    x.packed = ts_alloc(widest * sizeof *x.row + 512);
    if (!x.row || !x.packed)
        st = ts_fail_nomem(err, widest * 2 * sizeof *x.row, "a row of weights");
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
                                   bool averaged, tiefsee_error *err)
{
    const ts_run_options *o = &f->head.options;
    const float *weights;
    ts_carve state = {0}, work = {0};
    const tiefsee_status st = ts_checkpoint_choose(&weights, f, averaged, err);

    if (st != TIEFSEE_OK)
        return st;
    *n = (ts_network){.config = o->config, .has_mtp = o->has_mtp};
    ts_network_carve(n, &state, &work);
    *work_memory = ts_alloc_zero(work.used, 1);
    if (!*work_memory)
        return ts_fail_nomem(err, work.used, "the views of a checkpoint");
    state = (ts_carve){(uint8_t *)(uintptr_t)f->body, 0};
    work = (ts_carve){*work_memory, 0};
    ts_network_carve(n, &state, &work);
    n->value = (float *)(uintptr_t)weights;
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

/* As the run rounded its weights, or Q8_0. */
static ts_export_options with_types(const ts_export_options *opt, const ts_run_options *o)
{
    ts_export_options x = *opt;

    if (x.as_trained) {
        const bool is_rounded = o->round_type != TS_F32 || o->round_experts != TS_F32;

        x.type = is_rounded ? (ts_dtype)o->round_type : TS_Q8_0;
        x.experts = is_rounded ? (ts_dtype)o->round_experts : TS_Q8_0;
    }
    return x;
}

tiefsee_status ts_export_checkpoint(const char *checkpoint, const char *tokenizer_path,
                                    const ts_export_options *opt, const char *path,
                                    tiefsee_error *err)
{
    ts_checkpoint_file f;
    ts_vocab_file t = {0};
    void *work = NULL;
    ts_network n;
    tiefsee_status st = ts_checkpoint_open(&f, checkpoint, err);

    if (st != TIEFSEE_OK)
        return st;
    const ts_export_options x = with_types(opt, &f.head.options);
    st = ts_vocab_file_open(&t, tokenizer_path, err);
    if (st == TIEFSEE_OK)
        st = ts_vocab_file_check(&t, f.head.tokenizer, tokenizer_path, err);
    if (st == TIEFSEE_OK)
        st = open_network(&n, &work, &f, opt->averaged, err);
    if (st == TIEFSEE_OK)
        st = ts_export_network(&n, &t.vocab, &x, path, err);
    ts_free(work);
    ts_vocab_file_close(&t);
    ts_checkpoint_close(&f);
    return st;
}
