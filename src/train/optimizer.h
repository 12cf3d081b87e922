/* optimizer.h - from gradients to better weights: Muon for matrices, AdamW for the
 * rest (or for everything), clipping, decoupled weight decay, schedules.
 */
#ifndef TS_TRAIN_OPTIMIZER_H
#define TS_TRAIN_OPTIMIZER_H

#include "train/block.h"

typedef enum ts_schedule_kind {
    TS_SCHEDULE_WSD = 0, /* warm-up, constant, linear decay */
    TS_SCHEDULE_COSINE   /* warm-up, half a cosine */
} ts_schedule_kind;

typedef struct ts_schedule {
    ts_schedule_kind kind;
    uint64_t n_steps, n_warmup;
    double decay; /* WSD: the share of all steps that decays */
    double floor; /* the share of the peak that is left at the end */
} ts_schedule;

/* The factor on every learning rate in step `step` (the first is 0). */
double ts_schedule_at(const ts_schedule *s, uint64_t step);

typedef struct ts_optimizer_options {
    bool has_muon; /* matrices learn with Muon */
    double lr;     /* peak, of matrices */
    double lr_embedding, lr_head, lr_router, lr_gain;
    double momentum; /* Muon */
    double beta1, beta2, eps;
    double decay; /* of matrices: w -= lr decay w */
    double clip;  /* largest norm of the whole gradient; 0: any */
} ts_optimizer_options;

/* What training.md recommends for a model of about five million parameters. */
ts_optimizer_options ts_optimizer_defaults(double lr);

typedef struct ts_optimizer {
    ts_optimizer_options options;
    bool keeps_average;
    real *m, *v;      /* moments, in the layout of the parameters */
    real *average;    /* of the parameters; NULL unless keeps_average */
    double *partial;  /* of norms */
    ts_param *matrix; /* every matrix alone, with its offset: Muon's tasks */
    size_t n_pieces;
    real *scratch; /* of Muon, for one thread */
    size_t scratch_reals;
} ts_optimizer;

/* Moments and averages from state (they are saved), the rest from work.  keeps_average is
 * the caller's. */
void ts_optimizer_carve(ts_optimizer *o, const ts_network *n, int n_threads, ts_carve *state,
                        ts_carve *work);
void ts_optimizer_prepare(ts_optimizer *o, const ts_network *n);

/* The norm of the whole gradient: the same sum for any number of threads. */
double ts_optimizer_norm(ts_optimizer *o, const ts_network *n, ts_team *team);

/* One update with all rates times `rate`; step counts from 1 and is that of the
 * moments' bias correction.  The gradient is scaled to the clip first; norm is what
 * ts_optimizer_norm() said. */
void ts_optimizer_step(ts_optimizer *o, ts_network *n, ts_team *team, uint64_t step, double rate,
                       double norm);

/* average += (1 - b) (w - average) behind update `step`, b = min(decay, (1 + step) / (10 +
 * step)): what is old counts less in the beginning. */
void ts_optimizer_average(ts_optimizer *o, const ts_network *n, ts_team *team, uint64_t step,
                          double decay);

/* --- adamw.c, muon.c: one piece on one thread --- */

typedef struct ts_adamw {
    real lr, beta1, beta2, eps, decay;
    real correct1, correct2; /* 1 - beta^step */
    real grad_scale;
} ts_adamw;

void ts_adamw_step(const ts_adamw *a, real *w, const real *dw, real *m, real *v, size_t n);

typedef struct ts_muon {
    real lr, momentum, decay, grad_scale;
} ts_muon;

size_t ts_muon_scratch_reals(size_t n_in, size_t n_out);

/* One matrix (n_out, n_in). */
void ts_muon_step(const ts_kernels *k, const ts_muon *u, real *w, const real *dw, real *m,
                  size_t n_in, size_t n_out, real *scratch);

#endif
