/* bind.c - see bind.h. */
#include "models/bind.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernels/kernels.h"

enum { MAX_NAME = 160 };

tiefsee_status ts_bind_fail(ts_binder *b, tiefsee_status status, const char *fmt, ...)
{
    char text[256];
    va_list args;

    if (b->status != TIEFSEE_OK)
        return b->status;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    b->status = ts_fail(b->err, status, "%s", text);
    return b->status;
}

void *ts_bind_alloc(ts_binder *b, size_t n, size_t size)
{
    void *p = b->status == TIEFSEE_OK ? ts_arena_alloc_zero(b->arena, n, size) : NULL;

    if (!p && b->status == TIEFSEE_OK)
        b->status = ts_fail_nomem(b->err, (uint64_t)n * size, "weights' tables");
    return p;
}

/* Fill in the layer (and the expert).  The formats are constants of ours. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void spell(char *out, const char *format, size_t layer, size_t expert)
{
    const int n = snprintf(out, MAX_NAME, format, layer, expert);
    assert(n > 0 && n < MAX_NAME);
}
#pragma GCC diagnostic pop

static const ts_tensor *find(const ts_binder *b, ts_names names, char *spelled)
{
    const bool is_hf = ts_modelfile_container(b->file) == TS_CONTAINER_HF;
    const char *format = is_hf ? names.hf : names.gguf;

    spelled[0] = '\0';
    if (!format)
        return NULL;
    spell(spelled, format, b->layer, 0);
    return ts_modelfile_find(b->file, spelled);
}

bool ts_bind_has(const ts_binder *b, ts_names names)
{
    char name[MAX_NAME];
    return find(b, names, name) != NULL;
}

/* Is t a weight that we can compute with, of exactly this shape? */
static bool check(ts_binder *b, const char *name, const ts_tensor *t, const size_t ne[3])
{
    const ts_dtype_info info = ts_dtype_of(t->type);

    if (!info.can_compute) {
        (void)ts_bind_fail(b, TIEFSEE_E_UNSUPPORTED,
                           "tensor '%s': weights of type %s are not "
                           "supported",
                           name, info.name ? info.name : "?");
        return false;
    }
    if (t->ne[0] != ne[0] || t->ne[1] != ne[1] || t->ne[2] != ne[2] || t->ne[3] != 1) {
        (void)ts_bind_fail(b, TIEFSEE_E_FORMAT,
                           "tensor '%s': shape %llu x %llu x %llu, the model needs %zu x %zu x %zu",
                           name, (unsigned long long)t->ne[0], (unsigned long long)t->ne[1],
                           (unsigned long long)t->ne[2], ne[0], ne[1], ne[2]);
        return false;
    }
    if (t->type == TS_F32 && (uintptr_t)t->data % _Alignof(float) != 0) {
        (void)ts_bind_fail(b, TIEFSEE_E_FORMAT, "tensor '%s': data is not aligned", name);
        return false;
    }
    return true;
}

static const ts_tensor *bind(ts_binder *b, ts_names names, const size_t ne[3], bool is_optional)
{
    char name[MAX_NAME];

    if (b->status != TIEFSEE_OK)
        return NULL;
    const ts_tensor *t = find(b, names, name);
    if (!t) {
        if (!is_optional)
            (void)ts_bind_fail(b, TIEFSEE_E_FORMAT, "tensor '%s' is missing", name);
        return NULL;
    }
    if (!check(b, name, t, ne))
        return NULL;
    b->max_width = ne[0] > b->max_width ? ne[0] : b->max_width;
    return t;
}

static const float *vector(ts_binder *b, ts_names names, size_t n, bool is_optional)
{
    const size_t ne[3] = {n, 1, 1};
    const ts_tensor *t = bind(b, names, ne, is_optional);

    if (!t)
        return NULL;
    if (t->type == TS_F32)
        return t->data;
    float *copy = ts_bind_alloc(b, n, sizeof *copy);
    if (!copy)
        return NULL;
    if (t->type == TS_F16) {
        ts_widen_f16_ref(copy, t->data, n);
    } else if (t->type == TS_BF16) {
        ts_widen_bf16_ref(copy, t->data, n);
    } else {
        (void)ts_bind_fail(b, TIEFSEE_E_UNSUPPORTED, "tensor '%s': a vector of type %s",
                           names.gguf ? names.gguf : names.hf, ts_dtype_of(t->type).name);
        return NULL;
    }
    return copy;
}

