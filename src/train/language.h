/* language.h - does an answer keep to the language of its question?  (R1 pays for that:
 * arXiv:2501.12948, section 2.3.2.) */
#ifndef TS_TRAIN_LANGUAGE_H
#define TS_TRAIN_LANGUAGE_H

#include "train/tasks/task.h"

/* False if the text has words that only another language has, of a short list, or, unless
 * it is to be Chinese, a Chinese character.  Working is mostly signs and numbers, so
 * nothing speaks against most of it.  Any bytes. */
bool ts_keeps_language(ts_lang lang, ts_str text);

#endif
