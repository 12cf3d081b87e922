/* eval.h - how often a model is right: problems of src/train/tasks, questions of a
 * file, and the perplexity of a text.
 *
 * Many problems are answered together by the engine; an answer does not depend on who
 * shares its steps, so neither do the scores.
 */
#ifndef TS_TRAIN_EVAL_H
#define TS_TRAIN_EVAL_H

#include "train/tasks/task.h"

typedef struct ts_eval_options {
    uint64_t seed;
    uint64_t n;     /* problems of a family, or at most so many of a file */
    unsigned level; /* 0: all */
    int lang;       /* -1: all */
    bool has_new_phrase;
    bool no_thinking;          /* answer at once, where the model knows how */
    ts_split split;            /* TS_SPLIT_TEST, or to compare, what it was trained on */
    double temperature, top_p; /* 0 and 1: greedy, from all */
    size_t max_tokens;         /* of an answer */
    size_t n_ctx;              /* 0: 4096, or less if the model has less */
    size_t n_together;         /* answers in the making; 0: 32 */
    bool skips_bad;            /* lines of a file */
} ts_eval_options;

typedef struct ts_eval_score {
    uint64_t n, n_correct, n_formed, n_cut;              /* cut: no end before max_tokens */
    uint64_t n_tokens;                                   /* of the answers */
    uint64_t n_bad;                                      /* lines that were left out */
    uint64_t n_of[TS_N_LANGS], n_correct_of[TS_N_LANGS]; /* by the question's language */
    double seconds;
} ts_eval_score;

/* What a judged answer was; texts are valid during the call. */
typedef struct ts_eval_answer {
    ts_str question, text, truth;
    ts_verdict verdict;
} ts_eval_answer;

typedef struct ts_eval_events {
    bool (*on_progress)(void *user, const ts_eval_score *now, uint64_t total); /* false: stop */
    void (*on_answer)(void *user, const ts_eval_answer *a);                    /* NULL: not told */
    void *user;
} ts_eval_events;

typedef struct ts_eval ts_eval;

/* The model must outlive it and needs a tokenizer and a chat format. */
tiefsee_status ts_eval_open(ts_eval **out, tiefsee_model *model, const ts_eval_options *opt,
                            tiefsee_error *err) TS_MUST_CHECK;
void ts_eval_close(ts_eval *e); /* NULL allowed */

/* TIEFSEE_E_CANCELLED: stopped by on_progress; *out holds what was judged. */
tiefsee_status ts_eval_family(ts_eval *e, const ts_family *f, const ts_eval_events *events,
                              ts_eval_score *out, tiefsee_error *err) TS_MUST_CHECK;

/* Lines {"question": ..., "answer": "... #### 42"}: the last number must be that one. */
tiefsee_status ts_eval_lines(ts_eval *e, const char *path, const ts_eval_events *events,
                             ts_eval_score *out, tiefsee_error *err) TS_MUST_CHECK;

typedef struct ts_eval_text {
    uint64_t n_tokens, n_bytes; /* that were predicted */
    double nll;                 /* of a token, natural logarithm */
} ts_eval_text;

/* Windows of n_ctx tokens (0: 512) that overlap by half: each token but the first is
 * predicted once, from at least half a window. */
tiefsee_status ts_eval_perplexity(tiefsee_model *model, const char *path, size_t n_ctx,
                                  bool (*on_progress)(void *user, uint64_t done, uint64_t total),
                                  void *user, ts_eval_text *out, tiefsee_error *err) TS_MUST_CHECK;

#endif
