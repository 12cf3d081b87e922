/* source.h - the tensors of a model file as a GGUF file will have them.
 *
 * From a GGUF file they come as they are; from a Hugging Face folder they get new
 * names, experts are stacked, the joint key-value projection of MLA is split (keys
 * transposed), and Llama's query and key rows change their order.  An adapter may be added.
 */
#ifndef TS_ENGINE_SOURCE_H
#define TS_ENGINE_SOURCE_H

#include "core/arena.h"
#include "engine/convert/gguf_names.h"
#include "formats/modelfile.h"
#include "models/dense.h"

typedef enum ts_source_kind {
    TS_SOURCE_PLAIN = 0,
    TS_SOURCE_KEYS,   /* of kv_b: [head][latent][d_nope] */
    TS_SOURCE_VALUES, /* of kv_b: [head][d_value][latent] */
    TS_SOURCE_PAIRS,  /* rows (i, i + d/2) of a head become neighbours */
    TS_SOURCE_HALVES, /* the first or second half of the rows of each matrix */
    TS_SOURCE_FLOATS  /* a vector of ours */
} ts_source_kind;

typedef struct ts_source {
    char name[TS_GGUF_NAME];
    ts_source_kind kind;
    uint32_t n_dims;
    uint64_t ne[TS_MAX_DIMS];
    uint64_t rows_per_mat;  /* of the tensors in from */
    const ts_tensor **from; /* one per matrix, or one for all */
    uint64_t n_from;
    const float *floats;
    bool is_second;                   /* half */
    uint32_t d_head, d_nope, d_value; /* of what is split or reordered */
    const ts_low_rank *low;           /* what is added, in the order of from's rows; or NULL */
} ts_source;

/* All tensors in the order in which they are to be written. */
tiefsee_status ts_sources_of(ts_source **out, size_t *n, const ts_modelfile *file, ts_arena *arena,
                             tiefsee_error *err) TS_MUST_CHECK;

/* Adds a net's adapter (ts_net_adapt), which must outlive the sources; the net is of the
 * same file. */
void ts_sources_adapt(ts_source *s, size_t n, const ts_net *net);

/* Row r of a source (over all its matrices) as ne[0] floats. */
void ts_source_row(const ts_source *s, uint64_t r, float *out);

/* The type of the bytes behind it. */
ts_dtype ts_source_type(const ts_source *s);

#endif
