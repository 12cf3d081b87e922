/* source.c - see source.h. */
#include "engine/convert/source.h"

#include <stdio.h>
#include <string.h>

#include "formats/config_check.h"
#include "models/quantize_row.h"
#include "models/rope.h"

/* ---- rows */

ts_dtype ts_source_type(const ts_source *s)
{
    return s->kind == TS_SOURCE_FLOATS ? TS_F32 : s->from[0]->type;
}

/* Elements [0, ne0) of row r of one tensor, with the scales of FP8. */
static void widen(const ts_tensor *t, uint64_t r, float *out)
{
    const uint8_t *row = (const uint8_t *)t->data + r * t->row_bytes;
    const size_t n = (size_t)t->ne[0];

    (void)ts_widen_row(t->type, out, row, n);
    if (!t->scale)
        return;
    const float *scale = t->scale + r / 128 * ((n + 127) / 128);
    for (size_t i = 0; i < n; i++)
        out[i] *= scale[i / 128];
}

/* The same with what an adapter adds: row r of B times A. */
static void widen_adapted(const ts_source *s, uint64_t r, float *out)
{
    widen(s->from[0], r, out);
    if (!s->low)
        return;
    const size_t n = (size_t)s->low->A->ne[0], rank = (size_t)s->low->A->ne[1];
    const float *A = s->low->A->data, *B = (const float *)s->low->B->data + r * rank;
    for (size_t k = 0; k < rank; k++)
        for (size_t i = 0; i < n; i++)
            out[i] += B[k] * A[k * n + i];
}

/* Element k of row r, of a type without blocks. */
static float element(const ts_tensor *t, uint64_t r, uint64_t k)
{
    const uint8_t *row = (const uint8_t *)t->data + r * t->row_bytes;
    float v;

    (void)ts_widen_row(t->type, &v, row + k * ts_dtype_of(t->type).block_bytes, 1);
    return t->scale ? v * t->scale[r / 128 * ((t->ne[0] + 127) / 128) + k / 128] : v;
}

static void key_row(const ts_source *s, uint64_t r, float *out)
{
    const uint64_t R = s->ne[1], head = r / R, k = r % R;
    const uint64_t first = head * (s->d_nope + s->d_value);

    for (uint64_t i = 0; i < s->d_nope; i++)
        out[i] = element(s->from[0], first + i, k);
}

void ts_source_row(const ts_source *s, uint64_t r, float *out)
{
    const uint64_t d = s->d_head;

    switch (s->kind) {
    case TS_SOURCE_PLAIN:
        if (s->n_from > 1)
            widen(s->from[r / s->rows_per_mat], r % s->rows_per_mat, out);
        else
            widen_adapted(s, r, out);
        break;
    case TS_SOURCE_KEYS: key_row(s, r, out); break;
    case TS_SOURCE_VALUES:
        widen(s->from[0], r / s->d_value * (s->d_nope + s->d_value) + s->d_nope + r % s->d_value,
              out);
        break;
    case TS_SOURCE_PAIRS: widen_adapted(s, r / d * d + r % d / 2 + r % 2 * (d / 2), out); break;
    case TS_SOURCE_HALVES:
        r = r / s->ne[1] * 2 * s->ne[1] + r % s->ne[1] + (s->is_second ? s->ne[1] : 0);
        widen(s->from[0], r, out);
        break;
    case TS_SOURCE_FLOATS: memcpy(out, s->floats, (size_t)s->ne[0] * sizeof *out); break;
    }
}

/* ---- the list */

typedef struct list {
    const ts_modelfile *file;
    const ts_config *config;
    ts_arena *arena;
    ts_source *at;
    size_t n;
    tiefsee_error *err;
} list;

static ts_source *add(list *l, const char *name, const ts_tensor *t, uint64_t n_from)
{
    ts_source *s = &l->at[l->n++];

    *s = (ts_source){.n_dims = t->n_dims, .rows_per_mat = ts_tensor_rows(t), .n_from = n_from};
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    memcpy(s->ne, t->ne, sizeof s->ne);
    s->from = ts_arena_alloc_zero(l->arena, (size_t)n_from, sizeof *s->from);
    if (s->from)
        s->from[0] = t;
    return s->from ? s : NULL;
}

static tiefsee_status no_memory(const list *l)
{
    return ts_fail_nomem(l->err, 64, "the list of tensors");
}

static tiefsee_status list_gguf(list *l)
{
    for (size_t i = 0; i < ts_modelfile_count(l->file); i++) {
        const ts_named_tensor *t = ts_modelfile_tensor(l->file, i);
        char name[TS_GGUF_NAME];
        if (t->name.len >= sizeof name)
            return ts_fail(l->err, TIEFSEE_E_UNSUPPORTED, "tensor '%.*s': the name is too long",
                           TS_STR_ARG(t->name));
        (void)snprintf(name, sizeof name, "%.*s", (int)t->name.len, t->name.ptr);
        if (!add(l, name, &t->tensor, 1))
            return no_memory(l);
    }
    return TIEFSEE_OK;
}

