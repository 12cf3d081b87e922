/* model.c - opening a model: file, weights, tokenizer, backend, step memory. */
#include "engine/model.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "backends/cpu/cpu_backend.h"
#include "core/alloc.h"
#include "core/cpu.h"
#include "core/hash.h"
#include "engine/embedded.h"
#include "engine/session.h"
#include "models/dense.h"

/* Prompts are fed in steps of at most MAX_BATCH tokens, fewer where a step's
 * scratch would exceed MAX_SCRATCH; a step gives logits of at most MAX_LOGITS. */
enum { MAX_BATCH = 512, MIN_BATCH = 16, MAX_LOGITS = 64 };
static const uint64_t MAX_SCRATCH = (uint64_t)640 << 20;

static ts_backend_limits limits_of(const ts_net *net, size_t max_batch)
{
    const size_t k = net->config.n_active ? net->config.n_active : 1;

    return (ts_backend_limits){
        .max_tokens = max_batch, .max_pairs = max_batch * k, .max_width = net->max_width};
}

static uint64_t bill(const tiefsee_model *m, size_t max_batch)
{
    const ts_backend_limits limits = limits_of(m->net, max_batch);

    return ts_net_scratch_bytes(m->net, max_batch, MAX_LOGITS) +
           ts_cpu_scratch_bytes(&limits, m->n_threads);
}

uint64_t ts_model_scratch_bytes(const tiefsee_model *m)
{
    if (!m->net)
        return 0;
    const uint64_t head = ts_head_pays(m->net->head) ? ts_head_bytes(m->net->head) : 0;
    return bill(m, m->max_batch) + m->max_batch * 24 + head +
           m->max_logits * (m->net->config.n_vocab + m->net->config.d_model) * sizeof(float);
}

static tiefsee_status take_step_memory(tiefsee_model *m, tiefsee_error *err)
{
    m->max_batch = MAX_BATCH;
    while (m->max_batch > MIN_BATCH && bill(m, m->max_batch) > MAX_SCRATCH)
        m->max_batch /= 2;
    m->max_logits = m->max_batch < MAX_LOGITS ? m->max_batch : MAX_LOGITS;
    m->scratch_bytes = ts_net_scratch_bytes(m->net, m->max_batch, m->max_logits);

    const uint64_t need = ts_model_scratch_bytes(m), have = ts_cpu_available_memory();
    if (have && need > have)
        return ts_fail(err, TIEFSEE_E_NOMEM,
                       "not enough memory: activations need %llu MB, %llu MB are available",
                       (unsigned long long)(need >> 20), (unsigned long long)(have >> 20));
    m->lock = ts_lock_new();
    m->scratch = ts_alloc(m->scratch_bytes);
    m->id = ts_alloc(m->max_batch * sizeof *m->id);
    m->pos = ts_alloc(m->max_batch * sizeof *m->pos);
    m->want = ts_alloc(m->max_batch * sizeof *m->want);
    m->kv = ts_alloc(m->max_batch * sizeof *m->kv);
    m->step_logits = ts_alloc(m->max_logits * m->net->config.n_vocab * sizeof *m->step_logits);
    if (!m->step_logits || !m->lock || !m->scratch || !m->id || !m->pos || !m->want || !m->kv)
        return ts_fail_nomem(err, need, "activations");
    return TIEFSEE_OK;
}

tiefsee_status ts_model_tell_experts(tiefsee_model *m, tiefsee_error *err)
{
    const ts_config *c = &m->net->config;
    const size_t n = m->max_batch * c->n_layers * (c->n_active ? c->n_active : 1);
    int32_t *choices = ts_alloc(n * sizeof *choices);

    if (!choices)
        return ts_fail_nomem(err, n * sizeof *choices, "choices of experts");
    ts_lock_take(m->lock);
    ts_free(m->choices);
    m->choices = choices;
    ts_lock_give(m->lock);
    return TIEFSEE_OK;
}

