/* block_backward.c - a layer backwards; see block.h.
 *
 * Gradients of activations go token by token; those of weights wait until a half is
 * through and then are one list of tasks, because each sums over all tokens.
 */
#include <assert.h>
#include <string.h>

#include "train/block_parts.h"

/* Outputs of one task; so many that packing X for each costs little. */
enum { TASK_ROWS = LINEAR_MAX_OUTPUTS, TASK_CHANNELS = 64 };

typedef struct grad_task {
    ts_linear_grad linear; /* w NULL: a gain */
    real *dg;
    const real *rstd;
} grad_task;

typedef struct task_list {
    ts_team *team;
    grad_task *task;
    size_t n, max;
} task_list;

static size_t max_tasks(const ts_config *c)
{
    const size_t d = c->d_model,
                 F = c->d_ff > c->n_shared * c->d_expert ? c->d_ff : c->n_shared * c->d_expert;
    const size_t widths = 3 * d + c->q_lora_rank + c->kv_lora_rank + c->d_rope + 2 * F +
                          c->n_heads * (2 * c->d_nope + c->d_rope + c->d_value) + c->n_experts;
    const size_t experts = (2 * ((size_t)c->d_expert / TASK_ROWS + 1) + d / TASK_ROWS + 1);

    return widths / TASK_ROWS + 12 + c->n_experts * experts +
           (2 * d + c->q_lora_rank + c->kv_lora_rank) / TASK_CHANNELS + 4;
}

size_t ts_block_task_bytes(const ts_config *c)
{
    return max_tasks(c) * sizeof(grad_task);
}

static void push(task_list *list, grad_task task)
{
    assert(list->n < list->max);
    list->task[list->n++] = task;
}

static void add_weight(task_list *list, const ts_weight *w, ts_rows dy, ts_rows x, size_t n)
{
    for (size_t begin = 0; n > 0 && begin < w->n_out; begin += TASK_ROWS) {
        const size_t end = w->n_out - begin < TASK_ROWS ? w->n_out : begin + TASK_ROWS;
        push(list, (grad_task){.linear = {w, dy, x, n, begin, end}});
    }
}

static void add_gain(task_list *list, ts_gain gain, ts_rows dy, ts_rows x, const real *rstd,
                     size_t n, size_t d)
{
    for (size_t begin = 0; begin < d; begin += TASK_CHANNELS) {
        const size_t end = d - begin < TASK_CHANNELS ? d : begin + TASK_CHANNELS;
        push(list,
             (grad_task){.linear = {NULL, dy, x, n, begin, end}, .dg = gain.dg, .rstd = rstd});
    }
}

static void run_tasks(void *ctx, size_t begin, size_t end, int thread)
{
    const task_list *list = ctx;

    for (size_t i = begin; i < end; i++) {
        const grad_task *t = &list->task[i];
        const ts_linear_grad *g = &t->linear;

        if (g->w)
            ts_linear_backward_weight(&list->team->kernels, g, ts_team_scratch(list->team, thread));
        else
            ts_rmsnorm_backward_gain(t->dg, g->dy, g->x, t->rstd, g->n, g->begin, g->end);
    }
}

static task_list new_list(const ts_pass *x, const ts_config *c)
{
    return (task_list){x->team, x->tasks, 0, max_tasks(c)};
}

/* ------------------------------------------------------------ feed-forward */

/* dey, dweight and dz of the router; through the dense or shared feed-forward. */
static void unmix(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;
    const ts_config *c = l->b->config;
    const ts_block_weights *w = l->b->w;
    const ts_block_memory *m = &l->b->m;
    const ts_block_gradients *g = l->x->g;
    const ts_kernels *k = &l->x->team->kernels;
    const size_t n = end - begin, d = c->d_model, F = w->gate.n_out;

    (void)thread;
    for (size_t t = begin; w->is_moe && t < end; t++)
        for (size_t j = t * c->n_active; j < (t + 1) * c->n_active; j++) {
            const size_t place = (size_t)m->plan.place[j];
            const real *dh = l->out + t * d;

            g->dweight[j] = ts_real_dot(k, dh, m->ey + place * d, d);
            for (size_t i = 0; i < d; i++)
                g->dey[place * d + i] = m->weight[j] * dh[i];
        }
    if (w->is_moe) {
        const ts_gate gate = ts_block_gate(l->b);
        ts_gate_backward(&gate, g->dz, g->dweight, begin, end);
    }
    if (!w->gate.w) {
        memset(g->du + begin * d, 0, n * d * sizeof(real));
        return;
    }
    ts_linear_backward(k, ts_rows_at(g->dact, F, begin), false, ts_rows_at(l->out, d, begin),
                       &w->down, n);
    ts_swiglu_backward(k, g->dg + begin * F, g->dup + begin * F, g->dact + begin * F,
                       m->g + begin * F, m->up + begin * F, n * F);
    ts_linear_backward(k, ts_rows_at(g->du, d, begin), false, ts_rows_at(g->dg, F, begin), &w->gate,
                       n);
    ts_linear_backward(k, ts_rows_at(g->du, d, begin), true, ts_rows_at(g->dup, F, begin), &w->up,
                       n);
}

