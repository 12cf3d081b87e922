/* checkops.c - see checkops.h. */
#include "backends/check/checkops.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backends/ref/ref.h"
#include "backends/span.h"
#include "core/arena.h"
#include "core/rng.h"

enum { MAX_TOKENS = 180, MAX_WIDTH = 768, MAX_EXPERTS = 12, MAX_ACTIVE = 4, MAX_CONTEXT = 1100 };

ts_backend_limits ts_checkops_limits(void)
{
    return (ts_backend_limits){
        .max_tokens = MAX_TOKENS, .max_pairs = MAX_TOKENS * MAX_ACTIVE, .max_width = MAX_WIDTH};
}

typedef struct judge {
    ts_backend *ref, *dut; /* the device under test */
    ts_arena *arena;       /* operands of one case */
    ts_rng rng;
    char message[256];
    char where[160];
    size_t n_cases;
} judge;

/* Operands are small: running out means the program is broken or the machine. */
static void *take(judge *j, size_t bytes)
{
    void *p = ts_arena_alloc(j->arena, bytes);

    assert(p);
    memset(p, 0x5a, bytes); /* a finite pattern: what is not written must not differ */
    return p;
}

static float *floats(judge *j, size_t n)
{
    float *p = take(j, n * sizeof *p);

    for (size_t i = 0; i < n; i++)
        p[i] = (float)(ts_rng_unit(&j->rng) * 4 - 2);
    return p;
}

static size_t below(judge *j, size_t n)
{
    return (size_t)ts_rng_below(&j->rng, n);
}

/* A random matrix of a weight type.  Block types: any bytes, with the half-float
 * scales (where a block type has them) made small and finite. */
static ts_tensor *matrix(judge *j, ts_dtype type, size_t n_in, size_t n_out)
{
    /* Byte offsets of f16 scales in a block; -1: none. */
    static const struct {
        ts_dtype type;
        int at[2];
    } halves[] = {
        {TS_Q4_0, {0, -1}}, {TS_Q4_1, {0, 2}},    {TS_Q5_0, {0, -1}},   {TS_Q5_1, {0, 2}},
        {TS_Q8_0, {0, -1}}, {TS_IQ4_NL, {0, -1}}, {TS_Q2_K, {80, 82}},  {TS_Q3_K, {108, -1}},
        {TS_Q4_K, {0, 2}},  {TS_Q5_K, {0, 2}},    {TS_Q6_K, {208, -1}}, {TS_IQ4_XS, {0, -1}},
    };
    ts_tensor *t = take(j, sizeof *t);
    const ts_dtype_info info = ts_dtype_of(type);

    *t = (ts_tensor){.ne = {n_in, n_out, 1, 1}, .n_dims = 2, .type = type};
    const bool ok = ts_dtype_row_bytes(type, n_in, &t->row_bytes);
    assert(ok);
    (void)ok;
    t->bytes = t->row_bytes * n_out;
    uint8_t *p = take(j, (size_t)t->bytes);
    t->data = p;
    for (size_t i = 0; i < t->bytes; i++)
        p[i] = (uint8_t)ts_rng_u64(&j->rng);
    if (type == TS_F32) {
        t->data = floats(j, n_in * n_out);
        return t;
    }
    for (size_t i = 0; i + 1 < t->bytes && (type == TS_F16 || type == TS_BF16); i += 2)
        p[i + 1] = (uint8_t)((p[i + 1] & 0x80) | (type == TS_F16 ? 0x34 : 0x3e));
    for (size_t i = 0; i < t->bytes && type == TS_F8_E4M3; i++)
        p[i] = (p[i] & 0x7f) == 0x7f ? 0 : p[i];
    for (size_t i = 0; i < t->bytes && type == TS_MXFP4; i += info.block_bytes)
        p[i] = (uint8_t)(120 + p[i] % 8);
    for (size_t k = 0; k < TS_COUNT(halves); k++)
        for (int h = 0; h < 2 && halves[k].type == type; h++)
            for (size_t i = 0; i < t->bytes && halves[k].at[h] >= 0; i += info.block_bytes)
                p[i + (size_t)halves[k].at[h] + 1] = (uint8_t)(0x18 + p[i] % 8);
    if (type == TS_F8_E4M3)
        t->scale = floats(j, ((n_in + 127) / 128) * ((n_out + 127) / 128));
    return t;
}

