/* bench.h - speed of a model beside the limits of the machine it runs on. */
#ifndef TS_ENGINE_BENCH_H
#define TS_ENGINE_BENCH_H

#include "backends/cpu/cpu_backend.h"
#include "engine/model.h"

typedef struct ts_bench_options {
    size_t n_prefill, n_decode; /* tokens; 0 skips the phase */
    size_t depth;               /* tokens in the context before decoding */
    int n_repeats;              /* the median is reported */
    void (*on_step)(void *user, const char *phase, size_t done, size_t total);
    void *user;
} ts_bench_options;

typedef struct ts_bench_phase {
    size_t tokens, depth;
    double tokens_per_s;
    double spread;         /* (largest - smallest) / median of the repeats */
    double share_of_limit; /* prefill: of the multiply peak; decode: of the bus */
    double limit_tokens_per_s;
} ts_bench_phase;

typedef struct ts_bench_result {
    ts_bench_phase prefill, decode; /* tokens is 0 for a phase that was skipped */
    ts_cpu_rates rates;             /* median of probes around the runs */
    uint64_t weight_bytes_per_token, macs_per_token, kv_bytes_per_token;
    bool is_integer; /* most weights are quantised: the peak is int8's */
    uint64_t peak_rss_bytes;
} ts_bench_result;

tiefsee_status ts_bench_run(tiefsee_model *m, const ts_bench_options *opt, ts_bench_result *out,
                            tiefsee_error *err) TS_MUST_CHECK;

#endif
