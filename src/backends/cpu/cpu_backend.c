/* cpu_backend.c - opening and closing the CPU backend, and its scratch memory. */
#include <assert.h>

#include "backends/cpu/cpu_internal.h"
#include "backends/span.h"
#include "core/alloc.h"

static const ts_ops ops = {
#define OP(name, params) .name = ts_cpu_##name,
#include "backends/ops.def"
#undef OP
};

enum { MIN_TILE_ROWS = 4 /* that are widened at once */ };

_Static_assert((int)TS_KV_PAGE <= (int)TS_LATENT_ROWS, "a page is one call of latent_values");

static size_t thread_bytes(const ts_backend_limits *l)
{
    const size_t tile = l->max_width * MIN_TILE_ROWS * sizeof(float);
    const size_t gemm = ts_gemm_scratch_bytes(l->max_width);
    /* Attention: a token's heads over one span of rows, their queries and outputs. */
    const size_t span =
        TS_CPU_ATTENTION_HEADS * (TS_SPAN * sizeof(float) + TS_LATENT_MAX * sizeof(float) +
                                  (TS_LATENT_MAX + TS_LATENT_MAX_ROPE + 16) * sizeof(int16_t)) +
        2 * l->max_width * sizeof(float);
    size_t bytes = (size_t)512 << 10;

    bytes = span > bytes ? span : bytes;
    bytes = tile > bytes ? tile : bytes;
    bytes = gemm > bytes ? gemm : bytes;
    return bytes + TS_CPU_TILE_FLOATS * sizeof(float) + 64;
}

/* The largest op: hidden rows as floats, beside the quantised tokens and pairs for
 * gate and for up, which may want them in different blocks; the router's scores are
 * smaller. */
static size_t op_bytes(const ts_backend_limits *l)
{
    const size_t rows = l->max_pairs > l->max_tokens ? l->max_pairs : l->max_tokens;
    const size_t floats = rows * l->max_width * sizeof(float);
    const size_t quantised = rows * (l->max_width + l->max_width / 4 + 256);

    const size_t most = floats + 4 * quantised, attention = TS_CPU_ATTENTION_BYTES;

    return (most > attention ? most : attention) + l->max_tokens * 256 + ((size_t)1 << 20);
}

size_t ts_cpu_scratch_bytes(const ts_backend_limits *limits, int n_threads)
{
    return op_bytes(limits) + (size_t)n_threads * thread_bytes(limits);
}

typedef struct items {
    ts_each_body *body;
    void *ctx;
} items;

static void run_items(void *ctx, size_t begin, size_t end, int thread)
{
    const items *l = ctx;

    (void)thread;
    for (size_t i = begin; i < end; i++)
        l->body(l->ctx, i);
}

static void each_item(ts_backend *b, size_t n, ts_each_body *body, void *ctx)
{
    ts_cpu *c = (ts_cpu *)b;
    items l = {body, ctx};

    ts_pool_loop(c->pool, n, 1, run_items, &l);
}

static void close_cpu(ts_backend *b)
{
    ts_cpu *c = ts_cpu_of(b);

    ts_pool_free(c->pool);
    ts_arena_free(c->scratch);
    for (int i = 0; c->thread_scratch && i < c->n_threads; i++)
        ts_free(c->thread_scratch[i]);
    ts_free(c->thread_scratch);
    ts_free(c);
}

static void bind_quantised(ts_cpu *c)
{
    c->widen[TS_F16] = c->k.widen_f16;
    c->widen[TS_BF16] = c->k.widen_bf16;
    c->widen[TS_F8_E4M3] = c->k.widen_f8_e4m3;
#define BIND(id, name)                \
    c->widen[id] = c->k.widen_##name; \
    c->gemm[id] = c->k.gemm_##name;
    BIND(TS_Q4_0, q4_0)
    BIND(TS_Q4_1, q4_1)
    BIND(TS_Q5_0, q5_0)
    BIND(TS_Q5_1, q5_1)
    BIND(TS_Q8_0, q8_0)
    BIND(TS_IQ4_NL, iq4_nl)
    BIND(TS_MXFP4, mxfp4)
    BIND(TS_Q2_K, q2_k)
    BIND(TS_Q3_K, q3_k)
    BIND(TS_Q4_K, q4_k)
    BIND(TS_Q5_K, q5_k)
    BIND(TS_Q6_K, q6_k)
    BIND(TS_IQ4_XS, iq4_xs)
#undef BIND
}

tiefsee_status ts_cpu_open(ts_backend **out, const ts_cpu_options *opt,
                           const ts_backend_limits *limits, tiefsee_error *err)
{
    assert(opt->n_threads >= 1);
    *out = NULL;
    ts_cpu *c = ts_alloc_zero(1, sizeof *c);
    if (!c)
        return ts_fail_nomem(err, sizeof *c, "the CPU backend");
    c->base = (ts_backend){
        .op = &ops, .name = "cpu", .packs_latents = true, .each = each_item, .close = close_cpu};
    c->n_threads = opt->n_threads;
    c->precise = opt->precise;
    c->thread_bytes = thread_bytes(limits);
    ts_kernels_select(&c->k, opt->cpu_flags);
    ts_probes_select(&c->probe, opt->cpu_flags);
    bind_quantised(c);

    c->scratch = ts_arena_fixed(op_bytes(limits));
    c->thread_scratch = ts_alloc_zero((size_t)c->n_threads, sizeof *c->thread_scratch);
    bool ok = c->scratch && c->thread_scratch;
    for (int i = 0; ok && i < c->n_threads; i++) {
        c->thread_scratch[i] = ts_alloc(c->thread_bytes);
        ok = c->thread_scratch[i] != NULL;
    }
    if (!ok) {
        close_cpu(&c->base);
        return ts_fail_nomem(err, ts_cpu_scratch_bytes(limits, opt->n_threads), "scratch memory");
    }
    const tiefsee_status st = ts_pool_new(&c->pool, c->n_threads, err);
    if (st != TIEFSEE_OK) {
        close_cpu(&c->base);
        return st;
    }
    *out = &c->base;
    return TIEFSEE_OK;
}

size_t ts_cpu_row_chunk(const ts_cpu *c, size_t n, size_t macs_per_row)
{
    /* Enough chunks that a thread which is held up does not hold up the rest,
     * whole panels of sixteen rows, and none so small (about a microsecond)
     * that handing it out costs more than doing it. */
    size_t chunk = n / ((size_t)c->n_threads * 8) / 16 * 16;
    const size_t worth = 40000 / (macs_per_row ? macs_per_row : 1) / 16 * 16;

    chunk = chunk < 16 ? 16 : chunk > 256 ? 256 : chunk;
    return ts_cpu_chunk(n, chunk < worth ? worth : chunk, (uint64_t)n * macs_per_row);
}