static void case_is(judge *j, const char *fmt, ...) TS_PRINTF(2, 3);

static void case_is(judge *j, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(j->where, sizeof j->where, fmt, args);
    va_end(args);
    j->n_cases++;
}

static void same(judge *j, const void *want, const void *got, size_t n_floats)
{
    const float *w = want, *g = got;

    for (size_t i = 0; i < n_floats && !j->message[0]; i++) {
        if (memcmp(&w[i], &g[i], sizeof *w) == 0 || (isnan(w[i]) && isnan(g[i])))
            continue;
        (void)snprintf(j->message, sizeof j->message, "%s: element %zu is %a, the reference has %a",
                       j->where, i, (double)g[i], (double)w[i]);
    }
}

static const ts_dtype weight_types[] = {
    TS_F32,  TS_F16,  TS_BF16, TS_F8_E4M3, TS_Q4_0, TS_Q4_1,   TS_Q5_0,   TS_Q5_1,  TS_Q8_0,
    TS_Q2_K, TS_Q3_K, TS_Q4_K, TS_Q5_K,    TS_Q6_K, TS_IQ4_NL, TS_IQ4_XS, TS_MXFP4,
};

static const size_t token_counts[] = {1, 2, 3, 5, 8, 17, 33};

static size_t width_for(judge *j, ts_dtype type)
{
    const uint32_t block = ts_dtype_of(type).block;

    if (block == 256)
        return 256 * (1 + below(j, 3));
    return block == 32 ? 32 * (1 + below(j, 11)) : 1 + below(j, 300);
}

static void check_cast(judge *j)
{
    for (size_t k = 0; k < TS_COUNT(weight_types); k++) {
        const size_t n = width_for(j, weight_types[k]), n_rows = 1 + below(j, 150);
        const ts_tensor *W = matrix(j, weight_types[k], n, n_rows);
        const size_t first = below(j, n_rows), m = n_rows - first;
        float *want = take(j, m * n * sizeof *want), *got = take(j, m * n * sizeof *got);

        case_is(j, "%s %zu x %zu from row %zu", ts_dtype_of(W->type).name, n, n_rows, first);
        j->ref->op->cast(j->ref, want, W, first, m);
        j->dut->op->cast(j->dut, got, W, first, m);
        same(j, want, got, m * n);
    }
}

static void check_gather_rows(judge *j)
{
    for (size_t k = 0; k < TS_COUNT(weight_types); k++) {
        const size_t n = width_for(j, weight_types[k]), n_rows = 1 + below(j, 150), T = 9;
        const ts_tensor *W = matrix(j, weight_types[k], n, n_rows);
        float *want = take(j, T * n * sizeof *want), *got = take(j, T * n * sizeof *got);
        int32_t id[9];

        for (size_t t = 0; t < T; t++)
            id[t] = (int32_t)below(j, n_rows);
        id[3] = -1;
        id[4] = (int32_t)n_rows;
        case_is(j, "%s %zu x %zu", ts_dtype_of(W->type).name, n, n_rows);
        j->ref->op->gather_rows(j->ref, want, W, id, T);
        j->dut->op->gather_rows(j->dut, got, W, id, T);
        same(j, want, got, T * n);
    }
}

static void check_linear(judge *j)
{
    for (size_t k = 0; k < TS_COUNT(weight_types); k++)
        for (size_t i = 0; i < TS_COUNT(token_counts); i++) {
            const size_t n = width_for(j, weight_types[k]), T = token_counts[i];
            const size_t n_out = 1 + below(j, 70), stride = n + below(j, 2) * 16;
            const ts_tensor *W = matrix(j, weight_types[k], n, n_out);
            const float *x = floats(j, T * stride), *bias = below(j, 2) ? floats(j, n_out) : NULL;
            float *want = take(j, T * n_out * 4), *got = take(j, T * n_out * 4);

            case_is(j, "%s %zu x %zu, %zu tokens%s", ts_dtype_of(W->type).name, n, n_out, T,
                    bias ? ", bias" : "");
            j->ref->op->linear(j->ref, want, W, bias, x, stride, T);
            j->dut->op->linear(j->dut, got, W, bias, x, stride, T);
            same(j, want, got, T * n_out);
        }
}