static void unrun_experts(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;
    const ts_block_weights *w = l->b->w;
    const ts_block_memory *m = &l->b->m;
    const ts_block_gradients *g = l->x->g;
    const ts_kernels *k = &l->x->team->kernels;
    const size_t d = l->b->config->d_model, F = l->b->config->d_expert;

    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const ts_expert_piece p = ts_block_piece(l->b, i);
        const size_t n = p.end - p.begin, at = p.begin * F;

        ts_linear_backward(k, ts_rows_at(g->deact, F, p.begin), false,
                           ts_rows_at(g->dey, d, p.begin), &w->e_down[p.expert], n);
        ts_swiglu_backward(k, g->deg + at, g->deu + at, g->deact + at, m->eg + at, m->eu + at,
                           n * F);
        ts_linear_backward(k, ts_rows_at(g->dxg, d, p.begin), false, ts_rows_at(g->deg, F, p.begin),
                           &w->e_gate[p.expert], n);
        ts_linear_backward(k, ts_rows_at(g->dxg, d, p.begin), true, ts_rows_at(g->deu, F, p.begin),
                           &w->e_up[p.expert], n);
    }
}

/* du += what came through the experts and the router. */
static void uncombine(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;
    const ts_block_gradients *g = l->x->g;
    const ts_kernels *k = &l->x->team->kernels;
    const size_t d = l->b->config->d_model, n_active = l->b->config->n_active;

    (void)thread;
    for (size_t t = begin; t < end; t++)
        for (size_t j = t * n_active; j < (t + 1) * n_active; j++)
            ts_real_add(k, g->du + t * d, g->dxg + (size_t)l->b->m.plan.place[j] * d, d);
    ts_linear_backward(k, ts_rows_at(g->du, d, begin), true,
                       ts_rows_at(g->dz, l->b->config->n_experts, begin), &l->b->w->router,
                       end - begin);
}

static void balance(ts_pass *x, ts_block *b)
{
    const ts_gate gate = ts_block_gate(b);

    for (size_t i = 0; i < x->pack->n_docs; i++)
        x->balance_loss += ts_gate_balance(&gate, x->g->dz, x->balance, x->pack->begin[i],
                                           x->pack->begin[i + 1], x->team->scratch);
}

static void feed_forward_weights(const ts_block_loop *l)
{
    const ts_config *c = l->b->config;
    const ts_block_weights *w = l->b->w;
    const ts_block_memory *m = &l->b->m;
    const ts_block_gradients *g = l->x->g;
    const size_t n = l->x->pack->n, d = c->d_model, F = w->gate.n_out, Fe = c->d_expert;
    const ts_rows u2 = {m->u2, d};
    task_list list = new_list(l->x, c);

    if (w->gate.w) {
        add_weight(&list, &w->gate, (ts_rows){g->dg, F}, u2, n);
        add_weight(&list, &w->up, (ts_rows){g->dup, F}, u2, n);
        add_weight(&list, &w->down, (ts_rows){l->out, d}, (ts_rows){m->act, F}, n);
    }
    for (size_t e = 0; w->is_moe && e < c->n_experts; e++) {
        const size_t at = (size_t)m->plan.offset[e], rows = (size_t)m->plan.offset[e + 1] - at;

        add_weight(&list, &w->e_gate[e], ts_rows_at(g->deg, Fe, at), ts_rows_at(m->xg, d, at),
                   rows);
        add_weight(&list, &w->e_up[e], ts_rows_at(g->deu, Fe, at), ts_rows_at(m->xg, d, at), rows);
        add_weight(&list, &w->e_down[e], ts_rows_at(g->dey, d, at), ts_rows_at(m->eact, Fe, at),
                   rows);
    }
    if (w->is_moe)
        add_weight(&list, &w->router, (ts_rows){g->dz, c->n_experts}, u2, n);
    add_gain(&list, w->ffn_norm, (ts_rows){g->du, d}, (ts_rows){m->h2, d}, m->rstd_u2, n, d);
    ts_pool_loop(l->x->team->pool, list.n, 1, run_tasks, &list);
}

