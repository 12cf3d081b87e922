/* panels_f32.h - the body of panels_f32 for one vector type; the including file
 * defines VECTOR, WIDTH, VECTORS (WIDTH * VECTORS = 16), MAX_ROWS and the operations.
 *
 * The caller keeps a panel's steps within L1 and A's rows within L2; here panels are
 * the outer loop, rows the inner one.  A tile at the right edge works on a copy, so
 * that nothing outside of C is touched.
 */
#ifndef TS_KERNELS_PANELS_F32_H
#define TS_KERNELS_PANELS_F32_H

#ifdef KERNEL_NAME

#include <string.h>

/* Unrolled early, or gcc keeps the accumulators on the stack. */
#define UNROLL _Pragma("GCC unroll 16")

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

/* rows is a literal at every call: all of acc are registers. */
ALWAYS_INLINE void tile(const ts_panels *p, float *c, size_t c_stride, const float *a,
                        const float *b, size_t rows)
{
    const size_t a_row = p->a_row, a_step = p->a_step, n = p->n;
    VECTOR acc[MAX_ROWS][VECTORS];
    const float *ar[(MAX_ROWS + 2) / 3];

    /* Three rows to a pointer: x86 can address base + 0, 1 and 2 strides. */
    UNROLL
    for (size_t i = 0; i < (MAX_ROWS + 2) / 3; i++)
        ar[i] = a + 3 * i * a_row;
    UNROLL
    for (size_t r = 0; r < rows; r++)
        UNROLL
    for (size_t v = 0; v < VECTORS; v++)
        acc[r][v] = p->adds ? LOAD(c + r * c_stride + v * WIDTH) : ZERO;
    for (size_t i = 0; i < n; i++) {
        VECTOR bv[VECTORS];

        UNROLL
        for (size_t v = 0; v < VECTORS; v++)
            bv[v] = LOAD(b + 16 * i + v * WIDTH);
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            const VECTOR av = SPREAD(ar[r / 3] + r % 3 * a_row);
            UNROLL
            for (size_t v = 0; v < VECTORS; v++)
                acc[r][v] = FMA(av, bv[v], acc[r][v]);
        }
        UNROLL
        for (size_t k = 0; k < (rows + 2) / 3; k++)
            ar[k] += a_step;
    }
    UNROLL
    for (size_t r = 0; r < rows; r++)
        UNROLL
    for (size_t v = 0; v < VECTORS; v++)
        STORE(c + r * c_stride + v * WIDTH, acc[r][v]);
}

static void any_tile(const ts_panels *p, float *c, size_t c_stride, const float *a, const float *b,
                     size_t rows)
{
    switch (rows) {
#define CASE(r) \
    case r: tile(p, c, c_stride, a, b, r); break;
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
        CASE(5)
        CASE(6)
#if MAX_ROWS > 6
        CASE(7)
        CASE(8)
        CASE(9)
        CASE(10)
        CASE(11)
        CASE(12)
#endif
#undef CASE
    default: break;
    }
}

static void edge_tile(const ts_panels *p, float *c, const float *a, const float *b, size_t rows,
                      size_t columns)
{
    float copy[MAX_ROWS * 16] = {0};

    if (p->adds)
        for (size_t r = 0; r < rows; r++)
            memcpy(copy + 16 * r, c + r * p->c_stride, columns * sizeof *c);
    any_tile(p, copy, 16, a, b, rows);
    for (size_t r = 0; r < rows; r++)
        memcpy(c + r * p->c_stride, copy + 16 * r, columns * sizeof *c);
}

void KERNEL_NAME(const ts_panels *p)
{
    for (size_t j = 0; j < p->n_columns; j += 16) {
        const float *b = p->b + j / 16 * p->b_panel;
        const size_t columns = p->n_columns - j < 16 ? p->n_columns - j : 16;

        for (size_t r = 0; r < p->n_rows; r += MAX_ROWS) {
            const size_t rows = p->n_rows - r < MAX_ROWS ? p->n_rows - r : MAX_ROWS;
            const float *a = p->a + r * p->a_row;
            float *c = p->c + r * p->c_stride + j;

            if (columns < 16)
                edge_tile(p, c, a, b, rows, columns);
            else if (rows == MAX_ROWS)
                tile(p, c, p->c_stride, a, b, MAX_ROWS);
            else
                any_tile(p, c, p->c_stride, a, b, rows);
        }
    }
}
#endif
#endif
