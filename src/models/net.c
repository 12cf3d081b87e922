/* net.c - see net.h. */
#include "models/net.h"

#include <math.h>

#include "core/alloc.h"
#include "kernels/kernels.h"
#include "models/mla.h"
#include "models/rope.h"

enum { MAX_TABLES = 1 << 28 }; /* bytes of weights' tables: names, slices, vectors */

static const ts_net_class *class_of(ts_arch arch)
{
    switch (arch) {
    case TS_ARCH_DEEPSEEK_V2: return &ts_net_deepseek_v2;
    case TS_ARCH_DEEPSEEK_V3: return &ts_net_deepseek_v3;
    case TS_ARCH_QWEN2:
    case TS_ARCH_QWEN3:
    case TS_ARCH_LLAMA: return &ts_net_dense;
    case TS_ARCH_NONE: break;
    }
    return NULL;
}

static void bind_rope(ts_net *net, ts_binder *b)
{
    const ts_rope_config *r = &net->config.rope;
    const float *divisors = NULL;

    net->n_pairs = r->n_dims / 2;
    net->rope_frequency = ts_bind_alloc(b, net->n_pairs, sizeof *net->rope_frequency);
    if (r->kind == TS_ROPE_DIVISORS)
        divisors = ts_bind_vector(b, (ts_names){"rope_freqs.weight", NULL}, net->n_pairs);
    if (b->status != TIEFSEE_OK)
        return;
    for (size_t i = 0; divisors && i < net->n_pairs; i++)
        if (!(divisors[i] > 0) || !isfinite(divisors[i])) {
            (void)ts_bind_fail(b, TIEFSEE_E_FORMAT,
                               "tensor 'rope_freqs.weight': entry %zu is not a"
                               " positive number",
                               i);
            return;
        }
    ts_rope_frequencies(net->rope_frequency, r, divisors);
    net->rope_amplitude = ts_rope_amplitude(r);
}

static void bind_all(ts_net *net, ts_binder *b)
{
    const ts_config *m = &net->config;
    static const ts_names embedding = {"token_embd.weight", "model.embed_tokens.weight"};
    static const ts_names head = {"output.weight", "lm_head.weight"};

    net->embedding = ts_bind_matrix(b, embedding, m->d_model, m->n_vocab);
    net->head = m->has_tied_head ? net->embedding : ts_bind_matrix(b, head, m->d_model, m->n_vocab);
    net->final_norm =
        ts_bind_vector(b, (ts_names){"output_norm.weight", "model.norm.weight"}, m->d_model);
    bind_rope(net, b);
    net->layers = net->class->bind(b, m);
    net->max_width = b->max_width;
}

tiefsee_status ts_net_open(ts_net **out, const ts_modelfile *f, tiefsee_error *err)
{
    *out = NULL;
    ts_net *net = ts_alloc_zero(1, sizeof *net);
    ts_arena *arena = ts_arena_new(MAX_TABLES);
    if (!net || !arena) {
        ts_free(net);
        ts_arena_free(arena);
        return ts_fail_nomem(err, sizeof *net, "the model");
    }
    net->arena = arena;
    net->config = *ts_modelfile_config(f);
    net->class = class_of(net->config.arch);
    if (!net->class) {
        ts_net_close(net);
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "architecture '%s' is not supported",
                       ts_modelfile_architecture(f));
    }
    net->attention_scale =
        net->config.kv_lora_rank
            ? ts_mla_scale(&net->config)
            : (float)(1 / sqrt((double)(net->config.d_head ? net->config.d_head : 1)));
    ts_binder b = {.file = f, .arena = arena, .err = err};
    bind_all(net, &b);
    if (b.status != TIEFSEE_OK) {
        ts_net_close(net);
        return b.status;
    }
    *out = net;
    return TIEFSEE_OK;
}

void ts_net_close(ts_net *net)
{
    if (!net)
        return;
    ts_arena_free(net->arena);
    ts_arena_free(net->adapters);
    ts_free(net);
}

