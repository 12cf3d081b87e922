/* check_narrow.c - checks and timings of the kernels between float and narrower
 * types: widen_f16, widen_bf16, widen_f8_e4m3, quantize_q8; see check.h.
 */
#include "kernels/check/check.h"

#define MAX_N 300

enum { IN, WANT, GOT, D_WANT, D_GOT, S_WANT, S_GOT };

typedef void widen_function(float *y, const void *w, size_t n);

/* Random weights of every length, then every value that the type has. */
static bool check_widen(ts_check *c, size_t bytes_each, widen_function *ref,
                        widen_function *variant)
{
    const size_t n_values = (size_t)1 << (8 * bytes_each);

    for (size_t trial = 0; trial <= MAX_N + 1; trial++) {
        const size_t n = trial <= MAX_N ? trial : n_values;
        uint8_t *w = ts_check_bytes(c, IN, n * bytes_each);
        float *want = ts_check_output(c, WANT, n * sizeof(float));
        float *got = ts_check_output(c, GOT, n * sizeof(float));

        if (n == n_values)
            for (size_t i = 0; i < n * bytes_each; i++)
                w[i] = (uint8_t)(i / bytes_each >> (8 * (i % bytes_each)));
        ts_check_case(c, "n=%zu", n);
        ref(want, w, n);
        variant(got, w, n);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

static void bench_widen(ts_check *c, size_t bytes_each, widen_function *widen)
{
    const size_t n = 4096;
    const uint8_t *w = ts_check_bytes(c, IN, n * bytes_each);
    float *y = ts_check_output(c, GOT, n * sizeof(float));

    c->bytes = (double)(n * (bytes_each + sizeof(float)));
    while (ts_check_again(c))
        widen(y, w, n);
}

bool ts_check_widen_f16(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    return check_widen(c, 2, ref->widen_f16, variant->widen_f16);
}

void ts_bench_widen_f16(ts_check *c, const ts_kernels *k)
{
    bench_widen(c, 2, k->widen_f16);
}

bool ts_check_widen_bf16(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    return check_widen(c, 2, ref->widen_bf16, variant->widen_bf16);
}

void ts_bench_widen_bf16(ts_check *c, const ts_kernels *k)
{
    bench_widen(c, 2, k->widen_bf16);
}

bool ts_check_widen_f8_e4m3(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    return check_widen(c, 1, ref->widen_f8_e4m3, variant->widen_f8_e4m3);
}

void ts_bench_widen_f8_e4m3(ts_check *c, const ts_kernels *k)
{
    bench_widen(c, 1, k->widen_f8_e4m3);
}

bool ts_check_quantize_q8(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial < 1200; trial++) {
        const size_t n = ts_check_random(c, trial % 2 ? 600 : 80);
        const size_t block = ts_check_random(c, 2) ? 32 : 256;
        const size_t n_blocks = (n + block - 1) / block, n_sums = (n + 15) / 16;
        const float *x = ts_check_floats(c, IN, n);
        int8_t *q_want = ts_check_output(c, WANT, n), *q_got = ts_check_output(c, GOT, n);
        float *d_want = ts_check_output(c, D_WANT, n_blocks * sizeof(float));
        float *d_got = ts_check_output(c, D_GOT, n_blocks * sizeof(float));
        int16_t *s_want = ts_check_output(c, S_WANT, n_sums * sizeof(int16_t));
        int16_t *s_got = ts_check_output(c, S_GOT, n_sums * sizeof(int16_t));

        ts_check_case(c, "n=%zu block=%zu", n, block);
        ref->quantize_q8(q_want, d_want, s_want, x, n, block);
        variant->quantize_q8(q_got, d_got, s_got, x, n, block);
        if (!ts_check_same_bytes(c, WANT, GOT) || !ts_check_same_floats(c, D_WANT, D_GOT) ||
            !ts_check_same_bytes(c, S_WANT, S_GOT))
            return false;
    }
    return true;
}

void ts_bench_quantize_q8(ts_check *c, const ts_kernels *k)
{
    const size_t n = 4096, block = 256;
    const float *x = ts_check_moderate(c, IN, n);
    int8_t *q = ts_check_output(c, GOT, n);
    float *d = ts_check_output(c, D_GOT, n / block * sizeof(float));
    int16_t *s = ts_check_output(c, S_GOT, n / 16 * sizeof(int16_t));

    c->bytes = 5.0 * (double)n;
    while (ts_check_again(c))
        k->quantize_q8(q, d, s, x, n, block);
}
