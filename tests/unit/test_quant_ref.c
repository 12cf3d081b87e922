/* test_quant_ref.c - the quantised types against gguf-py, and their products
 * against sums in double.
 *
 * tests/kernels/quant_vectors.bin holds blocks and the values that gguf-py
 * gives them; make_quant_vectors.py beside it writes it.  Values must agree in
 * every bit.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/file.h"
#include "core/rng.h"
#include "kernels/kernels.h"

typedef void widen_kernel(float *y, const void *w, size_t n);
typedef void gemm_kernel(float *y, size_t y_stride, const void *w, size_t w_stride, size_t n_rows,
                         const ts_q8_rows *x, size_t n_tokens, size_t n, void *scratch);

static const struct {
    const char *name;
    size_t block;
    widen_kernel *widen;
    gemm_kernel *gemm;
} types[] = {
#define QUANT(type, block) {#type, block, ts_widen_##type##_ref, ts_gemm_##type##_ref},
#include "kernels/quant.def"
#undef QUANT
};

enum { N_TYPES = sizeof types / sizeof *types, MAX_N = 48 * 32 };

/* One type's part of the file. */
typedef struct vectors {
    const uint8_t *blocks, *values;
    size_t block, block_bytes, n_blocks;
} vectors;

static uint32_t read_u32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static vectors find(const ts_buf *file, const char *name)
{
    const uint8_t *p = (const uint8_t *)file->ptr;
    char padded[8] = {0};
    vectors v = {0};

    memcpy(padded, name, strlen(name));
    assert_memory_equal(p, "TSQV", 4);
    p += 8;
    for (uint32_t n = read_u32(p - 4); n > 0; n--) {
        v = (vectors){.blocks = p + 20,
                      .block = read_u32(p + 8),
                      .block_bytes = read_u32(p + 12),
                      .n_blocks = read_u32(p + 16)};
        v.values = v.blocks + v.n_blocks * v.block_bytes;
        if (memcmp(p, padded, 8) == 0)
            return v;
        p = v.values + v.n_blocks * v.block * 4;
    }
    fail_msg("no vectors for %s", name);
    return v;
}

static int open_vectors(void **state)
{
    static ts_buf file;
    tiefsee_error err;

    if (ts_file_read(&file, "tests/kernels/quant_vectors.bin", 1 << 20, &err) != TIEFSEE_OK)
        fail_msg("%s", err.message);
    *state = &file;
    return 0;
}

static int close_vectors(void **state)
{
    ts_buf_free(*state);
    return 0;
}

static void every_type_widens_to_the_published_bits(void **state)
{
    for (size_t i = 0; i < N_TYPES; i++) {
        const vectors v = find(*state, types[i].name);
        float got[MAX_N * 2];

        assert_int_equal(v.block, types[i].block);
        assert_true(v.n_blocks * v.block <= sizeof got / sizeof *got);
        types[i].widen(got, v.blocks, v.n_blocks * v.block);
        for (size_t j = 0; j < v.n_blocks * v.block; j++) {
            float want;
            memcpy(&want, v.values + 4 * j, sizeof want);
            if (memcmp(&want, &got[j], sizeof want) != 0)
                fail_msg("%s: weight %zu: want %a, got %a", types[i].name, j, (double)want,
                         (double)got[j]);
        }
    }
}

/* Three tokens of quantised activations whose scales are one. */
typedef struct activations {
    int8_t q[3][MAX_N * 2];
    int16_t s[3][MAX_N / 8];
    float d[3][MAX_N / 16];
} activations;

static ts_q8_rows random_activations(activations *a)
{
    ts_rng rng;

    ts_rng_seed(&rng, 7);
    memset(a, 0, sizeof *a);
    for (size_t t = 0; t < 3; t++)
        for (size_t i = 0; i < MAX_N * 2; i++) {
            a->q[t][i] = (int8_t)((int)ts_rng_below(&rng, 255) - 127);
            a->s[t][i / 16] = (int16_t)(a->s[t][i / 16] + a->q[t][i]);
            a->d[t][i / 32] = 1.0f;
        }
    return (ts_q8_rows){.q = a->q[0],
                        .d = a->d[0],
                        .s = a->s[0],
                        .q_stride = MAX_N * 2,
                        .d_stride = MAX_N / 16,
                        .s_stride = MAX_N / 8};
}

/* A row is one block, so that huge and tiny scales do not meet in one sum. */
static void products_agree_with_sums_of_widened_weights(void **state)
{
    static activations a;
    const ts_q8_rows x = random_activations(&a);

    for (size_t i = 0; i < N_TYPES; i++) {
        const vectors v = find(*state, types[i].name);
        float w[MAX_N * 2], y[3][64];

        types[i].widen(w, v.blocks, v.n_blocks * v.block);
        types[i].gemm(y[0], 64, v.blocks, v.block_bytes, v.n_blocks, &x, 3, v.block, NULL);
        for (size_t t = 0; t < 3; t++)
            for (size_t r = 0; r < v.n_blocks; r++) {
                double want = 0, size = 1e-37;
                for (size_t k = 0; k < v.block; k++) {
                    const double p = (double)w[r * v.block + k] * a.q[t][k];
                    want += p;
                    size += fabs(p);
                }
                /* A few roundings of terms of about that size; beyond
                 * float's range there is nothing to compare. */
                if (size < 1e38 && !(fabs(want - (double)y[t][r]) <= size * 0x1p-20))
                    fail_msg("%s: row %zu: want %g, got %g", types[i].name, r, want,
                             (double)y[t][r]);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_widens_to_the_published_bits),
        cmocka_unit_test(products_agree_with_sums_of_widened_weights),
    };
    return cmocka_run_group_tests(tests, open_vectors, close_vectors);
}