/* --------------------------------------------------------------- attention */

/* Through the second norm and the output projection. */
static void unproject_output(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;
    const ts_config *c = l->b->config;
    const ts_block_memory *m = &l->b->m;
    const ts_kernels *k = &l->x->team->kernels;
    const size_t n = end - begin, d = c->d_model;
    const ts_rows dh = ts_rows_at(l->out, d, begin);

    (void)thread;
    ts_rmsnorm_backward(k, dh, ts_rows_at(l->x->g->du, d, begin), ts_rows_at(m->h2, d, begin),
                        l->b->w->ffn_norm.g, m->rstd_u2 + begin, n, d);
    ts_linear_backward(k, ts_rows_at(l->x->g->d_o, c->n_heads * c->d_value, begin), false, dh,
                       &l->b->w->W_O, n);
}

static void unattend(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;
    const ts_config *c = l->b->config;
    const ts_block_gradients *g = l->x->g;
    const size_t H = c->n_heads, d_key = c->d_nope + c->d_rope, d_kv = c->d_nope + c->d_value;

    for (size_t item = begin; item < end; item++) {
        size_t first;
        const ts_attend a = ts_block_attend(l, item, &first);
        const size_t row = first * H + item % H;
        const ts_attend_grad grad = {
            .dq = {g->dq + row * d_key, H * d_key},
            .dk_nope = {g->dkv + row * d_kv, H * d_kv},
            .dv = {g->dkv + row * d_kv + c->d_nope, H * d_kv},
            .dk_rope = {g->dkr + row * c->d_rope, H * c->d_rope},
            .d_o = {g->d_o + row * c->d_value, H * c->d_value},
        };
        ts_attend_backward(&a, &grad, ts_team_scratch(l->x->team, thread));
    }
}

/* The shared rotated key: the sum of all heads' parts. */
static void sum_rotated_keys(const ts_block_loop *l, ts_rows dkr, size_t begin, size_t n)
{
    const size_t H = l->b->config->n_heads, d_rope = l->b->config->d_rope;

    for (size_t t = 0; t < n; t++) {
        const real *parts = l->x->g->dkr + (begin + t) * H * d_rope;

        for (size_t i = 0; i < d_rope; i++) {
            real sum = 0;
            for (size_t h = 0; h < H; h++)
                sum += parts[h * d_rope + i];
            dkr.v[t * dkr.stride + i] = sum;
        }
    }
}

static void unproject(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;
    const ts_config *c = l->b->config;
    const ts_block_weights *w = l->b->w;
    const ts_block_memory *m = &l->b->m;
    const ts_block_gradients *g = l->x->g;
    const ts_kernels *k = &l->x->team->kernels;
    const size_t n = end - begin, d = c->d_model, H = c->n_heads, R = c->kv_lora_rank;
    const size_t d_key = c->d_nope + c->d_rope, d_kv = c->d_nope + c->d_value;
    const ts_rows dq = ts_rows_at(g->dq, H * d_key, begin), du = ts_rows_at(g->du, d, begin);
    const ts_rows dkva = ts_rows_at(g->dkva, R + c->d_rope, begin);
    const ts_rows dkr = {dkva.v + R, dkva.stride}, dckv = ts_rows_at(g->dckv, R, begin);
    ts_rotary rotary = l->x->rotary;

    (void)thread;
    rotary.position += begin;
    memset(dkva.v, 0, n * dkva.stride * sizeof(real));
    sum_rotated_keys(l, dkr, begin, n);
    ts_rotary_backward(dkr, 1, 0, &rotary, n);
    ts_linear_backward(k, dckv, false, ts_rows_at(g->dkv, H * d_kv, begin), &w->W_UKV, n);
    ts_rmsnorm_backward(k, dkva, dckv, ts_rows_at(m->kva, R + c->d_rope, begin), w->kv_norm.g,
                        m->rstd_kv + begin, n, R);
    ts_linear_backward(k, du, false, dkva, &w->W_DKV, n);

    ts_rotary_backward((ts_rows){dq.v + c->d_nope, dq.stride}, H, d_key, &rotary, n);
    if (w->W_DQ.w) {
        const size_t Q = c->q_lora_rank;
        const ts_rows dcq = ts_rows_at(g->dcq, Q, begin), dqa = ts_rows_at(g->dqa, Q, begin);

        ts_linear_backward(k, dcq, false, dq, &w->W_UQ, n);
        memset(dqa.v, 0, n * Q * sizeof(real));
        ts_rmsnorm_backward(k, dqa, dcq, ts_rows_at(m->qa, Q, begin), w->q_norm.g,
                            m->rstd_q + begin, n, Q);
        ts_linear_backward(k, du, true, dqa, &w->W_DQ, n);
    } else {
        ts_linear_backward(k, du, true, dq, &w->W_UQ, n);
    }
}

