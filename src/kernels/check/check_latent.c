/* check_latent.c - checks and timings of latent attention on integers; see
 * check.h and latent.h.
 */
#include <string.h>

#include "kernels/check/check.h"

enum { IN, ROWS, QUERY, STEP, COPY, WANT, GOT, WANT_STEP, GOT_STEP };

/* Any shape that latent.h allows, small ones more often. */
static ts_latent some_shape(ts_check *c, size_t trial)
{
    const size_t most = trial % 16 == 0 ? TS_LATENT_MAX : 160;
    ts_latent l = {.n = TS_LATENT_STEP * (1 + ts_check_random(c, most / TS_LATENT_STEP)),
                   .n_rope = TS_LATENT_STEP * ts_check_random(c, 9)};

    l.row_bytes = l.n + 2 * l.n_rope + 8 + 4 * ts_check_random(c, 3);
    ts_check_case(c, "n=%zu rope=%zu row_bytes=%zu", l.n, l.n_rope, l.row_bytes);
    return l;
}

bool ts_check_latent_pack(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial < 300; trial++) {
        const ts_latent l = some_shape(c, trial);
        const float *x = trial % 3 ? ts_check_moderate(c, IN, l.n + l.n_rope)
                                   : ts_check_floats(c, IN, l.n + l.n_rope);
        void *want = ts_check_output(c, WANT, l.n + 2 * l.n_rope + 8);
        void *got = ts_check_output(c, GOT, l.n + 2 * l.n_rope + 8);

        ref->latent_pack(want, x, &l);
        variant->latent_pack(got, x, &l);
        /* NaN may differ in its bits. */
        float *d[2] = {(float *)(void *)((char *)want + l.n + 2 * l.n_rope),
                       (float *)(void *)((char *)got + l.n + 2 * l.n_rope)};
        for (int i = 0; i < 2; i++)
            if (d[0][i] != d[0][i] && d[1][i] != d[1][i])
                d[0][i] = d[1][i] = 0;
        if (!ts_check_same_bytes(c, WANT, GOT))
            return false;
    }
    return true;
}

bool ts_check_latent_query(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial < 300; trial++) {
        const ts_latent l = some_shape(c, trial);
        const size_t n = l.n + l.n_rope;
        const float *x = trial % 3 ? ts_check_moderate(c, IN, n) : ts_check_floats(c, IN, n);
        int16_t *want = ts_check_output(c, WANT, n * sizeof *want);
        int16_t *got = ts_check_output(c, GOT, n * sizeof *got);
        float *want_step = ts_check_output(c, WANT_STEP, sizeof *want_step);
        float *got_step = ts_check_output(c, GOT_STEP, sizeof *got_step);

        ref->latent_query(want, want_step, x, 0.3f, &l);
        variant->latent_query(got, got_step, x, 0.3f, &l);
        if (!ts_check_same_bytes(c, WANT, GOT) || !ts_check_same_floats(c, WANT_STEP, GOT_STEP))
            return false;
    }
    return true;
}

/* Rows as latent_pack leaves them; now and then with the largest codes. */
static const void *some_rows(ts_check *c, const ts_kernels *ref, const ts_latent *l, size_t n_rows,
                             size_t trial)
{
    const size_t bytes = n_rows ? (n_rows - 1) * l->row_bytes + l->n + 2 * l->n_rope + 8 : 0;
    uint8_t *rows = ts_check_output(c, ROWS, bytes);

    for (size_t r = 0; r < n_rows; r++) {
        float *x = trial % 5 ? ts_check_moderate(c, IN, l->n + l->n_rope)
                             : ts_check_floats(c, IN, l->n + l->n_rope);
        if (trial % 7 == 0)
            for (size_t i = 0; i < l->n + l->n_rope; i++)
                x[i] = r % 2 ? 1.0f : -1.0f;
        ref->latent_pack(rows + r * l->row_bytes, x, l);
    }
    return rows;
}

