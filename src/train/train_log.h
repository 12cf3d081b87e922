/* train_log.h - read log.jsonl of a run: bytes from outside, one line per step.
 *
 * A line is a flat JSON object; `step` must grow from line to line, the fields below are
 * finite numbers, others are passed over.  What is no such line is told with its number
 * and left out.  A last line without its end is being written and is no fault.
 */
#ifndef TS_TRAIN_TRAIN_LOG_H
#define TS_TRAIN_TRAIN_LOG_H

#include "core/error.h"
#include "core/str.h"
#include "train/curve.h"

enum {
    TRAIN_LOG_MAX_BYTES = 1 << 29,
    TRAIN_LOG_MAX_LINE = 4096,
    TRAIN_LOG_MAX_STEP = 1 << 30 /* as the command line allows */
};

typedef enum ts_log_field {
    LOG_LOSS,
    LOG_MTP_LOSS,
    LOG_NORM,
    LOG_RATE,
    LOG_MAX_VIOLATION,
    LOG_TOKENS,
    LOG_LEARNED,
    LOG_SECONDS,
    LOG_CPU_SECONDS,
    LOG_GFLOPS,
    LOG_PEAK_GFLOPS,
    LOG_REWARD,
    LOG_RIGHT,
    LOG_INFORMATIVE,
    LOG_ANSWER_TOKENS,
    LOG_CUT,
    LOG_ROLLOUT_SECONDS,
    LOG_VALIDATION,
    LOG_SAMPLED,
    /* What is computed from the fields of a line. */
    LOG_SPEED,         /* tokens learned from per second, without rollouts */
    LOG_SHARE_OF_PEAK, /* percent */
    LOG_N_FIELDS
} ts_log_field;

typedef struct ts_train_log {
    uint64_t n_steps, last_step, n_bad;
    uint64_t n_with_cpu;      /* steps that tell the time of the processors */
    double uncounted_seconds; /* of the others, by the clock */
    double total[LOG_N_FIELDS];
    ts_curve curve[LOG_N_FIELDS];
} ts_train_log;

typedef void ts_log_on_bad(void *user, uint64_t line, const char *why);

/* *out is cleared first; on_bad may be NULL. */
void ts_train_log_read(ts_train_log *out, ts_str text, ts_log_on_bad *on_bad, void *user);

/* A file that is not there is an empty log. */
tiefsee_status ts_train_log_load(ts_train_log *out, const char *path, ts_log_on_bad *on_bad,
                                 void *user, tiefsee_error *err) TS_MUST_CHECK;

/* cost.jsonl of `train all`: what a stage took, a line per run of it. */
typedef struct ts_stage_cost {
    char name[64];
    double seconds, cpu_seconds;
    uint64_t n_runs;
} ts_stage_cost;

enum { TRAIN_MAX_COSTS = 64 };

/* Runs of one stage are added up, in the order of their first ones. */
size_t ts_train_costs_read(ts_stage_cost out[TRAIN_MAX_COSTS], ts_str text, ts_log_on_bad *on_bad,
                           void *user);

#endif
