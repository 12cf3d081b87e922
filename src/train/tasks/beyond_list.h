/* beyond_list.h - the questions out of a small model's depth that it is tested with.
 * None of them is ever trained on. */
#ifndef TS_TRAIN_BEYOND_LIST_H
#define TS_TRAIN_BEYOND_LIST_H

#include "train/tasks/task.h"

enum { TS_N_BEYOND_EN = 80, TS_N_BEYOND_DE = 70, TS_N_BEYOND_ZH = 50, TS_N_BEYOND = 200 };

typedef struct ts_beyond {
    ts_lang lang;
    const char *question;
} ts_beyond;

extern const ts_beyond ts_beyond_list[TS_N_BEYOND];

#endif