static void check_linear_heads(judge *j)
{
    for (size_t k = 0; k < TS_COUNT(weight_types); k++)
        for (int transposed = 0; transposed < 2; transposed++) {
            const size_t n = width_for(j, weight_types[k]), H = 1 + below(j, 5);
            const size_t n_rows = 1 + below(j, 40), gap = below(j, 20), T = token_counts[k % 7];
            const ts_tensor *W = matrix(j, weight_types[k], n, H * (n_rows + gap));
            const size_t d_x = transposed ? n_rows : n, d_y = transposed ? n : n_rows;
            ts_linear_heads a = {
                .x = floats(j, T * H * d_x),
                .y_stride = H * d_y + 3,
                .y_head_stride = d_y,
                .x_stride = H * d_x,
                .x_head_stride = d_x,
                .w = {W, gap, n_rows + gap, n_rows, transposed != 0},
                .n_heads = H,
                .T = T,
            };
            float *want = take(j, T * a.y_stride * 4), *got = take(j, T * a.y_stride * 4);

            case_is(j, "%s%s, %zu heads of %zu rows of %zu, %zu tokens", ts_dtype_of(W->type).name,
                    transposed ? " transposed" : "", H, n_rows, n, T);
            a.y = want;
            j->ref->op->linear_heads(j->ref, &a);
            a.y = got;
            j->dut->op->linear_heads(j->dut, &a);
            same(j, want, got, T * a.y_stride);
        }
}

/* Copies of one operand for the two backends. */
static float *copy_of(judge *j, const float *x, size_t n)
{
    float *p = take(j, n * sizeof *p);

    memcpy(p, x, n * sizeof *p);
    return p;
}

static void check_add(judge *j)
{
    static const size_t sizes[] = {1, 17, 1000, 40000};

    for (size_t i = 0; i < TS_COUNT(sizes); i++) {
        const size_t n = sizes[i];
        const float *x = floats(j, n);
        float *want = floats(j, n), *got = copy_of(j, want, n);

        case_is(j, "%zu floats", n);
        j->ref->op->add(j->ref, want, x, n);
        j->dut->op->add(j->dut, got, x, n);
        same(j, want, got, n);
    }
}

static void check_swiglu(judge *j)
{
    static const size_t sizes[] = {1, 17, 1000, 40000};

    for (size_t i = 0; i < TS_COUNT(sizes); i++) {
        const size_t n = sizes[i];
        const float *g = floats(j, n), *u = floats(j, n);
        float *want = take(j, n * 4), *got = take(j, n * 4);

        case_is(j, "%zu floats", n);
        j->ref->op->swiglu(j->ref, want, g, u, n);
        j->dut->op->swiglu(j->dut, got, g, u, n);
        same(j, want, got, n);
    }
}

static void check_rms_norm(judge *j)
{
    for (size_t i = 0; i < TS_COUNT(token_counts); i++) {
        const size_t n = token_counts[i], d = 1 + below(j, 600), stride = d + below(j, 30);
        const float *x = floats(j, n * stride), *w = floats(j, d);
        float *want = take(j, n * stride * 4), *got = take(j, n * stride * 4);

        case_is(j, "%zu rows of %zu", n, d);
        j->ref->op->rms_norm(j->ref, want, stride, x, stride, w, n, d, 1e-6f);
        j->dut->op->rms_norm(j->dut, got, stride, x, stride, w, n, d, 1e-6f);
        same(j, want, got, n * stride);
    }
}

