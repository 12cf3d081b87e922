/* tensor.c - see tensor.h.  Block sizes: ggml's format description. */
#include "core/tensor.h"

#include <assert.h>

#include "core/checked.h"

static const ts_dtype_info types[TS_DTYPE_MAX] = {
    [TS_F32] = {"f32", 1, 4, false, true},
    [TS_F16] = {"f16", 1, 2, false, true},
    [TS_BF16] = {"bf16", 1, 2, false, true},
    [TS_F8_E4M3] = {"f8_e4m3", 1, 1, false, true},
    [TS_Q4_0] = {"q4_0", 32, 18, true, true},
    [TS_Q4_1] = {"q4_1", 32, 20, true, true},
    [TS_Q5_0] = {"q5_0", 32, 22, true, true},
    [TS_Q5_1] = {"q5_1", 32, 24, true, true},
    [TS_Q8_0] = {"q8_0", 32, 34, true, true},
    [TS_IQ4_NL] = {"iq4_nl", 32, 18, true, true},
    [TS_MXFP4] = {"mxfp4", 32, 17, true, true},
    [TS_Q2_K] = {"q2_k", 256, 84, true, true},
    [TS_Q3_K] = {"q3_k", 256, 110, true, true},
    [TS_Q4_K] = {"q4_k", 256, 144, true, true},
    [TS_Q5_K] = {"q5_k", 256, 176, true, true},
    [TS_Q6_K] = {"q6_k", 256, 210, true, true},
    [TS_IQ4_XS] = {"iq4_xs", 256, 136, true, true},
    [TS_I8] = {"i8", 1, 1, false, false},
    [TS_I16] = {"i16", 1, 2, false, false},
    [TS_I32] = {"i32", 1, 4, false, false},
    [TS_I64] = {"i64", 1, 8, false, false},
    [TS_F64] = {"f64", 1, 8, false, false},
    [TS_U8] = {"u8", 1, 1, false, false},
    [TS_F8_E8M0] = {"f8_e8m0", 1, 1, false, false},
    [TS_BOOL] = {"bool", 1, 1, false, false},
    [TS_F8_E5M2] = {"f8_e5m2", 1, 1, false, false},
    [TS_U16] = {"u16", 1, 2, false, false},
    [TS_U32] = {"u32", 1, 4, false, false},
    [TS_U64] = {"u64", 1, 8, false, false},
    /* Known so that a file that holds them can be inspected; nothing computes them. */
    [TS_Q8_1] = {"q8_1", 32, 36, true, false},
    [TS_Q8_K] = {"q8_k", 256, 292, true, false},
    [TS_IQ2_XXS] = {"iq2_xxs", 256, 66, true, false},
    [TS_IQ2_XS] = {"iq2_xs", 256, 74, true, false},
    [TS_IQ3_XXS] = {"iq3_xxs", 256, 98, true, false},
    [TS_IQ1_S] = {"iq1_s", 256, 50, true, false},
    [TS_IQ3_S] = {"iq3_s", 256, 110, true, false},
    [TS_IQ2_S] = {"iq2_s", 256, 82, true, false},
    [TS_IQ1_M] = {"iq1_m", 256, 56, true, false},
    [TS_TQ1_0] = {"tq1_0", 256, 54, true, false},
    [TS_TQ2_0] = {"tq2_0", 256, 66, true, false},
    [TS_NVFP4] = {"nvfp4", 64, 36, true, false},
    [TS_Q1_0] = {"q1_0", 128, 18, true, false},
};

ts_dtype_info ts_dtype_of(uint32_t type)
{
    return type < TS_DTYPE_MAX ? types[type] : (ts_dtype_info){0};
}

bool ts_dtype_row_bytes(uint32_t type, uint64_t n, uint64_t *bytes)
{
    const ts_dtype_info info = ts_dtype_of(type);

    if (!info.name || n % info.block != 0)
        return false;
    return ts_mul_u64(bytes, n / info.block, info.block_bytes);
}

ts_tensor ts_tensor_slice(const ts_tensor *t, uint64_t i)
{
    ts_tensor s = *t;

    assert(i < t->ne[2] && t->ne[3] == 1 && !t->scale);
    s.n_dims = 2;
    s.ne[2] = 1;
    s.bytes = t->row_bytes * t->ne[1];
    s.data = (const uint8_t *)t->data + s.bytes * i;
    return s;
}

ts_tensor ts_tensor_row_range(const ts_tensor *t, uint64_t begin, uint64_t n)
{
    ts_tensor s = *t;

    assert(t->n_dims <= 2 && begin + n <= t->ne[1]);
    assert(!t->scale || begin % 128 == 0);
    s.ne[1] = n;
    s.bytes = t->row_bytes * n;
    s.data = (const uint8_t *)t->data + t->row_bytes * begin;
    if (t->scale)
        s.scale = t->scale + begin / 128 * ((t->ne[0] + 127) / 128);
    return s;
}