/* Two tensors of one: keys by latent, and values. */
static tiefsee_status add_split(list *l, int layer, const ts_tensor *t)
{
    const ts_config *c = l->config;
    const uint64_t shapes[2][3] = {{c->d_nope, c->kv_lora_rank, c->n_heads},
                                   {c->kv_lora_rank, c->d_value, c->n_heads}};
    char name[TS_GGUF_NAME];

    if (t->n_dims != 2 || ts_dtype_of(t->type).block != 1 || t->ne[0] != c->kv_lora_rank ||
        t->ne[1] != (uint64_t)c->n_heads * (c->d_nope + c->d_value))
        return ts_fail(l->err, TIEFSEE_E_FORMAT, "layer %d: kv_b_proj has %llu x %llu weights",
                       layer, (unsigned long long)t->ne[1], (unsigned long long)t->ne[0]);
    for (int k = 0; k < 2; k++) {
        (void)snprintf(name, sizeof name, "blk.%d.attn_%c_b.weight", layer, k ? 'v' : 'k');
        ts_source *s = add(l, name, t, 1);
        if (!s)
            return no_memory(l);
        s->kind = k ? TS_SOURCE_VALUES : TS_SOURCE_KEYS;
        s->n_dims = 3;
        memcpy(s->ne, shapes[k], sizeof shapes[k]);
        s->d_nope = c->d_nope;
        s->d_value = c->d_value;
    }
    return TIEFSEE_OK;
}

static ts_source *find_stack(list *l, const char *name)
{
    for (size_t i = l->n; i > 0; i--)
        if (strcmp(l->at[i - 1].name, name) == 0)
            return &l->at[i - 1];
    return NULL;
}

/* Experts come in any order. */
static const ts_tensor *first_of(const ts_source *s)
{
    uint64_t e = 0;

    while (!s->from[e])
        e++;
    return s->from[e];
}

static tiefsee_status add_expert(list *l, const char *name, int expert, const ts_tensor *t)
{
    const uint32_t n = l->config->n_experts;
    ts_source *s = find_stack(l, name);

    if ((uint32_t)expert >= n)
        return ts_fail(l->err, TIEFSEE_E_FORMAT, "%s: expert %d of %u", name, expert, n);
    if (!s && !(s = add(l, name, t, n)))
        return no_memory(l);
    if (s->n_from != n || s->kind != TS_SOURCE_PLAIN)
        return ts_fail(l->err, TIEFSEE_E_FORMAT, "%s: expert %d beside all of them in one", name,
                       expert);
    s->n_dims = 3;
    s->ne[2] = n;
    if (t->n_dims != 2 || t->ne[0] != s->ne[0] || t->ne[1] != s->ne[1])
        return ts_fail(l->err, TIEFSEE_E_FORMAT, "%s: expert %d has another shape", name, expert);
    if (t->type != first_of(s)->type)
        return ts_fail(l->err, TIEFSEE_E_UNSUPPORTED, "%s: expert %d has another type", name,
                       expert);
    if (s->from[0] == t && expert != 0)
        s->from[0] = NULL;
    s->from[expert] = t;
    return TIEFSEE_OK;
}

/* Gate above up in each matrix of a stack. */
static tiefsee_status add_gate_and_up(list *l, int layer, const ts_tensor *t)
{
    char name[TS_GGUF_NAME];

    if (t->n_dims != 3 || t->ne[1] % 2 != 0 || t->ne[2] != l->config->n_experts)
        return ts_fail(l->err, TIEFSEE_E_FORMAT, "layer %d: gate_up_proj has another shape", layer);
    for (int k = 0; k < 2; k++) {
        (void)snprintf(name, sizeof name, "blk.%d." TS_GGUF_GATE_UP, layer, k ? "up" : "gate");
        ts_source *s = add(l, name, t, 1);
        if (!s)
            return no_memory(l);
        s->kind = TS_SOURCE_HALVES;
        s->is_second = k;
        s->ne[1] /= 2;
    }
    return TIEFSEE_OK;
}

/* Old checkpoints list what follows from the config. */
static bool is_frequencies(ts_str name)
{
    const ts_str end = TS_STR("rotary_emb.inv_freq");

    return name.len >= end.len && ts_str_eq((ts_str){name.ptr + name.len - end.len, end.len}, end);
}

