/* grpo_parts.h - what grpo.c and grpo_valid.c share. */
#ifndef TS_TRAIN_GRPO_PARTS_H
#define TS_TRAIN_GRPO_PARTS_H

#include "train/export_gguf.h"
#include "train/grpo.h"
#include "train/policy.h"
#include "train/run_parts.h"

/* Of a run's steps: ts_run.source. */
typedef struct ts_grpo_source {
    ts_vocab_file vocab;
    ts_item *item;            /* of a step, or of a validation, whichever has more */
    ts_policy_answer *answer; /* the same */
    double *reward, *advantage;
    real *weight; /* (micro_tokens) */
    ts_grpo_reward *judge;
    char policy_path[4096], best_path[4096];
    int n_threads;
    size_t n_items, n_room; /* allocated: items, answers */
    size_t n_answers, next; /* next: for the pass to come */
    double n_learned;       /* tokens of answers with an advantage, of the mini-batch */
    /* Several updates, or a reference; else NULL.  log p by the weights that answered and by
     * the reference: of all answers (n, n_ctx), and of the pass to come (micro_tokens). */
    real *old, *reference, *row_old, *row_reference;
    ts_clip_bounds bounds;
} ts_grpo_source;

/* The policy as its answers are made, with weights of the type that the options have. */
tiefsee_status ts_grpo_open_policy(ts_run *r, ts_policy **out, tiefsee_error *err) TS_MUST_CHECK;

/* All answers of a group know what one of them knows of the prompt. */
void ts_grpo_share_experts(ts_run *r);

/* The tokens of a are rows from `first` on of the pass to come, which keeps routing: layers
 * take its experts; a token of which none are known, the last one, chooses for itself. */
void ts_grpo_route(ts_run *r, const ts_policy_answer *a, size_t first);

/* Of a validation: problems; answers to them. */
size_t ts_grpo_n_valid(const ts_run_options *o);
size_t ts_grpo_n_valid_answers(const ts_run_options *o);

/* Validates the weights as they are, keeps the best ones, ends a run that has fallen.
 * Overwrites items and answers. */
tiefsee_status ts_grpo_validate(ts_run *r, ts_run_stats *s, tiefsee_error *err) TS_MUST_CHECK;

#endif
