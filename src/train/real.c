/* real.c - see real.h: packing, and the few operations that are kernels in float
 * and loops in double. */
#include "train/real.h"

#include <string.h>

/* Steps of a panel that stay in L1 while the rows of A pass: 16 KiB in float. */
enum { STEPS = 256, WIDTH = 16 };

size_t ts_packed_reals(size_t n, size_t n_columns)
{
    return (n_columns + WIDTH - 1) / WIDTH * WIDTH * n;
}

void ts_pack_rows(real *panels, ts_rows x, size_t n, size_t n_columns)
{
    for (size_t j = 0; j < n_columns; j += WIDTH, panels += WIDTH * n) {
        const size_t width = n_columns - j < WIDTH ? n_columns - j : WIDTH;

        for (size_t i = 0; i < n; i++) {
            const real *from = x.v + i * x.stride + j;
            real *to = panels + WIDTH * i;

            if (width == WIDTH) {
                memcpy(to, from, WIDTH * sizeof *to);
                continue;
            }
            for (size_t l = 0; l < WIDTH; l++)
                to[l] = l < width ? from[l] : 0;
        }
    }
}

void ts_pack_columns(real *panels, ts_rows x, size_t n, size_t n_columns)
{
    for (size_t j = 0; j < n_columns; j += WIDTH, panels += WIDTH * n)
        for (size_t l = 0; l < WIDTH; l++) {
            const real *from = x.v + (j + l) * x.stride;

            if (j + l < n_columns)
                for (size_t i = 0; i < n; i++)
                    panels[WIDTH * i + l] = from[i];
            else
                for (size_t i = 0; i < n; i++)
                    panels[WIDTH * i + l] = 0;
        }
}

#ifdef TS_TRAIN_F64
static void run_steps(const ts_kernels *k, const ts_product *p)
{
    (void)k;
    for (size_t r = 0; r < p->n_rows; r++)
        for (size_t j = 0; j < p->n_columns; j++) {
            const real *a = p->a + r * p->a_row, *b = p->b + j / 16 * p->b_panel + j % 16;
            real *c = p->c + r * p->c_stride + j, sum = p->adds ? *c : 0;

            for (size_t i = 0; i < p->n; i++)
                sum += a[i * p->a_step] * b[16 * i];
            *c = sum;
        }
}
#else
static void run_steps(const ts_kernels *k, const ts_product *p)
{
    k->panels_f32(p);
}
#endif

void ts_product_run(const ts_kernels *k, const ts_product *p)
{
    ts_product part = *p;
    size_t done = 0;

    do {
        part.a = p->a + done * p->a_step;
        part.b = p->b + done * WIDTH;
        part.n = p->n - done < STEPS ? p->n - done : STEPS;
        part.adds = p->adds || done > 0;
        run_steps(k, &part);
        done += part.n;
    } while (done < p->n);
}

#ifdef TS_TRAIN_F64
real ts_real_dot(const ts_kernels *k, const real *a, const real *b, size_t n)
{
    real sum = 0;

    (void)k;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

void ts_real_axpy(const ts_kernels *k, real *y, real a, const real *x, size_t n)
{
    (void)k;
    for (size_t i = 0; i < n; i++)
        y[i] += a * x[i];
}

void ts_real_add(const ts_kernels *k, real *y, const real *x, size_t n)
{
    ts_real_axpy(k, y, 1, x, n);
}

void ts_real_sigmoid(const ts_kernels *k, real *y, const real *x, size_t n)
{
    (void)k;
    for (size_t i = 0; i < n; i++)
        y[i] = 1 / (1 + exp(-x[i]));
}

void ts_real_softmax(const ts_kernels *k, real *x, size_t n)
{
    real max = x[0], sum = 0;

    (void)k;
    for (size_t i = 1; i < n; i++)
        max = x[i] > max ? x[i] : max;
    for (size_t i = 0; i < n; i++)
        sum += x[i] = exp(x[i] - max);
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}
#else
real ts_real_dot(const ts_kernels *k, const real *a, const real *b, size_t n)
{
    return k->dot_f32(a, b, n);
}

void ts_real_axpy(const ts_kernels *k, real *y, real a, const real *x, size_t n)
{
    k->axpy_f32(y, a, x, n);
}

void ts_real_add(const ts_kernels *k, real *y, const real *x, size_t n)
{
    k->add_f32(y, x, n);
}

void ts_real_sigmoid(const ts_kernels *k, real *y, const real *x, size_t n)
{
    k->sigmoid_f32(y, x, n);
}

void ts_real_softmax(const ts_kernels *k, real *x, size_t n)
{
    k->softmax_f32(x, n);
}
#endif
