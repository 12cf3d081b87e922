/* quantize_row.c - see quantize_row.h. */
#include "models/quantize_row.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "kernels/weights/quantize.h"

static void keep_f32(void *out, const float *x, size_t n)
{
    memcpy(out, x, n * sizeof *x);
}

typedef void quantize_row(void *out, const float *x, size_t n);

static quantize_row *const by_type[TS_DTYPE_MAX] = {
    [TS_F32] = keep_f32,
    [TS_F16] = ts_narrow_f16,
    [TS_BF16] = ts_narrow_bf16,
    [TS_Q4_0] = ts_quantize_q4_0,
    [TS_Q4_1] = ts_quantize_q4_1,
    [TS_Q5_0] = ts_quantize_q5_0,
    [TS_Q5_1] = ts_quantize_q5_1,
    [TS_Q8_0] = ts_quantize_q8_0,
    [TS_IQ4_NL] = ts_quantize_iq4_nl,
    [TS_MXFP4] = ts_quantize_mxfp4,
    [TS_Q2_K] = ts_quantize_q2_k,
    [TS_Q3_K] = ts_quantize_q3_k,
    [TS_Q4_K] = ts_quantize_q4_k,
    [TS_Q5_K] = ts_quantize_q5_k,
    [TS_Q6_K] = ts_quantize_q6_k,
    [TS_IQ4_XS] = ts_quantize_iq4_xs,
};

bool ts_can_quantize(ts_dtype type)
{
    return type < TS_DTYPE_MAX && by_type[type] != NULL;
}

bool ts_quantize_row(ts_dtype type, void *out, const float *x, size_t n)
{
    if (!ts_can_quantize(type))
        return false;
    assert(n % ts_dtype_of(type).block == 0);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    by_type[type](out, x, n);
    return true;
}
