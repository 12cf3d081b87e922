/* make_data.h - the first stages of the recipe: a tokenizer, then shards of tokens. */
#ifndef TS_TRAIN_MAKE_DATA_H
#define TS_TRAIN_MAKE_DATA_H

#include "core/arena.h"
#include "core/error.h"
#include "formats/vocab.h"
#include "train/read_lines.h"

/* Between items; false stops with TIEFSEE_E_CANCELLED.  unit: "problems", "tokens". */
typedef bool ts_on_made(void *user, uint64_t done, uint64_t total, const char *unit);

typedef struct ts_tokenizer_spec {
    const char *out; /* tokenizer.json */
    uint32_t n_vocab;
    uint64_t seed, n_items;
    bool has_tools; /* learns from prompts with tools and from calls, too */
    ts_text_files text;
} ts_tokenizer_spec;

typedef struct ts_tokenizer_made {
    uint32_t n_tokens;
    double bytes_per_token[3]; /* of problems in English, German, Chinese that it did not see */
} ts_tokenizer_made;

tiefsee_status ts_make_tokenizer(ts_tokenizer_made *made, ts_tokenizer_spec *spec,
                                 ts_on_made *on_made, void *user, tiefsee_error *err) TS_MUST_CHECK;

typedef enum ts_data_kind { TS_DATA_PRETRAIN, TS_DATA_SFT, TS_DATA_ANNEAL } ts_data_kind;

typedef struct ts_data_spec {
    const char *tokenizer; /* a tokenizer.json */
    const char *folder;    /* exists; NAME-000.shard, ... or NAME.jsonl come into it */
    ts_data_kind kind;
    int split; /* ts_split; tests are made at once by eval and never written */
    uint64_t seed;
    uint64_t n_tokens;           /* at least so many: texts and conversations once, then problems */
    uint64_t shard_tokens;       /* of one file */
    size_t max_length;           /* tokens of a document */
    int thinking;                /* percent; -1: as the kind has it */
    const char *const *families; /* n_families of them; none: all */
    size_t n_families;
    unsigned level; /* of all problems, which the families then must have; 0: all */
    bool as_jsonl;
    ts_text_files text;
    /* Conversations, one a line: {"messages": [{"role": ..., "content": ...}, ...]}; answers
     * may have "reasoning_content".  Each answer becomes a document, what is before it is read. */
    ts_text_files chats;
} ts_data_spec;

typedef struct ts_data_made {
    uint64_t n_tokens, n_learned, n_docs, n_left_out, n_files;
} ts_data_made;

tiefsee_status ts_make_data(ts_data_made *made, ts_data_spec *spec, ts_on_made *on_made, void *user,
                            tiefsee_error *err) TS_MUST_CHECK;

/* A tokenizer.json of such a tokenizer; texts are copied into the arena. */
tiefsee_status ts_read_tokenizer(ts_vocab *v, ts_arena *arena, const char *path,
                                 tiefsee_error *err) TS_MUST_CHECK;

#endif
