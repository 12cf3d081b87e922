/* dense.h - the weights of a layer of the dense models, for who adapts or trains them. */
#ifndef TS_MODELS_DENSE_H
#define TS_MODELS_DENSE_H

#include "formats/adapter.h"
#include "models/moe.h"
#include "models/net.h"

/* Beside a matrix W (n_out, n_in): W + B A.  The scale is in B. */
typedef struct ts_low_rank {
    const ts_tensor *A, *B; /* f32 (r, n_in), (n_out, r); NULL: none */
} ts_low_rank;

typedef struct ts_dense_layer {
    const float *attn_norm, *ffn_norm;  /* (d) */
    const ts_tensor *W_Q, *W_K, *W_V;   /* (H dh, d), (G dh, d), (G dh, d) */
    const float *b_Q, *b_K, *b_V, *b_O; /* NULL where the model has none */
    const float *q_norm, *k_norm;       /* (dh); Qwen3, else NULL */
    const ts_tensor *W_O;               /* (d, H dh) */
    ts_mlp mlp;
    ts_low_rank adapter[TS_N_TARGETS];
} ts_dense_layer;

/* The layers of a net of this class; NULL: it is another model. */
ts_dense_layer *ts_net_dense_layers(const ts_net *net);

/* The matrix that a target names. */
const ts_tensor *ts_dense_matrix(const ts_dense_layer *w, ts_target target);

/* Which model this is, whatever types its matrices have: a hash over the shapes and
 * the norms' weights, 16 hexadecimal digits and a zero. */
void ts_net_base(const ts_net *net, char out[TS_ADAPTER_BASE_LEN + 1]);

/* Copies an adapter beside the net's matrices; before any scratch is measured.  Refused
 * if it was made for another model, has another shape, a weight that is no number, or
 * does not fit into memory; the net is then only good for closing. */
tiefsee_status ts_net_adapt(ts_net *net, const ts_adapter *a, tiefsee_error *err) TS_MUST_CHECK;

/* GGUF files keep the query and key rows of Llama so that a rotation turns neighbours;
 * adapters keep the published order.  The row here of which row i there is the same. */
size_t ts_dense_row(const ts_config *m, ts_target target, size_t i);

#endif
