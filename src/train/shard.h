/* shard.h - tokens to learn from, in a file that is mapped and never parsed.
 *
 * A shard is documents: a question with its answer, a page.  Little-endian:
 *
 *      0   "tsshard1"
 *      8   u32   bytes of a token: 2 or 4
 *     12   u32   n_vocab: every token is below
 *     16   u64   n_tokens
 *     24   u64   n_docs
 *     32   u64   fingerprint of the tokenizer, 0: unknown
 *     40         24 zero bytes
 *     64   u64   offset[n_docs + 1]: where documents begin, in tokens; the last is n_tokens
 *          u16 or u32   token[n_tokens]
 *          u8    learned[(n_tokens + 7) / 8]: bit t % 8 of byte t / 8 says that token t is
 *                predicted from those before it in its document (an answer), not only
 *                read (a question).  The first token of a document is never predicted.
 *
 * Nothing is aligned beyond that and nothing follows.
 */
#ifndef TS_TRAIN_SHARD_H
#define TS_TRAIN_SHARD_H

#include "core/error.h"
#include "core/file.h"

enum { SHARD_HEADER_BYTES = 64 };

typedef struct ts_shard {
    ts_map map;
    uint32_t token_bytes, n_vocab;
    uint64_t n_tokens, n_docs, tokenizer;
    uint64_t n_learned, longest_doc; /* counted when it is opened */
    const uint8_t *offset, *token, *learned;
} ts_shard;

/* Proves every offset and every token before it returns. */
tiefsee_status ts_shard_open(ts_shard *out, const char *path, tiefsee_error *err) TS_MUST_CHECK;
void ts_shard_close(ts_shard *s); /* a zeroed shard is allowed */

uint64_t ts_shard_offset(const ts_shard *s, uint64_t doc); /* doc in [0, n_docs] */
uint32_t ts_shard_token(const ts_shard *s, uint64_t t);

static inline bool ts_shard_is_learned(const ts_shard *s, uint64_t t)
{
    return s->learned[t / 8] >> (t % 8) & 1;
}

/* Collects documents in memory, then writes the file (beside, synced, renamed). */
typedef struct ts_shard_writer {
    ts_buf offsets, tokens, learned;
    uint32_t token_bytes, n_vocab;
    uint64_t n_tokens, n_docs, tokenizer;
} ts_shard_writer;

ts_shard_writer ts_shard_writer_make(uint32_t n_vocab, uint64_t tokenizer, size_t max_bytes);
void ts_shard_writer_free(ts_shard_writer *w);

/* n >= 2 tokens below n_vocab; learned[i] != 0: token i is predicted. */
tiefsee_status ts_shard_add(ts_shard_writer *w, const uint32_t *tokens, const uint8_t *learned,
                            size_t n, tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_shard_write(ts_shard_writer *w, const char *path,
                              tiefsee_error *err) TS_MUST_CHECK;

#endif
