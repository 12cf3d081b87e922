/* reject.h - rejection sampling (arXiv:2501.12948, section 2.3.3): a model answers problems,
 * and what was right is learned again.
 *
 * A problem is tried until an answer is right, well-formed and in the question's language,
 * or too often.  Attempts do not depend on each other, so the first right one is a random
 * one of those that more attempts would have brought: nothing chooses the shortest, which
 * would teach the model to stop thinking, and an easy problem costs one answer.
 *
 * FOLDER/reject-000.shard has those answers and as many tokens of fresh documents
 * (dataset.h).  Until then reject.part has the answers so far and reject.json where it
 * stands; the same call goes on from there, and the same options give the same bytes.
 */
#ifndef TS_TRAIN_REJECT_H
#define TS_TRAIN_REJECT_H

#include "core/error.h"
#include "train/dataset.h"

typedef struct ts_reject_spec {
    const char *checkpoint, *tokenizer, *folder; /* the folder exists */
    uint64_t seed;
    uint64_t n_tokens;   /* of the shard, half of them answers */
    uint64_t n_problems; /* so many at most; fresh documents then stand in for answers */
    uint32_t n_answers;  /* attempts at one problem at most */
    size_t max_answer;   /* tokens */
    double temperature;
    uint32_t families; /* bit i: ts_families[i]; 0: all, by their shares */
    unsigned level;    /* problems of this level, fresh ones of those families too; 0: all */
    int n_threads;
    /* Tests: this is right, instead of what the judge says; the answer's tokens. */
    bool (*judge)(const ts_item *it, const uint32_t *tokens, size_t n);
} ts_reject_spec;

/* kept: answers in the shard, of n_tokens tokens with their questions. */
typedef struct ts_reject_count {
    uint64_t n_problems, n_answers, n_cut, n_kept, n_tokens;
} ts_reject_count;

typedef struct ts_reject_made {
    ts_reject_count all, of[TS_MAX_FAMILIES][TS_MAX_LEVELS];
    uint64_t n_wanted;    /* tokens of answers */
    uint64_t n_generated; /* tokens, of this call */
    uint64_t n_docs, n_fresh_tokens;
    bool has_resumed;
} ts_reject_made;

/* Several times a second; false stops with TIEFSEE_E_CANCELLED, and what is there is kept. */
typedef bool ts_on_reject(void *user, const ts_reject_made *now);

tiefsee_status ts_reject(ts_reject_made *made, const ts_reject_spec *spec, ts_on_reject *on_made,
                         void *user, tiefsee_error *err) TS_MUST_CHECK;

#endif