static void check_rope(judge *j)
{
    for (size_t i = 0; i < TS_COUNT(token_counts); i++)
        for (int interleaved = 0; interleaved < 2; interleaved++) {
            const size_t T = token_counts[i], H = 1 + below(j, 5), pairs = 1 + below(j, 33);
            const size_t d = 2 * pairs + below(j, 9), stride = H * d + below(j, 5);
            float *want = floats(j, T * stride), *got = copy_of(j, want, T * stride);
            ts_rope a = {want,
                         stride,
                         d,
                         H,
                         T,
                         pairs,
                         floats(j, T * pairs),
                         floats(j, T * pairs),
                         interleaved != 0};

            case_is(j, "%zu tokens, %zu heads, %zu pairs, %s", T, H, pairs,
                    interleaved ? "interleaved" : "halves");
            j->ref->op->rope(j->ref, &a);
            a.x = got;
            j->dut->op->rope(j->dut, &a);
            same(j, want, got, T * stride);
        }
}

/* A cache of up to n_ctx rows in pages that lie apart. */
static ts_kv *cache(judge *j, size_t n_layers, size_t row_floats, size_t n_ctx)
{
    ts_kv *kv = take(j, sizeof *kv);
    const size_t n_pages = (n_ctx + TS_KV_PAGE - 1) / TS_KV_PAGE;
    float **page = take(j, n_pages * sizeof *page);

    for (size_t i = 0; i < n_pages; i++)
        page[i] = floats(j, n_layers * TS_KV_PAGE * row_floats);
    *kv = (ts_kv){.page = page, .n_pages = n_pages, .n_layers = n_layers, .row_floats = row_floats};
    return kv;
}

/* Tokens of two sequences: one that decodes deep in its context, one prefill
 * that starts anywhere; pos and kv have room for MAX_TOKENS. */
static ts_batch mixed_batch(judge *j, uint32_t *pos, ts_kv **kv, size_t n_layers, size_t row_floats,
                            size_t n_prefill)
{
    const size_t start = below(j, MAX_CONTEXT - n_prefill);
    ts_kv *a = cache(j, n_layers, row_floats, MAX_CONTEXT);
    ts_kv *b = cache(j, n_layers, row_floats, MAX_CONTEXT);
    size_t n = 0;

    pos[n] = (uint32_t)below(j, MAX_CONTEXT);
    kv[n++] = a;
    for (size_t i = 0; i < n_prefill; i++, n++) {
        pos[n] = (uint32_t)(start + i);
        kv[n] = b;
    }
    return (ts_batch){.n = n, .pos = pos, .kv = kv};
}

/* Change a batch's caches to packed rows of n latents; what is in them stays. */
static void pack(ts_batch *batch, size_t n, size_t n_rope)
{
    for (size_t t = 0; t < batch->n; t++) {
        batch->kv[t]->n_latent = n;
        batch->kv[t]->n_rope = n_rope;
    }
}

/* The same caches again, for the other backend. */
static void copy_caches(judge *j, ts_kv **to, ts_kv *const *from, size_t n)
{
    for (size_t t = 0; t < n; t++) {
        if (t > 0 && from[t] == from[t - 1]) {
            to[t] = to[t - 1];
            continue;
        }
        to[t] = cache(j, 2, from[t]->row_floats, MAX_CONTEXT);
        to[t]->n_latent = from[t]->n_latent;
        to[t]->n_rope = from[t]->n_rope;
        for (size_t p = 0; p < from[t]->n_pages; p++)
            memcpy(to[t]->page[p], from[t]->page[p], 2 * TS_KV_PAGE * from[t]->row_floats * 4);
    }
}

