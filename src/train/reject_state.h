/* reject_state.h - how far rejection sampling has come, in two files: reject.part, a shard
 * of the answers so far, and reject.json, written after it, which says how many of them
 * count.  A kill between the two costs the answers behind. */
#ifndef TS_TRAIN_REJECT_STATE_H
#define TS_TRAIN_REJECT_STATE_H

#include "train/reject.h"

/* Level from 1. */
void ts_reject_add(ts_reject_made *made, const ts_family *f, unsigned level,
                   const ts_reject_count *more);

tiefsee_status ts_reject_save(const ts_reject_made *made, ts_shard_writer *w, uint64_t key,
                              const char *folder, tiefsee_error *err) TS_MUST_CHECK;

/* Nothing is loaded if there is none, or one of other options (another key), or one that
 * does not fit together: then everything is asked again. */
tiefsee_status ts_reject_load(ts_reject_made *made, ts_shard_writer *w, uint64_t key,
                              const char *folder, tiefsee_error *err) TS_MUST_CHECK;

/* The last reject.json; reject.part goes. */
tiefsee_status ts_reject_finish(const ts_reject_made *made, uint64_t key, const char *folder,
                                tiefsee_error *err) TS_MUST_CHECK;

#endif
