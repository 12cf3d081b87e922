/* params.c - see params.h. */
#include "train/params.h"

#include <stdio.h>
#include <string.h>

#include "core/rng.h"

enum { GAINS_PER_BLOCK = 4, WEIGHTS_PER_BLOCK = 9 };

tiefsee_status ts_network_check(const ts_config *c, tiefsee_error *err)
{
    if (c->arch != TS_ARCH_DEEPSEEK_V3)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "only DeepSeek-V3's architecture can be trained so far");
    if (c->has_tied_head)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "a head tied to the embedding cannot be trained so far");
    if (c->rope.kind != TS_ROPE_PLAIN || !c->rope.is_interleaved)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "only plain interleaved rotary embeddings can be trained so far");
    if (c->n_experts && c->moe_layer_freq > 1)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "experts in every %u-th layer (1 is supported)",
                       c->moe_layer_freq);
    return TIEFSEE_OK;
}

/* Hands out one parameter after the other. */
typedef struct binder {
    ts_network *n;
    ts_carve *work;
    size_t layer;
} binder;

static size_t add(binder *b, ts_param_kind kind, const char *name, size_t n_in, size_t n_out,
                  size_t n_mats)
{
    const size_t offset = b->n->n_reals;

    if (b->n->param) {
        ts_param *p = &b->n->param[b->n->n_params];
        *p = (ts_param){
            .kind = kind, .offset = offset, .n_in = n_in, .n_out = n_out, .n_mats = n_mats};
        if (b->layer == SIZE_MAX)
            (void)snprintf(p->name, sizeof p->name, "%s", name);
        else
            (void)snprintf(p->name, sizeof p->name, "blk.%zu.%s", b->layer, name);
    }
    if (kind == TS_PARAM_MATRIX) {
        const size_t shorter = n_in < n_out ? n_in : n_out, longer = n_in < n_out ? n_out : n_in;

        b->n->n_matrices += n_mats;
        b->n->max_short = shorter > b->n->max_short ? shorter : b->n->max_short;
        b->n->max_long = longer > b->n->max_long ? longer : b->n->max_long;
    }
    b->n->n_params++;
    b->n->n_reals += n_in * n_out * n_mats;
    return offset;
}

static ts_gain gain(binder *b, const char *name, size_t d)
{
    const size_t at = add(b, TS_PARAM_GAIN, name, d, 1, 1);

    return b->n->value ? (ts_gain){b->n->used + at, b->n->grad + at} : (ts_gain){0};
}

static void view(binder *b, ts_weight *out, size_t at, size_t n_in, size_t n_out)
{
    const size_t forward = ts_packed_reals(n_in, n_out), backward = ts_packed_reals(n_out, n_in);

    *out = (ts_weight){.n_in = n_in, .n_out = n_out};
    out->forward = ts_carve_take(b->work, forward, sizeof(real));
    out->backward = ts_carve_take(b->work, backward, sizeof(real));
    if (b->n->value) {
        out->w = b->n->used + at;
        out->dw = b->n->grad + at;
        b->n->weight[b->n->n_weights] = out;
    }
    b->n->n_weights++;
}

static void weight(binder *b, ts_weight *out, ts_param_kind kind, const char *name, size_t n_in,
                   size_t n_out)
{
    view(b, out, add(b, kind, name, n_in, n_out, 1), n_in, n_out);
}

static void experts(binder *b, ts_weight **out, const char *name, size_t n_in, size_t n_out)
{
    const size_t E = b->n->config.n_experts;
    const size_t at = add(b, TS_PARAM_MATRIX, name, n_in, n_out, E);
    ts_weight counted;

    *out = ts_carve_take(b->work, E, sizeof **out);
    for (size_t e = 0; e < E; e++)
        view(b, *out ? *out + e : &counted, at + e * n_in * n_out, n_in, n_out);
}

static void bind_attention(binder *b, ts_block_weights *w)
{
    const ts_config *c = &b->n->config;
    const size_t d = c->d_model, H = c->n_heads, d_q = H * (c->d_nope + c->d_rope);

    w->attn_norm = gain(b, "attn_norm.weight", d);
    if (c->q_lora_rank) {
        weight(b, &w->W_DQ, TS_PARAM_MATRIX, "attn_q_a.weight", d, c->q_lora_rank);
        w->q_norm = gain(b, "attn_q_a_norm.weight", c->q_lora_rank);
        weight(b, &w->W_UQ, TS_PARAM_MATRIX, "attn_q_b.weight", c->q_lora_rank, d_q);
    } else {
        weight(b, &w->W_UQ, TS_PARAM_MATRIX, "attn_q.weight", d, d_q);
    }
    weight(b, &w->W_DKV, TS_PARAM_MATRIX, "attn_kv_a_mqa.weight", d, c->kv_lora_rank + c->d_rope);
    w->kv_norm = gain(b, "attn_kv_a_norm.weight", c->kv_lora_rank);
    weight(b, &w->W_UKV, TS_PARAM_MATRIX, "attn_kv_b.weight", c->kv_lora_rank,
           H * (c->d_nope + c->d_value));
    weight(b, &w->W_O, TS_PARAM_MATRIX, "attn_output.weight", H * c->d_value, d);
}

