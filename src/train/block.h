/* block.h - one layer of the network over a micro-batch, on all threads.
 *
 *     h' = h + MLA(norm(h))          h'' = h' + FFN(norm(h'))
 *
 * Work is cut by tokens, by (document, head), by expert and by outputs of weights;
 * what a piece computes does not depend on how it is cut (real.h), so the bits are
 * the same for any number of threads.
 */
#ifndef TS_TRAIN_BLOCK_H
#define TS_TRAIN_BLOCK_H

#include "backends/backend.h"
#include "core/thread.h"
#include "train/params.h"

/* Threads, each with its scratch. */
typedef struct ts_team {
    ts_kernels kernels;
    ts_pool *pool;
    real *scratch;
    size_t scratch_reals; /* of one thread */
} ts_team;

/* Several documents, one behind the other.  Positions begin at 0 in each. */
typedef struct ts_pack {
    size_t n, n_docs;
    uint32_t *token, *position; /* (n) */
    uint32_t *begin;            /* (n_docs + 1) */
} ts_pack;

/* What a layer keeps for its way back; (max_tokens, ...) each. */
typedef struct ts_block_memory {
    real *h, *u, *rstd_u, *qa, *cq, *rstd_q, *q, *kva, *ckv, *rstd_kv, *kv, *o;
    real *h2, *u2, *rstd_u2, *g, *up, *act;
    real *score, *weight, *xg, *eg, *eu, *eact, *ey;
    int32_t *id;
    ts_moe_plan plan;
} ts_block_memory;

/* Gradients on their way; one for all layers. */
typedef struct ts_block_gradients {
    real *du, *dqa, *dcq, *dq, *dkva, *dckv, *dkv, *dkr, *d_o;
    real *dg, *dup, *dact;
    real *dweight, *dz, *dey, *dxg, *deg, *deu, *deact;
} ts_block_gradients;

typedef struct ts_block {
    const ts_config *config;
    const ts_block_weights *w;
    ts_block_memory m;
    uint64_t *load; /* (n_experts): tokens that came since the last bias update */
} ts_block;

typedef struct ts_pass {
    ts_team *team;
    const ts_pack *pack;
    ts_rotary rotary;
    ts_block_gradients *g;
    real balance;       /* alpha of the balance loss, per document */
    real balance_loss;  /* adds up */
    bool keeps_routing; /* use the choices of the last pass */
    void *tasks;        /* room for MAX_TASKS of block.c */
} ts_pass;

void ts_block_carve(ts_block_memory *m, const ts_config *c, bool is_moe, size_t max_tokens,
                    ts_carve *work);
void ts_block_gradients_carve(ts_block_gradients *g, const ts_config *c, size_t max_tokens,
                              ts_carve *work);
size_t ts_block_scratch_reals(const ts_config *c, size_t longest_doc);
size_t ts_block_task_bytes(const ts_config *c);

/* h is in m.h; the result goes to out (n, d). */
void ts_block_forward(ts_pass *x, ts_block *b, real *out);

/* dh (n, d): of the result; becomes that of m.h. */
void ts_block_backward(ts_pass *x, ts_block *b, real *dh);

#endif
