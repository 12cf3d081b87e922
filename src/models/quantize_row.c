/* quantize_row.c - see quantize_row.h. */
#include "models/quantize_row.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
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

static void widen_f32(float *y, const void *w, size_t n)
{
    memcpy(y, w, n * sizeof *y);
}

typedef void widen_row(float *y, const void *w, size_t n);

static widen_row *const widen_by_type[TS_DTYPE_MAX] = {
    [TS_F32] = widen_f32,
    [TS_F16] = ts_widen_f16_ref,
    [TS_BF16] = ts_widen_bf16_ref,
    [TS_F8_E4M3] = ts_widen_f8_e4m3_ref,
    [TS_Q4_0] = ts_widen_q4_0_ref,
    [TS_Q4_1] = ts_widen_q4_1_ref,
    [TS_Q5_0] = ts_widen_q5_0_ref,
    [TS_Q5_1] = ts_widen_q5_1_ref,
    [TS_Q8_0] = ts_widen_q8_0_ref,
    [TS_IQ4_NL] = ts_widen_iq4_nl_ref,
    [TS_MXFP4] = ts_widen_mxfp4_ref,
    [TS_Q2_K] = ts_widen_q2_k_ref,
    [TS_Q3_K] = ts_widen_q3_k_ref,
    [TS_Q4_K] = ts_widen_q4_k_ref,
    [TS_Q5_K] = ts_widen_q5_k_ref,
    [TS_Q6_K] = ts_widen_q6_k_ref,
    [TS_IQ4_XS] = ts_widen_iq4_xs_ref,
};

bool ts_widen_row(ts_dtype type, float *y, const void *w, size_t n)
{
    if (type >= TS_DTYPE_MAX || !widen_by_type[type])
        return false;
    widen_by_type[type](y, w, n);
    return true;
}