static void check_scatter_rows(judge *j)
{
    for (size_t i = 0; i < 8; i++) {
        uint32_t pos[MAX_TOKENS];
        ts_kv *kv[MAX_TOKENS], *other[MAX_TOKENS];
        const bool is_packed = i >= 4 && j->dut->packs_latents;
        const size_t n = 16 * (1 + below(j, 4)), n_rope = 16 * below(j, 3);
        const size_t row = is_packed ? ts_kv_packed_floats(n, n_rope) : n + n_rope;
        ts_batch batch = mixed_batch(j, pos, kv, 2, row, 1 + below(j, 30));
        const float *x = floats(j, batch.n * (n + n_rope));

        if (is_packed)
            pack(&batch, n, n_rope);
        copy_caches(j, other, kv, batch.n);
        ts_batch second = batch;
        second.kv = other;
        case_is(j, "%zu tokens, rows of %zu + %zu%s", batch.n, n, n_rope,
                is_packed ? ", packed" : "");
        j->ref->op->scatter_rows(j->ref, &batch, 1, x);
        j->dut->op->scatter_rows(j->dut, &second, 1, x);
        for (size_t t = 0; t < batch.n; t++)
            for (size_t p = 0; p < kv[t]->n_pages; p++)
                same(j, kv[t]->page[p], other[t]->page[p], 2 * TS_KV_PAGE * row);
    }
}

/* Latent attention over packed rows, which scatter_rows fills position by position. */
static void check_packed_attention(judge *j)
{
    static const struct {
        size_t H, n, n_rope, n_prefill;
    } shapes[] = {{4, 32, 16, 33}, {16, 64, 16, 4}, {19, 16, 0, 1}, {8, 512, 64, 18}};

    for (size_t i = 0; j->dut->packs_latents && i < TS_COUNT(shapes); i++) {
        const size_t H = shapes[i].H, n = shapes[i].n, d = n + shapes[i].n_rope;
        uint32_t pos[MAX_TOKENS];
        ts_kv *kv[MAX_TOKENS];
        ts_batch batch =
            mixed_batch(j, pos, kv, 2, ts_kv_packed_floats(n, d - n), shapes[i].n_prefill);
        float *want = take(j, batch.n * H * n * 4), *got = take(j, batch.n * H * n * 4);
        ts_attention a = {.batch = &batch,
                          .layer = 1,
                          .q = floats(j, batch.n * H * d),
                          .q_stride = H * d,
                          .q_head_stride = d,
                          .o_stride = H * n,
                          .o_head_stride = n,
                          .n_heads = H,
                          .n_kv_heads = 1,
                          .d_k = d,
                          .d_v = n,
                          .scale = 0.3f};

        pack(&batch, n, d - n);
        for (uint32_t p = 0; p < MAX_CONTEXT; p++)
            for (size_t t = 0; t < batch.n; t++)
                if (t == 0 || kv[t] != kv[t - 1]) {
                    const ts_batch one = {.n = 1, .pos = &p, .kv = &kv[t]};
                    j->ref->op->scatter_rows(j->ref, &one, 1, floats(j, d));
                }
        case_is(j, "%zu heads, packed rows of %zu + %zu, 1 + %zu tokens", H, n, d - n,
                shapes[i].n_prefill);
        a.o = want;
        j->ref->op->attention(j->ref, &a);
        a.o = got;
        j->dut->op->attention(j->dut, &a);
        same(j, want, got, batch.n * H * n);
    }
}

/* One token behind more spans (backends/span.h) than are worked on at once. */
static void check_long_attention(judge *j)
{
    enum { ROWS = 60 * TS_SPAN + 5, H = 3, N = 16 };
    float want[H * N], got[H * N];
    uint32_t last = ROWS - 1;
    ts_kv *kv = cache(j, 1, ts_kv_packed_floats(N, 0), ROWS);
    ts_batch batch = {.n = 1, .pos = &last, .kv = &kv};
    ts_attention a = {.batch = &batch,
                      .q = floats(j, H * N),
                      .q_stride = H * N,
                      .q_head_stride = N,
                      .o_stride = H * N,
                      .o_head_stride = N,
                      .n_heads = H,
                      .n_kv_heads = 1,
                      .d_k = N,
                      .d_v = N,
                      .scale = 0.3f};

    if (!j->dut->packs_latents)
        return;
    pack(&batch, N, 0);
    for (uint32_t p = 0; p < ROWS; p++) {
        const ts_batch one = {.n = 1, .pos = &p, .kv = &kv};
        j->ref->op->scatter_rows(j->ref, &one, 0, floats(j, N));
    }
    case_is(j, "%d heads behind %d packed rows of %d", H, ROWS, N);
    a.o = want;
    j->ref->op->attention(j->ref, &a);
    a.o = got;
    j->dut->op->attention(j->dut, &a);
    same(j, want, got, TS_COUNT(want));
}

