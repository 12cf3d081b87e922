/* grpo_routing.c - routing replay: tokens learn with the experts that answered.
 *
 * Where rounded weights answer, and the weights that learn are others, routers disagree
 * about some tokens, and a gradient through other experts than those that spoke is noise
 * (2512.02556 keeps the routing of rollouts). */
#include <string.h>

#include "train/grpo_parts.h"

/* Cached tokens of a prompt were computed for another answer of the group. */
static void find_experts(const ts_policy_answer *group, size_t n, size_t n_choices, size_t first)
{
    for (size_t at = 0; at < group->n_prompt; at++)
        for (size_t j = 0; j < n; j++) {
            const uint16_t *known = group[j].experts + at * n_choices;

            if (known[first] == TS_NO_EXPERT)
                continue;
            for (size_t i = 0; i < n; i++)
                memcpy(group[i].experts + at * n_choices, known, n_choices * sizeof *known);
            break;
        }
}

void ts_grpo_share_experts(ts_run *r)
{
    const ts_run_options *o = &r->head->options;
    const size_t k = o->config.n_active;
    ts_grpo_source *s = r->source;

    if (o->grpo.keeps_routing && k > 0)
        for (size_t i = 0; i + o->grpo.group <= s->n_answers; i += o->grpo.group)
            find_experts(&s->answer[i], o->grpo.group, o->config.n_layers * k,
                         o->config.n_dense_layers * k);
}

void ts_grpo_route(ts_run *r, const ts_policy_answer *a, size_t first)
{
    const ts_config *c = &r->trunk.net.config;
    const size_t k = c->n_active, L = c->n_layers;

    for (size_t l = 0; l < L; l++) {
        if (!r->trunk.block[l].w->is_moe)
            continue;
        for (size_t i = 0; i < a->n; i++) {
            const uint16_t *from = a->experts + (i * L + l) * k;
            int32_t *to = r->trunk.block[l].m.id + (first + i) * k;

            for (size_t j = 0; j < k; j++)
                to[j] = from[j] == TS_NO_EXPERT ? -1 : from[j];
        }
    }
}
