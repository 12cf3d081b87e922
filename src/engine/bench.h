/* bench.h - speed of a model beside the limits of the machine it runs on. */
#ifndef TS_ENGINE_BENCH_H
#define TS_ENGINE_BENCH_H

#include "backends/cpu/cpu_backend.h"
#include "backends/profile.h"
#include "core/str.h"
#include "engine/model.h"

enum { TS_BENCH_MAX_LIST = 16, TS_BENCH_MAX_POINTS = 2 * TS_BENCH_MAX_LIST * TS_BENCH_MAX_LIST };

typedef struct ts_bench_list {
    size_t at[TS_BENCH_MAX_LIST], n;
} ts_bench_list;

/* Every prompt length and every number of sequences is measured at every depth. */
typedef struct ts_bench_options {
    ts_bench_list prompts;   /* tokens to prefill; a 0 is skipped */
    ts_bench_list depths;    /* tokens in the context before */
    ts_bench_list sequences; /* that decode together */
    size_t n_decode;         /* tokens of each; 0 skips decoding */
    int n_repeats;           /* the median is reported */
    bool profile;            /* fill in the result's profiles */
    void (*on_step)(void *user, const char *phase, size_t done, size_t total);
    void *user;
} ts_bench_options;

typedef struct ts_bench_point {
    bool is_prefill;
    size_t tokens, depth, n_sequences;
    double tokens_per_s; /* of all sequences together */
    double spread;       /* (largest - smallest) / median of the repeats */
    /* Prefill: products with weights as a share of the multiply peak.  Decode: of the
     * bus; of several sequences 0, because how many experts they share is not known. */
    double share_of_limit, limit_tokens_per_s;
    ts_cpu_rates rates; /* median of the probes right before each repeat */
} ts_bench_point;

typedef struct ts_bench_result {
    ts_bench_point points[TS_BENCH_MAX_POINTS];
    size_t n_points;
    ts_cpu_rates rates; /* median of all probes */
    ts_net_cost cost;
    uint64_t kv_bytes_per_token;
    bool is_integer; /* most weights are quantised: the peak is int8's */
    uint64_t peak_rss_bytes;
    ts_profile prefill_profile, decode_profile;
    double prefill_seconds, decode_seconds; /* that the profiles are of */
} ts_bench_result;

tiefsee_status ts_bench_run(tiefsee_model *m, const ts_bench_options *opt, ts_bench_result *out,
                            tiefsee_error *err) TS_MUST_CHECK;

/* What memory and arithmetic give a model's threads right now; takes half a second. */
tiefsee_status ts_bench_limits(tiefsee_model *m, ts_cpu_rates *out,
                               tiefsee_error *err) TS_MUST_CHECK;

/* What a prompt of n tokens takes, of which one wants logits: without attention over the
 * context, so that a share of the peak never says more than products with weights. */
uint64_t ts_bench_prompt_macs(const ts_net_cost *cost, size_t n);

/* What one of n tokens behind `depth` others reads on average, itself included. */
double ts_bench_token_bytes(const ts_net_cost *cost, uint64_t kv_bytes_per_token, size_t depth,
                            size_t n);

/* Speed over prompt length and over depth as an SVG picture; false: out is full. */
bool ts_bench_plot(ts_buf *out, const ts_bench_result *r, const char *title) TS_MUST_CHECK;

#endif
