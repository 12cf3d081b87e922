/* block.c - memory of a layer, and how its work is cut. */
#include "train/block.h"

#include "train/block_parts.h"

static real *reals(ts_carve *c, size_t n, size_t width)
{
    return ts_carve_take(c, n * width, sizeof(real));
}

/* Width of the dense feed-forward, or of the shared experts. */
static size_t wide(const ts_config *c, bool is_moe)
{
    return is_moe ? (size_t)c->n_shared * c->d_expert : c->d_ff;
}

void ts_block_carve(ts_block_memory *m, const ts_config *c, bool is_moe, size_t n, ts_carve *work)
{
    const size_t d = c->d_model, H = c->n_heads, k = c->n_active, F = wide(c, is_moe);

    *m = (ts_block_memory){0};
    m->h = reals(work, n, d);
    m->u = reals(work, n, d);
    m->rstd_u = reals(work, n, 1);
    m->qa = reals(work, n, c->q_lora_rank);
    m->cq = reals(work, n, c->q_lora_rank);
    m->rstd_q = reals(work, n, 1);
    m->q = reals(work, n, H * (c->d_nope + c->d_rope));
    m->kva = reals(work, n, c->kv_lora_rank + c->d_rope);
    m->ckv = reals(work, n, c->kv_lora_rank);
    m->rstd_kv = reals(work, n, 1);
    m->kv = reals(work, n, H * (c->d_nope + c->d_value));
    m->o = reals(work, n, H * c->d_value);
    m->h2 = reals(work, n, d);
    m->u2 = reals(work, n, d);
    m->rstd_u2 = reals(work, n, 1);
    m->g = reals(work, n, F);
    m->up = reals(work, n, F);
    m->act = reals(work, n, F);
    if (!is_moe)
        return;
    m->score = reals(work, n, c->n_experts);
    m->weight = reals(work, n, k);
    m->xg = reals(work, n * k, d);
    m->eg = reals(work, n * k, c->d_expert);
    m->eu = reals(work, n * k, c->d_expert);
    m->eact = reals(work, n * k, c->d_expert);
    m->ey = reals(work, n * k, d);
    m->id = ts_carve_take(work, n * k, sizeof *m->id);
    m->plan = (ts_moe_plan){.n_experts = c->n_experts, .n_active = k};
    m->plan.offset = ts_carve_take(work, c->n_experts + 1, sizeof(int32_t));
    m->plan.token = ts_carve_take(work, n * k, sizeof(int32_t));
    m->plan.place = ts_carve_take(work, n * k, sizeof(int32_t));
}

void ts_block_gradients_carve(ts_block_gradients *g, const ts_config *c, size_t n, ts_carve *work)
{
    const size_t d = c->d_model, H = c->n_heads, k = c->n_experts ? c->n_active : 0;
    const size_t shared = wide(c, true), F = c->d_ff > shared ? c->d_ff : shared;

    g->du = reals(work, n, d);
    g->dqa = reals(work, n, c->q_lora_rank);
    g->dcq = reals(work, n, c->q_lora_rank);
    g->dq = reals(work, n, H * (c->d_nope + c->d_rope));
    g->dkva = reals(work, n, c->kv_lora_rank + c->d_rope);
    g->dckv = reals(work, n, c->kv_lora_rank);
    g->dkv = reals(work, n, H * (c->d_nope + c->d_value));
    g->dkr = reals(work, n, H * c->d_rope);
    g->d_o = reals(work, n, H * c->d_value);
    g->dg = reals(work, n, F);
    g->dup = reals(work, n, F);
    g->dact = reals(work, n, F);
    g->dweight = reals(work, n, k);
    g->dz = reals(work, n, c->n_experts);
    g->dey = reals(work, n * k, d);
    g->dxg = reals(work, n * k, d);
    g->deg = reals(work, n * k, c->d_expert);
    g->deu = reals(work, n * k, c->d_expert);
    g->deact = reals(work, n * k, c->d_expert);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t ts_block_scratch_reals(const ts_config *c, size_t longest_doc)
{
    const size_t d = c->d_model, widest_in = larger(larger(2 * d, c->d_ff), wide(c, true));
    const size_t widest = larger(widest_in, larger(c->n_heads * c->d_value, c->q_lora_rank));
    const size_t gate = 4 * (size_t)c->n_experts + c->n_groups + c->n_active;

    return larger(larger(ts_linear_scratch_reals(widest), gate),
                  ts_attend_scratch_reals(longest_doc, c->d_nope + c->d_rope, c->d_value));
}

ts_attend ts_block_attend(const ts_block_loop *l, size_t item, size_t *first)
{
    const ts_config *c = l->b->config;
    const ts_block_memory *m = &l->b->m;
    const size_t H = c->n_heads, h = item % H, doc = item / H, begin = l->x->pack->begin[doc];
    const size_t d_key = c->d_nope + c->d_rope, d_kv = c->d_nope + c->d_value;
    const ts_rows kv = ts_rows_at(m->kv, H * d_kv, begin);
    const ts_rows kva = ts_rows_at(m->kva, c->kv_lora_rank + c->d_rope, begin);

    *first = begin;
    return (ts_attend){
        .k = &l->x->team->kernels,
        .q = {m->q + begin * H * d_key + h * d_key, H * d_key},
        .k_nope = {kv.v + h * d_kv, kv.stride},
        .k_rope = {kva.v + c->kv_lora_rank, kva.stride},
        .v = {kv.v + h * d_kv + c->d_nope, kv.stride},
        .o = {m->o + (begin * H + h) * c->d_value, H * c->d_value},
        .n = l->x->pack->begin[doc + 1] - begin,
        .d_nope = c->d_nope,
        .d_rope = c->d_rope,
        .d_value = c->d_value,
        .scale = 1 / REAL_SQRT((real)d_key),
    };
}

ts_gate ts_block_gate(const ts_block *b)
{
    const ts_config *c = b->config;

    return (ts_gate){
        .n_experts = c->n_experts,
        .n_active = c->n_active,
        .n_groups = c->n_groups,
        .n_top_groups = c->n_top_groups,
        .normalise = c->norm_topk,
        .scale = (float)c->route_scale,
        .bias = b->w->bias,
        .score = b->m.score,
        .id = b->m.id,
        .weight = b->m.weight,
    };
}

static size_t pieces_of(const ts_block *b, size_t e)
{
    const size_t n = (size_t)(b->m.plan.offset[e + 1] - b->m.plan.offset[e]);

    return (n + EXPERT_TILE - 1) / EXPERT_TILE;
}

size_t ts_block_n_pieces(const ts_block *b)
{
    size_t n = 0;

    for (size_t e = 0; e < b->config->n_experts; e++)
        n += pieces_of(b, e);
    return n;
}

ts_expert_piece ts_block_piece(const ts_block *b, size_t i)
{
    size_t e = 0;

    for (; i >= pieces_of(b, e); e++)
        i -= pieces_of(b, e);
    const size_t begin = (size_t)b->m.plan.offset[e] + i * EXPERT_TILE;
    const size_t last = (size_t)b->m.plan.offset[e + 1];
    return (ts_expert_piece){e, begin, last - begin < EXPERT_TILE ? last : begin + EXPERT_TILE};
}
