/* feed.h - from shards to micro-batches: whole documents in an order that is a function
 * of seed, epoch and position, so one number says where training is.
 *
 * A document is never cut; it goes into the next micro-batch if it does not fit into
 * this one.  Each epoch has every document once, in an order of its own.
 */
#ifndef TS_TRAIN_FEED_H
#define TS_TRAIN_FEED_H

#include "train/carve.h"
#include "train/shard.h"
#include "train/trunk.h"

enum { FEED_MAX_SHARDS = 64 };

typedef struct ts_feed {
    ts_shard shard[FEED_MAX_SHARDS];
    uint64_t first_doc[FEED_MAX_SHARDS + 1]; /* of each shard, and the number of all */
    size_t n_shards;
    uint64_t n_tokens, n_learned, longest_doc;
    uint32_t n_vocab;
    uint64_t fingerprint; /* of all tokens: a resumed run must find the same */
    uint64_t seed;
} ts_feed;

/* All shards must have one vocabulary. */
tiefsee_status ts_feed_open(ts_feed *out, const char *const *paths, size_t n_paths, uint64_t seed,
                            tiefsee_error *err) TS_MUST_CHECK;
void ts_feed_close(ts_feed *f);

void ts_train_batch_carve(ts_train_batch *b, size_t max_tokens, ts_carve *work);

/* Documents from *cursor on while they fit into max_tokens; moves *cursor. */
void ts_feed_fill(const ts_feed *f, uint64_t *cursor, ts_train_batch *b, size_t max_tokens);

/* Place i of epoch e in [0, n): a permutation (a Feistel network, walked until it lands
 * inside). */
uint64_t ts_feed_shuffle(uint64_t seed, uint64_t epoch, uint64_t i, uint64_t n);

#endif
