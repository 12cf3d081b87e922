/* block_parts.h - what block.c, block_forward.c and block_backward.c share. */
#ifndef TS_TRAIN_BLOCK_PARTS_H
#define TS_TRAIN_BLOCK_PARTS_H

#include "backends/router.h"
#include "train/block.h"

/* Tokens of a piece, and rows of an expert's: multiples of 6, the rows of a tile of the
 * product kernel. */
enum { TILE = 96, EXPERT_TILE = 96 };

/* A loop over tokens, documents and heads, or experts of one layer. */
typedef struct ts_block_loop {
    ts_pass *x;
    ts_block *b;
    real *out; /* forward: the result; backward: dh */
} ts_block_loop;

static inline ts_rows ts_rows_at(real *v, size_t stride, size_t row)
{
    return (ts_rows){v + row * stride, stride};
}

static inline real *ts_team_scratch(const ts_team *team, int thread)
{
    return team->scratch + (size_t)thread * team->scratch_reals;
}

static inline void ts_block_tiles(ts_block_loop *l, ts_loop_body *body)
{
    ts_pool_loop(l->x->team->pool, l->x->pack->n, TILE, body, l);
}

/* One call for every document and head: item = document * n_heads + head. */
static inline void ts_block_heads(ts_block_loop *l, ts_loop_body *body)
{
    ts_pool_loop(l->x->team->pool, l->x->pack->n_docs * l->b->config->n_heads, 1, body, l);
}

/* The attention of one such item. */
ts_attend ts_block_attend(const ts_block_loop *l, size_t item, size_t *first);

ts_gate ts_block_gate(const ts_block *b);

/* Pieces of experts: body gets [begin, end) in units of pieces. */
typedef struct ts_expert_piece {
    size_t expert, begin, end; /* rows of the sorted pairs */
} ts_expert_piece;

size_t ts_block_n_pieces(const ts_block *b);
ts_expert_piece ts_block_piece(const ts_block *b, size_t i);

#endif
