/* job.h - what is behind a ts_job: a prompt and its answer on their way. */
#ifndef TS_ENGINE_JOB_H
#define TS_ENGINE_JOB_H

#include "engine/decode.h"
#include "engine/engine.h"
#include "engine/kvcache.h"
#include "engine/kvdisk.h"
#include "engine/sequence.h"

/* LOADING: pages of the prompt come from the disk. */
typedef enum ts_job_state {
    TS_JOB_QUEUED,
    TS_JOB_LOADING,
    TS_JOB_PROMPT,
    TS_JOB_ANSWER
} ts_job_state;

struct ts_job {
    ts_engine *engine;
    ts_job *next; /* in the queue */
    ts_job_state state;
    ts_job_events events;
    void *user;
    _Atomic int is_cancelled;

    char user_name[TS_MAX_NAME_SPACE + 1], name_space[TS_MAX_NAME_SPACE + 1];
    char topic[TS_MAX_TOPIC + 1];
    bool is_private;   /* not for the disk */
    bool is_forgotten; /* the engine thread's: nothing of it is remembered */
    size_t n_prompt, n_cached;
    ts_sequence seq; /* seq.tokens holds the prompt from the start, then the answer */
    int32_t *pages;  /* (n_pages) counted in the cache */
    float **table;   /* behind seq.kv.page */
    size_t n_pages, max_pages;
    ts_kvload load; /* while LOADING */
    ts_kvkey *keys; /* (max_pages) names of the full pages on the disk */
    size_t n_saved; /* pages that were offered to the disk */

    ts_sampler sampler;
    ts_answer answer;
    ts_constraint constraint;
    uint64_t *excluded;
    tiefsee_generate_options opt;
    tiefsee_logit_bias *bias;
    char *stop_text;
    const char *stop[TS_MAX_STOPS];
    int32_t pending;                      /* sampled, not fed yet */
    double submitted, started, answering; /* seconds on the clock */
};

/* Copies everything that spec points to, except the constraint, which is taken
 * over only on success. */
tiefsee_status ts_job_new(ts_job **out, ts_engine *e, tiefsee_model *m, const ts_job_spec *spec,
                          size_t n_ctx, tiefsee_error *err) TS_MUST_CHECK;
void ts_job_free(ts_job *j);

#endif