static void check_attention(judge *j)
{
    static const struct {
        size_t H, G, d_k, d_v;
        bool is_latent; /* one row is key and value */
    } shapes[] = {{4, 1, 40, 32, true},  {16, 1, 24, 16, true}, {19, 1, 40, 32, true},
                  {4, 2, 16, 16, false}, {6, 6, 17, 17, false}, {24, 2, 8, 8, false}};
    static const size_t prefills[] = {1, 4, 16, 33};

    for (size_t i = 0; i < TS_COUNT(shapes); i++)
        for (size_t p = 0; p < TS_COUNT(prefills); p++) {
            const size_t H = shapes[i].H, G = shapes[i].G, dk = shapes[i].d_k, dv = shapes[i].d_v;
            const size_t row = shapes[i].is_latent ? dk : G * (dk + dv);
            uint32_t pos[MAX_TOKENS];
            ts_kv *kv[MAX_TOKENS];
            const ts_batch batch = mixed_batch(j, pos, kv, 2, row, prefills[p]);
            ts_attention a = {
                .batch = &batch,
                .layer = 1,
                .q = floats(j, batch.n * H * dk),
                .q_stride = H * dk,
                .q_head_stride = dk,
                .o_stride = H * dv,
                .o_head_stride = dv,
                .n_heads = H,
                .n_kv_heads = G,
                .d_k = dk,
                .d_v = dv,
                .k_step = shapes[i].is_latent ? 0 : dk,
                .v_base = shapes[i].is_latent ? 0 : G * dk,
                .v_step = shapes[i].is_latent ? 0 : dv,
                .scale = 0.3f,
            };
            float *want = take(j, batch.n * H * dv * 4), *got = take(j, batch.n * H * dv * 4);

            case_is(j, "%zu heads, %zu kv heads of %zu and %zu, 1 + %zu tokens", H, G, dk, dv,
                    prefills[p]);
            a.o = want;
            j->ref->op->attention(j->ref, &a);
            a.o = got;
            j->dut->op->attention(j->dut, &a);
            same(j, want, got, batch.n * H * dv);
        }
    check_packed_attention(j);
    check_long_attention(j);
}

static void check_router_topk(judge *j)
{
    for (size_t i = 0; i < 40; i++) {
        const size_t groups = 1 + below(j, 4), E = groups * (2 + below(j, 30)),
                     T = 1 + below(j, 30);
        const size_t top = 1 + below(j, groups), most = E / groups * top;
        const size_t k = 1 + below(j, most < 8 ? most : 8);
        float *z = floats(j, T * E);
        ts_router a = {.z = z,
                       .bias = below(j, 2) ? floats(j, E) : NULL,
                       .T = T,
                       .n_experts = E,
                       .n_active = k,
                       .n_groups = groups,
                       .n_top_groups = top,
                       .scoring = below(j, 2) ? TS_SCORE_SIGMOID : TS_SCORE_SOFTMAX,
                       .group_rule = (ts_group_rule)below(j, 3),
                       .normalise = below(j, 2) != 0,
                       .scale = 2.5f};
        float *want = take(j, T * k * 4), *got = take(j, T * k * 4);
        int32_t *want_id = take(j, T * k * 4), *got_id = take(j, T * k * 4);

        z[below(j, T * E)] = z[0]; /* a tie */
        case_is(j, "%zu experts in %zu groups, %zu of %zu groups, %zu tokens", E, groups, k, top,
                T);
        a.id = want_id;
        a.weight = want;
        j->ref->op->router_topk(j->ref, &a);
        a.id = got_id;
        a.weight = got;
        j->dut->op->router_topk(j->dut, &a);
        same(j, want, got, T * k);
        same(j, want_id, got_id, T * k);
    }
}

