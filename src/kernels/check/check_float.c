/* check_float.c - checks and timings of the float kernels; see check.h.
 *
 * Lengths 0 ... 300 by ones, so that every tail of every tile comes by; strides
 * are odd; in-place kernels work on two copies.
 */
#include <math.h>

#include "kernels/check/check.h"

#define MAX_N 300

/* Operand slots by use. */
enum { A, B, C, WANT, GOT };

bool ts_check_dot_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t n = 0; n <= MAX_N; n++) {
        const float *a = ts_check_floats(c, A, n);
        const float *b = ts_check_floats(c, B, n);
        ts_check_case(c, "n=%zu", n);
        if (!ts_check_same_float(c, ref->dot_f32(a, b, n), variant->dot_f32(a, b, n)))
            return false;
    }
    return true;
}

void ts_bench_dot_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n = 4096;
    const float *a = ts_check_moderate(c, A, n);
    const float *b = ts_check_moderate(c, B, n);
    volatile float sink;

    c->ops = 2.0 * (double)n;
    while (ts_check_again(c))
        sink = k->dot_f32(a, b, n);
    (void)sink;
}

/* Extent of a matrix of rows at a stride. */
static size_t extent(size_t n_rows, size_t stride, size_t n)
{
    return n_rows == 0 ? 0 : (n_rows - 1) * stride + n;
}

/* Now and then a product that is large enough for every level of blocking. */
bool ts_check_gemm_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial < 600; trial++) {
        const bool is_large = trial % 30 == 0;
        const size_t n = ts_check_random(c, is_large ? 1400 : trial % 4 ? 70 : MAX_N);
        const size_t n_rows = ts_check_random(c, 14);
        const size_t n_tokens = ts_check_random(c, is_large ? 80 : 11);
        const size_t w_stride = n + ts_check_random(c, 5), x_stride = n + ts_check_random(c, 5);
        const size_t y_stride = n_rows + ts_check_random(c, 5);
        const float *w = ts_check_floats(c, A, extent(n_rows, w_stride, n));
        const float *x = ts_check_floats(c, B, extent(n_tokens, x_stride, n));
        const size_t y_bytes = extent(n_tokens, y_stride, n_rows) * sizeof(float);
        float *want = ts_check_output(c, WANT, y_bytes);
        float *got = ts_check_output(c, GOT, y_bytes);

        ts_check_case(c, "rows=%zu tokens=%zu n=%zu strides %zu %zu %zu", n_rows, n_tokens, n,
                      w_stride, x_stride, y_stride);
        ref->gemm_f32(want, y_stride, w, w_stride, n_rows, x, x_stride, n_tokens, n);
        variant->gemm_f32(got, y_stride, w, w_stride, n_rows, x, x_stride, n_tokens, n);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

void ts_bench_gemm_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n_rows = 64, n_tokens = 16, n = 512;
    const float *w = ts_check_moderate(c, A, n_rows * n);
    const float *x = ts_check_moderate(c, B, n_tokens * n);
    float *y = ts_check_output(c, GOT, n_tokens * n_rows * sizeof(float));

    c->ops = 2.0 * (double)(n_rows * n_tokens * n);
    while (ts_check_again(c))
        k->gemm_f32(y, n_rows, w, n, n_rows, x, n, n_tokens, n);
}

bool ts_check_accumulate_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial < 600; trial++) {
        const size_t n = ts_check_random(c, trial % 4 ? 100 : MAX_N);
        const size_t n_rows = ts_check_random(c, 40), n_q = ts_check_random(c, 11);
        const size_t z_stride = n + ts_check_random(c, 5), c_stride = n + ts_check_random(c, 5);
        const size_t p_stride = n_rows + ts_check_random(c, 5);
        const float *p = ts_check_floats(c, A, extent(n_q, p_stride, n_rows));
        const float *rows = ts_check_floats(c, B, extent(n_rows, c_stride, n));

        (void)ts_check_floats(c, C, extent(n_q, z_stride, n));
        float *want = ts_check_copy(c, WANT, C);
        float *got = ts_check_copy(c, GOT, C);
        ts_check_case(c, "q=%zu rows=%zu n=%zu strides %zu %zu %zu", n_q, n_rows, n, z_stride,
                      p_stride, c_stride);
        ref->accumulate_f32(want, z_stride, p, p_stride, n_q, rows, c_stride, n_rows, n);
        variant->accumulate_f32(got, z_stride, p, p_stride, n_q, rows, c_stride, n_rows, n);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

void ts_bench_accumulate_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n_q = 16, n_rows = 64, n = 512;
    const float *p = ts_check_moderate(c, A, n_q * n_rows);
    const float *rows = ts_check_moderate(c, B, n_rows * n);
    float *z = ts_check_moderate(c, GOT, n_q * n);

    c->ops = 2.0 * (double)(n_q * n_rows * n);
    while (ts_check_again(c))
        k->accumulate_f32(z, n, p, n_rows, n_q, rows, n, n_rows, n);
}

