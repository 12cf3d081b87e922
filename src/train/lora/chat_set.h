/* chat_set.h - a file of conversations as tokens in memory, for fine-tuning.
 *
 * Every answer is the end of a document; what is before it is read as the model will
 * meet it (formats/encoding.h), the answer and its end are learned.  Some conversations,
 * chosen by the seed, are held out whole.
 */
#ifndef TS_TRAIN_CHAT_SET_H
#define TS_TRAIN_CHAT_SET_H

#include "formats/encoding.h"
#include "train/read_lines.h"
#include "train/trunk.h"

typedef struct ts_chat_spec {
    ts_text_files files; /* counts come back in it */
    const ts_bpe *bpe;
    ts_encoding encoding;
    size_t max_tokens; /* of a document; longer ones are left out and counted */
    double held_out;   /* share of the conversations; one at least if there are two */
    uint64_t seed;
} ts_chat_spec;

typedef struct ts_chat_set {
    uint32_t *token;
    uint8_t *learned;
    uint64_t n_tokens, token_cap;
    uint64_t *begin;        /* (n_docs + 1) */
    uint32_t *conversation; /* (n_docs): which one a document is of */
    uint64_t n_docs, doc_cap, n_conversations, n_long;
    uint32_t *train, *held; /* numbers of documents */
    uint64_t n_train, n_held;
    uint64_t longest, n_learned;
    uint64_t fingerprint; /* of all of it */
} ts_chat_set;

/* At least one document is there to learn from, or it fails. */
tiefsee_status ts_chat_set_read(ts_chat_set *out, ts_chat_spec *spec,
                                tiefsee_error *err) TS_MUST_CHECK;
void ts_chat_set_free(ts_chat_set *s); /* a zeroed one is allowed */

/* Tokens of a document that are learned. */
uint64_t ts_chat_set_learned(const ts_chat_set *s, uint32_t doc);

/* b empty; then one document more, false if it does not fit. */
void ts_chat_batch_clear(ts_train_batch *b);
bool ts_chat_batch_add(ts_train_batch *b, const ts_chat_set *s, uint32_t doc, size_t max_tokens);

#endif
