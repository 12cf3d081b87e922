/* router.c - see router.h.
 *
 * DeepSeek-V2 report, section 2.1.3 and the published gate of V3: groups are
 * masked with minus infinity, not with zero (biased scores may be negative).
 */
#include "backends/router.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Index of the largest of n values, the first on ties; NaN is never larger. */
static size_t best_of(const float *v, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (v[i] > v[best])
            best = i;
    return best;
}

static float group_score(const float *v, size_t n, ts_group_rule rule)
{
    float first = -INFINITY, second = -INFINITY;

    for (size_t i = 0; i < n; i++) {
        if (v[i] > first) {
            second = first;
            first = v[i];
        } else if (v[i] > second) {
            second = v[i];
        }
    }
    return rule == TS_GROUP_TOP2 && n > 1 ? first + second : first;
}

/* Leave only the experts of the best groups: the others become -inf. */
static void mask_groups(const ts_router *a, float *biased, float *groups)
{
    const size_t size = a->n_experts / a->n_groups;
    bool keep[TS_ROUTER_MAX_GROUPS] = {false};

    for (size_t g = 0; g < a->n_groups; g++)
        groups[g] = group_score(biased + g * size, size, a->group_rule);
    for (size_t i = 0; i < a->n_top_groups; i++) {
        const size_t g = best_of(groups, a->n_groups);
        keep[g] = true;
        groups[g] = -INFINITY;
    }
    for (size_t g = 0; g < a->n_groups; g++)
        for (size_t i = 0; i < size && !keep[g]; i++)
            biased[g * size + i] = -INFINITY;
}

void ts_router_choose(const ts_router *a, size_t t, const float *s, float *scratch)
{
    float *biased = scratch, *groups = scratch + a->n_experts, total = 0;
    int32_t *id = a->id + t * a->n_active;
    float *weight = a->weight + t * a->n_active;

    for (size_t e = 0; e < a->n_experts; e++)
        biased[e] = a->bias ? s[e] + a->bias[e] : s[e];
    if (a->group_rule != TS_GROUP_NONE && a->n_groups > 1)
        mask_groups(a, biased, groups);
    for (size_t k = 0; k < a->n_active; k++) {
        const size_t e = best_of(biased, a->n_experts);
        id[k] = (int32_t)e;
        weight[k] = s[e];
        total += s[e];
        biased[e] = -INFINITY;
    }
    for (size_t k = 0; k < a->n_active; k++) {
        if (a->normalise)
            weight[k] /= total + 1e-20f;
        weight[k] *= a->scale;
    }
}

void ts_moe_plan_sort(ts_moe_plan *plan, const int32_t *id, size_t T)
{
    const size_t k = plan->n_active;
    int32_t *offset = plan->offset;

    memset(offset, 0, (plan->n_experts + 1) * sizeof *offset);
    for (size_t i = 0; i < T * k; i++) {
        assert(id[i] >= 0 && (size_t)id[i] < plan->n_experts);
        offset[id[i] + 1]++;
    }
    for (size_t e = 0; e < plan->n_experts; e++)
        offset[e + 1] += offset[e];
    /* offset[e] serves as the cursor of expert e and ends where e + 1 begins. */
    for (size_t i = 0; i < T * k; i++) {
        const int32_t p = offset[id[i]]++;
        plan->token[p] = (int32_t)(i / k);
        plan->place[i] = p;
    }
    for (size_t e = plan->n_experts; e > 0; e--)
        offset[e] = offset[e - 1];
    offset[0] = 0;
}