static void bind_block(binder *b, ts_block_weights *w, size_t layer)
{
    const ts_config *c = &b->n->config;
    const size_t d = c->d_model, F = c->d_expert;

    b->layer = layer;
    bind_attention(b, w);
    w->ffn_norm = gain(b, "ffn_norm.weight", d);
    w->is_moe = ts_network_has_experts(c, layer);
    if (!w->is_moe) {
        weight(b, &w->gate, TS_PARAM_MATRIX, "ffn_gate.weight", d, c->d_ff);
        weight(b, &w->up, TS_PARAM_MATRIX, "ffn_up.weight", d, c->d_ff);
        weight(b, &w->down, TS_PARAM_MATRIX, "ffn_down.weight", c->d_ff, d);
        return;
    }
    weight(b, &w->router, TS_PARAM_ROUTER, "ffn_gate_inp.weight", d, c->n_experts);
    w->bias = b->n->bias ? b->n->bias + b->n->n_biases : NULL;
    b->n->n_biases += c->n_experts;
    experts(b, &w->e_gate, "ffn_gate_exps.weight", d, F);
    experts(b, &w->e_up, "ffn_up_exps.weight", d, F);
    experts(b, &w->e_down, "ffn_down_exps.weight", F, d);
    if (c->n_shared) {
        weight(b, &w->gate, TS_PARAM_MATRIX, "ffn_gate_shexp.weight", d, c->n_shared * F);
        weight(b, &w->up, TS_PARAM_MATRIX, "ffn_up_shexp.weight", d, c->n_shared * F);
        weight(b, &w->down, TS_PARAM_MATRIX, "ffn_down_shexp.weight", c->n_shared * F, d);
    }
}

static void bind_all(ts_network *n, ts_carve *work)
{
    const ts_config *c = &n->config;
    binder b = {n, work, SIZE_MAX};
    ts_block_weights counted;

    n->n_matrices = n->max_short = n->max_long = 0;
    n->n_params = n->n_reals = n->n_weights = n->n_biases = 0;
    const size_t table =
        add(&b, TS_PARAM_EMBEDDING, "token_embd.weight", c->d_model, c->n_vocab, 1);
    n->embedding = n->value ? n->used + table : NULL;
    n->d_embedding = n->grad ? n->grad + table : NULL;
    for (size_t l = 0; l < c->n_layers; l++)
        bind_block(&b, n->block ? &n->block[l] : &counted, l);
    b.layer = SIZE_MAX;
    n->final_norm = gain(&b, "output_norm.weight", c->d_model);
    weight(&b, &n->head, TS_PARAM_HEAD, "output.weight", c->d_model, c->n_vocab);
    if (n->has_mtp) {
        b.layer = c->n_layers;
        n->enorm = gain(&b, "nextn.enorm.weight", c->d_model);
        n->hnorm = gain(&b, "nextn.hnorm.weight", c->d_model);
        weight(&b, &n->eh_proj, TS_PARAM_MATRIX, "nextn.eh_proj.weight", 2 * c->d_model,
               c->d_model);
        bind_block(&b, n->block ? &n->block[c->n_layers] : &counted, c->n_layers);
        n->mtp_norm = gain(&b, "nextn.shared_head_norm.weight", c->d_model);
    }
}

void ts_network_carve(ts_network *n, ts_carve *state, ts_carve *work)
{
    ts_network count = {.config = n->config, .has_mtp = n->has_mtp};
    ts_carve nowhere = {0};

    bind_all(&count, &nowhere);
    n->value = ts_carve_take(state, count.n_reals, sizeof(real));
    n->bias = ts_carve_take(state, count.n_biases, sizeof(float));
    n->used = n->is_rounded ? ts_carve_take(work, count.n_reals, sizeof(real)) : n->value;
    n->grad = ts_carve_take(work, count.n_reals, sizeof(real));
    n->param = ts_carve_take(work, count.n_params, sizeof *n->param);
    n->weight = ts_carve_take(work, count.n_weights, sizeof(ts_weight *));
    n->block = ts_carve_take(work, n->config.n_layers + 1, sizeof *n->block);
    if (n->block)
        memset(n->block, 0, (n->config.n_layers + 1) * sizeof *n->block);
    bind_all(n, work);
}

/* Box and Muller; the cosine half. */
static double normal(ts_rng *r)
{
    const double u = 1 - ts_rng_unit(r), v = ts_rng_unit(r);

    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static double deviation(const ts_param *p, const ts_config *c)
{
    const double base = 0.02 * sqrt(256.0 / c->d_model), d_in = (double)p->n_in;

    switch (p->kind) {
    case TS_PARAM_EMBEDDING: return 0.05;
    case TS_PARAM_HEAD: return 0.1 / sqrt(d_in);
    case TS_PARAM_ROUTER: return base;
    default: break;
    }
    const bool is_residual = strstr(p->name, "attn_output") || strstr(p->name, "ffn_down");
    return (is_residual ? 0.1 : 0.5) / sqrt(d_in);
}

void ts_network_init(ts_network *n, uint64_t seed)
{
    ts_rng r;

    ts_rng_seed(&r, seed);
    memset(n->bias, 0, n->n_biases * sizeof *n->bias);
    for (size_t i = 0; i < n->n_params; i++) {
        const ts_param *p = &n->param[i];
        const double sd = deviation(p, &n->config);
        real *v = n->value + p->offset;

        for (size_t j = 0; j < ts_param_reals(p); j++)
            v[j] = p->kind == TS_PARAM_GAIN ? 1 : (real)(sd * normal(&r));
    }
}

const ts_param *ts_network_find(const ts_network *n, const char *name)
{
    for (size_t i = 0; i < n->n_params; i++)
        if (strcmp(n->param[i].name, name) == 0)
            return &n->param[i];
    return NULL;
}
