/* gate.c - DeepSeek-V3's router (arXiv:2412.19437, section 2.1.2).
 *
 *     s_i = sigmoid(u . e_i)              the n_active best s_i + b_i are chosen
 *     w_j = c s_j / S,  S = sum of the chosen s          (or c s_j, if not normalised)
 *
 *     ds_j = c (dw_j - sum_m(dw_m s_m) / S) / S          dz_i = ds_i s_i (1 - s_i)
 *
 * The choice itself has no gradient; b is moved by a rule, not by one.  The choice is
 * made by the function that the inference engine uses.
 *
 * Balance loss of one document of T tokens, with n experts of which k are chosen:
 *
 *     L = alpha sum_i f_i P_i,  f_i = n / (k T) count_i,  P_i = 1 / T sum_t s_ti / sum_j s_tj
 *     ds_ti = alpha / T (f_i / Z - sum_j(f_j s_tj) / Z^2),  Z = sum_j s_tj
 */
#include "train/layers.h"

#include "backends/router.h"

static const real TINY = (real)1e-20;

size_t ts_gate_scratch_floats(const ts_gate *g)
{
    return 3 * g->n_experts + g->n_groups + g->n_active;
}

/* The choice for one token; scores as floats. */
static void choose(const ts_gate *g, const real *s, int32_t *id, float *scratch)
{
    float *scores = scratch, *weights = scratch + g->n_experts;
    const ts_router rule = {
        .scoring = TS_SCORE_SIGMOID,
        .group_rule = g->n_groups > 1 ? TS_GROUP_TOP2 : TS_GROUP_NONE,
        .n_groups = g->n_groups,
        .n_top_groups = g->n_top_groups,
        .n_experts = g->n_experts,
        .n_active = g->n_active,
        .bias = g->bias,
        .id = id,
        .weight = weights,
    };

    for (size_t e = 0; e < g->n_experts; e++)
        scores[e] = (float)s[e];
    ts_router_choose(&rule, 0, scores, weights + g->n_active);
}

void ts_gate_forward(const ts_kernels *k, const ts_gate *g, size_t begin, size_t end,
                     bool is_frozen, float *scratch)
{
    for (size_t t = begin; t < end; t++) {
        real *s = g->score + t * g->n_experts, *w = g->weight + t * g->n_active, total = 0;
        int32_t *id = g->id + t * g->n_active;

        ts_real_sigmoid(k, s, s, g->n_experts);
        if (!is_frozen || id[0] < 0)
            choose(g, s, id, scratch);
        for (size_t j = 0; j < g->n_active; j++)
            total += s[id[j]];
        for (size_t j = 0; j < g->n_active; j++)
            w[j] = (g->normalise ? s[id[j]] / (total + TINY) : s[id[j]]) * (real)g->scale;
    }
}

void ts_gate_backward(const ts_gate *g, real *dz, const real *dweight, size_t begin, size_t end)
{
    for (size_t t = begin; t < end; t++) {
        const real *s = g->score + t * g->n_experts, *dw = dweight + t * g->n_active;
        const int32_t *id = g->id + t * g->n_active;
        real *d = dz + t * g->n_experts, total = 0, mean = 0;

        for (size_t e = 0; e < g->n_experts; e++)
            d[e] = 0;
        for (size_t j = 0; j < g->n_active; j++) {
            total += s[id[j]];
            mean += dw[j] * s[id[j]];
        }
        total += TINY;
        mean /= total;
        for (size_t j = 0; j < g->n_active; j++) {
            const real si = s[id[j]], ds = g->normalise ? (dw[j] - mean) / total : dw[j];
            d[id[j]] = ds * (real)g->scale * si * (1 - si);
        }
    }
}

real ts_gate_balance(const ts_gate *g, real *dz, real alpha, size_t begin, size_t end,
                     real *scratch)
{
    const size_t E = g->n_experts, T = end - begin;
    real *f = scratch, *P = scratch + E, loss = 0;

    for (size_t e = 0; e < E; e++)
        f[e] = P[e] = 0;
    for (size_t t = begin; t < end; t++) {
        const real *s = g->score + t * E;
        real z = 0;

        for (size_t e = 0; e < E; e++)
            z += s[e];
        for (size_t e = 0; e < E; e++)
            P[e] += s[e] / z;
        for (size_t j = 0; j < g->n_active; j++)
            f[g->id[t * g->n_active + j]] += (real)E / (real)(g->n_active * T);
    }
    for (size_t e = 0; e < E; e++)
        loss += f[e] * P[e] / (real)T;
    for (size_t t = begin; dz && t < end; t++) {
        const real *s = g->score + t * E;
        real z = 0, fs = 0;

        for (size_t e = 0; e < E; e++) {
            z += s[e];
            fs += f[e] * s[e];
        }
        for (size_t e = 0; e < E; e++)
            dz[t * E + e] += alpha / (real)T * (f[e] / z - fs / (z * z)) * s[e] * (1 - s[e]);
    }
    return alpha * loss;
}

void ts_gate_update_bias(float *bias, const uint64_t *load, size_t n_experts, float rate)
{
    uint64_t total = 0;

    for (size_t e = 0; e < n_experts; e++)
        total += load[e];
    for (size_t e = 0; e < n_experts; e++) {
        const uint64_t share = load[e] * n_experts;
        bias[e] += share < total ? rate : share > total ? -rate : 0;
    }
}
