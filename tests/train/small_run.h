/* small_run.h - what tests of runs share: a shard of one short document in the embedded
 * model's vocabulary, and checkpoints that must be the same bytes. */
#ifndef TS_TESTS_SMALL_RUN_H
#define TS_TESTS_SMALL_RUN_H

#include <stdio.h>

#include "core/file.h"
#include "train/shard.h"

static const char VOCAB_MODEL[] = "assets/tiefsee-mini.gguf";
enum { N_VOCAB = 2048 };

static inline void write_small_shard(const char *path, uint64_t tokenizer)
{
    ts_shard_writer w = ts_shard_writer_make(N_VOCAB, tokenizer, 1 << 20);
    const uint32_t token[4] = {0, 300, 301, 1};
    const uint8_t learned[4] = {0, 0, 1, 1};
    tiefsee_error err;

    assert_int_equal(ts_shard_add(&w, token, learned, 4, &err), TIEFSEE_OK);
    assert_int_equal(ts_shard_write(&w, path, &err), TIEFSEE_OK);
    ts_shard_writer_free(&w);
}

static inline ts_buf read_in(const char *path, const char *name)
{
    char full[600];
    tiefsee_error err;
    ts_buf b;

    (void)snprintf(full, sizeof full, "%s/%s", path, name);
    assert_int_equal(ts_file_read(&b, full, 1 << 24, &err), TIEFSEE_OK);
    return b;
}

static inline void assert_same_checkpoint(const char *a, const char *b)
{
    ts_buf x = read_in(a, "checkpoint.bin"), y = read_in(b, "checkpoint.bin");

    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.ptr, y.ptr, x.len);
    ts_buf_free(&x);
    ts_buf_free(&y);
}

#endif
