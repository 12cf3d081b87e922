/* cpu_internal.h - shared by the files of the CPU backend. */
#ifndef TS_BACKENDS_CPU_INTERNAL_H
#define TS_BACKENDS_CPU_INTERNAL_H

#include "backends/cpu/cpu_backend.h"
#include "core/arena.h"
#include "core/thread.h"
#include "kernels/kernels.h"
#include "kernels/probe.h"

typedef struct ts_cpu {
    ts_backend base;
    ts_kernels k;
    ts_probes probe;
    ts_pool *pool;
    ts_arena *scratch;        /* of one op, released at its end */
    uint8_t **thread_scratch; /* (n_threads) thread_bytes each */
    size_t thread_bytes;
    int n_threads;
    bool precise;
    /* quantised kernels by weight type; NULL: not a quantised type */
    void (*widen[TS_DTYPE_MAX])(float *y, const void *w, size_t n);
    void (*gemm[TS_DTYPE_MAX])(float *y, size_t y_stride, const void *w, size_t w_stride,
                               size_t n_rows, const ts_q8_rows *x, size_t n_tokens, size_t n,
                               void *scratch);
} ts_cpu;

static inline ts_cpu *ts_cpu_of(ts_backend *b)
{
    return (ts_cpu *)b; /* base is the first member */
}

/* Shape of a packed cache row. */
static inline ts_latent ts_cpu_latent(const ts_kv *kv)
{
    return (ts_latent){kv->n_latent, kv->n_rope, kv->row_floats * sizeof(float)};
}

/* Floats of rows [first, first + n_rows) of W, any weight type, scales applied. */
void ts_cpu_widen_rows(const ts_cpu *c, float *y, const ts_tensor *W, size_t first, size_t n_rows);

/* Rows of W that fit a widened tile of the thread's scratch. */
size_t ts_cpu_tile_rows(const ts_cpu *c, size_t width);

/* Activations as a weight type wants them: either int8 rows or the floats. */
typedef struct ts_activations {
    bool is_integer;
    size_t block; /* values per factor of q8 */
    ts_q8_rows q8;
    const float *x;
    size_t x_stride;
} ts_activations;

/* Bind x (T rows of n floats) for weights of this type; scratch from c->scratch. */
ts_activations ts_cpu_activations(ts_cpu *c, ts_dtype type, const float *x, size_t x_stride,
                                  size_t T, size_t n);

/* Quantised rows of n values while they are written. */
typedef struct ts_q8_sink {
    int8_t *q;
    float *d;
    int16_t *s;
    size_t n, block, q_stride, d_stride, s_stride;
} ts_q8_sink;

/* Bytes that a row may take: 4 n at the most where n is a whole block. */
size_t ts_cpu_q8_bytes(size_t n);

/* T rows in `memory`, which is aligned to 64 bytes. */
ts_q8_sink ts_cpu_q8_sink(void *memory, size_t T, size_t n, size_t block);
ts_q8_rows ts_cpu_q8_rows(const ts_q8_sink *sink);

/* All T rows, on all threads. */
void ts_cpu_quantise(ts_cpu *c, const ts_q8_sink *to, const float *x, size_t x_stride, size_t T);

/* Values [at, at + n) of row t, from x; whole blocks, or up to the row's end. */
void ts_cpu_quantise_part(const ts_cpu *c, const ts_q8_sink *to, size_t t, size_t at,
                          const float *x, size_t n);

/* y[t * y_stride + r] for rows [first, first + n_rows) of W and T activations. */
void ts_cpu_matmul(const ts_cpu *c, float *y, size_t y_stride, const ts_tensor *W, size_t first,
                   size_t n_rows, const ts_activations *a, size_t T, int thread);

/* A thread's floats between two products, behind what products take of its scratch. */
enum { TS_CPU_TILE_FLOATS = 32768 };

static inline float *ts_cpu_tile(const ts_cpu *c, int thread)
{
    const size_t at = c->thread_bytes - TS_CPU_TILE_FLOATS * sizeof(float);

    return (float *)(void *)(c->thread_scratch[thread] + at / 64 * 64);
}

/* Attention: heads that share a pass over cached rows, and memory for spans of rows that
 * several threads work on. */
enum { TS_CPU_ATTENTION_HEADS = 16, TS_CPU_ATTENTION_BYTES = 4 << 20 };

/* Below about ten microseconds of work (multiply-adds of integers; of floats: three times as
 * many) handing out a part costs more
 * than doing it: then the calling thread takes all n items as one chunk. */
enum { TS_CPU_ALONE = 200000 };

static inline size_t ts_cpu_chunk(size_t n, size_t chunk, uint64_t macs)
{
    return macs < TS_CPU_ALONE ? n : chunk;
}

/* Chunk of rows for a loop over n rows of so many multiply-adds each. */
size_t ts_cpu_row_chunk(const ts_cpu *c, size_t n, size_t macs_per_row);

#define OP(name, params) void ts_cpu_##name params;
#include "backends/ops.def"
#undef OP

#endif
