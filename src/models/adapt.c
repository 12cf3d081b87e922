/* adapt.c - low-rank adapters beside the matrices of a dense model; see dense.h.
 *
 * The base keeps its types: B (A x) is a product of its own, in float.  Merging it into
 * a quantised matrix would round it away, as its entries are far below a step of that.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/cpu.h"
#include "core/hash.h"
#include "models/dense.h"
#include "models/quantize_row.h"

ts_dense_layer *ts_net_dense_layers(const ts_net *net)
{
    return net->class == &ts_net_dense ? net->layers : NULL;
}

const ts_tensor *ts_dense_matrix(const ts_dense_layer *w, ts_target target)
{
    const ts_tensor *const by_target[TS_N_TARGETS] = {w->W_Q,      w->W_K,    w->W_V,     w->W_O,
                                                      w->mlp.gate, w->mlp.up, w->mlp.down};

    return by_target[target];
}

size_t ts_dense_row(const ts_config *m, ts_target target, size_t i)
{
    if (!m->rope.is_interleaved || (target != TS_TARGET_Q && target != TS_TARGET_K))
        return i;
    const size_t half = m->d_head / 2, head = i / m->d_head * m->d_head, at = i % m->d_head;

    return head + (at < half ? 2 * at : 2 * (at - half) + 1);
}

static uint64_t hash_floats(uint64_t h, const float *x, size_t n)
{
    return x ? ts_hash_more(h, x, n * sizeof *x) : h;
}

void ts_net_base(const ts_net *net, char out[TS_ADAPTER_BASE_LEN + 1])
{
    const ts_config *m = &net->config;
    const ts_dense_layer *w = ts_net_dense_layers(net);
    const uint32_t shape[] = {m->n_layers, m->d_model,    m->n_vocab, m->d_ff,
                              m->n_heads,  m->n_kv_heads, m->d_head};
    uint64_t h = ts_hash(shape, sizeof shape);

    h = hash_floats(h, net->final_norm, m->d_model);
    for (size_t l = 0; w && l < m->n_layers; l++) {
        h = hash_floats(h, w[l].attn_norm, m->d_model);
        h = hash_floats(h, w[l].ffn_norm, m->d_model);
    }
    (void)snprintf(out, TS_ADAPTER_BASE_LEN + 1, "%016llx", (unsigned long long)h);
}

/* Where the copies are made. */
typedef struct adapting {
    ts_net *net;
    const ts_adapter *from;
    size_t layer;
    ts_target target;
    tiefsee_error *err;
} adapting;

static tiefsee_status fail_at(const adapting *x, const char *what)
{
    return ts_fail(x->err, TIEFSEE_E_FORMAT, "adapter: layer %zu, %s: %s", x->layer,
                   ts_target_names[x->target], what);
}

/* A row as floats; false: some are no numbers. */
static bool widen(float *to, const ts_tensor *from, size_t row)
{
    const size_t n = (size_t)from->ne[0];

    if (!ts_widen_row(from->type, to, (const uint8_t *)from->data + row * from->row_bytes, n))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(to[i]))
            return false;
    return true;
}

static tiefsee_status copy(const adapting *x, const ts_tensor **out, const ts_tensor *from,
                           bool is_B)
{
    const size_t n_in = (size_t)from->ne[0], n_rows = (size_t)from->ne[1];
    ts_arena *arena = x->net->adapters;
    float *to = ts_arena_alloc_zero(arena, n_in * n_rows, sizeof *to);
    ts_tensor *t = ts_arena_alloc_zero(arena, 1, sizeof *t);

    if (!to || !t)
        return ts_fail_nomem(x->err, n_in * n_rows * sizeof *to, "an adapter");
    for (size_t i = 0; i < n_rows; i++) {
        const size_t row = is_B ? ts_dense_row(&x->net->config, x->target, i) : i;

        if (!widen(to + row * n_in, from, i))
            return fail_at(x, "a weight is not a finite number");
        for (size_t k = 0; is_B && k < n_in; k++)
            to[row * n_in + k] *= x->from->scale;
    }
    *t = (ts_tensor){.data = to,
                     .ne = {n_in, n_rows, 1, 1},
                     .row_bytes = n_in * sizeof *to,
                     .bytes = n_in * n_rows * sizeof *to,
                     .n_dims = 2,
                     .type = TS_F32};
    *out = t;
    return TIEFSEE_OK;
}

