/* bench_quant.c - how fast are the products of the quantised types?
 *
 *     bench_quant [LEVEL [TYPE]]        as in: bench_quant avx2 q4_k
 *
 * One thread.  For every type: GB/s of weight bytes for one token, from rows
 * that stay in the second-level cache and from more rows than any cache holds;
 * then GMAC/s of tasks, named by rows x tokens, the last with its weights in
 * memory.  The first line says what a plain loop of vpmaddubsw (32 products
 * each) does on this core.
 *
 * Cached figures are the best of many short runs and so what a core does when
 * nothing disturbs it; figures from memory add up the best times of the parts.
 */
#include "core/alloc.h"
#include "core/clock.h"
#include "core/cpu.h"
#include "core/tensor.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void gemm_function(float *y, size_t y_stride, const void *w, size_t w_stride, size_t n_rows,
                           const ts_q8_rows *x, size_t n_tokens, size_t n, void *scratch);

enum { MAX_TOKENS = 512, MAX_N = 2048, BIG_BYTES = 64 << 20, BIG_ROWS = 64 };

typedef struct bench {
    uint8_t *weights; /* BIG_BYTES */
    int8_t *q;
    int16_t *s;
    float *d, *y;
    void *scratch;
} bench;

typedef struct shape {
    size_t n_rows, n_tokens, n, row_bytes;
} shape;

static double seconds_of(const bench *b, gemm_function *gemm, shape a, const uint8_t *w)
{
    const ts_q8_rows x = {b->q, b->d, b->s, MAX_N, MAX_N / 32, MAX_N / 16};
    const double start = ts_clock_seconds();

    gemm(b->y, a.n_rows, w, a.row_bytes, a.n_rows, &x, a.n_tokens, a.n, b->scratch);
    return ts_clock_seconds() - start;
}

/* Best of as many runs as fit 60 ms, at least five. */
static double best_seconds(const bench *b, gemm_function *gemm, shape a)
{
    const double end = ts_clock_seconds() + 0.06;
    double best = 1e9;

    for (int i = 0; i < 5 || ts_clock_seconds() < end; i++) {
        const double t = seconds_of(b, gemm, a, b->weights);
        best = t < best ? t : best;
    }
    return best;
}

/* All of the weights, a task of BIG_ROWS rows at a time; the
 * sum of every task's best time, so that other programs do not count. */
static double seconds_from_memory(const bench *b, gemm_function *gemm, shape a, size_t n_tokens)
{
    static double best[BIG_BYTES >> 12];
    const size_t task_bytes = BIG_ROWS * a.row_bytes, n_tasks = BIG_BYTES / task_bytes;
    double sum = 0;

    a.n_rows = BIG_ROWS;
    a.n_tokens = n_tokens;
    for (size_t k = 0; k < n_tasks; k++)
        best[k] = 1e9;
    for (int i = 0; i < 4; i++)
        for (size_t k = 0; k < n_tasks; k++) {
            const double t = seconds_of(b, gemm, a, b->weights + k * task_bytes);
            best[k] = t < best[k] ? t : best[k];
        }
    for (size_t k = 0; k < n_tasks; k++)
        sum += best[k];
    return sum / (double)n_tasks;
}

/* What one thread reads of the same bytes when it does nothing with them. */
static double read_gigabytes(const uint8_t *p)
{
    const size_t part = 64 << 10, n_parts = BIG_BYTES / part;
    double sum = 0;

    for (size_t k = 0; k < n_parts; k++) {
        /* The parts before this one have driven it out of the caches. */
        const double start = ts_clock_seconds();
        uint64_t bits[4] = {0};
        for (size_t i = 0; i < part; i += 32)
            for (size_t j = 0; j < 4; j++)
                bits[j] |= ((const uint64_t *)(const void *)(p + k * part + i))[j];
        sum += ts_clock_seconds() - start;
        __asm__ volatile("" : : "r"(bits[0] | bits[1] | bits[2] | bits[3]));
    }
    return BIG_BYTES / sum * 1e-9;
}

static double best_read_gigabytes(const uint8_t *p)
{
    double best = 0;

    for (int i = 0; i < 7; i++) {
        const double now = read_gigabytes(p);
        best = now > best ? now : best;
    }
    return best;
}

