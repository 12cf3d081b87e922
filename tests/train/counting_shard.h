/* counting_shard.h - a small shard for runs of tiny networks: documents that count upward
 * in 29 tokens, the second half of each to be learned. */
#ifndef TS_TESTS_COUNTING_SHARD_H
#define TS_TESTS_COUNTING_SHARD_H

#include "core/rng.h"
#include "train/shard.h"

static inline void write_counting_shard(const char *path, uint64_t seed, size_t n_docs)
{
    ts_shard_writer w = ts_shard_writer_make(29, 0, 1 << 20);
    uint32_t token[64];
    uint8_t learned[64];
    tiefsee_error err;
    ts_rng r;

    ts_rng_seed(&r, seed);
    for (size_t d = 0; d < n_docs; d++) {
        const size_t n = 8 + (size_t)ts_rng_below(&r, 40);
        const uint32_t first = (uint32_t)ts_rng_below(&r, 29);

        for (size_t i = 0; i < n; i++) {
            token[i] = (first + (uint32_t)i) % 29;
            learned[i] = i >= n / 2;
        }
        assert_int_equal(ts_shard_add(&w, token, learned, n, &err), TIEFSEE_OK);
    }
    assert_int_equal(ts_shard_write(&w, path, &err), TIEFSEE_OK);
    ts_shard_writer_free(&w);
}

#endif
