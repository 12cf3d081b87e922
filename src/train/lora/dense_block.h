/* dense_block.h - one layer of a dense model (models/dense.c) with learned low-rank parts,
 * forward and backward over a micro-batch on all threads.
 *
 *     h' = h + W_O attend(norm(h))          h'' = h' + W_down swiglu(norm(h'))
 *
 * Grouped-query attention: query head i reads key-value head i / (H / G); backwards the
 * gradients of a group's query heads are summed in order.  The base is frozen: its
 * matrices give dx, never dW.  One memory serves all layers; a layer is computed again
 * from its input before its way back.
 */
#ifndef TS_TRAIN_DENSE_BLOCK_H
#define TS_TRAIN_DENSE_BLOCK_H

#include "models/dense.h"
#include "train/block.h"
#include "train/lora/low_rank.h"

/* A layer's weights as the trainer needs them. */
typedef struct ts_dense_weights {
    const ts_tensor *W[TS_N_TARGETS];
    const real *bias[TS_N_TARGETS]; /* NULL: none */
    const real *attn_norm, *ffn_norm, *q_norm, *k_norm;
    ts_low_rank_weight low[TS_N_TARGETS];
} ts_dense_weights;

/* (max_tokens, ...) each; q_raw and k_raw: before their norms, Qwen3 only. */
typedef struct ts_dense_memory {
    real *u, *rstd_u, *q, *k, *v, *q_raw, *k_raw, *rstd_q, *rstd_k, *o;
    real *h2, *u2, *rstd_u2, *g, *up, *act;
    real *t[TS_N_TARGETS];
    /* On the way back. */
    real *du, *dq, *dk, *dv, *dq_raw, *dk_raw, *dk_heads, *dv_heads, *d_o;
    real *dg, *dup, *dact;
    real *dt[TS_N_TARGETS];
} ts_dense_memory;

typedef struct ts_dense_pass {
    ts_team *team;
    const ts_config *config;
    const ts_pack *pack;
    ts_rotary rotary;
    real attention_scale;
    ts_dense_memory m;
    const ts_dense_weights *w; /* of the layer at work */
    const real *h;             /* its input */
} ts_dense_pass;

void ts_dense_carve(ts_dense_memory *m, const ts_config *c, size_t rank, size_t max_tokens,
                    ts_carve *work);
size_t ts_dense_scratch_reals(const ts_config *c, size_t rank,
                              size_t longest_doc); /* of a thread */

/* out (n, d); NULL: only what the way back needs. */
void ts_dense_forward(ts_dense_pass *x, real *out);

/* Behind ts_dense_forward() of the same layer.  dh (n, d): of the result; becomes that of
 * the input.  Gradients of the low-rank parts are added to. */
void ts_dense_backward(ts_dense_pass *x, real *dh);

/* --- what the two directions share: dense_block.c --- */

typedef struct ts_dense_loop {
    ts_dense_pass *x;
    real *out; /* forward: the result; backward: dh */
    /* Products: pieces of several matrices, one behind the other. */
    struct {
        ts_target target;
        ts_rows to, from;
        bool adds;
    } product[3];
    size_t n_products;
} ts_dense_loop;

void ts_dense_tiles(ts_dense_loop *l, ts_loop_body *body);
void ts_dense_products_forward(ts_dense_loop *l);  /* to: outputs of a target's matrix */
void ts_dense_products_backward(ts_dense_loop *l); /* all to one dx, in order */

/* The attention of item = document * n_heads + head. */
ts_attend ts_dense_attend(const ts_dense_pass *x, size_t item, size_t *first);

#endif
