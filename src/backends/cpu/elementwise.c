/* elementwise.c - ops of the CPU backend that work row by row: add, rms_norm,
 * rope, swiglu, scatter_rows. */
#include <string.h>

#include "backends/cpu/cpu_internal.h"

/* Below this many floats a loop costs more than it saves. */
enum { MIN_CHUNK = 16384 };

static size_t rows_per_chunk(size_t row_floats)
{
    return row_floats >= MIN_CHUNK ? 1 : MIN_CHUNK / (row_floats ? row_floats : 1);
}

typedef struct add_loop {
    const ts_cpu *c;
    float *y;
    const float *g, *x;
} add_loop;

static void add_some(void *ctx, size_t begin, size_t end, int thread)
{
    const add_loop *l = ctx;

    (void)thread;
    l->c->k.add_f32(l->y + begin, l->x + begin, end - begin);
}

void ts_cpu_add(ts_backend *b, float *y, const float *x, size_t n)
{
    add_loop l = {.c = ts_cpu_of(b), .y = y, .x = x};
    ts_pool_loop(l.c->pool, n, MIN_CHUNK, add_some, &l);
}

static void swiglu_some(void *ctx, size_t begin, size_t end, int thread)
{
    const add_loop *l = ctx;

    (void)thread;
    l->c->k.swiglu_f32(l->y + begin, l->g + begin, l->x + begin, end - begin);
}

void ts_cpu_swiglu(ts_backend *b, float *y, const float *g, const float *u, size_t n)
{
    add_loop l = {.c = ts_cpu_of(b), .y = y, .g = g, .x = u};
    ts_pool_loop(l.c->pool, n, MIN_CHUNK / 4, swiglu_some, &l);
}

typedef struct norm_loop {
    const ts_cpu *c;
    float *y;
    const float *x, *w;
    size_t y_stride, x_stride, d;
    float eps;
} norm_loop;

static void norm_rows(void *ctx, size_t begin, size_t end, int thread)
{
    const norm_loop *l = ctx;

    (void)thread;
    for (size_t r = begin; r < end; r++)
        l->c->k.rms_norm_f32(l->y + r * l->y_stride, l->x + r * l->x_stride, l->w, l->d, l->eps);
}

void ts_cpu_rms_norm(ts_backend *b, float *y, size_t y_stride, const float *x, size_t x_stride,
                     const float *w, size_t n_rows, size_t d, float eps)
{
    norm_loop l = {.c = ts_cpu_of(b),
                   .y = y,
                   .x = x,
                   .w = w,
                   .y_stride = y_stride,
                   .x_stride = x_stride,
                   .d = d,
                   .eps = eps};
    ts_pool_loop(l.c->pool, n_rows, rows_per_chunk(d), norm_rows, &l);
}

typedef struct rope_loop {
    const ts_cpu *c;
    const ts_rope *a;
} rope_loop;

static void rope_tokens(void *ctx, size_t begin, size_t end, int thread)
{
    const rope_loop *l = ctx;
    const ts_rope *a = l->a;

    (void)thread;
    for (size_t t = begin; t < end; t++)
        for (size_t h = 0; h < a->n_heads; h++)
            l->c->k.rope_f32(a->x + t * a->stride + h * a->head_stride, a->cosine + t * a->n_pairs,
                             a->sine + t * a->n_pairs, a->n_pairs, a->is_interleaved);
}

void ts_cpu_rope(ts_backend *b, const ts_rope *a)
{
    rope_loop l = {.c = ts_cpu_of(b), .a = a};
    ts_pool_loop(l.c->pool, a->T, rows_per_chunk(a->n_heads * a->n_pairs * 2), rope_tokens, &l);
}

void ts_cpu_scatter_rows(ts_backend *b, const ts_batch *batch, size_t layer, const float *x)
{
    for (size_t t = 0; t < batch->n; t++) {
        const ts_kv *kv = batch->kv[t];
        float *row = ts_kv_row(kv, layer, batch->pos[t]);
        if (kv->n_latent) {
            const ts_latent l = ts_cpu_latent(kv);
            ts_cpu_of(b)->k.latent_pack(row, x + t * ts_kv_width(kv), &l);
        } else {
            memcpy(row, x + t * kv->row_floats, kv->row_floats * sizeof *x);
        }
    }
}
