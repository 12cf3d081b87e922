/* test_shard.c - shards of tokens: what is written is read, damage is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "support/scratch.h"
#include "train/shard.h"

static void write_two(const char *path, uint32_t n_vocab)
{
    static const uint32_t first[] = {0, 5, 6, 7, 1}, second[] = {0, 9, 3};
    static const uint8_t learned[] = {0, 0, 1, 1, 1};
    ts_shard_writer w = ts_shard_writer_make(n_vocab, 77, 1 << 20);
    tiefsee_error err;

    assert_int_equal(ts_shard_add(&w, first, learned, 5, &err), TIEFSEE_OK);
    assert_int_equal(ts_shard_add(&w, second, learned, 3, &err), TIEFSEE_OK);
    assert_int_equal(ts_shard_write(&w, path, &err), TIEFSEE_OK);
    ts_shard_writer_free(&w);
}

static void reads_back_what_was_written(void **state)
{
    static const uint32_t n_vocabs[] = {10, 1 << 17};
    const char *path = scratch_path(*state, "shard");
    tiefsee_error err;
    ts_shard s;

    for (size_t i = 0; i < TS_COUNT(n_vocabs); i++) {
        write_two(path, n_vocabs[i]);
        assert_int_equal(ts_shard_open(&s, path, &err), TIEFSEE_OK);
        assert_int_equal(s.token_bytes, i == 0 ? 2 : 4);
        assert_int_equal(s.n_docs, 2);
        assert_int_equal(s.n_tokens, 8);
        assert_int_equal(s.n_learned, 4);
        assert_int_equal(s.longest_doc, 5);
        assert_int_equal(s.tokenizer, 77);
        assert_int_equal(ts_shard_offset(&s, 1), 5);
        assert_int_equal(ts_shard_token(&s, 6), 9);
        assert_false(ts_shard_is_learned(&s, 6));
        assert_true(ts_shard_is_learned(&s, 7));
        ts_shard_close(&s);
    }
}

static void refuses_every_truncation_and_a_token_beyond_the_vocabulary(void **state)
{
    const char *path = scratch_path(*state, "shard");
    tiefsee_error err;
    ts_shard s;
    ts_buf file;

    write_two(path, 10);
    assert_int_equal(ts_file_read(&file, path, 1 << 20, &err), TIEFSEE_OK);
    for (size_t n = 0; n < file.len; n++) {
        assert_int_equal(ts_file_write(path, file.ptr, n, &err), TIEFSEE_OK);
        assert_int_not_equal(ts_shard_open(&s, path, &err), TIEFSEE_OK);
    }
    file.ptr[SHARD_HEADER_BYTES + 3 * 8 + 2] = 10; /* token 1 of the first document */
    assert_int_equal(ts_file_write(path, file.ptr, file.len, &err), TIEFSEE_OK);
    assert_int_equal(ts_shard_open(&s, path, &err), TIEFSEE_E_FORMAT);
    assert_non_null(strstr(err.message, "token 1 is 10 (10 tokens known)"));
    ts_buf_free(&file);
}

static void refuses_documents_that_overlap(void **state)
{
    const char *path = scratch_path(*state, "shard");
    tiefsee_error err;
    ts_shard s;
    ts_buf file;

    write_two(path, 10);
    assert_int_equal(ts_file_read(&file, path, 1 << 20, &err), TIEFSEE_OK);
    for (int middle = 0; middle < 12; middle++) {
        file.ptr[SHARD_HEADER_BYTES + 8] = (char)middle;
        assert_int_equal(ts_file_write(path, file.ptr, file.len, &err), TIEFSEE_OK);
        const tiefsee_status st = ts_shard_open(&s, path, &err);
        /* Token 5 begins the second document; 2, 3 and 4 are learned, so nothing else may. */
        assert_int_equal(st, middle == 5 || middle == 6 ? TIEFSEE_OK : TIEFSEE_E_FORMAT);
        if (st == TIEFSEE_OK)
            ts_shard_close(&s);
    }
    ts_buf_free(&file);
}

static int open_scratch(void **state)
{
    static scratch s;

    scratch_make(&s);
    *state = &s;
    return 0;
}

static int close_scratch(void **state)
{
    scratch_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_what_was_written),
        cmocka_unit_test(refuses_every_truncation_and_a_token_beyond_the_vocabulary),
        cmocka_unit_test(refuses_documents_that_overlap),
    };
    return cmocka_run_group_tests(tests, open_scratch, close_scratch);
}
