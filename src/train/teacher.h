/* teacher.h - distillation: a run learns what another network would have said next.
 *
 * The student answers problems as in GRPO (grpo.h); for every token of its answers the loss
 * is KL(student || teacher) over the whole vocabulary (kl.c), with the answers taken as they
 * are: on-policy distillation, as in 2306.13649 and in DeepSeek-V4's post-training.  The
 * teacher may have any size; its vocabulary is the student's.
 */
#ifndef TS_TRAIN_TEACHER_H
#define TS_TRAIN_TEACHER_H

#include "train/run.h"

typedef struct ts_teacher ts_teacher;

/* Makes the checkpoint's network the teacher of r, whose options name it. */
tiefsee_status ts_teacher_open(ts_teacher **out, ts_run *r, const char *checkpoint,
                               tiefsee_error *err) TS_MUST_CHECK;
void ts_teacher_close(ts_teacher *t); /* NULL allowed; before the run's threads end */

#endif
