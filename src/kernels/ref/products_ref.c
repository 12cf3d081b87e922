/* products_ref.c - the definitions of dot_f32, gemm_f32, accumulate_f32,
 * panels_f32 and axpy_f32: sums of products, every step one fused multiply-add.
 *
 * A reduction along a row runs in sixteen lanes (lanes.h).  accumulate_f32
 * and panels_f32 have no lanes: each output is its own accumulator and rows come in order, so it
 * can be cut anywhere between rows without changing a bit.
 */
#include "kernels/kernels.h"
#include "kernels/lanes.h"

float ts_dot_f32_ref(const float *a, const float *b, size_t n)
{
    float lane[16] = {0};

    return lanes_finish(lane, a, b, 0, n);
}

void ts_gemm_f32_ref(float *y, size_t y_stride, const float *w, size_t w_stride, size_t n_rows,
                     const float *x, size_t x_stride, size_t n_tokens, size_t n)
{
    for (size_t t = 0; t < n_tokens; t++)
        for (size_t r = 0; r < n_rows; r++)
            y[t * y_stride + r] = ts_dot_f32_ref(w + r * w_stride, x + t * x_stride, n);
}

void ts_accumulate_f32_ref(float *z, size_t z_stride, const float *p, size_t p_stride, size_t n_q,
                           const float *c, size_t c_stride, size_t n_rows, size_t n)
{
    for (size_t q = 0; q < n_q; q++)
        for (size_t t = 0; t < n_rows; t++)
            ts_axpy_f32_ref(z + q * z_stride, p[q * p_stride + t], c + t * c_stride, n);
}

void ts_panels_f32_ref(const ts_panels *p)
{
    for (size_t r = 0; r < p->n_rows; r++)
        for (size_t j = 0; j < p->n_columns; j++) {
            const float *a = p->a + r * p->a_row, *b = p->b + j / 16 * p->b_panel + j % 16;
            float *c = p->c + r * p->c_stride + j, sum = p->adds ? *c : 0;

            for (size_t i = 0; i < p->n; i++)
                sum = fmaf(a[i * p->a_step], b[16 * i], sum);
            *c = sum;
        }
}

void ts_axpy_f32_ref(float *y, float a, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = fmaf(a, x[i], y[i]);
}
