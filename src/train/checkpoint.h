/* checkpoint.h - a run in one file: a header, then weights, biases and moments as they
 * lie in memory.  Little-endian machines only, like the rest of the program. */
#ifndef TS_TRAIN_CHECKPOINT_H
#define TS_TRAIN_CHECKPOINT_H

#include "core/file.h"
#include "train/optimizer.h"
#include "train/run.h"
#include "train/trunk.h"

typedef struct ts_checkpoint {
    char magic[8];
    uint32_t version, header_bytes;
    uint64_t bytes; /* of the whole file */
    uint64_t hash;  /* of everything behind this field */
    uint64_t step, cursor, fingerprint, tokenizer, log_bytes;
    double fast_loss, best_loss; /* of the divergence detector */
    ts_run_options options;
} ts_checkpoint;

/* Lays out header, weights and moments in state, the order of the file. */
void ts_checkpoint_carve(ts_checkpoint **header, ts_trunk *t, ts_trunk_sizes sizes, ts_optimizer *o,
                         ts_carve *state, ts_carve *work);

/* Completes the header of state and writes all of it. */
tiefsee_status ts_checkpoint_save(void *state, uint64_t bytes, const char *path,
                                  tiefsee_error *err) TS_MUST_CHECK;

/* Maps a file and proves it: magic, sizes, hash, config.  *header points into the map. */
tiefsee_status ts_checkpoint_map(ts_map *map, const ts_checkpoint **header, const char *path,
                                 tiefsee_error *err) TS_MUST_CHECK;

#endif