void ts_net_pack_cache(ts_net *net)
{
    const ts_config *m = &net->config;
    const size_t R = m->kv_lora_rank, d = m->d_rope;

    /* One row for all heads: R latents and d_rope rotary values, nothing else. */
    net->packs_cache = R > 0 && net->class->kv_row_floats(m) == R + d && R <= TS_LATENT_MAX &&
                       d <= TS_LATENT_MAX_ROPE && R % TS_LATENT_STEP == 0 &&
                       d % TS_LATENT_STEP == 0;
}

size_t ts_net_kv_row_floats(const ts_net *net)
{
    const ts_config *m = &net->config;

    return net->packs_cache ? ts_kv_packed_floats(m->kv_lora_rank, m->d_rope)
                            : net->class->kv_row_floats(m);
}

ts_kv ts_net_kv(const ts_net *net, float *const *page, size_t n_pages)
{
    ts_kv kv = {.page = page,
                .n_pages = n_pages,
                .n_layers = net->config.n_layers,
                .row_floats = ts_net_kv_row_floats(net)};

    if (net->packs_cache) {
        kv.n_latent = net->config.kv_lora_rank;
        kv.n_rope = net->config.d_rope;
    }
    return kv;
}

/* Cosines and sines of the batch's positions. */
static void set_angles(ts_ctx *x, const ts_net *net, size_t T)
{
    float *cosine = ts_ctx_take(x, T * net->n_pairs * sizeof *cosine);
    float *sine = ts_ctx_take(x, T * net->n_pairs * sizeof *sine);

    for (size_t t = 0; x->b && t < T; t++)
        ts_rope_angles(cosine + t * net->n_pairs, sine + t * net->n_pairs, net->rope_frequency,
                       net->n_pairs, x->batch->pos[t], net->rope_amplitude);
    x->cosine = cosine;
    x->sine = sine;
}

/* The rows of h that somebody wants logits of. */
static ts_mat pick_rows(ts_ctx *x, ts_mat h, const uint32_t *want, size_t n)
{
    const ts_mat y = ts_mat_new(x, n, h.d);

    for (size_t i = 0; x->b && i < n; i++)
        memcpy(y.v + i * h.d, h.v + want[i] * h.stride, h.d * sizeof *h.v);
    return y;
}

static bool run(ts_ctx *x, const ts_net *net, size_t T, const ts_forward *f, size_t n_logits)
{
    const ts_config *m = &net->config;
    const ts_mat h = ts_mat_new(x, T, m->d_model);

    set_angles(x, net, T);
    if (x->b)
        TS_RUN(x, gather_rows, TS_F32, 0, h.v, net->embedding, x->batch->id, T);
    const size_t mark = x->used;
    for (size_t l = 0; l < m->n_layers; l++) {
        if (f && f->cancel && atomic_load_explicit(f->cancel, memory_order_relaxed))
            return false;
        x->choices = f && f->choices ? f->choices + l * T * m->n_active : NULL;
        net->class->layer(x, net, l, h);
        x->used = mark;
    }
    if (n_logits == 0)
        return true;
    const ts_mat last = ts_op_rmsnorm(x, pick_rows(x, h, f ? f->want : NULL, n_logits),
                                      net->final_norm, m->rms_eps);
    if (f && f->hidden)
        memcpy(f->hidden, last.v, last.n * last.d * sizeof *last.v);
    else
        ts_op_linear_to(x, f ? f->logits : NULL, net->head, NULL, last);
    return true;
}

size_t ts_net_scratch_bytes(const ts_net *net, size_t T, size_t n_logits)
{
    ts_ctx dry = {0};

    (void)run(&dry, net, T, NULL, n_logits);
    return dry.peak;
}

ts_net_cost ts_net_cost_of(const ts_net *net)
{
    ts_ctx step = {0}, without = {0};

    (void)run(&step, net, 1, NULL, 1);
    (void)run(&without, net, 1, NULL, 0);
    return (ts_net_cost){step.weight_bytes, without.macs, step.macs - without.macs};
}

bool ts_net_forward(const ts_net *net, ts_backend *b, void *scratch, size_t scratch_bytes,
                    const ts_forward *f)
{
    ts_ctx x = {.b = b, .batch = f->batch, .base = scratch, .cap = scratch_bytes};

    return run(&x, net, f->batch->n, f, f->n_logits);
}