/* Choices of T tokens: i = 0 everybody chooses alike, else at random. */
static int32_t *choices(judge *j, size_t T, size_t E, size_t k, size_t i)
{
    int32_t *id = take(j, T * k * sizeof *id);

    for (size_t t = 0; t < T; t++) {
        const size_t first = i == 0 ? 0 : below(j, E);
        for (size_t c = 0; c < k; c++)
            id[t * k + (i == 1 ? k - 1 - c : c)] = (int32_t)((first + c) % E);
    }
    return id;
}

static ts_moe_plan *plan_of(judge *j, ts_backend *b, size_t E, size_t k, const int32_t *id,
                            size_t T)
{
    ts_moe_plan *plan = take(j, sizeof *plan);

    *plan = (ts_moe_plan){E, k, take(j, (E + 1) * 4), take(j, T * k * 4), take(j, T * k * 4)};
    b->op->moe_plan(b, plan, id, T);
    return plan;
}

static void check_moe_plan(judge *j)
{
    for (size_t i = 0; i < 6; i++) {
        const size_t E = 1 + below(j, MAX_EXPERTS), T = token_counts[i];
        const size_t k = 1 + below(j, E < MAX_ACTIVE ? E : MAX_ACTIVE);
        const int32_t *id = choices(j, T, E, k, i);

        case_is(j, "%zu experts, %zu per token, %zu tokens", E, k, T);
        const ts_moe_plan *want = plan_of(j, j->ref, E, k, id, T);
        const ts_moe_plan *got = plan_of(j, j->dut, E, k, id, T);
        same(j, want->offset, got->offset, E + 1);
        same(j, want->token, got->token, T * k);
        same(j, want->place, got->place, T * k);
    }
}

static ts_tensor *matrices(judge *j, ts_dtype type, size_t n_in, size_t n_out, size_t E)
{
    ts_tensor *W = take(j, E * sizeof *W);

    for (size_t e = 0; e < E; e++)
        W[e] = *matrix(j, type, n_in, n_out);
    return W;
}

typedef struct experts_shape {
    ts_dtype gate, up, down;
    size_t n, F, E, k, T; /* E = 1: no plan */
} experts_shape;

/* Both ops of a feed-forward: what is between them is the backend's own.
 * routing as in choices(). */
static void compare_experts(judge *j, experts_shape s, size_t routing)
{
    const size_t stride = s.n + below(j, 2) * 16, n_out = 1 + below(j, 40);
    ts_experts a = {.x = floats(j, s.T * stride),
                    .x_stride = stride,
                    .T = s.T,
                    .gate = matrices(j, s.gate, s.n, s.F, s.E),
                    .up = matrices(j, s.up, s.n, s.F, s.E),
                    .down = matrices(j, s.down, s.F, n_out, s.E)};

    if (s.E > 1)
        a.plan = plan_of(j, j->ref, s.E, s.k, choices(j, s.T, s.E, s.k, routing), s.T);
    const size_t n_pairs = ts_experts_pairs(&a), n_y = n_pairs * n_out;
    float *want = take(j, n_y * 4), *got = take(j, n_y * 4);

    case_is(j, "%s, %s %zu x %zu, %s x %zu, %zu experts, %zu per token, %zu tokens",
            ts_dtype_of(s.gate).name, ts_dtype_of(s.up).name, s.n, s.F, ts_dtype_of(s.down).name,
            n_out, s.E, s.k, s.T);
    a.hidden = take(j, n_pairs * s.F * 4);
    a.y = want;
    j->ref->op->experts_hidden(j->ref, &a);
    j->ref->op->experts_out(j->ref, &a);
    a.y = got;
    j->dut->op->experts_hidden(j->dut, &a);
    j->dut->op->experts_out(j->dut, &a);
    same(j, want, got, n_y);
}