const float *ts_bind_vector(ts_binder *b, ts_names names, size_t n)
{
    return vector(b, names, n, false);
}

const float *ts_bind_optional_vector(ts_binder *b, ts_names names, size_t n)
{
    return vector(b, names, n, true);
}

const ts_tensor *ts_bind_matrix(ts_binder *b, ts_names names, size_t n_in, size_t n_out)
{
    const size_t ne[3] = {n_in, n_out, 1};
    return bind(b, names, ne, false);
}

const ts_tensor *ts_bind_optional_matrix(ts_binder *b, ts_names names, size_t n_in, size_t n_out)
{
    const size_t ne[3] = {n_in, n_out, 1};
    return bind(b, names, ne, true);
}

const ts_tensor *ts_bind_stack(ts_binder *b, ts_names names, size_t n_in, size_t n_out,
                               size_t n_mats)
{
    const size_t three[3] = {n_in, n_out, n_mats}, two[3] = {n_in, n_out * n_mats, 1};
    char name[MAX_NAME];
    const ts_tensor *t = b->status == TIEFSEE_OK ? find(b, names, name) : NULL;

    /* Some converters write the stack as a plain matrix. */
    return bind(b, names, t && t->n_dims == 2 ? two : three, false);
}

static const ts_tensor *split_stack(ts_binder *b, const char *name, const ts_tensor *t, size_t n_in,
                                    size_t rows, size_t first_row, size_t n_out, size_t n_experts)
{
    const size_t ne[3] = {n_in, rows, n_experts};

    if (!check(b, name, t, ne))
        return NULL;
    ts_tensor *W = ts_bind_alloc(b, n_experts, sizeof *W);
    for (size_t e = 0; W && e < n_experts; e++) {
        const ts_tensor whole = ts_tensor_slice(t, e);
        W[e] = ts_tensor_row_range(&whole, first_row, n_out);
    }
    return W;
}

static const ts_tensor *collect(ts_binder *b, const char *format, size_t n_in, size_t n_out,
                                size_t n_experts)
{
    const size_t ne[3] = {n_in, n_out, 1};
    ts_tensor *W = ts_bind_alloc(b, n_experts, sizeof *W);
    char name[MAX_NAME];

    for (size_t e = 0; W && e < n_experts; e++) {
        spell(name, format, b->layer, e);
        const ts_tensor *t = ts_modelfile_find(b->file, name);
        if (!t) {
            (void)ts_bind_fail(b, TIEFSEE_E_FORMAT, "tensor '%s' is missing", name);
            return NULL;
        }
        if (!check(b, name, t, ne))
            return NULL;
        if (e > 0 && t->type != W[0].type) {
            (void)ts_bind_fail(b, TIEFSEE_E_UNSUPPORTED, "tensor '%s': type %s, expert 0 has %s",
                               name, ts_dtype_of(t->type).name, ts_dtype_of(W[0].type).name);
            return NULL;
        }
        W[e] = *t;
    }
    return W;
}

const ts_tensor *ts_bind_experts(ts_binder *b, ts_expert_names names, size_t n_in, size_t n_out,
                                 size_t n_experts)
{
    char name[MAX_NAME];

    if (b->status != TIEFSEE_OK)
        return NULL;
    b->max_width = n_in > b->max_width ? n_in : b->max_width;
    if (ts_modelfile_container(b->file) == TS_CONTAINER_GGUF) {
        spell(name, names.gguf, b->layer, 0);
        const ts_tensor *t = ts_modelfile_find(b->file, name);
        if (!t) {
            (void)ts_bind_fail(b, TIEFSEE_E_FORMAT, "tensor '%s' is missing", name);
            return NULL;
        }
        return split_stack(b, name, t, n_in, n_out, 0, n_out, n_experts);
    }
    spell(name, names.fused, b->layer, 0);
    const ts_tensor *fused = ts_modelfile_find(b->file, name);
    if (fused && !fused->scale)
        return split_stack(b, name, fused, n_in, names.fused_rows, names.first_row, n_out,
                           n_experts);
    return collect(b, names.hf, n_in, n_out, n_experts);
}