static tiefsee_status open_backend(tiefsee_model *m, bool precise, tiefsee_error *err)
{
    const ts_backend_limits limits = limits_of(m->net, m->max_batch);
    const ts_cpu_options opt = {
        .n_threads = m->n_threads, .cpu_flags = m->cpu_flags, .precise = precise};

    const tiefsee_status st = ts_cpu_open(&m->backend, &opt, &limits, err);
    if (st == TIEFSEE_OK && m->is_integer && !precise && m->backend->packs_latents)
        ts_net_pack_cache(m->net);
    return st;
}

/* "q4_k 83%, q6_k 12%, f32 5%": the three largest shares of bytes. */
static void describe_weights(tiefsee_model *m)
{
    uint64_t bytes[TS_DTYPE_MAX] = {0};
    size_t used = 0;

    for (size_t i = 0; i < ts_modelfile_count(m->file); i++) {
        const ts_tensor *t = &ts_modelfile_tensor(m->file, i)->tensor;
        m->n_parameters += t->ne[0] * ts_tensor_rows(t);
        m->weight_bytes += t->bytes;
        if ((unsigned)t->type < TS_DTYPE_MAX)
            bytes[t->type] += t->bytes;
    }
    for (int rank = 0; rank < 3 && m->weight_bytes > 0; rank++) {
        size_t best = 0;
        for (size_t i = 1; i < TS_DTYPE_MAX; i++)
            best = bytes[i] > bytes[best] ? i : best;
        if (bytes[best] == 0)
            break;
        const int n = snprintf(m->weight_types + used, sizeof m->weight_types - used, "%s%s %.0f%%",
                               rank ? ", " : "", ts_dtype_of((uint32_t)best).name,
                               100.0 * (double)bytes[best] / (double)m->weight_bytes);
        used += n > 0 ? (size_t)n : 0;
        bytes[best] = 0;
    }
}

/* Where most weights are integers, cached latents are as well. */
static bool is_mostly_integer(const tiefsee_model *m)
{
    uint64_t quantised = 0;

    for (size_t i = 0; i < ts_modelfile_count(m->file); i++) {
        const ts_tensor *t = &ts_modelfile_tensor(m->file, i)->tensor;
        if (ts_dtype_of((uint32_t)t->type).is_quantized)
            quantised += t->bytes;
    }
    return quantised > m->weight_bytes / 2;
}

static void add_stop_token(tiefsee_model *m, int32_t id)
{
    for (size_t i = 0; i < m->n_stop_tokens; i++)
        if (m->stop_token[i] == id)
            return;
    if (id >= 0 && m->n_stop_tokens < TS_MAX_STOP_TOKENS)
        m->stop_token[m->n_stop_tokens++] = id;
}

/* Ids without a token (a padded vocabulary) must never be sampled. */
static tiefsee_status find_undefined(tiefsee_model *m, tiefsee_error *err)
{
    const size_t n = m->net->config.n_vocab;
    size_t n_undefined = 0;

    m->undefined = ts_alloc_zero((n + 63) / 64, sizeof *m->undefined);
    if (!m->undefined)
        return ts_fail_nomem(err, n / 8, "the vocabulary's bit set");
    for (size_t i = 0; i < n; i++)
        if (!ts_bpe_bytes(m->bpe, (int32_t)i).ptr) {
            m->undefined[i / 64] |= (uint64_t)1 << (i % 64);
            n_undefined++;
        }
    if (n_undefined == 0 || n_undefined == n) {
        ts_free(m->undefined);
        m->undefined = NULL;
    }
    return TIEFSEE_OK;
}

static void find_call_markers(tiefsee_model *m)
{
    static const char *const markers[TS_MAX_CALL_MARKERS] = {
        TS_CALLS_BEGIN,   TS_CALLS_END,   TS_CALL_BEGIN,   TS_CALL_END,  TS_CALL_SEP,
        TS_OUTPUTS_BEGIN, TS_OUTPUTS_END, TS_OUTPUT_BEGIN, TS_OUTPUT_END};

    for (size_t i = 0; i < TS_MAX_CALL_MARKERS; i++) {
        const int32_t id = ts_bpe_find(m->bpe, markers[i]);
        if (id >= 0)
            m->call_marker[m->n_call_markers++] = id;
    }
}

