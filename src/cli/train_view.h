/* train_view.h - a training run on the terminal: a curve of the loss, or of the reward,
 * redrawn in place, and a line of figures; where it is no terminal, a line per step. */
#ifndef TS_CLI_TRAIN_VIEW_H
#define TS_CLI_TRAIN_VIEW_H

#include "train/run.h"

typedef struct ts_train_view ts_train_view;

/* On stderr.  log: of the steps before, NULL for a new run; has_plot: may draw.  NULL:
 * no memory. */
ts_train_view *ts_train_view_open(const char *log, bool has_plot);
void ts_train_view_close(ts_train_view *v); /* NULL allowed */

/* Behind each step; is_end: nothing follows. */
void ts_train_view_show(ts_train_view *v, const ts_run_stats *s, bool is_end);

#endif
