/* moe.c - see moe.h. */
#include "models/moe.h"

void ts_mlp_bind_dense(ts_mlp *w, ts_binder *b, size_t d, size_t d_ff)
{
#define FFN(gguf, hf) ((ts_names){"blk.%zu." gguf, "model.layers.%zu.mlp." hf})
    w->gate = ts_bind_matrix(b, FFN("ffn_gate.weight", "gate_proj.weight"), d, d_ff);
    w->up = ts_bind_matrix(b, FFN("ffn_up.weight", "up_proj.weight"), d, d_ff);
    w->down = ts_bind_matrix(b, FFN("ffn_down.weight", "down_proj.weight"), d_ff, d);
    w->b_gate = ts_bind_optional_vector(b, FFN("ffn_gate.bias", "gate_proj.bias"), d_ff);
    w->b_up = ts_bind_optional_vector(b, FFN("ffn_up.bias", "up_proj.bias"), d_ff);
    w->b_down = ts_bind_optional_vector(b, FFN("ffn_down.bias", "down_proj.bias"), d);
#undef FFN
}

void ts_mlp_bind_shared(ts_mlp *w, ts_binder *b, size_t d, size_t d_ff)
{
#define SHARED(gguf, hf) ((ts_names){"blk.%zu." gguf, "model.layers.%zu.mlp.shared_experts." hf})
    w->gate = ts_bind_matrix(b, SHARED("ffn_gate_shexp.weight", "gate_proj.weight"), d, d_ff);
    w->up = ts_bind_matrix(b, SHARED("ffn_up_shexp.weight", "up_proj.weight"), d, d_ff);
    w->down = ts_bind_matrix(b, SHARED("ffn_down_shexp.weight", "down_proj.weight"), d_ff, d);
#undef SHARED
}

/* down_e(silu(gate_e u) * (up_e u)) of every pair; plan NULL: of every token. */
static ts_mat experts(ts_ctx *x, const ts_tensor *const W[3], const ts_moe_plan *plan, ts_mat u)
{
    const ts_tensor *gate = W[0], *up = W[1], *down = W[2];
    const size_t n_active = plan ? plan->n_active : 1, n = u.n * n_active;
    const size_t F = (size_t)gate->ne[1], d = (size_t)down->ne[1];
    const ts_mat hidden = ts_mat_new(x, n, F), y = ts_mat_new(x, n, d);
    const ts_experts a = {.y = y.v,
                          .hidden = hidden.v,
                          .x = u.v,
                          .gate = gate,
                          .up = up,
                          .down = down,
                          .plan = plan,
                          .x_stride = u.stride,
                          .T = u.n};

    assert(u.d == gate->ne[0] && u.d == up->ne[0] && up->ne[1] == F && down->ne[0] == F);
    ts_ctx_count(x, (gate->bytes + up->bytes + down->bytes) * n_active, (2 * u.d + d) * F * n);
    if (x->b) {
        TS_RUN(x, experts_hidden, gate->type, 2 * u.d * F * n, &a);
        TS_RUN(x, experts_out, down->type, F * d * n, &a);
    }
    return y;
}

ts_mat ts_mlp_forward(ts_ctx *x, const ts_mlp *w, ts_mat u)
{
    if (!w->b_gate && !w->b_up && !w->b_down)
        return experts(x, (const ts_tensor *const[]){w->gate, w->up, w->down}, NULL, u);
    const ts_mat g = ts_op_linear(x, w->gate, w->b_gate, u);
    const ts_mat v = ts_op_linear(x, w->up, w->b_up, u);

    return ts_op_linear(x, w->down, w->b_down, ts_op_swiglu(x, g, v));
}

bool ts_moe_is_in_layer(const ts_config *m, size_t l)
{
    return m->n_experts > 0 && l >= m->n_dense_layers &&
           (m->moe_layer_freq <= 1 || l % m->moe_layer_freq == 0);
}

void ts_moe_bind(ts_moe *w, ts_binder *b, const ts_config *m, bool has_bias)
{
#define MLP "model.layers.%zu.mlp."
    const size_t d = m->d_model, F = m->d_expert, E = m->n_experts;
    const ts_expert_names gate = {"blk.%zu.ffn_gate_exps.weight",
                                  MLP "experts.%zu.gate_proj.weight", MLP "experts.gate_up_proj",
                                  2 * F, 0};
    const ts_expert_names up = {"blk.%zu.ffn_up_exps.weight", MLP "experts.%zu.up_proj.weight",
                                MLP "experts.gate_up_proj", 2 * F, F};
    const ts_expert_names down = {"blk.%zu.ffn_down_exps.weight",
                                  MLP "experts.%zu.down_proj.weight", MLP "experts.down_proj", d,
                                  0};

    w->W_gate =
        ts_bind_matrix(b, (ts_names){"blk.%zu.ffn_gate_inp.weight", MLP "gate.weight"}, d, E);
    if (has_bias)
        w->bias = ts_bind_vector(
            b, (ts_names){"blk.%zu.exp_probs_b.bias", MLP "gate.e_score_correction_bias"}, E);
    w->gate = ts_bind_experts(b, gate, d, F, E);
    w->up = ts_bind_experts(b, up, d, F, E);
    w->down = ts_bind_experts(b, down, F, d, E);
    if (m->n_shared)
        ts_mlp_bind_shared(&w->shared, b, d, m->n_shared * F);
#undef MLP
}

ts_mat ts_moe_forward(ts_ctx *x, const ts_config *m, const ts_moe *w, ts_router rule, ts_mat u)
{
    const size_t T = u.n, k = m->n_active;
    ts_moe_plan plan = {.n_experts = m->n_experts, .n_active = k};

    rule.z = ts_op_linear(x, w->W_gate, NULL, u).v; /* s_i = score(u . e_i) */
    rule.T = T;
    rule.n_experts = m->n_experts;
    rule.n_active = k;
    rule.bias = w->bias;
    rule.id = ts_ctx_take(x, T * k * sizeof *rule.id);
    rule.weight = ts_ctx_take(x, T * k * sizeof *rule.weight);
    plan.offset = ts_ctx_take(x, (m->n_experts + 1) * sizeof *plan.offset);
    plan.token = ts_ctx_take(x, T * k * sizeof *plan.token);
    plan.place = ts_ctx_take(x, T * k * sizeof *plan.place);
    if (x->b) {
        TS_RUN(x, router_topk, TS_F32, 0, &rule);
        if (x->choices)
            memcpy(x->choices, rule.id, T * k * sizeof *rule.id);
        TS_RUN(x, moe_plan, TS_F32, 0, &plan, rule.id, T);
    }
    const ts_mat rows = experts(x, (const ts_tensor *const[]){w->gate, w->up, w->down}, &plan, u);

    ts_mat y;
    if (w->shared.gate) {
        y = ts_mlp_forward(x, &w->shared, u);
    } else {
        y = ts_mat_new(x, T, m->d_model);
        if (x->b)
            memset(y.v, 0, T * m->d_model * sizeof *y.v);
    }
    if (x->b)
        TS_RUN(x, moe_combine, TS_F32, 0, y.v, &plan, rows.v, rule.id, rule.weight, T, m->d_model);
    return y;
}
