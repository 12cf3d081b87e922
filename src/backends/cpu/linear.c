/* linear.c - matrix products of the CPU backend: cast, gather, linear,
 * linear_heads.
 *
 * Quantised weights are multiplied as integers with int8 activations; all other
 * types are widened to float a few rows at a time and multiplied as floats, in
 * the sixteen-lane order.  Neither depends on how rows or tokens are grouped.
 */
#include <assert.h>
#include <string.h>

#include "backends/cpu/cpu_internal.h"

enum { SCALE_TILE = 128 }; /* FP8: rows and columns that share a scale */

void ts_cpu_widen_rows(const ts_cpu *c, float *y, const ts_tensor *W, size_t first, size_t n_rows)
{
    const size_t n = (size_t)W->ne[0];
    const uint8_t *w = (const uint8_t *)W->data + first * W->row_bytes;

    for (size_t r = 0; r < n_rows; r++, w += W->row_bytes, y += n) {
        if (W->type == TS_F32) {
            memcpy(y, w, n * sizeof *y);
            continue;
        }
        c->widen[W->type](y, w, n);
        if (!W->scale)
            continue;
        const size_t n_tiles = (n + SCALE_TILE - 1) / SCALE_TILE;
        const float *scale = W->scale + (first + r) / SCALE_TILE * n_tiles;
        for (size_t i = 0; i < n_tiles; i++) {
            const size_t begin = i * SCALE_TILE, left = n - begin;
            c->k.scale_f32(y + begin, scale[i], y + begin, left < SCALE_TILE ? left : SCALE_TILE);
        }
    }
}

size_t ts_cpu_tile_rows(const ts_cpu *c, size_t width)
{
    /* A tile that stays in the L2 cache beside the activations. */
    size_t rows = ((size_t)128 << 10) / (width * sizeof(float));

    rows = rows < 4 ? 4 : rows > 64 ? 64 : rows;
    assert(rows * width * sizeof(float) <= c->thread_bytes);
    return rows;
}

size_t ts_cpu_q8_bytes(size_t n)
{
    const size_t q = (n + 63) / 64 * 64, blocks = (n + 31) / 32;

    return q + blocks * sizeof(float) + (n + 15) / 16 * sizeof(int16_t);
}

ts_q8_sink ts_cpu_q8_sink(void *memory, size_t T, size_t n, size_t block)
{
    ts_q8_sink to = {.n = n,
                     .block = block,
                     .q_stride = (n + 63) / 64 * 64,
                     .d_stride = (n + block - 1) / block,
                     .s_stride = (n + 15) / 16};

    assert(memory && block >= 32); /* the limits given at open cover every op */
    to.q = memory;
    to.d = (float *)(void *)(to.q + T * to.q_stride);
    to.s = (int16_t *)(void *)(to.d + T * to.d_stride);
    return to;
}

ts_q8_rows ts_cpu_q8_rows(const ts_q8_sink *sink)
{
    return (ts_q8_rows){sink->q, sink->d, sink->s, sink->q_stride, sink->d_stride, sink->s_stride};
}

void ts_cpu_quantise_part(const ts_cpu *c, const ts_q8_sink *to, size_t t, size_t at,
                          const float *x, size_t n)
{
    assert(at % to->block == 0);
    c->k.quantize_q8(to->q + t * to->q_stride + at, to->d + t * to->d_stride + at / to->block,
                     to->s + t * to->s_stride + at / 16, x, n, to->block);
}

typedef struct quantise_loop {
    const ts_cpu *c;
    const float *x;
    size_t x_stride;
    const ts_q8_sink *to;
} quantise_loop;

static void quantise_rows(void *ctx, size_t begin, size_t end, int thread)
{
    const quantise_loop *l = ctx;

    (void)thread;
    for (size_t t = begin; t < end; t++)
        ts_cpu_quantise_part(l->c, l->to, t, 0, l->x + t * l->x_stride, l->to->n);
}

void ts_cpu_quantise(ts_cpu *c, const ts_q8_sink *to, const float *x, size_t x_stride, size_t T)
{
    quantise_loop l = {.c = c, .x = x, .x_stride = x_stride, .to = to};

    ts_pool_loop(c->pool, T, ts_cpu_chunk(T, 8, 4 * T * to->n), quantise_rows, &l);
}

ts_activations ts_cpu_activations(ts_cpu *c, ts_dtype type, const float *x, size_t x_stride,
                                  size_t T, size_t n)
{
    const ts_dtype_info info = ts_dtype_of(type);

    if (!info.is_quantized || c->precise)
        return (ts_activations){.x = x, .x_stride = x_stride};

    const ts_q8_sink to =
        ts_cpu_q8_sink(ts_arena_alloc(c->scratch, T * ts_cpu_q8_bytes(n)), T, n, info.block);
    ts_cpu_quantise(c, &to, x, x_stride, T);
    return (ts_activations){.is_integer = true, .block = info.block, .q8 = ts_cpu_q8_rows(&to)};
}

