/* curriculum.h - which problems a model learns most from: those that it sometimes solves.
 *
 * Each level of each family has a running share p of right answers; a level is asked with
 * weight p (1 - p) + a little, and a share of the problems are of levels that are mastered
 * (or of other families than those that are asked, until it is known), so that nothing is
 * forgotten.  Plain numbers, a part of the checkpoint.
 */
#ifndef TS_TRAIN_CURRICULUM_H
#define TS_TRAIN_CURRICULUM_H

#include "train/tasks/task.h"

typedef struct ts_curriculum_cell {
    double rate; /* of right answers, once there are any */
    uint64_t n;  /* problems that were asked */
} ts_curriculum_cell;

typedef struct ts_curriculum {
    ts_curriculum_cell cell[TS_MAX_FAMILIES][TS_MAX_LEVELS];
} ts_curriculum;

typedef struct ts_curriculum_rule {
    uint32_t families; /* bit i: ts_families[i]; 0: all */
    double replay;     /* share of problems of mastered levels, if there are any */
    uint64_t seed;
} ts_curriculum_rule;

/* Family and level (from 1) of problem index; never above the usual levels. */
const ts_family *ts_curriculum_choose(const ts_curriculum *c, const ts_curriculum_rule *rule,
                                      uint64_t index, unsigned *level);

/* A group of answers: the share that was right. */
void ts_curriculum_tell(ts_curriculum *c, const ts_family *f, unsigned level, double right);

#endif
