/* low_rank.c - see low_rank.h. */
#include "train/lora/low_rank.h"

static void scale(ts_rows t, real s, size_t n, size_t rank)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < rank; j++)
            t.v[i * t.stride + j] *= s;
}

void ts_low_rank_down(const ts_kernels *k, ts_rows t, ts_rows x, const ts_low_rank_weight *w,
                      size_t n)
{
    ts_linear_forward(k, t, false, x, &w->A, n);
    scale(t, w->scale, n, w->A.n_out);
}

void ts_low_rank_up(const ts_kernels *k, ts_rows y, ts_rows t, const ts_low_rank_weight *w,
                    size_t n)
{
    ts_linear_forward(k, y, true, t, &w->B, n);
}

void ts_low_rank_backward(const ts_kernels *k, ts_rows dx, bool adds, ts_rows dt, ts_rows dy,
                          const ts_low_rank_weight *w, size_t n)
{
    ts_linear_backward(k, dt, false, dy, &w->B, n);
    scale(dt, w->scale, n, w->A.n_out);
    ts_linear_backward(k, dx, adds, dt, &w->A, n);
}
