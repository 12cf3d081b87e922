/* probe_ref.c - rates of plain C, for CPUs without a faster level. */
#include "core/compiler.h"
#include "kernels/probe.h"

uint64_t ts_probe_int8_ref(size_t n_rounds)
{
    volatile int32_t sink;
    int32_t sum[8] = {0};

    for (size_t i = 0; i < n_rounds; i++)
        for (int k = 0; k < 8; k++)
            sum[k] += (int8_t)(i + (size_t)k) * (int8_t)(i ^ (size_t)k);
    for (int k = 0; k < 8; k++)
        sink = sum[k];
    (void)sink;
    return (uint64_t)n_rounds * 8;
}

uint64_t ts_probe_f32_ref(size_t n_rounds)
{
    volatile float sink;
    float sum[8] = {0};

    for (size_t i = 0; i < n_rounds; i++)
        for (int k = 0; k < 8; k++)
            sum[k] = sum[k] * 0.999f + 0.5f;
    for (int k = 0; k < 8; k++)
        sink = sum[k];
    (void)sink;
    return (uint64_t)n_rounds * 8;
}
