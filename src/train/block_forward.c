/* block_forward.c - a layer forwards; see block.h. */
#include <string.h>

#include "train/block_parts.h"

/* Queries, latents, keys and values of a piece of tokens. */
static void project(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;
    const ts_config *c = l->b->config;
    const ts_block_weights *w = l->b->w;
    const ts_block_memory *m = &l->b->m;
    const ts_kernels *k = &l->x->team->kernels;
    const size_t n = end - begin, d = c->d_model, H = c->n_heads, R = c->kv_lora_rank;
    const size_t d_key = c->d_nope + c->d_rope, d_kv = c->d_nope + c->d_value;
    const real eps = (real)c->rms_eps, latent_eps = (real)1e-6;
    const ts_rows u = ts_rows_at(m->u, d, begin), q = ts_rows_at(m->q, H * d_key, begin);
    const ts_rows kva = ts_rows_at(m->kva, R + c->d_rope, begin);
    const ts_rows ckv = ts_rows_at(m->ckv, R, begin);
    ts_rotary rotary = l->x->rotary;

    (void)thread;
    rotary.position += begin;
    ts_rmsnorm_forward(k, u, m->rstd_u + begin, ts_rows_at(m->h, d, begin), w->attn_norm.g, n, d,
                       eps);
    if (w->W_DQ.w) {
        const ts_rows qa = ts_rows_at(m->qa, c->q_lora_rank, begin);
        const ts_rows cq = ts_rows_at(m->cq, c->q_lora_rank, begin);

        ts_linear_forward(k, qa, false, u, &w->W_DQ, n);
        ts_rmsnorm_forward(k, cq, m->rstd_q + begin, qa, w->q_norm.g, n, c->q_lora_rank,
                           latent_eps);
        ts_linear_forward(k, q, false, cq, &w->W_UQ, n);
    } else {
        ts_linear_forward(k, q, false, u, &w->W_UQ, n);
    }
    ts_rotary_forward((ts_rows){q.v + c->d_nope, q.stride}, H, d_key, &rotary, n);
    ts_linear_forward(k, kva, false, u, &w->W_DKV, n);
    ts_rmsnorm_forward(k, ckv, m->rstd_kv + begin, kva, w->kv_norm.g, n, R, latent_eps);
    ts_rotary_forward((ts_rows){kva.v + R, kva.stride}, 1, 0, &rotary, n);
    ts_linear_forward(k, ts_rows_at(m->kv, H * d_kv, begin), false, ckv, &w->W_UKV, n);
}

static void attend(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;

    for (size_t item = begin; item < end; item++) {
        size_t first;
        const ts_attend a = ts_block_attend(l, item, &first);
        ts_attend_forward(&a, ts_team_scratch(l->x->team, thread));
    }
}

/* Output projection, second norm, dense or shared feed-forward, choice of experts. */
static void mix(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;
    const ts_config *c = l->b->config;
    const ts_block_weights *w = l->b->w;
    const ts_block_memory *m = &l->b->m;
    const ts_kernels *k = &l->x->team->kernels;
    const size_t n = end - begin, d = c->d_model, F = w->gate.n_out;
    const ts_rows h2 = ts_rows_at(m->h2, d, begin), u2 = ts_rows_at(m->u2, d, begin);
    const ts_rows out = ts_rows_at(l->out, d, begin);

    memcpy(h2.v, m->h + begin * d, n * d * sizeof(real));
    ts_linear_forward(k, h2, true, ts_rows_at(m->o, c->n_heads * c->d_value, begin), &w->W_O, n);
    ts_rmsnorm_forward(k, u2, m->rstd_u2 + begin, h2, w->ffn_norm.g, n, d, (real)c->rms_eps);
    memcpy(out.v, h2.v, n * d * sizeof(real));
    if (w->gate.w) {
        ts_linear_forward(k, ts_rows_at(m->g, F, begin), false, u2, &w->gate, n);
        ts_linear_forward(k, ts_rows_at(m->up, F, begin), false, u2, &w->up, n);
        ts_swiglu_forward(k, m->act + begin * F, m->g + begin * F, m->up + begin * F, n * F);
        ts_linear_forward(k, out, true, ts_rows_at(m->act, F, begin), &w->down, n);
    }
    if (w->is_moe) {
        const ts_gate gate = ts_block_gate(l->b);

        ts_linear_forward(k, ts_rows_at(m->score, c->n_experts, begin), false, u2, &w->router, n);
        ts_gate_forward(k, &gate, begin, end, l->x->keeps_routing,
                        (float *)ts_team_scratch(l->x->team, thread));
    }
}

static void run_experts(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;
    const ts_config *c = l->b->config;
    const ts_block_weights *w = l->b->w;
    const ts_block_memory *m = &l->b->m;
    const ts_kernels *k = &l->x->team->kernels;
    const size_t d = c->d_model, F = c->d_expert;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const ts_expert_piece p = ts_block_piece(l->b, i);
        const size_t n = p.end - p.begin;
        const ts_rows x = ts_rows_at(m->xg, d, p.begin);

        for (size_t r = 0; r < n; r++)
            memcpy(x.v + r * d, m->u2 + (size_t)m->plan.token[p.begin + r] * d, d * sizeof(real));
        ts_linear_forward(k, ts_rows_at(m->eg, F, p.begin), false, x, &w->e_gate[p.expert], n);
        ts_linear_forward(k, ts_rows_at(m->eu, F, p.begin), false, x, &w->e_up[p.expert], n);
        ts_swiglu_forward(k, m->eact + p.begin * F, m->eg + p.begin * F, m->eu + p.begin * F,
                          n * F);
        ts_linear_forward(k, ts_rows_at(m->ey, d, p.begin), false, ts_rows_at(m->eact, F, p.begin),
                          &w->e_down[p.expert], n);
    }
}

/* out += what the chosen experts said, in the order of choice. */
static void combine(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;
    const ts_block_memory *m = &l->b->m;
    const size_t d = l->b->config->d_model, n_active = l->b->config->n_active;

    (void)thread;
    for (size_t t = begin; t < end; t++)
        for (size_t j = t * n_active; j < (t + 1) * n_active; j++)
            ts_real_axpy(&l->x->team->kernels, l->out + t * d, m->weight[j],
                         m->ey + (size_t)m->plan.place[j] * d, d);
}

void ts_block_forward(ts_pass *x, ts_block *b, real *out)
{
    ts_block_loop l = {x, b, out};

    ts_block_tiles(&l, project);
    ts_block_heads(&l, attend);
    ts_block_tiles(&l, mix);
    if (!b->w->is_moe)
        return;
    ts_moe_plan_sort(&b->m.plan, b->m.id, x->pack->n);
    for (size_t e = 0; e < b->config->n_experts; e++)
        b->load[e] += (uint64_t)(b->m.plan.offset[e + 1] - b->m.plan.offset[e]);
    ts_pool_loop(x->team->pool, ts_block_n_pieces(b), 1, run_experts, &l);
    ts_block_tiles(&l, combine);
}