void ts_cpu_matmul(const ts_cpu *c, float *y, size_t y_stride, const ts_tensor *W, size_t first,
                   size_t n_rows, const ts_activations *a, size_t T, int thread)
{
    const size_t n = (size_t)W->ne[0];

    if (a->is_integer) {
        c->gemm[W->type](y, y_stride, (const uint8_t *)W->data + first * W->row_bytes,
                         (size_t)W->row_bytes, n_rows, &a->q8, T, n, c->thread_scratch[thread]);
        return;
    }
    if (W->type == TS_F32) {
        c->k.gemm_f32(y, y_stride, (const float *)W->data + first * n, n, n_rows, a->x, a->x_stride,
                      T, n);
        return;
    }
    float *tile = (float *)(void *)c->thread_scratch[thread];
    const size_t tile_rows = ts_cpu_tile_rows(c, n);
    for (size_t r = 0; r < n_rows; r += tile_rows) {
        const size_t m = n_rows - r < tile_rows ? n_rows - r : tile_rows;
        ts_cpu_widen_rows(c, tile, W, first + r, m);
        c->k.gemm_f32(y + r, y_stride, tile, n, m, a->x, a->x_stride, T, n);
    }
}

typedef struct linear_loop {
    ts_cpu *c;
    float *y;
    const ts_tensor *W;
    const float *bias;
    ts_activations a;
    size_t T;
} linear_loop;

static void linear_rows(void *ctx, size_t begin, size_t end, int thread)
{
    const linear_loop *l = ctx;
    const size_t n_out = (size_t)ts_tensor_rows(l->W);

    ts_cpu_matmul(l->c, l->y + begin, n_out, l->W, begin, end - begin, &l->a, l->T, thread);
    if (l->bias)
        for (size_t t = 0; t < l->T; t++)
            l->c->k.add_f32(l->y + t * n_out + begin, l->bias + begin, end - begin);
}

void ts_cpu_linear(ts_backend *b, float *y, const ts_tensor *W, const float *bias, const float *x,
                   size_t x_stride, size_t T)
{
    ts_cpu *c = ts_cpu_of(b);
    const size_t mark = ts_arena_mark(c->scratch), n_out = (size_t)ts_tensor_rows(W);
    linear_loop l = {.c = c, .y = y, .W = W, .bias = bias, .T = T};

    l.a = ts_cpu_activations(c, W->type, x, x_stride, T, (size_t)W->ne[0]);
    ts_pool_loop(c->pool, n_out, ts_cpu_row_chunk(c, n_out, (size_t)W->ne[0] * T), linear_rows, &l);
    ts_arena_release(c->scratch, mark);
}

typedef struct heads_loop {
    ts_cpu *c;
    const ts_linear_heads *a;
} heads_loop;

static void one_head(const ts_cpu *c, const ts_linear_heads *a, size_t h, int thread)
{
    const ts_head_weights *w = &a->w;
    const size_t n = (size_t)w->W->ne[0], first = w->first_row + h * w->rows_per_head;
    const float *x = a->x + h * a->x_head_stride;
    float *y = a->y + h * a->y_head_stride;
    float *tile = (float *)(void *)c->thread_scratch[thread];
    const size_t tile_rows = ts_cpu_tile_rows(c, n);

    if (w->is_transposed)
        for (size_t t = 0; t < a->T; t++)
            memset(y + t * a->y_stride, 0, n * sizeof *y);
    for (size_t r = 0; r < w->n_rows; r += tile_rows) {
        const size_t m = w->n_rows - r < tile_rows ? w->n_rows - r : tile_rows;
        ts_cpu_widen_rows(c, tile, w->W, first + r, m);
        if (w->is_transposed)
            c->k.accumulate_f32(y, a->y_stride, x + r, a->x_stride, a->T, tile, n, m, n);
        else
            c->k.gemm_f32(y + r, a->y_stride, tile, n, m, x, a->x_stride, a->T, n);
    }
}

static void some_heads(void *ctx, size_t begin, size_t end, int thread)
{
    const heads_loop *l = ctx;

    for (size_t h = begin; h < end; h++)
        one_head(l->c, l->a, h, thread);
}

void ts_cpu_linear_heads(ts_backend *b, const ts_linear_heads *a)
{
    heads_loop l = {.c = ts_cpu_of(b), .a = a};
    const uint64_t macs = 3 * (uint64_t)a->n_heads * a->w.n_rows * (size_t)a->w.W->ne[0] * a->T;

    ts_pool_loop(l.c->pool, a->n_heads, ts_cpu_chunk(a->n_heads, 1, macs), some_heads, &l);
}

void ts_cpu_cast(ts_backend *b, float *y, const ts_tensor *W, size_t first, size_t n_rows)
{
    ts_cpu_widen_rows(ts_cpu_of(b), y, W, first, n_rows);
}

void ts_cpu_gather_rows(ts_backend *b, float *y, const ts_tensor *W, const int32_t *id, size_t T)
{
    const size_t n = (size_t)W->ne[0];

    for (size_t t = 0; t < T; t++) {
        if (id[t] < 0 || (uint64_t)id[t] >= W->ne[1])
            memset(y + t * n, 0, n * sizeof *y);
        else
            ts_cpu_widen_rows(ts_cpu_of(b), y + t * n, W, (size_t)id[t], 1);
    }
}
