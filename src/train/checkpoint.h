/* checkpoint.h - a run in one file: a header, then weights, biases, moments and, where a
 * run keeps them, averages as they lie in memory.  Little-endian machines only, like the
 * rest of the program.
 *
 * The header only grows: what is new stands behind what was there, and a file's
 * header_bytes say how much of it the file has.  What it lacks is read as zero, so zero
 * must mean what runs did before there was the field. */
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

/* Where the header ends and what lies behind it begins, in the memory of a run. */
static inline size_t ts_checkpoint_body(void)
{
    return (sizeof(ts_checkpoint) + 63) / 64 * 64;
}

typedef struct ts_checkpoint_file {
    ts_map map;
    ts_checkpoint head; /* with zeros for what the file lacks */
    const uint8_t *body;
    uint64_t body_bytes;
    const float *weights, *biases; /* in it */
    const float *averages;         /* of the weights; NULL: none are kept */
} ts_checkpoint_file;

/* Maps a file and proves it: magic, sizes, hash, config. */
tiefsee_status ts_checkpoint_open(ts_checkpoint_file *out, const char *path,
                                  tiefsee_error *err) TS_MUST_CHECK;
void ts_checkpoint_close(ts_checkpoint_file *f);

static inline uint64_t ts_checkpoint_fingerprint(const ts_checkpoint *h)
{
    return h->hash ? h->hash : 1;
}

/* The weights, or the averages: refused if there are none. */
tiefsee_status ts_checkpoint_choose(const float **out, const ts_checkpoint_file *f, bool averaged,
                                    tiefsee_error *err) TS_MUST_CHECK;

#endif