static tiefsee_status open_tokenizer(tiefsee_model *m, tiefsee_error *err)
{
    const ts_vocab *vocab = ts_modelfile_vocab(m->file);
    const size_t n_vocab = ts_modelfile_config(m->file)->n_vocab;

    if (!vocab)
        return TIEFSEE_OK;
    if (vocab->n_tokens > n_vocab)
        return ts_fail(err, TIEFSEE_E_FORMAT, "the tokenizer has %u tokens, the model %zu",
                       vocab->n_tokens, n_vocab);
    const tiefsee_status st = ts_bpe_new(&m->bpe, vocab, &m->tokenizer_error);
    if (st == TIEFSEE_E_NOMEM) {
        if (err)
            *err = m->tokenizer_error;
        return st;
    }
    if (st != TIEFSEE_OK) /* only who asks for text will hear of it */
        return TIEFSEE_OK;
    m->encoding = ts_encoding_detect(vocab, m->bpe);
    m->think_begin = ts_bpe_find(m->bpe, "<think>");
    m->think_end = ts_bpe_find(m->bpe, "</think>");
    find_call_markers(m);
    add_stop_token(m, ts_bpe_eos(m->bpe));
    add_stop_token(m, ts_bpe_find(m->bpe, "<|EOT|>"));
    add_stop_token(m, ts_bpe_find(m->bpe, "<\xef\xbd\x9c"
                                          "end\xe2\x96\x81of\xe2\x96\x81"
                                          "sentence\xef\xbd\x9c>"));
    return TIEFSEE_OK;
}

static tiefsee_status open_file(tiefsee_model *m, const char *path, tiefsee_error *err)
{
    if (path)
        return ts_modelfile_open(&m->file, path, err);
    if (ts_embedded_size() == 0)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "no model is embedded in this build: name one");
    return ts_modelfile_open_memory(&m->file, "tiefsee-mini (embedded)", ts_embedded_model(),
                                    ts_embedded_size(), err);
}

/* Also without weights: who loads them later has heard what is wrong with it. */
static tiefsee_status adapt(tiefsee_model *m, const char *folder, tiefsee_error *err)
{
    ts_adapter adapter;
    tiefsee_status st = ts_adapter_open(&adapter, folder, err);

    if (st != TIEFSEE_OK)
        return st;
    if (m->net)
        st = ts_net_adapt(m->net, &adapter, err);
    m->adapter = ts_hash(adapter.bytes.ptr, adapter.bytes.len) | 1;
    ts_adapter_close(&adapter);
    return st;
}

/* For answers that want tokens only.  Float activations meet other weights
 * than the first pass knows of. */
static tiefsee_status open_head(tiefsee_model *m, bool precise, tiefsee_error *err)
{
    const size_t d = m->net->config.d_model;

    if (precise || !ts_head_pays(m->net->head))
        return TIEFSEE_OK;
    m->hidden = ts_alloc(m->max_logits * d * sizeof *m->hidden);
    m->chosen = ts_alloc(m->max_logits * sizeof *m->chosen);
    m->samplers = ts_alloc(m->max_logits * sizeof(ts_sampler *));
    if (!m->hidden || !m->chosen || !m->samplers)
        return ts_fail_nomem(err, m->max_logits * d * sizeof *m->hidden, "hidden rows");
    return ts_head_open(&m->head, m->net->head, m->undefined, err);
}

static tiefsee_status open_parts(tiefsee_model *m, const char *path,
                                 const tiefsee_model_options *opt, tiefsee_error *err)
{
    tiefsee_status st = open_file(m, path, err);
    if (st != TIEFSEE_OK)
        return st;
    describe_weights(m);
    m->is_integer = is_mostly_integer(m);
    st = open_tokenizer(m, err);
    if (st == TIEFSEE_OK && !opt->metadata_only)
        st = ts_net_open(&m->net, m->file, err);
    if (st == TIEFSEE_OK && opt->adapter)
        st = adapt(m, opt->adapter, err);
    if (st == TIEFSEE_OK && m->net && m->bpe)
        st = find_undefined(m, err);
    if (st == TIEFSEE_OK && m->net)
        st = take_step_memory(m, err);
    if (st == TIEFSEE_OK && m->net)
        st = open_backend(m, opt->precise, err);
    if (st == TIEFSEE_OK && m->net)
        st = open_head(m, opt->precise, err);
    return st == TIEFSEE_OK ? st : ts_while(err, st, "%s", ts_modelfile_path(m->file));
}

