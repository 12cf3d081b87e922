/* backend.h - what runs ops.
 *
 * One struct of functions, generated from ops.def.  Model code calls ops and
 * never asks where they run.  Parameters that are many travel as structs.
 */
#ifndef TS_BACKENDS_BACKEND_H
#define TS_BACKENDS_BACKEND_H

#include "core/error.h"
#include "core/tensor.h"

typedef struct ts_backend ts_backend;
typedef struct ts_profile ts_profile; /* profile.h */

enum { TS_KV_PAGE = 64 };           /* cached rows per page */
enum { TS_ROUTER_MAX_GROUPS = 64 }; /* of experts */

/* The cache of one sequence: per layer, rows of row_floats floats in pages.
 * Row r of layer l is page[r / 64] + (l * 64 + r % 64) * row_floats.
 * n_latent > 0: a row is not floats but n_latent latents and n_rope rotary values
 * as integers, ts_kv_packed_floats() words of four bytes (kernels/latent.h). */
typedef struct ts_kv {
    float *const *page; /* (n_pages) */
    size_t n_pages, n_layers, row_floats;
    size_t n_latent, n_rope;
} ts_kv;

/* Words of a packed row. */
static inline size_t ts_kv_packed_floats(size_t n_latent, size_t n_rope)
{
    return (n_latent + 2 * n_rope + 8) / sizeof(float);
}

/* Floats of a row as scatter_rows is given it. */
static inline size_t ts_kv_width(const ts_kv *kv)
{
    return kv->n_latent ? kv->n_latent + kv->n_rope : kv->row_floats;
}

static inline float *ts_kv_row(const ts_kv *kv, size_t layer, size_t row)
{
    return kv->page[row / TS_KV_PAGE] + (layer * TS_KV_PAGE + row % TS_KV_PAGE) * kv->row_floats;
}

/* Tokens of several sequences.  Token t sits at pos[t] of kv[t] and sees the
 * rows 0..pos[t] of it; tokens of one sequence are adjacent and ascending. */
typedef struct ts_batch {
    size_t n;
    const int32_t *id;
    const uint32_t *pos;
    ts_kv *const *kv;
} ts_batch;

/* Head h owns rows [first_row + h * rows_per_head, + n_rows) of W, each of
 * W->ne[0] columns.  Straight: x has ne[0] values, y n_rows; transposed: x has
 * n_rows values, y ne[0]. */
typedef struct ts_head_weights {
    const ts_tensor *W;
    size_t first_row, rows_per_head, n_rows;
    bool is_transposed;
} ts_head_weights;

typedef struct ts_linear_heads {
    float *y;
    const float *x;
    size_t y_stride, y_head_stride, x_stride, x_head_stride; /* floats between tokens, heads */
    ts_head_weights w;
    size_t n_heads, T;
} ts_linear_heads;

/* Vector h of token t starts at x + t * stride + h * head_stride; n_pairs pairs
 * of it turn by the angles of row t of the tables (T, n_pairs). */
typedef struct ts_rope {
    float *x;
    size_t stride, head_stride, n_heads, T, n_pairs;
    const float *cosine, *sine;
    bool is_interleaved;
} ts_rope;

/* For each token t and head h, with kv head g = h / (n_heads / n_kv_heads):
 *     s_r = scale * q[t][h] . row_r[g * k_step ...][d_k]     r = 0..pos[t]
 *     o[t][h] = sum_r softmax(s)_r row_r[v_base + g * v_step ...][d_v]
 * in spans of rows (span.h).
 * Packed rows: one kv head, d_k = n_latent + n_rope, d_v = n_latent, v_base 0. */
typedef struct ts_attention {
    const ts_batch *batch;
    size_t layer;
    const float *q;
    float *o;
    size_t q_stride, q_head_stride, o_stride, o_head_stride;
    size_t n_heads, n_kv_heads, d_k, d_v, k_step, v_base, v_step;
    float scale;
} ts_attention;

typedef enum ts_scoring { TS_SCORE_SOFTMAX, TS_SCORE_SIGMOID } ts_scoring;
typedef enum ts_group_rule {
    TS_GROUP_NONE,
    TS_GROUP_MAX, /* a group scores as its best expert (V2) */
    TS_GROUP_TOP2 /* as the sum of its two best (V3) */
} ts_group_rule;

/* s = scoring(z); choice by s + bias: the best groups, then the best experts of
 * those, ties to the lower index; weight = s of the chosen (never the bias),
 * divided by their sum + 1e-20 if normalise, times scale.  Choices come in
 * descending order of the biased score. */
typedef struct ts_router {
    const float *z;    /* (T, n_experts) */
    const float *bias; /* (n_experts) or NULL */
    int32_t *id;       /* (T, n_active) */
    float *weight;     /* (T, n_active) */
    size_t T, n_experts, n_active, n_groups, n_top_groups;
    ts_scoring scoring;
    ts_group_rule group_rule;
    bool normalise;
    float scale;
} ts_router;

/* Pairs p = 0..T*k-1 sorted by expert, then by token. */
typedef struct ts_moe_plan {
    size_t n_experts, n_active; /* n_active is k */
    int32_t *offset;            /* (n_experts + 1): pairs of expert e are offset[e]..offset[e+1] */
    int32_t *token;             /* (T*k): token of pair p */
    int32_t *place;             /* (T, k): pair of choice j of token t */
} ts_moe_plan;

/* Feed-forwards of experts, in two ops.  What lies between them are rows of F
 * floats' room, one for each pair, in whatever form the backend wants them. */
typedef struct ts_experts {
    float *y;                          /* (T*k, out) */
    float *hidden;                     /* (T*k, F), at 64 bytes */
    const float *x;                    /* (T, in), rows x_stride apart */
    const ts_tensor *gate, *up, *down; /* (n_experts) matrices each, of one shape and type */
    const ts_moe_plan *plan;           /* NULL: one expert for all T tokens */
    size_t x_stride, T;
} ts_experts;

static inline size_t ts_experts_pairs(const ts_experts *a)
{
    return a->plan ? a->T * a->plan->n_active : a->T;
}

typedef struct ts_ops {
#define OP(name, params) void(*name) params;
#include "backends/ops.def"
#undef OP
} ts_ops;

/* Item i of a list. */
typedef void ts_each_body(void *ctx, size_t i);

struct ts_backend {
    const ts_ops *op;
    const char *name;
    bool packs_latents;  /* knows packed cache rows, see ts_kv */
    ts_profile *profile; /* where costs are added up; NULL: nowhere */
    /* Work of the host between ops: every item of n, in any order, on any threads.  NULL: the
     * caller's thread will do. */
    void (*each)(ts_backend *b, size_t n, ts_each_body *body, void *ctx);
    void (*close)(ts_backend *b);
};

/* Limits of what a backend will be asked, so that it can take its scratch
 * memory once. */
typedef struct ts_backend_limits {
    size_t max_tokens; /* per batch */
    size_t max_pairs;  /* tokens * experts per token */
    size_t max_width;  /* columns of any weight */
} ts_backend_limits;

#endif
