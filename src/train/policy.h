/* policy.h - a network that answers many problems together, on this program's engine.
 *
 * The engine opens files, so the network is one for a while.  An answer depends on the
 * weights, the question and the seed only, never on what else is answered meanwhile.
 */
#ifndef TS_TRAIN_POLICY_H
#define TS_TRAIN_POLICY_H

#include "core/thread.h"
#include "engine/engine.h"
#include "train/tasks/task.h"

typedef struct ts_policy ts_policy;

typedef struct ts_policy_options {
    const char *path; /* of the model file; removed when the policy is closed */
    int n_threads;
    bool is_rounded; /* activations and cache as a user's model has them beside such weights */
    size_t n_ctx;
    size_t n_together; /* answers in the making; 0: 128 */
    size_t n_queue;    /* answers that wait */
    bool tells_experts;
} ts_policy_options;

tiefsee_status ts_policy_open(ts_policy **out, const ts_policy_options *opt,
                              tiefsee_error *err) TS_MUST_CHECK;
/* Gives up what is still in the making.  NULL allowed. */
void ts_policy_close(ts_policy *p);

typedef enum ts_answer_state { TS_ANSWER_IDLE, TS_ANSWER_ASKED, TS_ANSWER_DONE } ts_answer_state;

/* One answer: prompt and answer as tokens, its end (unless it was cut) included, in memory of
 * the caller's. */
typedef struct ts_policy_answer {
    uint32_t *token;   /* (n_ctx) */
    uint16_t *experts; /* (n_ctx, n_layers, n_active) as in ts_job_result; NULL: not wanted */
    size_t n, n_prompt;
    bool thinks, is_cut;
    tiefsee_status status;
    tiefsee_error error;
    ts_answer_state state; /* ts_policy_look() */
    ts_policy *policy;
} ts_policy_answer;

typedef struct ts_policy_ask {
    const ts_item *item;
    bool thinks;
    size_t max_answer; /* tokens */
    double temperature;
    uint64_t seed;
} ts_policy_ask;

/* a must stay where it is until it is done. */
tiefsee_status ts_policy_ask_for(ts_policy *p, ts_policy_answer *a, const ts_policy_ask *ask,
                                 tiefsee_error *err) TS_MUST_CHECK;

ts_answer_state ts_policy_look(const ts_policy_answer *a);
void ts_policy_wait(ts_policy *p);     /* until an answer is done that was not waited for */
void ts_policy_wait_all(ts_policy *p); /* until all are */

/* What the engine said of it, then what the problem's judge says: cut is neither right nor
 * formed.  keeps: see language.h. */
typedef struct ts_policy_verdict {
    bool is_right; /* and formed */
    bool keeps_language;
} ts_policy_verdict;

tiefsee_status ts_policy_judge(ts_policy *p, const ts_item *it, const ts_policy_answer *a,
                               ts_policy_verdict *out, tiefsee_error *err) TS_MUST_CHECK;

#endif
