/* layers.h - what a network is made of: every layer forward and backward.
 *
 * One file per layer, its equations at the top.  All of these work on a range of
 * rows (tokens) on the calling thread; block.c spreads them over threads.  Gradients
 * of inputs and weights accumulate unless said; what a layer must remember for its
 * way back is an argument of both directions, so nothing is hidden.
 */
#ifndef TS_TRAIN_LAYERS_H
#define TS_TRAIN_LAYERS_H

#include "train/real.h"

/* --- linear_layer.c: y = W x, W (n_out, n_in) --- */

typedef struct ts_weight {
    real *w, *dw;
    real *forward, *backward; /* W in panels for y = W x and for dx = W^T dy */
    size_t n_in, n_out;
} ts_weight;

size_t ts_weight_packed_reals(size_t n_in, size_t n_out); /* of both */
void ts_weight_pack(const ts_weight *w);                  /* after every change of w */

void ts_linear_forward(const ts_kernels *k, ts_rows y, bool adds, ts_rows x, const ts_weight *w,
                       size_t n);
void ts_linear_backward(const ts_kernels *k, ts_rows dx, bool adds, ts_rows dy, const ts_weight *w,
                        size_t n);

enum { LINEAR_MAX_OUTPUTS = 192 }; /* at a time: even fewer pack X too often */

/* dW of outputs [begin, end) from all n tokens. */
typedef struct ts_linear_grad {
    const ts_weight *w;
    ts_rows dy, x;
    size_t n, begin, end;
} ts_linear_grad;

size_t ts_linear_scratch_reals(size_t n_in);
void ts_linear_backward_weight(const ts_kernels *k, const ts_linear_grad *g, real *scratch);

/* --- rmsnorm.c --- */

void ts_rmsnorm_forward(const ts_kernels *k, ts_rows y, real *rstd, ts_rows x, const real *g,
                        size_t n, size_t d, real eps);
void ts_rmsnorm_backward(const ts_kernels *k, ts_rows dx, ts_rows dy, ts_rows x, const real *g,
                         const real *rstd, size_t n, size_t d);
/* dg of channels [begin, end) from all n tokens. */
void ts_rmsnorm_backward_gain(real *dg, ts_rows dy, ts_rows x, const real *rstd, size_t n,
                              size_t begin, size_t end);

/* --- rotary.c --- */

typedef struct ts_rotary {
    const float *cosine, *sine; /* (positions, n_pairs) */
    const uint32_t *position;   /* of every row */
    size_t n_pairs;
    bool is_split; /* pairs (i, i + n_pairs); else neighbours */
} ts_rotary;

/* x: the rotated part of a row's first head; in place. */
void ts_rotary_forward(ts_rows x, size_t n_heads, size_t head_stride, const ts_rotary *r, size_t n);
void ts_rotary_backward(ts_rows dx, size_t n_heads, size_t head_stride, const ts_rotary *r,
                        size_t n);

/* --- attend.c: one head over one document --- */

typedef struct ts_attend {
    const ts_kernels *k;
    ts_rows q;      /* d_nope + d_rope of this head, rotated */
    ts_rows k_nope; /* d_nope of this head */
    ts_rows k_rope; /* d_rope, shared by all heads, rotated */
    ts_rows v;      /* d_value of this head */
    ts_rows o;      /* d_value of this head */
    size_t n, d_nope, d_rope, d_value;
    real scale;
} ts_attend;

/* dk_rope is this head's part; all are overwritten. */
typedef struct ts_attend_grad {
    ts_rows dq, dk_nope, dk_rope, dv, d_o;
} ts_attend_grad;

size_t ts_attend_scratch_reals(size_t n, size_t d_key, size_t d_value);
void ts_attend_forward(const ts_attend *a, real *scratch);
void ts_attend_backward(const ts_attend *a, const ts_attend_grad *g, real *scratch);

/* --- swiglu.c --- */

void ts_swiglu_forward(const ts_kernels *k, real *y, const real *g, const real *u, size_t n);
/* dg and du are overwritten. */
void ts_swiglu_backward(const ts_kernels *k, real *dg, real *du, const real *dy, const real *g,
                        const real *u, size_t n);

/* --- gate.c: which experts, with which weights --- */

typedef struct ts_gate {
    size_t n_experts, n_active, n_groups, n_top_groups;
    bool normalise;
    float scale;
    const float *bias; /* (n_experts): steers the choice only */
    real *score;       /* (n, n_experts): sigmoid of the logits */
    int32_t *id;       /* (n, n_active) */
    real *weight;      /* (n, n_active) */
} ts_gate;

size_t ts_gate_scratch_floats(const ts_gate *g);

/* Rows [begin, end); score holds logits and becomes scores.  is_frozen: keep id,
 * where it is not negative. */
void ts_gate_forward(const ts_kernels *k, const ts_gate *g, size_t begin, size_t end,
                     bool is_frozen, float *scratch);

/* dz (n, n_experts), overwritten, from dweight (n, n_active). */
void ts_gate_backward(const ts_gate *g, real *dz, const real *dweight, size_t begin, size_t end);

/* The balance loss of one document, rows [begin, end): alpha sum_i f_i P_i; its
 * gradient is added to dz unless dz is NULL.  scratch: 2 n_experts. */
real ts_gate_balance(const ts_gate *g, real *dz, real alpha, size_t begin, size_t end,
                     real *scratch);

/* bias += rate where fewer than the mean came, -= where more. */
void ts_gate_update_bias(float *bias, const uint64_t *load, size_t n_experts, float rate);

/* --- xent.c --- */

/* logits (n_vocab) become scale * (softmax - one-hot); returns -log p(target). */
real ts_xent(const ts_kernels *k, real *logits, size_t n_vocab, uint32_t target, real scale);

/* --- clip.c --- */

/* kl: what a token's divergence from the reference counts. */
typedef struct ts_clip_bounds {
    real low, high, kl;
} ts_clip_bounds;

/* advantage: what a token counts; old, reference: log p(target) of those weights. */
typedef struct ts_clip_row {
    const ts_clip_bounds *bounds;
    real advantage, old, reference;
} ts_clip_row;

typedef struct ts_clip_told {
    bool is_clipped;
    real divergence;
} ts_clip_told;

/* logits (n_vocab) become the gradient of the loss, which is returned. */
real ts_clip(const ts_kernels *k, real *logits, size_t n_vocab, uint32_t target,
             const ts_clip_row *row, ts_clip_told *told);

/* --- kl.c --- */

/* logits (n_vocab) become scale times the gradient of KL(student || teacher), which is
 * returned; the teacher's logits become probabilities, ratio the log of both's ratio. */
real ts_kl(const ts_kernels *k, real *logits, real *teacher, real *ratio, size_t n_vocab,
           real scale);

/* --- embed.c --- */

void ts_embed_forward(ts_rows y, const real *table, const uint32_t *token, size_t n, size_t d);
/* Channels [begin, end) of all n tokens, in order. */
void ts_embed_backward(real *dtable, ts_rows dy, const uint32_t *token, size_t n, size_t d,
                       size_t begin, size_t end);

#endif
