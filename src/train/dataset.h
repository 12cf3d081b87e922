/* dataset.h - problems and texts as documents of tokens: what a model is trained on.
 *
 * A document is a conversation as the model will meet it (formats/encoding.h), in one
 * of the two ways to begin an answer: <think> or </think>.  Learned are the working,
 * the answer and the end of the last turn; questions, earlier turns and what is wrong
 * on purpose are only read.  Document i depends on the options and i alone.
 */
#ifndef TS_TRAIN_DATASET_H
#define TS_TRAIN_DATASET_H

#include "formats/bpe.h"
#include "formats/encoding.h"
#include "train/shard.h"
#include "train/tasks/task.h"

enum { TS_MAX_TURNS = 4 };

typedef struct ts_dataset_options {
    uint64_t seed;
    ts_split split;
    unsigned share[TS_MAX_FAMILIES]; /* of ts_families[i]; all 0: as they are */
    unsigned thinking, mistakes;     /* percent of documents; of traces */
    unsigned several;                /* percent with two to four turns */
    unsigned system;                 /* percent with a system message */
    unsigned level;                  /* of all problems; 0: as each family has them */
    size_t max_tokens; /* a longer document is drawn again with one turn, or left out */
} ts_dataset_options;

ts_dataset_options ts_dataset_pretrain(void); /* as the families' shares are */
ts_dataset_options ts_dataset_anneal(void);   /* more of what is learned late */
ts_dataset_options ts_dataset_sft(void); /* more of itself and of its limits, more direct answers */

typedef struct ts_dataset ts_dataset;

tiefsee_status ts_dataset_new(ts_dataset **out, const ts_dataset_options *opt, const ts_bpe *bpe,
                              tiefsee_error *err) TS_MUST_CHECK;
void ts_dataset_free(ts_dataset *d); /* NULL allowed */

typedef struct ts_document {
    const uint32_t *tokens;
    const uint8_t *learned;
    size_t n; /* 0: too long, left out */
} ts_document;

/* Document i; valid until the next call. */
tiefsee_status ts_dataset_make(ts_dataset *d, uint64_t i, ts_document *out,
                               tiefsee_error *err) TS_MUST_CHECK;

/* The document that was made last as a line of JSON:
 * {"messages": [...], "thinking": true, "family": "...", "lang": "en", "level": 1} */
tiefsee_status ts_dataset_line(ts_dataset *d, ts_buf *out, tiefsee_error *err) TS_MUST_CHECK;

/* The first n messages of a conversation of somebody's, which end with an answer; only
 * that is learned.  It thinks if that message has reasoning. */
tiefsee_status ts_dataset_chat(ts_dataset *d, const ts_chat *conversation, size_t n,
                               ts_document *out, tiefsee_error *err) TS_MUST_CHECK;

/* Any text as a document between bos and eos, all of it learned. */
tiefsee_status ts_dataset_text(ts_dataset *d, const char *text, size_t n, ts_document *out,
                               tiefsee_error *err) TS_MUST_CHECK;

/* What a shard says about its tokenizer. */
uint64_t ts_vocab_fingerprint(const ts_vocab *v);

#endif
