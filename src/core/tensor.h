/* tensor.h - what a block of numbers in memory is: type, shape, place.
 * No arithmetic here. */
#ifndef TS_CORE_TENSOR_H
#define TS_CORE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values below 64 are GGUF's type ids; from 64 on they are ours. */
typedef enum ts_dtype {
    TS_F32 = 0,
    TS_F16 = 1,
    TS_Q4_0 = 2,
    TS_Q4_1 = 3,
    TS_Q5_0 = 6,
    TS_Q5_1 = 7,
    TS_Q8_0 = 8,
    TS_Q8_1 = 9,
    TS_Q2_K = 10,
    TS_Q3_K = 11,
    TS_Q4_K = 12,
    TS_Q5_K = 13,
    TS_Q6_K = 14,
    TS_Q8_K = 15,
    TS_IQ2_XXS = 16,
    TS_IQ2_XS = 17,
    TS_IQ3_XXS = 18,
    TS_IQ1_S = 19,
    TS_IQ4_NL = 20,
    TS_IQ3_S = 21,
    TS_IQ2_S = 22,
    TS_IQ4_XS = 23,
    TS_I8 = 24,
    TS_I16 = 25,
    TS_I32 = 26,
    TS_I64 = 27,
    TS_F64 = 28,
    TS_IQ1_M = 29,
    TS_BF16 = 30,
    TS_TQ1_0 = 34,
    TS_TQ2_0 = 35,
    TS_MXFP4 = 39,
    TS_NVFP4 = 40,
    TS_Q1_0 = 41,
    TS_F8_E4M3 = 64, /* safetensors; scales in ts_tensor.scale */
    TS_U8 = 65,
    TS_F8_E8M0 = 66,
    TS_BOOL = 67,
    TS_F8_E5M2 = 68,
    TS_U16 = 69,
    TS_U32 = 70,
    TS_U64 = 71,
    TS_DTYPE_MAX = 72
} ts_dtype;

typedef struct ts_dtype_info {
    const char *name;     /* "q4_k"; NULL: no such type */
    uint32_t block;       /* elements per block */
    uint32_t block_bytes; /* bytes per block */
    bool is_quantized;    /* integer blocks with scales: takes int8 activations */
    bool can_compute;     /* has a widen kernel: may be a weight */
} ts_dtype_info;

/* name is NULL for ids that do not exist. */
ts_dtype_info ts_dtype_of(uint32_t type);

/* Bytes of a row of n elements; false if n is not a whole number of blocks or
 * the size overflows. */
bool ts_dtype_row_bytes(uint32_t type, uint64_t n, uint64_t *bytes);

enum { TS_MAX_DIMS = 4 };

/* ne[0] is the contiguous dimension: a matrix y = W x has ne = {in, out} and
 * out rows.  Unused dimensions are 1. */
typedef struct ts_tensor {
    const void *data;
    const float *scale; /* TS_F8_E4M3: [ceil(ne1 / 128)][ceil(ne0 / 128)] multipliers */
    uint64_t ne[TS_MAX_DIMS];
    uint64_t bytes;     /* of data */
    uint64_t row_bytes; /* of ne[0] elements */
    uint32_t n_dims;
    ts_dtype type;
} ts_tensor;

static inline uint64_t ts_tensor_rows(const ts_tensor *t)
{
    return t->ne[1] * t->ne[2] * t->ne[3];
}

/* Matrix i of a tensor of three dimensions. */
ts_tensor ts_tensor_slice(const ts_tensor *t, uint64_t i);

/* Rows [begin, begin + n) of a matrix.  FP8: begin must be a multiple of 128. */
ts_tensor ts_tensor_row_range(const ts_tensor *t, uint64_t begin, uint64_t n);

#endif
