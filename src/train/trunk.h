/* trunk.h - the whole network over a micro-batch: embedding, layers, head, MTP.
 *
 * Multi-token prediction of depth 1 (arXiv:2412.19437, section 2.2): the normalised
 * output of the last layer and the embedding of the next token, joined, pass one more
 * layer, which predicts the token after the next with the same head.
 */
#ifndef TS_TRAIN_TRUNK_H
#define TS_TRAIN_TRUNK_H

#include "train/block.h"

/* A micro-batch.  Token row[i] predicts target[i] (the token behind it); with MTP,
 * token ahead_row[i] predicts ahead_target[i], one further. */
typedef struct ts_train_batch {
    ts_pack pack;
    uint32_t *next; /* (n) the token behind, 0 at the end of a document */
    size_t n_learned, n_ahead;
    uint32_t *row, *target, *ahead_row, *ahead_target;
    real *weight;   /* (n_learned) what a row counts more than others; NULL: 1 each */
    bool is_taught; /* rows learn the teacher's distribution, not their target */
    /* Rows of answers that other weights gave (clip.c), of which weight is the advantage;
     * NULL: cross entropy.  old, reference: (n_learned). */
    const ts_clip_bounds *clip;
    const real *old, *reference;
} ts_train_batch;

typedef struct ts_trunk_sizes {
    size_t max_tokens, longest_doc;
    int n_threads;
} ts_trunk_sizes;

/* Multi-token prediction: what it keeps, and its gradients. */
typedef struct ts_mtp_memory {
    real *embedded, *rstd_e, *rstd_h, *joined, *out, *normed, *rstd;
    real *d_embedded, *d_joined;
} ts_mtp_memory;

typedef struct ts_trunk {
    ts_network net;
    ts_trunk_sizes sizes;
    ts_team team;
    ts_block *block; /* (n_layers), and MTP's */
    ts_block_gradients gradients;
    void *tasks;
    float *cosine, *sine;
    size_t n_pairs;
    uint64_t *load; /* (n_layers + 1, n_experts) since it was cleared */
    bool keeps_routing;
    real *out, *normed, *rstd; /* of the last layer */
    real *d_normed, *dh;
    real *rows, *d_rows, *logits; /* a piece of the head's rows */
    double *loss;                 /* of each learned token */
    ts_clip_told *told;           /* the same */
    ts_mtp_memory mtp;
    /* Distillation: another network of the same vocabulary, which only looks on; its MTP is
     * not run.  Set by the caller, as is has_teacher before carving. */
    bool has_teacher;
    struct ts_trunk *teacher;
    real *ratio; /* of a piece of the head's rows */
} ts_trunk;

/* Weights and biases from state, everything else from work (see carve.h).  t->net's
 * config and has_mtp are set by the caller, the rest is zero; the team's kernels and
 * pool are the caller's too. */
void ts_trunk_carve(ts_trunk *t, ts_trunk_sizes sizes, ts_carve *state, ts_carve *work);
void ts_trunk_prepare(ts_trunk *t); /* tables; once, behind the second carving */

void ts_trunk_pack_weights(ts_trunk *t); /* after every change of weights */
void ts_trunk_clear_gradients(ts_trunk *t);

void ts_trunk_forward(ts_trunk *t, const ts_train_batch *b);

/* log p of each learned token behind ts_trunk_forward(). */
void ts_trunk_score(ts_trunk *t, const ts_train_batch *b, real *out);

/* Logits after token `row` of the last forward pass. */
void ts_trunk_logits(ts_trunk *t, size_t row, real *out);

/* Sums over the micro-batch, not yet divided by anything. */
typedef struct ts_trunk_loss {
    double main, mtp, balance;
    double clipped, divergence; /* of rows with clip */
} ts_trunk_loss;

typedef struct ts_trunk_scales {
    real main, mtp; /* what one token's loss counts in the total */
    real balance;   /* what one document's balance loss counts */
} ts_trunk_scales;

/* Behind ts_trunk_forward(): losses, and gradients added to what is there.  The loss of a
 * batch that is taught is the divergence from the teacher, which goes forward first. */
ts_trunk_loss ts_trunk_backward(ts_trunk *t, const ts_train_batch *b, ts_trunk_scales scales);

#endif