/* One trial: sizes and strides by chance; A by rows or by columns. */
static bool check_panels(ts_check *c, const ts_kernels *ref, const ts_kernels *variant, ts_panels p)
{
    const size_t n_panels = (p.n_columns + 15) / 16;
    const bool by_columns = ts_check_random(c, 2) == 1;
    const size_t a_stride = (by_columns ? p.n_rows : p.n) + ts_check_random(c, 5);

    p.a_row = by_columns ? 1 : a_stride;
    p.a_step = by_columns ? a_stride : 1;
    p.a = ts_check_floats(
        c, A, by_columns ? extent(p.n, a_stride, p.n_rows) : extent(p.n_rows, a_stride, p.n));
    p.b_panel = 16 * (p.n + ts_check_random(c, 3));
    p.b = ts_check_floats(c, B, extent(n_panels, p.b_panel, 16 * p.n));
    p.c_stride = p.n_columns + ts_check_random(c, 5);
    p.adds = ts_check_random(c, 2) == 1;
    (void)ts_check_floats(c, C, extent(p.n_rows, p.c_stride, p.n_columns));

    ts_panels want = p, got = p;
    want.c = ts_check_copy(c, WANT, C);
    got.c = ts_check_copy(c, GOT, C);
    ts_check_case(c, "rows=%zu columns=%zu n=%zu strides %zu %zu panel %zu adds=%d", p.n_rows,
                  p.n_columns, p.n, p.a_row, p.a_step, p.b_panel, p.adds);
    ref->panels_f32(&want);
    variant->panels_f32(&got);
    return ts_check_same_floats(c, WANT, GOT);
}

bool ts_check_panels_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial < 600; trial++) {
        const ts_panels p = {.n_rows = ts_check_random(c, 30),
                             .n_columns = ts_check_random(c, trial % 4 ? 40 : 150),
                             .n = ts_check_random(c, trial % 4 ? 40 : MAX_N)};

        if (!check_panels(c, ref, variant, p))
            return false;
    }
    return true;
}

void ts_bench_panels_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n_rows = 96, n_columns = 192, n = 192;
    const float *a = ts_check_moderate(c, A, n_rows * n);
    const float *b = ts_check_moderate(c, B, n_columns * n);
    const ts_panels p = {.c = ts_check_output(c, GOT, n_rows * n_columns * sizeof(float)),
                         .a = a,
                         .b = b,
                         .c_stride = n_columns,
                         .a_row = n,
                         .a_step = 1,
                         .b_panel = 16 * n,
                         .n_rows = n_rows,
                         .n_columns = n_columns,
                         .n = n};

    c->ops = 2.0 * (double)(n_rows * n_columns * n);
    while (ts_check_again(c))
        k->panels_f32(&p);
}

bool ts_check_axpy_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t n = 0; n <= MAX_N; n++) {
        const float a = *ts_check_floats(c, A, 1);
        const float *x = ts_check_floats(c, B, n);

        (void)ts_check_floats(c, C, n);
        float *want = ts_check_copy(c, WANT, C);
        float *got = ts_check_copy(c, GOT, C);
        ts_check_case(c, "n=%zu a=%a", n, (double)a);
        ref->axpy_f32(want, a, x, n);
        variant->axpy_f32(got, a, x, n);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

void ts_bench_axpy_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n = 4096;
    const float *x = ts_check_moderate(c, B, n);
    float *y = ts_check_moderate(c, GOT, n);

    c->ops = 2.0 * (double)n;
    while (ts_check_again(c))
        k->axpy_f32(y, 0x1p-20f, x, n);
}