static void attention_weights(const ts_block_loop *l)
{
    const ts_config *c = l->b->config;
    const ts_block_weights *w = l->b->w;
    const ts_block_memory *m = &l->b->m;
    const ts_block_gradients *g = l->x->g;
    const size_t n = l->x->pack->n, d = c->d_model, H = c->n_heads, Q = c->q_lora_rank;
    const size_t R = c->kv_lora_rank;
    const ts_rows u = {m->u, d}, dq = {g->dq, H * (c->d_nope + c->d_rope)};
    const ts_rows kva = {m->kva, R + c->d_rope}, dkva = {g->dkva, R + c->d_rope};
    task_list list = new_list(l->x, c);

    add_weight(&list, &w->W_UKV, (ts_rows){g->dkv, H * (c->d_nope + c->d_value)},
               (ts_rows){m->ckv, R}, n);
    add_weight(&list, &w->W_O, (ts_rows){l->out, d}, (ts_rows){m->o, H * c->d_value}, n);
    if (w->W_DQ.w) {
        add_weight(&list, &w->W_UQ, dq, (ts_rows){m->cq, Q}, n);
        add_weight(&list, &w->W_DQ, (ts_rows){g->dqa, Q}, u, n);
        add_gain(&list, w->q_norm, (ts_rows){g->dcq, Q}, (ts_rows){m->qa, Q}, m->rstd_q, n, Q);
    } else {
        add_weight(&list, &w->W_UQ, dq, u, n);
    }
    add_weight(&list, &w->W_DKV, dkva, u, n);
    add_gain(&list, w->kv_norm, (ts_rows){g->dckv, R}, kva, m->rstd_kv, n, R);
    add_gain(&list, w->attn_norm, (ts_rows){g->du, d}, (ts_rows){m->h, d}, m->rstd_u, n, d);
    ts_pool_loop(l->x->team->pool, list.n, 1, run_tasks, &list);
}

static void unnorm(void *ctx, size_t begin, size_t end, int thread)
{
    const ts_block_loop *l = ctx;
    const ts_block_memory *m = &l->b->m;
    const size_t d = l->b->config->d_model;

    (void)thread;
    ts_rmsnorm_backward(&l->x->team->kernels, ts_rows_at(l->out, d, begin),
                        ts_rows_at(l->x->g->du, d, begin), ts_rows_at(m->h, d, begin),
                        l->b->w->attn_norm.g, m->rstd_u + begin, end - begin, d);
}

void ts_block_backward(ts_pass *x, ts_block *b, real *dh)
{
    ts_block_loop l = {x, b, dh};

    ts_block_tiles(&l, unmix);
    if (b->w->is_moe) {
        if (x->balance != 0)
            balance(x, b);
        ts_pool_loop(x->team->pool, ts_block_n_pieces(b), 1, unrun_experts, &l);
        ts_block_tiles(&l, uncombine);
    }
    feed_forward_weights(&l);
    ts_block_tiles(&l, unproject_output);
    ts_block_heads(&l, unattend);
    ts_block_tiles(&l, unproject);
    attention_weights(&l);
    ts_block_tiles(&l, unnorm);
}
