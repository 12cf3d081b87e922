/* params.h - what is learned: one vector, a table that names its parts, and the
 * network's layers as views of it.
 *
 * Names and shapes are those of GGUF, so an export is a copy.  Values, gradients and
 * the optimizer's moments have the same layout.
 */
#ifndef TS_TRAIN_PARAMS_H
#define TS_TRAIN_PARAMS_H

#include "core/error.h"
#include "formats/config.h"
#include "train/carve.h"
#include "train/layers.h"

typedef enum ts_param_kind {
    TS_PARAM_MATRIX = 0, /* what Muon may learn */
    TS_PARAM_EMBEDDING,
    TS_PARAM_HEAD,
    TS_PARAM_ROUTER,
    TS_PARAM_GAIN
} ts_param_kind;

typedef struct ts_param {
    char name[48];
    ts_param_kind kind;
    size_t offset; /* in reals */
    size_t n_in, n_out, n_mats;
} ts_param;

typedef struct ts_gain {
    real *g, *dg;
} ts_gain;

/* The weights of a layer; MLA as in models/mla.c. */
typedef struct ts_block_weights {
    bool is_moe;
    ts_gain attn_norm, ffn_norm, q_norm, kv_norm;
    ts_weight W_DQ, W_UQ, W_DKV, W_UKV, W_O; /* W_DQ.w NULL: W_UQ takes the token itself */
    ts_weight gate, up, down;                /* dense, or the shared experts; w NULL: none */
    ts_weight router;
    ts_weight *e_gate, *e_up, *e_down; /* (n_experts) */
    float *bias;                       /* (n_experts) */
} ts_block_weights;

typedef struct ts_network {
    ts_config config;
    bool has_mtp;
    bool is_rounded; /* layers read `used`, which somebody fills (round_weights.h) */
    size_t n_params, n_reals, n_biases; /* biases are no parameters: no gradient moves them */
    size_t n_matrices;                  /* single ones of kind TS_PARAM_MATRIX */
    size_t max_short, max_long;         /* no side of one is longer */
    ts_param *param;
    real *value, *grad;
    real *used;  /* what the layers compute with: value, or a rounded copy of it */
    float *bias; /* (n_biases) of all routers */
    real *embedding, *d_embedding;
    ts_gain final_norm;
    ts_weight head;
    ts_block_weights *block; /* (n_layers), and one for MTP */
    /* Multi-token prediction, depth 1 (technical report, section 2.2). */
    ts_gain enorm, hnorm, mtp_norm;
    ts_weight eh_proj;
    size_t n_weights; /* everything that is packed */
    ts_weight **weight;
} ts_network;

/* Refuses what the trainer has no layer for, in one line. */
tiefsee_status ts_network_check(const ts_config *c, tiefsee_error *err) TS_MUST_CHECK;

/* Values, gradients and biases from state (they outlive a step and are saved, in this
 * order), the rest from work.  n is zeroed by the caller except config and the flags. */
void ts_network_carve(ts_network *n, ts_carve *state, ts_carve *work);

/* Normal numbers; what adds to the residual stream a fifth of that. */
void ts_network_init(ts_network *n, uint64_t seed);

const ts_param *ts_network_find(const ts_network *n, const char *name); /* NULL: none */

/* A network all of whose layers are dense has none for MTP either. */
static inline bool ts_network_has_experts(const ts_config *c, size_t layer)
{
    return c->n_experts > 0 && layer >= c->n_dense_layers && c->n_dense_layers < c->n_layers;
}

static inline size_t ts_param_reals(const ts_param *p)
{
    return p->n_in * p->n_out * p->n_mats;
}

#endif