static tiefsee_status adapt(const adapting *x, ts_dense_layer *w, const ts_adapter_pair *p)
{
    const ts_tensor *W = ts_dense_matrix(w, x->target);
    ts_low_rank *low = &w->adapter[x->target];
    char what[128];

    if (p->A.ne[0] != W->ne[0] || p->B.ne[1] != ts_tensor_rows(W)) {
        (void)snprintf(what, sizeof what, "made for %llu x %llu weights, the model has %llu x %llu",
                       (unsigned long long)p->A.ne[0], (unsigned long long)p->B.ne[1],
                       (unsigned long long)W->ne[0], (unsigned long long)ts_tensor_rows(W));
        return fail_at(x, what);
    }
    const tiefsee_status st = copy(x, &low->A, &p->A, false);
    return st == TIEFSEE_OK ? copy(x, &low->B, &p->B, true) : st;
}

static tiefsee_status check_memory(ts_net *net, const ts_adapter *a, tiefsee_error *err)
{
    const uint64_t have = ts_cpu_available_memory();
    uint64_t need = 0;

    for (size_t i = 0; i < a->n_layers * TS_N_TARGETS; i++)
        if (a->pair[i].A.data)
            need += (a->pair[i].A.ne[0] + a->pair[i].B.ne[1]) * a->rank * sizeof(float);
    net->adapter_bytes = need;
    return !have || need <= have
               ? TIEFSEE_OK
               : ts_fail(err, TIEFSEE_E_NOMEM,
                         "not enough memory: the adapter needs %llu MB, %llu MB are available",
                         (unsigned long long)(need >> 20), (unsigned long long)(have >> 20));
}

static tiefsee_status check_base(const ts_net *net, const ts_adapter *a, tiefsee_error *err)
{
    char base[TS_ADAPTER_BASE_LEN + 1];

    if (!ts_net_dense_layers(net))
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "adapter: only Qwen2, Qwen3 and Llama models take adapters");
    if (a->n_layers > net->config.n_layers)
        return ts_fail(err, TIEFSEE_E_FORMAT, "adapter: made for %zu layers, the model has %u",
                       a->n_layers, net->config.n_layers);
    ts_net_base(net, base);
    return !*a->base || strcmp(a->base, base) == 0
               ? TIEFSEE_OK
               : ts_fail(err, TIEFSEE_E_FORMAT,
                         "adapter: made for another base model (%.16s, this one is %s)", a->base,
                         base);
}

tiefsee_status ts_net_adapt(ts_net *net, const ts_adapter *a, tiefsee_error *err)
{
    tiefsee_status st = check_base(net, a, err);

    if (st == TIEFSEE_OK)
        st = check_memory(net, a, err);
    if (st != TIEFSEE_OK)
        return st;
    net->adapters = ts_arena_new(SIZE_MAX / 4); /* bounded by the model's shapes and the rank */
    if (!net->adapters)
        return ts_fail_nomem(err, a->bytes.len, "an adapter");
    for (size_t i = 0; st == TIEFSEE_OK && i < a->n_layers * TS_N_TARGETS; i++) {
        const adapting x = {net, a, i / TS_N_TARGETS, (ts_target)(i % TS_N_TARGETS), err};
        if (a->pair[i].A.data)
            st = adapt(&x, ts_net_dense_layers(net) + x.layer, &a->pair[i]);
    }
    net->max_width = a->rank > net->max_width ? a->rank : net->max_width;
    return st;
}