bool ts_check_add_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t n = 0; n <= MAX_N; n++) {
        const float *x = ts_check_floats(c, B, n);

        (void)ts_check_floats(c, C, n);
        float *want = ts_check_copy(c, WANT, C);
        float *got = ts_check_copy(c, GOT, C);
        ts_check_case(c, "n=%zu", n);
        ref->add_f32(want, x, n);
        variant->add_f32(got, x, n);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

void ts_bench_add_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n = 4096;
    const float *x = ts_check_moderate(c, B, n);
    float *y = ts_check_moderate(c, GOT, n);

    c->bytes = 12.0 * (double)n;
    while (ts_check_again(c))
        k->add_f32(y, x, n);
}

bool ts_check_scale_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t n = 0; n <= MAX_N; n++) {
        const float a = *ts_check_floats(c, A, 1);
        const float *x = ts_check_floats(c, B, n);
        float *want = ts_check_output(c, WANT, n * sizeof(float));
        float *got = n % 2 ? ts_check_copy(c, GOT, B) : ts_check_output(c, GOT, n * sizeof(float));

        ts_check_case(c, "n=%zu a=%a", n, (double)a);
        if (n % 2) { /* in place */
            x = ts_check_copy(c, WANT, B);
            ref->scale_f32(want, a, x, n);
            variant->scale_f32(got, a, got, n);
        } else {
            ref->scale_f32(want, a, x, n);
            variant->scale_f32(got, a, x, n);
        }
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

void ts_bench_scale_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n = 4096;
    const float *x = ts_check_moderate(c, B, n);
    float *y = ts_check_output(c, GOT, n * sizeof(float));

    c->bytes = 8.0 * (double)n;
    while (ts_check_again(c))
        k->scale_f32(y, 0.5f, x, n);
}

bool ts_check_rms_norm_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial <= 2 * MAX_N; trial++) {
        const size_t n = trial / 2;
        const float *x = ts_check_floats(c, A, n);
        const float *w = trial % 2 ? ts_check_floats(c, B, n) : NULL;
        const float eps = ts_check_random(c, 2) ? 1e-6f : 0.0f;
        float *want = ts_check_output(c, WANT, n * sizeof(float));
        float *got = ts_check_output(c, GOT, n * sizeof(float));

        ts_check_case(c, "n=%zu weights=%zu eps=%g", n, trial % 2, (double)eps);
        ref->rms_norm_f32(want, x, w, n, eps);
        variant->rms_norm_f32(got, x, w, n, eps);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

void ts_bench_rms_norm_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n = 2048;
    const float *x = ts_check_moderate(c, A, n);
    const float *w = ts_check_moderate(c, B, n);
    float *y = ts_check_output(c, GOT, n * sizeof(float));

    c->bytes = 12.0 * (double)n;
    while (ts_check_again(c))
        k->rms_norm_f32(y, x, w, n, 1e-6f);
}

/* Spread to where exp is neither 0 nor infinity for most. */
static void scale_row(float *x, size_t n, float by)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= by;
}

bool ts_check_softmax_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial <= 3 * MAX_N; trial++) {
        const size_t n = trial / 3;
        static const float spread[] = {1, 20, 110};

        scale_row(ts_check_floats(c, C, n), n, spread[trial % 3]);
        float *want = ts_check_copy(c, WANT, C);
        float *got = ts_check_copy(c, GOT, C);
        ts_check_case(c, "n=%zu spread=%g", n, (double)spread[trial % 3]);
        ref->softmax_f32(want, n);
        variant->softmax_f32(got, n);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

/* In place: the second call sees probabilities, which costs the same. */
void ts_bench_softmax_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n = 4096;
    float *x = ts_check_moderate(c, GOT, n);

    c->bytes = 8.0 * (double)n;
    while (ts_check_again(c))
        k->softmax_f32(x, n);
}