/* Every type as gate and up, of other blocks than each other now and then. */
static void check_experts_hidden(judge *j)
{
    for (size_t i = 0; i < TS_COUNT(weight_types); i++)
        for (size_t trial = 0; trial < 2; trial++) {
            const ts_dtype type = weight_types[i];
            const size_t E = 2 + below(j, MAX_EXPERTS - 2);
            compare_experts(j,
                            (experts_shape){.gate = type,
                                            .up = trial ? TS_Q5_0 : type,
                                            .down = TS_Q8_0,
                                            .n = trial ? 256 : width_for(j, type),
                                            .F = width_for(j, TS_Q8_0),
                                            .E = E,
                                            .k = 1 + below(j, E < MAX_ACTIVE ? E : MAX_ACTIVE),
                                            .T = token_counts[trial ? i % 3 : i % 7]},
                            i % 3);
        }
    /* More tokens of one expert than a tile holds. */
    compare_experts(j,
                    (experts_shape){.gate = TS_Q4_0,
                                    .up = TS_Q4_0,
                                    .down = TS_Q5_0,
                                    .n = 32,
                                    .F = MAX_WIDTH,
                                    .E = 1,
                                    .k = 1,
                                    .T = MAX_TOKENS},
                    0);
}

/* Every type as down, with experts and without. */
static void check_experts_out(judge *j)
{
    for (size_t i = 0; i < TS_COUNT(weight_types); i++)
        for (int trial = 0; trial < 2; trial++) {
            const size_t E = trial ? 2 + below(j, MAX_EXPERTS - 2) : 1;
            compare_experts(j,
                            (experts_shape){.gate = TS_Q4_0,
                                            .up = TS_Q4_0,
                                            .down = weight_types[i],
                                            .n = 32,
                                            .F = width_for(j, weight_types[i]),
                                            .E = E,
                                            .k = 1 + below(j, E < MAX_ACTIVE ? E : MAX_ACTIVE),
                                            .T = token_counts[i % 7]},
                            i % 3);
        }
    /* Enough tasks that each quantises its own superblocks. */
    compare_experts(j,
                    (experts_shape){.gate = TS_Q4_0,
                                    .up = TS_Q4_0,
                                    .down = TS_Q6_K,
                                    .n = 32,
                                    .F = 512,
                                    .E = MAX_EXPERTS,
                                    .k = MAX_ACTIVE,
                                    .T = 33},
                    2);
}

static void check_moe_combine(judge *j)
{
    for (size_t i = 0; i < 6; i++) {
        const size_t E = 2 + below(j, MAX_EXPERTS - 2), T = token_counts[i], d = 1 + below(j, 300);
        const size_t k = 1 + below(j, E < MAX_ACTIVE ? E : MAX_ACTIVE);
        const int32_t *id = choices(j, T, E, k, i);
        const ts_moe_plan *plan = plan_of(j, j->ref, E, k, id, T);
        const float *rows = floats(j, T * k * d), *weight = floats(j, T * k);
        float *want = floats(j, T * d), *got = copy_of(j, want, T * d);

        case_is(j, "%zu experts, %zu per token, %zu tokens of %zu", E, k, T, d);
        j->ref->op->moe_combine(j->ref, want, plan, rows, id, weight, T, d);
        j->dut->op->moe_combine(j->dut, got, plan, rows, id, weight, T, d);
        same(j, want, got, T * d);
    }
}

int ts_checkops_run(ts_backend *b, bool precise, uint64_t seed,
                    void (*on_line)(void *user, const ts_checkops_line *line), void *user,
                    tiefsee_error *err)
{
    static const struct {
        const char *name;
        void (*check)(judge *j);
    } checks[] = {
#define OP(name, params) {#name, check_##name},
#include "backends/ops.def"
#undef OP
    };
    judge j = {.dut = b};
    int n_failed = 0;

    if (ts_ref_open(&j.ref, precise, err) != TIEFSEE_OK)
        return -1;
    for (size_t i = 0; i < TS_COUNT(checks); i++) {
        j.arena = ts_arena_new((size_t)1 << 30);
        if (!j.arena) {
            (void)ts_fail_nomem(err, 1 << 16, "operands");
            n_failed = -1;
            break;
        }
        ts_rng_seed(&j.rng, seed + i);
        j.message[0] = '\0';
        j.n_cases = 0;
        checks[i].check(&j);
        on_line(user, &(ts_checkops_line){checks[i].name, j.n_cases, j.message, !j.message[0]});
        n_failed += j.message[0] != '\0';
        ts_arena_free(j.arena);
    }
    j.ref->close(j.ref);
    return n_failed;
}
