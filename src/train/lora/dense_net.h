/* dense_net.h - a dense model with learned low-rank parts over a micro-batch: embedding,
 * layers, head, losses.
 *
 * Of a pass only the input of every layer is kept; a layer is computed again before its
 * way back, the last one excepted.  The head sees the learned rows alone, a few at a
 * time, so that their logits never are all in memory.
 */
#ifndef TS_TRAIN_DENSE_NET_H
#define TS_TRAIN_DENSE_NET_H

#include "train/lora/dense_block.h"
#include "train/trunk.h"

typedef struct ts_dense_sizes {
    size_t rank;
    real scale;       /* alpha / rank */
    unsigned targets; /* bit i: ts_target i learns */
    size_t max_tokens, longest_doc;
    int n_threads;
} ts_dense_sizes;

typedef struct ts_dense_net {
    const ts_net *net; /* the base */
    ts_dense_sizes sizes;
    ts_team team; /* kernels and pool are the caller's */
    ts_dense_weights *layer;
    real *final_norm;
    size_t n_reals;
    real *value, *grad; /* of all low-rank parts: per layer and target A, then B */
    float *cosine, *sine;
    real *h; /* (n_layers + 1, max_tokens, d) */
    real *dh;
    ts_dense_memory memory;
    size_t head_rows; /* of a piece of the head */
    real *rows, *rstd, *d_rows, *logits;
    double *loss; /* of a piece */
} ts_dense_net;

/* What this model's weights can be trained beside. */
tiefsee_status ts_dense_check(const ts_net *net, tiefsee_error *err) TS_MUST_CHECK;

/* The learned values from state, everything else from work (see carve.h).  n->net, the
 * team's kernels and pool are set by the caller. */
void ts_dense_net_carve(ts_dense_net *n, ts_dense_sizes sizes, ts_carve *state, ts_carve *work);
void ts_dense_net_prepare(ts_dense_net *n); /* once, behind the second carving */

/* A: even numbers in +-1 / sqrt(n_in); B: zeros, so that training begins at the base. */
void ts_dense_net_init(ts_dense_net *n, uint64_t seed);

void ts_dense_net_pack(ts_dense_net *n); /* after every change of values */
void ts_dense_net_clear_gradients(ts_dense_net *n);

/* The sum of the losses of the batch's learned tokens. */
double ts_dense_net_loss(ts_dense_net *n, const ts_train_batch *b);

/* The same, and what `scale` times it gives as gradient is added. */
double ts_dense_net_learn(ts_dense_net *n, const ts_train_batch *b, real scale);

#endif