static tiefsee_model_options defaults(const tiefsee_model_options *opt)
{
    tiefsee_model_options o = {0};

    if (opt)
        memcpy(&o, opt, opt->size < sizeof o ? opt->size : sizeof o);
    return o;
}

tiefsee_status tiefsee_model_open(tiefsee_model **out, const char *path,
                                  const tiefsee_model_options *opt, tiefsee_error *err)
{
    const tiefsee_model_options o = defaults(opt);

    *out = NULL;
    if (o.n_threads < 0 || o.n_threads > 1024)
        return ts_fail(err, TIEFSEE_E_INVALID, "%d threads (1 to 1024 allowed)", o.n_threads);
    unsigned flags = ts_cpu_flags();
    if (!ts_cpu_limit(&flags, o.cpu))
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "unknown kernel level '%s' (ref, avx2, avxvnni, avx512, neon, dotprod)",
                       o.cpu);
    tiefsee_model *m = ts_alloc_zero(1, sizeof *m);
    if (!m)
        return ts_fail_nomem(err, sizeof *m, "the model");
    m->cpu_flags = flags;
    m->n_threads = o.n_threads ? o.n_threads : ts_cpu_cores();
    ts_kernels_select(&m->k, flags);
    const tiefsee_status st = open_parts(m, path, &o, err);
    if (st != TIEFSEE_OK) {
        tiefsee_model_close(m);
        return st;
    }
    *out = m;
    return TIEFSEE_OK;
}

void tiefsee_model_close(tiefsee_model *m)
{
    if (!m)
        return;
    if (m->backend)
        m->backend->close(m->backend);
    ts_lock_free(m->lock);
    ts_free(m->scratch);
    ts_free(m->id);
    ts_free(m->pos);
    ts_free(m->want);
    ts_free(m->kv);
    ts_free(m->step_logits);
    ts_free(m->choices);
    ts_head_close(m->head);
    ts_free(m->hidden);
    ts_free(m->chosen);
    ts_free(m->samplers);
    ts_free(m->undefined);
    ts_net_close(m->net);
    ts_bpe_free(m->bpe);
    ts_modelfile_close(m->file);
    ts_free(m);
}

void tiefsee_model_describe(const tiefsee_model *m, tiefsee_model_info *info)
{
    const ts_config *c = ts_modelfile_config(m->file);

    *info = (tiefsee_model_info){
        .name = ts_modelfile_name(m->file),
        .architecture = ts_modelfile_architecture(m->file),
        .encoding = ts_encoding_name(m->encoding),
        .kernels = ts_cpu_level(m->cpu_flags),
        .weight_types = m->weight_types,
        .n_parameters = m->n_parameters,
        .weight_bytes = m->weight_bytes,
        .n_layers = c->n_layers,
        .n_vocab = c->n_vocab,
        .n_ctx_train = c->n_ctx,
        .n_threads = m->n_threads,
        .has_tokenizer = m->bpe != NULL,
        .can_think = ts_encoding_can_think(m->encoding),
    };
}

void tiefsee_model_plan(const tiefsee_model *m, size_t n_ctx, tiefsee_plan *plan)
{
    *plan = (tiefsee_plan){
        .weight_bytes = m->weight_bytes,
        .kv_bytes = m->net ? ts_session_kv_bytes(m, n_ctx) : 0,
        .scratch_bytes = ts_model_scratch_bytes(m) + (m->net ? m->net->adapter_bytes : 0),
        .available_bytes = ts_cpu_available_memory(),
    };
    plan->total_bytes = plan->weight_bytes + plan->kv_bytes + plan->scratch_bytes;
}