bool ts_check_latent_scores(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial < 200; trial++) {
        const ts_latent l = some_shape(c, trial);
        const size_t width = l.n + l.n_rope, n_q = ts_check_random(c, 10);
        const size_t n_rows = ts_check_random(c, 20), stride = n_rows + ts_check_random(c, 3);
        const void *rows = some_rows(c, ref, &l, n_rows, trial);
        int16_t *q = ts_check_output(c, QUERY, n_q * width * sizeof *q);
        float *d = ts_check_output(c, STEP, n_q * sizeof *d);
        const size_t bytes = n_q ? ((n_q - 1) * stride + n_rows) * sizeof(float) : 0;

        for (size_t i = 0; i < n_q; i++) {
            float *x = ts_check_moderate(c, IN, width);
            for (size_t j = 0; trial % 7 == 0 && j < width; j++)
                x[j] = -1.0f;
            ref->latent_query(q + i * width, d + i, x, 0.3f, &l);
        }
        float *want = ts_check_output(c, WANT, bytes), *got = ts_check_output(c, GOT, bytes);
        ref->latent_scores(want, stride, q, d, n_q, rows, n_rows, &l);
        variant->latent_scores(got, stride, q, d, n_q, rows, n_rows, &l);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

bool ts_check_latent_values(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial < 200; trial++) {
        const ts_latent l = some_shape(c, trial);
        const size_t n_q = ts_check_random(c, 20);
        const size_t n_rows = trial % 7 == 0 ? 64 : ts_check_random(c, TS_LATENT_ROWS + 1);
        const size_t p_stride = n_rows + ts_check_random(c, 3), z_stride = l.n + 3;
        const void *rows = some_rows(c, ref, &l, n_rows, trial);
        const size_t n_p = n_q && n_rows ? (n_q - 1) * p_stride + n_rows : 0;
        float *p = trial % 5 ? ts_check_moderate(c, QUERY, n_p) : ts_check_floats(c, QUERY, n_p);

        for (size_t i = 0; i < n_p; i++)
            p[i] = trial % 7 == 0 ? 1.0f : p[i] < 0 ? -p[i] : p[i];
        (void)ts_check_floats(c, COPY, n_q ? (n_q - 1) * z_stride + l.n : 0);
        float *want = ts_check_copy(c, WANT, COPY), *got = ts_check_copy(c, GOT, COPY);
        ref->latent_values(want, z_stride, p, p_stride, n_q, rows, n_rows, &l);
        variant->latent_values(got, z_stride, p, p_stride, n_q, rows, n_rows, &l);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

/* The published shape: 512 latents, 64 rotary values, a page of rows. */
static const ts_latent published = {512, 64, 512 + 128 + 8};
enum { BENCH_Q = 8 };

void ts_bench_latent_pack(ts_check *c, const ts_kernels *k)
{
    const float *x = ts_check_moderate(c, IN, 576);
    void *row = ts_check_output(c, GOT, published.row_bytes);

    c->bytes = 576 * 4;
    while (ts_check_again(c))
        k->latent_pack(row, x, &published);
}

void ts_bench_latent_query(ts_check *c, const ts_kernels *k)
{
    const float *x = ts_check_moderate(c, IN, 576);
    int16_t *q = ts_check_output(c, GOT, 576 * sizeof *q);
    float *d = ts_check_output(c, GOT_STEP, sizeof *d);

    c->bytes = 576 * 4;
    while (ts_check_again(c))
        k->latent_query(q, d, x, 1.0f, &published);
}

static const void *bench_rows(ts_check *c, const ts_kernels *k)
{
    uint8_t *rows = ts_check_output(c, ROWS, TS_LATENT_ROWS * published.row_bytes);

    for (size_t r = 0; r < TS_LATENT_ROWS; r++)
        k->latent_pack(rows + r * published.row_bytes, ts_check_moderate(c, IN, 576), &published);
    return rows;
}

void ts_bench_latent_scores(ts_check *c, const ts_kernels *k)
{
    const void *rows = bench_rows(c, k);
    int16_t *q = ts_check_output(c, QUERY, BENCH_Q * 576 * sizeof *q);
    float *d = ts_check_output(c, STEP, BENCH_Q * sizeof *d);
    float *s = ts_check_output(c, GOT, BENCH_Q * TS_LATENT_ROWS * sizeof *s);

    for (size_t i = 0; i < BENCH_Q; i++)
        k->latent_query(q + i * 576, d + i, ts_check_moderate(c, IN, 576), 1.0f, &published);
    c->ops = 2.0 * BENCH_Q * TS_LATENT_ROWS * 576;
    while (ts_check_again(c))
        k->latent_scores(s, TS_LATENT_ROWS, q, d, BENCH_Q, rows, TS_LATENT_ROWS, &published);
}

void ts_bench_latent_values(ts_check *c, const ts_kernels *k)
{
    const void *rows = bench_rows(c, k);
    float *p = ts_check_moderate(c, QUERY, BENCH_Q * TS_LATENT_ROWS);
    float *z = ts_check_moderate(c, GOT, BENCH_Q * 512);

    for (size_t i = 0; i < BENCH_Q * TS_LATENT_ROWS; i++)
        p[i] = p[i] < 0 ? -p[i] : p[i];
    c->ops = 2.0 * BENCH_Q * TS_LATENT_ROWS * 512;
    while (ts_check_again(c))
        k->latent_values(z, 512, p, TS_LATENT_ROWS, BENCH_Q, rows, TS_LATENT_ROWS, &published);
}
