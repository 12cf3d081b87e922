/* round_weights.h - quantisation-aware training: the forward pass computes with the
 * weights that the model file will have.
 *
 * Before every pass over the data each weight is rounded to its file type and back, row by
 * row, by the functions that write the file, into ts_network.used.  Gradients are those of
 * the rounded weights and go straight through to the float ones (1308.3432), which the
 * optimizer moves.  What no file has (MTP) and what a file keeps in float32 stays as it is.
 */
#ifndef TS_TRAIN_ROUND_WEIGHTS_H
#define TS_TRAIN_ROUND_WEIGHTS_H

#include "core/thread.h"
#include "train/file_tensors.h"

typedef struct ts_rounding ts_rounding;

/* n must be is_rounded, and outlive it. */
tiefsee_status ts_rounding_new(ts_rounding **out, const ts_network *n, ts_file_types types,
                               int n_threads, tiefsee_error *err) TS_MUST_CHECK;
void ts_rounding_free(ts_rounding *r); /* NULL allowed */

/* n->used from n->value.  The same bits for any number of threads (at most n_threads).  A
 * row with a weight that is no number stays as it is: the run's detector stops at it. */
void ts_rounding_run(ts_rounding *r, ts_pool *pool);

#endif