static tiefsee_status add_hf(list *l, const ts_named_tensor *t)
{
    char name[TS_GGUF_NAME];
    int layer, expert;

    if (is_frequencies(t->name))
        return TIEFSEE_OK;
    const bool is_known = ts_gguf_name_of(t->name, name, &layer, &expert);
    if (layer >= (int)l->config->n_layers)
        return TIEFSEE_OK; /* predicts further ahead; nothing here uses it */
    if (!is_known)
        return ts_fail(l->err, TIEFSEE_E_UNSUPPORTED, "tensor '%.*s' has no name in a GGUF file",
                       TS_STR_ARG(t->name));
    if (l->config->has_tied_head && strcmp(name, "output.weight") == 0)
        return TIEFSEE_OK;
    if (expert != TS_NO_EXPERT)
        return add_expert(l, name, expert, &t->tensor);
    if (strstr(name, TS_GGUF_GATE_UP))
        return add_gate_and_up(l, layer, &t->tensor);
    if (strstr(name, "attn_kv_b"))
        return add_split(l, layer, &t->tensor);
    ts_source *s = add(l, name, &t->tensor, 1);
    if (!s)
        return no_memory(l);
    if (l->config->arch == TS_ARCH_LLAMA &&
        (strstr(name, "attn_q.weight") || strstr(name, "attn_k.weight"))) {
        s->kind = TS_SOURCE_PAIRS;
        s->d_head = l->config->d_head;
        if (s->d_head == 0 || s->d_head % 2 != 0 || s->ne[1] % s->d_head != 0)
            return ts_fail(l->err, TIEFSEE_E_FORMAT, "%s: %llu rows in heads of %u", name,
                           (unsigned long long)s->ne[1], s->d_head);
    }
    return TIEFSEE_OK;
}

/* Llama 3 stretches its rotation by a rule; a GGUF file lists what it gives. */
static tiefsee_status add_divisors(list *l)
{
    const uint32_t n = l->config->rope.n_dims / 2;
    ts_rope_config plain = l->config->rope;
    float *f = ts_arena_alloc_zero(l->arena, (size_t)n * 2, sizeof *f);

    if (!f)
        return no_memory(l);
    ts_rope_frequencies(f + n, &l->config->rope, NULL);
    plain.kind = TS_ROPE_PLAIN;
    ts_rope_frequencies(f, &plain, NULL);
    for (uint32_t i = 0; i < n; i++)
        f[i] /= f[n + i];
    ts_source *s = &l->at[l->n++];
    *s = (ts_source){.name = "rope_freqs.weight",
                     .kind = TS_SOURCE_FLOATS,
                     .n_dims = 1,
                     .ne = {n, 1, 1, 1},
                     .floats = f};
    return TIEFSEE_OK;
}

static tiefsee_status list_hf(list *l)
{
    tiefsee_status st = TIEFSEE_OK;

    if (ts_arch_is_mla(l->config->arch) && !l->config->rope.is_interleaved)
        return ts_fail(l->err, TIEFSEE_E_UNSUPPORTED,
                       "rope_interleave = false has no spelling in a GGUF file");
    for (size_t i = 0; st == TIEFSEE_OK && i < ts_modelfile_count(l->file); i++) {
        const ts_named_tensor *t = ts_modelfile_tensor(l->file, i);
        if (!ts_dtype_of(t->tensor.type).can_compute)
            st = ts_fail(l->err, TIEFSEE_E_UNSUPPORTED, "tensor '%.*s': type %s",
                         TS_STR_ARG(t->name), ts_dtype_of(t->tensor.type).name);
        else
            st = add_hf(l, t);
    }
    for (size_t i = 0; st == TIEFSEE_OK && i < l->n; i++)
        for (uint64_t e = 0; e < l->at[i].n_from; e++)
            if (!l->at[i].from[e])
                return ts_fail(l->err, TIEFSEE_E_FORMAT, "%s: expert %llu is missing",
                               l->at[i].name, (unsigned long long)e);
    if (st == TIEFSEE_OK && l->config->rope.kind == TS_ROPE_LLAMA3)
        st = add_divisors(l);
    return st;
}

tiefsee_status ts_sources_of(ts_source **out, size_t *n, const ts_modelfile *file, ts_arena *arena,
                             tiefsee_error *err)
{
    /* A tensor can become two; and one of ours. */
    const size_t room = 2 * ts_modelfile_count(file) + 1;
    list l = {.file = file, .config = ts_modelfile_config(file), .arena = arena, .err = err};

    l.at = ts_arena_alloc_zero(arena, room, sizeof *l.at);
    if (!l.at)
        return no_memory(&l);
    const tiefsee_status st =
        ts_modelfile_container(file) == TS_CONTAINER_GGUF ? list_gguf(&l) : list_hf(&l);
    *out = l.at;
    *n = l.n;
    return st;
}

void ts_sources_adapt(ts_source *s, size_t n, const ts_net *net)
{
    const ts_dense_layer *w = ts_net_dense_layers(net);

    for (size_t l = 0; w && l < net->config.n_layers; l++)
        for (int t = 0; t < TS_N_TARGETS; t++)
            for (size_t i = 0; i < n; i++)
                if (w[l].adapter[t].A && s[i].n_from == 1 &&
                    s[i].from[0] == ts_dense_matrix(&w[l], (ts_target)t))
                    s[i].low = &w[l].adapter[t];
}
