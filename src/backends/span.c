/* span.c - see span.h. */
#include "backends/span.h"

#include "kernels/exp.h"

/* In lanes, which a compiler turns into vectors; NaN may be passed over. */
static float largest(const float *x, size_t n)
{
    enum { LANES = 16 };
    float m[LANES];

    for (size_t j = 0; j < LANES; j++)
        m[j] = x[0];
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            m[j] = x[i + j] > m[j] ? x[i + j] : m[j];
    for (; i < n; i++)
        m[0] = x[i] > m[0] ? x[i] : m[0];
    for (size_t j = 1; j < LANES; j++)
        m[0] = m[j] > m[0] ? m[j] : m[0];
    return m[0];
}

ts_span_sum ts_span_softmax(const ts_kernels *k, float *scores, size_t n)
{
    ts_span_sum sum = {.max = largest(scores, n)};

    k->softmax_f32(scores, n);
    sum.mass = 1 / largest(scores, n); /* that of exp(0) */
    return sum;
}

void ts_span_join(const ts_kernels *k, ts_span_sum *sum, float *z, ts_span_sum next,
                  const float *z_s, size_t d_v)
{
    if (next.max > sum->max) {
        sum->mass *= exp_f32(sum->max - next.max);
        sum->max = next.max;
    } else {
        next.mass *= exp_f32(next.max - sum->max);
    }
    const float mass = sum->mass + next.mass;
    k->scale_f32(z, sum->mass / mass, z, d_v);
    k->axpy_f32(z, next.mass / mass, z_s, d_v);
    sum->mass = mass;
}
