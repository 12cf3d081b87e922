/* report.h - one HTML page of what a run did: curves from the logs of its stages, scores
 * from its evaluations, and what it cost.
 *
 * The page has everything in itself (inline SVG, no script, nothing fetched) and follows
 * the reader's choice of light or dark.  FOLDER is that of `train all`: each folder in it
 * with a log.jsonl is a stage, in the order in which they were last written; or the
 * folder of one stage.  The same files give the same bytes.
 */
#ifndef TS_TRAIN_REPORT_H
#define TS_TRAIN_REPORT_H

#include "core/error.h"

typedef struct ts_report_options {
    double watts;         /* that a busy core is taken to draw, with its share of the rest; 0: 10 */
    uint64_t n_threads;   /* where a log has no processor time: so many times the clock; 0: 2 */
    const char *pictures; /* a folder for STAGE.svg and accuracy.svg; NULL: none */
    void (*on_note)(void *user, const char *line); /* what was left out; may be NULL */
    void *user;
} ts_report_options;

/* Pictures have the curves that say how a stage went, thinned out, so that documents can
 * have them.  An error: nothing to report, or the page cannot be written. */
tiefsee_status ts_report_write(const char *folder, const char *path, const ts_report_options *opt,
                               tiefsee_error *err) TS_MUST_CHECK;

#endif
