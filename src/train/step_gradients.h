/* step_gradients.h - the gradient of a step, on one rank or on several.
 *
 * Without parts (options.n_parts == 0) the passes of a step add to one gradient, one
 * after the other, which one rank does alone.  With n parts, each part is such a chain
 * from zero, and the parts are added as a binary tree over their numbers: the same sums
 * whichever rank computes which part, so 1, 2 or 4 ranks have the same bits.  Losses and
 * loads of experts are added pass by pass on every rank.
 */
#ifndef TS_TRAIN_STEP_GRADIENTS_H
#define TS_TRAIN_STEP_GRADIENTS_H

#include "train/run_parts.h"

/* What the parts of o need beside a gradient; nothing without them. */
void ts_gradients_carve(ts_run *r, const ts_run_options *o, ts_carve *work);

/* Behind the second carving and with r->comm: memory for what ranks tell each other. */
tiefsee_status ts_gradients_prepare(ts_run *r, tiefsee_error *err) TS_MUST_CHECK;
void ts_gradients_end(ts_run *r);

/* Refuses parts that the passes of a step do not make. */
tiefsee_status ts_gradients_check(const ts_run_options *o, tiefsee_error *err) TS_MUST_CHECK;

/* The whole step's gradient, loads and losses, on all ranks; moves the cursor.
 * s->cpu_seconds becomes what other ranks have computed since the last step's, or 0. */
tiefsee_status ts_gradients_compute(ts_run *r, ts_run_stats *s, tiefsee_error *err) TS_MUST_CHECK;

#endif
