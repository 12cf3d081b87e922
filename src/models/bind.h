/* bind.h - from tensor names to weights of a checked shape.
 *
 * Binding reads like a table: each call names the tensor in both spellings
 * (GGUF and Hugging Face) and the shape it must have.  The first failure is
 * kept in status and every later call returns NULL, so it is judged once.
 */
#ifndef TS_MODELS_BIND_H
#define TS_MODELS_BIND_H

#include "core/arena.h"
#include "formats/modelfile.h"

typedef struct ts_binder {
    const ts_modelfile *file;
    ts_arena *arena;
    tiefsee_error *err;
    tiefsee_status status;
    size_t layer;     /* stands for %zu in both names */
    size_t max_width; /* widest matrix bound so far */
} ts_binder;

typedef struct ts_names {
    const char *gguf, *hf; /* formats with at most one %zu; NULL: has no such name */
} ts_names;

/* A vector of n floats; stored in any float type, converted to float. */
const float *ts_bind_vector(ts_binder *b, ts_names names, size_t n);
const float *ts_bind_optional_vector(ts_binder *b, ts_names names, size_t n); /* NULL if absent */

/* y = W x: ne = {n_in, n_out}. */
const ts_tensor *ts_bind_matrix(ts_binder *b, ts_names names, size_t n_in, size_t n_out);
const ts_tensor *ts_bind_optional_matrix(ts_binder *b, ts_names names, size_t n_in, size_t n_out);

/* A tensor of three dimensions as one matrix of n_mats * n_out rows. */
const ts_tensor *ts_bind_stack(ts_binder *b, ts_names names, size_t n_in, size_t n_out,
                               size_t n_mats);

/* n_experts matrices of one shape and type, as an array.  GGUF: one tensor of
 * three dimensions.  Hugging Face: "...experts.%zu.<part>.weight", or the fused
 * form "...experts.<fused>" (n_experts, rows, n_in) of which this part takes
 * rows [first_row, first_row + n_out). */
typedef struct ts_expert_names {
    const char *gguf;  /* one %zu: the layer */
    const char *hf;    /* two %zu: layer, expert */
    const char *fused; /* one %zu: the layer */
    size_t fused_rows, first_row;
} ts_expert_names;

const ts_tensor *ts_bind_experts(ts_binder *b, ts_expert_names names, size_t n_in, size_t n_out,
                                 size_t n_experts);

/* True if the file has it under either name. */
bool ts_bind_has(const ts_binder *b, ts_names names);

void *ts_bind_alloc(ts_binder *b, size_t n, size_t size); /* zeroed; NULL records NOMEM */
tiefsee_status ts_bind_fail(ts_binder *b, tiefsee_status status, const char *fmt, ...)
    TS_PRINTF(3, 4);

#endif
