/* cpu_backend.h - the CPU backend: ops as kernels over a thread pool.
 *
 * Work is split by output rows (and by tokens and heads in attention), never
 * along a reduction, so results do not depend on the number of threads, on how
 * a prompt was cut into batches, or on who shares a batch.
 */
#ifndef TS_BACKENDS_CPU_BACKEND_H
#define TS_BACKENDS_CPU_BACKEND_H

#include "backends/backend.h"

typedef struct ts_cpu_options {
    int n_threads;      /* >= 1 */
    unsigned cpu_flags; /* TS_CPU_*: kernel level */
    bool precise;       /* float activations beside quantised weights */
} ts_cpu_options;

/* Scratch that a backend with these limits will take. */
size_t ts_cpu_scratch_bytes(const ts_backend_limits *limits, int n_threads);

tiefsee_status ts_cpu_open(ts_backend **out, const ts_cpu_options *opt,
                           const ts_backend_limits *limits, tiefsee_error *err) TS_MUST_CHECK;

/* What this machine can do with the backend's threads and kernels, measured in
 * about a third of a second. */
typedef struct ts_cpu_rates {
    double bus_gb_per_s; /* reading memory */
    double int8_gops;    /* 2 x multiply-adds of the level's product instruction */
    double f32_gflops;
} ts_cpu_rates;

tiefsee_status ts_cpu_measure(ts_backend *b, ts_cpu_rates *out, tiefsee_error *err) TS_MUST_CHECK;

#endif
