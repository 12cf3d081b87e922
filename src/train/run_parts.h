/* run_parts.h - a run from inside: what run.c and grpo.c share. */
#ifndef TS_TRAIN_RUN_PARTS_H
#define TS_TRAIN_RUN_PARTS_H

#include "train/checkpoint.h"
#include "train/comm.h"
#include "train/feed.h"
#include "train/round_weights.h"
#include "train/run.h"
#include "train/teacher.h"

struct ts_run {
    ts_checkpoint *head; /* the start of state */
    void *state, *work;
    uint64_t state_bytes;
    ts_trunk trunk;
    ts_optimizer optimizer;
    ts_rounding *rounding; /* NULL: weights are used as they are */
    ts_teacher *teacher;   /* NULL: none */
    ts_feed feed;
    ts_train_batch batch;
    ts_comm *comm; /* NULL: alone */
    double peak_flops;
    int log_fd;
    char checkpoint_path[4096];
    tiefsee_error save_error;

    /* Parts of a step (step_gradients.h); NULL without. */
    uint64_t *pass_cursor; /* of each pass, and behind the last one */
    real *saved, *inbox;   /* a gradient for each level of the tree; of another rank */
    double *told;          /* losses and loads: of this rank, then of all */
    double cpu_mark;       /* of the process, when it last told */

    /* Where documents come from.  prepare, once per step, may be NULL; fill makes pass
     * `pass` of this step and moves *cursor, or returns false: there are no more. */
    tiefsee_status (*prepare)(ts_run *r, ts_run_stats *s, tiefsee_error *err);
    bool (*fill)(ts_run *r, size_t pass, uint64_t *cursor);
    void (*end)(ts_run *r); /* may be NULL */
    void *source;           /* theirs */

    /* Behind a step, before it is logged; may be NULL.  tell: more fields of the log. */
    tiefsee_status (*behind)(ts_run *r, ts_run_stats *s, tiefsee_error *err);
    void (*tell)(const ts_run_stats *s, char *out, size_t size);
    struct ts_grpo_state *grpo; /* in state, if the options have something to remember */
    real *reference;            /* weights, in state, if the options have a reference */
    uint32_t update;            /* of this step: its mini-batch */
    bool is_over;               /* no more steps, though there are some left */
};

/* After every change of weights. */
void ts_run_use_weights(ts_run *r);

#endif
