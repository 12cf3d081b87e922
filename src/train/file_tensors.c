/* file_tensors.c - see file_tensors.h. */
#include "train/file_tensors.h"

#include <stdio.h>
#include <string.h>

static ts_dtype type_for(ts_dtype type, size_t n_in)
{
    return n_in % ts_dtype_of(type).block == 0 ? type : TS_F16;
}

static ts_dtype type_of(ts_file_types types, const ts_param *p)
{
    if (p->kind == TS_PARAM_GAIN || p->kind == TS_PARAM_ROUTER)
        return TS_F32;
    return type_for(p->n_mats > 1 ? types.experts : types.type, p->n_in);
}

static tiefsee_status keys_and_values(const ts_network *n, ts_file_types types, const ts_param *p,
                                      ts_file_tensor_fn *each, void *ctx)
{
    const ts_config *c = &n->config;
    const size_t R = c->kv_lora_rank, both = c->d_nope + c->d_value;
    const float *W = n->value + p->offset;
    const int stem = (int)(strlen(p->name) - strlen("kv_b.weight"));
    ts_file_tensor keys = {.from = W,
                           .n_in = c->d_nope,
                           .n_out = R,
                           .n_mats = c->n_heads,
                           .mat_stride = both * R,
                           .row_stride = 1,
                           .step = R,
                           .type = type_for(types.type, c->d_nope)};
    ts_file_tensor values = {.from = W + c->d_nope * R,
                             .n_in = R,
                             .n_out = c->d_value,
                             .n_mats = c->n_heads,
                             .mat_stride = both * R,
                             .row_stride = R,
                             .step = 1,
                             .type = type_for(types.type, R)};

    (void)snprintf(keys.name, sizeof keys.name, "%.*sk_b.weight", stem, p->name);
    (void)snprintf(values.name, sizeof values.name, "%.*sv_b.weight", stem, p->name);
    const tiefsee_status st = each(ctx, &keys);
    return st == TIEFSEE_OK ? each(ctx, &values) : st;
}

static tiefsee_status biases(const ts_network *n, ts_file_tensor_fn *each, void *ctx)
{
    const ts_config *c = &n->config;
    tiefsee_status st = TIEFSEE_OK;

    for (size_t l = 0; l < c->n_layers && st == TIEFSEE_OK; l++) {
        ts_file_tensor t = {.from = n->block[l].bias,
                            .n_in = c->n_experts,
                            .n_out = 1,
                            .n_mats = 1,
                            .step = 1,
                            .type = TS_F32};

        (void)snprintf(t.name, sizeof t.name, "blk.%zu.exp_probs_b.bias", l);
        if (n->block[l].is_moe)
            st = each(ctx, &t);
    }
    return st;
}

tiefsee_status ts_file_tensors(const ts_network *n, ts_file_types types, ts_file_tensor_fn *each,
                               void *ctx)
{
    char mtp[24];
    tiefsee_status st = TIEFSEE_OK;

    const int n_mtp = snprintf(mtp, sizeof mtp, "blk.%u.", n->config.n_layers);
    for (size_t i = 0; i < n->n_params && st == TIEFSEE_OK; i++) {
        const ts_param *p = &n->param[i];
        ts_file_tensor t = {.from = n->value + p->offset,
                            .n_in = p->n_in,
                            .n_out = p->n_out,
                            .n_mats = p->n_mats,
                            .mat_stride = p->n_in * p->n_out,
                            .row_stride = p->n_in,
                            .step = 1,
                            .type = type_of(types, p)};

        if (strncmp(p->name, mtp, (size_t)n_mtp) == 0)
            continue;
        (void)snprintf(t.name, sizeof t.name, "%s", p->name);
        st = strstr(p->name, "attn_kv_b") ? keys_and_values(n, types, p, each, ctx) : each(ctx, &t);
    }
    return st == TIEFSEE_OK ? biases(n, each, ctx) : st;
}

/* Keys are transposed, rows of d_nope. */
size_t ts_file_tensors_widest(const ts_network *n)
{
    size_t w = n->config.d_nope;

    for (size_t i = 0; i < n->n_params; i++)
        w = n->param[i].n_in > w ? n->param[i].n_in : w;
    return w > n->config.n_experts ? w : n->config.n_experts;
}
