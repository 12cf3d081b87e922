/* router.h - choosing experts: scalar work on a few hundred numbers per token,
 * shared by every backend on the host. */
#ifndef TS_BACKENDS_ROUTER_H
#define TS_BACKENDS_ROUTER_H

#include "backends/backend.h"

/* The router op for token t; scratch holds 2 * n_experts + n_groups floats.
 * s (n_experts) are the scores of the token, already normalised. */
void ts_router_choose(const ts_router *a, size_t t, const float *s, float *scratch);

/* The moe_plan op. */
void ts_moe_plan_sort(ts_moe_plan *plan, const int32_t *id, size_t T);

#endif
