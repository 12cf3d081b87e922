/* profile.h - where the time of forward passes goes, per op and weight type.
 *
 * Model code runs ops through TS_RUN, which looks at the clock only while the
 * backend has a profile.
 */
#ifndef TS_BACKENDS_PROFILE_H
#define TS_BACKENDS_PROFILE_H

#include "backends/backend.h"
#include "core/clock.h"

typedef enum ts_op_id {
#define OP(name, params) TS_OP_##name,
#include "backends/ops.def"
#undef OP
    TS_OP_COUNT
} ts_op_id;

typedef struct ts_op_cost {
    double seconds;
    uint64_t calls, macs; /* multiply-adds with weights */
} ts_op_cost;

/* Ops without weights count under TS_F32. */
struct ts_profile {
    ts_op_cost cost[TS_OP_COUNT][TS_DTYPE_MAX];
};

static inline const char *ts_op_name(ts_op_id op)
{
    static const char *const names[] = {
#define OP(name, params) #name,
#include "backends/ops.def"
#undef OP
    };
    return names[op];
}

static inline void ts_profile_add(ts_profile *p, ts_op_id op, ts_dtype type, uint64_t macs,
                                  double start)
{
    ts_op_cost *c = &p->cost[op][type];

    c->seconds += ts_clock_seconds() - start;
    c->calls++;
    c->macs += macs;
}

/* Run an op of ctx x (which is not dry), of weights `type` and so many multiply-adds. */
#define TS_RUN(x, name, type, macs, ...)                                         \
    do {                                                                         \
        ts_backend *const run_b = (x)->b;                                        \
        const double run_start = run_b->profile ? ts_clock_seconds() : 0;        \
        run_b->op->name(run_b, __VA_ARGS__);                                     \
        if (run_b->profile)                                                      \
            ts_profile_add(run_b->profile, TS_OP_##name, type, macs, run_start); \
    } while (0)

#endif