/* Eight independent chains of vpmaddubsw. */
static double peak_gmac(void)
{
    double best = 1e9;

#ifdef __AVX2__
    for (int run = 0; run < 2000; run++) {
        const double start = ts_clock_seconds();
        for (int i = 0; i < 1000; i++)
            __asm__ volatile("vpmaddubsw %%ymm0, %%ymm0, %%ymm0\n\t"
                             "vpmaddubsw %%ymm1, %%ymm1, %%ymm1\n\t"
                             "vpmaddubsw %%ymm2, %%ymm2, %%ymm2\n\t"
                             "vpmaddubsw %%ymm3, %%ymm3, %%ymm3\n\t"
                             "vpmaddubsw %%ymm4, %%ymm4, %%ymm4\n\t"
                             "vpmaddubsw %%ymm5, %%ymm5, %%ymm5\n\t"
                             "vpmaddubsw %%ymm6, %%ymm6, %%ymm6\n\t"
                             "vpmaddubsw %%ymm7, %%ymm7, %%ymm7"
                             :
                             :
                             : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7");
        const double seconds = ts_clock_seconds() - start;
        best = seconds < best ? seconds : best;
    }
#endif
    return 8 * 1000 * 32 / best * 1e-9;
}

static void bench_type(const bench *b, const char *name, size_t block, uint32_t dtype,
                       gemm_function *gemm)
{
    static const struct {
        size_t n_rows, n_tokens;
    } cases[] = {{128, 2}, {128, 3}, {128, 4}, {128, 16}, {128, 48}, {128, 512}, {16, 48}};
    const size_t depths[] = {2048, block == 256 ? 1536 : 1408};

    for (int i = 0; i < 2; i++) {
        const ts_dtype_info info = ts_dtype_of(dtype);
        shape a = {128, 1, depths[i], depths[i] / block * info.block_bytes};
        const double near = best_seconds(b, gemm, a);
        printf("%-7s %5zu  %6.1f  %6.1f ", name, a.n, (double)(128 * a.row_bytes) / near * 1e-9,
               (double)(BIG_ROWS * a.row_bytes) / seconds_from_memory(b, gemm, a, 1) * 1e-9);
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            a.n_rows = cases[k].n_rows;
            a.n_tokens = cases[k].n_tokens;
            printf("  %6.1f",
                   (double)(a.n_rows * a.n_tokens * a.n) / best_seconds(b, gemm, a) * 1e-9);
        }
        printf("  %6.1f\n",
               (double)(BIG_ROWS * 48 * a.n) / seconds_from_memory(b, gemm, a, 48) * 1e-9);
        (void)fflush(stdout);
    }
}

/* Bytes that make ordinary scales and codes in every type: 0x33 as both bytes
 * of a half is 0.225. */
static int make(bench *b)
{
    *b = (bench){.weights = ts_alloc(BIG_BYTES),
                 .q = ts_alloc(MAX_TOKENS * MAX_N),
                 .s = ts_alloc_zero(MAX_TOKENS * MAX_N / 16, sizeof *b->s),
                 .d = ts_alloc_zero(MAX_TOKENS * MAX_N / 32, sizeof *b->d),
                 .y = ts_alloc_zero(MAX_TOKENS * 128, sizeof *b->y),
                 .scratch = ts_alloc(ts_gemm_scratch_bytes(MAX_N))};
    if (!b->weights || !b->q || !b->s || !b->d || !b->y || !b->scratch)
        return 0;
    memset(b->weights, 0x33, BIG_BYTES);
    memset(b->q, 1, MAX_TOKENS * MAX_N);
    return 1;
}

int main(int argc, char **argv)
{
    unsigned flags = ts_cpu_flags();
    ts_kernels k;
    bench b;

    if ((argc > 1 && !ts_cpu_limit(&flags, argv[1])) || argc > 3 || !make(&b)) {
        (void)fprintf(stderr, "usage: bench_quant [LEVEL [TYPE]]\n");
        return 2;
    }
    ts_kernels_select(&k, flags);
    printf("level %s, vpmaddubsw %.1f GMAC/s, plain reads of memory %.1f GB/s\n",
           ts_cpu_level(flags), peak_gmac(), best_read_gigabytes(b.weights));
    printf("type        n  GB/s L2  memory  128x2   128x3   128x4  128x16  128x48 128x512  16x48  "
           "GMAC/s\n");
#define QUANT(type, block)                       \
    if (argc < 3 || strcmp(argv[2], #type) == 0) \
        bench_type(&b, #type, block, dtype_##type, k.gemm_##type);
    enum {
        dtype_q4_0 = TS_Q4_0,
        dtype_q4_1 = TS_Q4_1,
        dtype_q5_0 = TS_Q5_0,
        dtype_q5_1 = TS_Q5_1,
        dtype_q8_0 = TS_Q8_0,
        dtype_iq4_nl = TS_IQ4_NL,
        dtype_mxfp4 = TS_MXFP4,
        dtype_q2_k = TS_Q2_K,
        dtype_q3_k = TS_Q3_K,
        dtype_q4_k = TS_Q4_K,
        dtype_q5_k = TS_Q5_K,
        dtype_q6_k = TS_Q6_K,
        dtype_iq4_xs = TS_IQ4_XS
    };
#include "kernels/quant.def"
#undef QUANT
    ts_free(b.weights);
    ts_free(b.q);
    ts_free(b.s);
    ts_free(b.d);
    ts_free(b.y);
    ts_free(b.scratch);
    return 0;
}