bool ts_check_exp_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    static const float shift[] = {0, 0.7f, -INFINITY, NAN};

    for (size_t trial = 0; trial <= 4 * MAX_N; trial++) {
        const size_t n = trial / 4;

        scale_row(ts_check_floats(c, C, n), n, trial % 3 ? 1 : 110);
        float *want = ts_check_copy(c, WANT, C);
        float *got = ts_check_copy(c, GOT, C);
        ts_check_case(c, "n=%zu shift=%g", n, (double)shift[trial % 4]);
        ref->exp_f32(want, shift[trial % 4], n);
        variant->exp_f32(got, shift[trial % 4], n);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

/* In place: later calls see what the first one left, which costs the same. */
void ts_bench_exp_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n = 4096;
    float *x = ts_check_moderate(c, GOT, n);

    c->bytes = 8.0 * (double)n;
    while (ts_check_again(c))
        k->exp_f32(x, 1, n);
}

bool ts_check_sigmoid_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial <= 2 * MAX_N; trial++) {
        const size_t n = trial / 2;
        float *x = ts_check_floats(c, A, n);
        float *want = ts_check_output(c, WANT, n * sizeof(float));
        float *got = ts_check_output(c, GOT, n * sizeof(float));

        scale_row(x, n, trial % 2 ? 1 : 110);
        ts_check_case(c, "n=%zu", n);
        ref->sigmoid_f32(want, x, n);
        variant->sigmoid_f32(got, x, n);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

void ts_bench_sigmoid_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n = 256;
    const float *x = ts_check_moderate(c, A, n);
    float *y = ts_check_output(c, GOT, n * sizeof(float));

    c->bytes = 8.0 * (double)n;
    while (ts_check_again(c))
        k->sigmoid_f32(y, x, n);
}

bool ts_check_swiglu_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial <= 2 * MAX_N; trial++) {
        const size_t n = trial / 2;
        float *g = ts_check_floats(c, A, n);
        const float *u = ts_check_floats(c, B, n);
        float *want = ts_check_output(c, WANT, n * sizeof(float));
        float *got = ts_check_output(c, GOT, n * sizeof(float));

        scale_row(g, n, trial % 2 ? 1 : 110);
        ts_check_case(c, "n=%zu", n);
        ref->swiglu_f32(want, g, u, n);
        variant->swiglu_f32(got, g, u, n);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

void ts_bench_swiglu_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n = 1408;
    const float *g = ts_check_moderate(c, A, n);
    const float *u = ts_check_moderate(c, B, n);
    float *y = ts_check_output(c, GOT, n * sizeof(float));

    c->bytes = 12.0 * (double)n;
    while (ts_check_again(c))
        k->swiglu_f32(y, g, u, n);
}

bool ts_check_rope_f32(ts_check *c, const ts_kernels *ref, const ts_kernels *variant)
{
    for (size_t trial = 0; trial <= MAX_N; trial++) {
        const size_t n_pairs = trial / 2;
        const int is_interleaved = trial % 2;
        const float *cosine = ts_check_floats(c, A, n_pairs);
        const float *sine = ts_check_floats(c, B, n_pairs);

        (void)ts_check_floats(c, C, 2 * n_pairs);
        float *want = ts_check_copy(c, WANT, C);
        float *got = ts_check_copy(c, GOT, C);
        ts_check_case(c, "pairs=%zu interleaved=%d", n_pairs, is_interleaved);
        ref->rope_f32(want, cosine, sine, n_pairs, is_interleaved);
        variant->rope_f32(got, cosine, sine, n_pairs, is_interleaved);
        if (!ts_check_same_floats(c, WANT, GOT))
            return false;
    }
    return true;
}

/* Both layouts by turns; the rotation grows nothing that matters in a batch. */
void ts_bench_rope_f32(ts_check *c, const ts_kernels *k)
{
    const size_t n_pairs = 32;
    float *cosine = ts_check_moderate(c, A, n_pairs);
    float *sine = ts_check_moderate(c, B, n_pairs);
    float *x = ts_check_moderate(c, GOT, 2 * n_pairs);

    for (size_t i = 0; i < n_pairs; i++) {
        cosine[i] = 0.6f;
        sine[i] = 0.8f;
    }
    c->bytes = 24.0 * (double)n_pairs * 2;
    while (ts_check_again(c)) {
        k->rope_f32(x, cosine, sine, n_pairs, 0);
        k->rope_f32(x, cosine, sine, n_pairs, 1);
    }
}
