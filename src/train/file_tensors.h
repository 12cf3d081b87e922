/* file_tensors.h - a network as the tensors of its model file: their names, their types
 * and where their numbers lie.
 *
 * Names and shapes are the parameters' own, but for the joint projection of keys and
 * values, which a file has in two parts, keys transposed (models/mla.c).  The MTP layer
 * is for training and in no file.
 */
#ifndef TS_TRAIN_FILE_TENSORS_H
#define TS_TRAIN_FILE_TENSORS_H

#include "core/tensor.h"
#include "train/params.h"

/* Of matrices, and of the routed experts'.  Norms, routers and biases stay float32; a
 * matrix whose rows are no whole number of blocks becomes float16. */
typedef struct ts_file_types {
    ts_dtype type, experts;
} ts_file_types;

/* Rows of n_in numbers; row i is at from + (i / n_out) * mat_stride + (i % n_out) *
 * row_stride, its numbers `step` apart. */
typedef struct ts_file_tensor {
    char name[64];
    const float *from;
    size_t n_in, n_out, n_mats, mat_stride, row_stride, step;
    ts_dtype type;
} ts_file_tensor;

static inline size_t ts_file_tensor_rows(const ts_file_tensor *t)
{
    return t->n_out * t->n_mats;
}

static inline const float *ts_file_tensor_row(const ts_file_tensor *t, size_t i)
{
    return t->from + i / t->n_out * t->mat_stride + i % t->n_out * t->row_stride;
}

typedef tiefsee_status ts_file_tensor_fn(void *ctx, const ts_file_tensor *t);

/* Every tensor of the file in its order, views of n->value and of the biases; the first
 * failure ends it. */
tiefsee_status ts_file_tensors(const ts_network *n, ts_file_types types, ts_file_tensor_fn *each,
                               void *ctx) TS_MUST_CHECK;

/* Numbers of the longest row. */
size_t ts_file_tensors_widest(const ts_network *n);

#endif
