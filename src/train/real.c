/* real.c - see real.h: packing, and the few operations that are kernels in float
 * and loops in double. */
#include "train/real.h"

#include <string.h>

/* Steps of a panel that stay in L1 while the rows of A pass: 16 KiB in float. */
enum { STEPS = 256, WIDTH = 16 };

/* Four by four numbers, turned: a vector has the size of four of them. */
typedef real four __attribute__((vector_size(4 * sizeof(real)), aligned(sizeof(real))));

static inline void turn4(real *to, size_t to_stride, const real *from, size_t stride)
{
    const four a = *(const four *)from, b = *(const four *)(from + stride);
    const four c = *(const four *)(from + 2 * stride), d = *(const four *)(from + 3 * stride);
    const four ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const four ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const four cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const four cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);

    *(four *)to = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
    *(four *)(to + to_stride) = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
    *(four *)(to + 2 * to_stride) = __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5);
    *(four *)(to + 3 * to_stride) = __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7);
}

/* Strips of sixteen columns, so that reading stays within a cache line. */
void ts_turn(real *to, size_t to_stride, ts_rows x, size_t n, size_t n_columns)
{
    const size_t even = n / 4 * 4;

    for (size_t strip = 0; strip < n_columns; strip += WIDTH) {
        const size_t end = n_columns - strip < WIDTH ? n_columns : strip + WIDTH;
        const size_t whole = strip + (end - strip) / 4 * 4;

        for (size_t i = 0; i < n; i += 4) {
            size_t j = strip;

            for (; i < even && j < whole; j += 4)
                turn4(to + j * to_stride + i, to_stride, x.v + i * x.stride + j, x.stride);
            for (; j < end; j++)
                for (size_t l = i; l < n && l < i + 4; l++)
                    to[j * to_stride + l] = x.v[l * x.stride + j];
        }
    }
}

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
    for (size_t j = 0; j < n_columns; j += WIDTH, panels += WIDTH * n) {
        const size_t width = n_columns - j < WIDTH ? n_columns - j : WIDTH;

        if (width < WIDTH)
            memset(panels, 0, WIDTH * n * sizeof *panels);
        ts_turn(panels, WIDTH, ts_rows_from(x, j), width, n);
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
