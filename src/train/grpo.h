/* grpo.h - learning from rewards: Group Relative Policy Optimization (2402.03300), as
 * R1-Zero used it, with the later repairs.
 *
 * A step asks n_prompts problems and takes `group` answers to each, on this program's own
 * engine from the weights as they are.  An answer that the problem's judge finds right and
 * well-formed earns 1, any other 0.  Its advantage is the reward minus the mean of its
 * group: no standard deviation (2503.20783); groups that agree are dropped (2503.14476),
 * and the loss is a mean over all tokens that are left:
 *
 *     L = - 1 / N sum_answers A sum_tokens log p(token) + anchor * (loss of shards)
 *
 * A batch of answers is used once, so the policy that learns is the one that spoke: the
 * ratio of both is 1, and clipping has nothing to do.  With updates.n mini-batches (whole
 * groups), each an update of its own, the policy moves away from the one that spoke, and
 * the loss is that of clip.c, as R1-Zero had it (2501.12948); the ratio's denominator is
 * computed by the trainer before the first update.  With updates.refresh, the divergence
 * from a reference counts too: the weights as they were before the last step that is a
 * multiple of it, a part of the checkpoint.
 *
 * An answer in another language than its question, where that is not English, earns
 * `language` less, and the last 15 % of max_answer cost up to `overlong` (DAPO's soft
 * punishment).  Every valid_every steps, and before the first, the model answers problems
 * for validation: greedily those of all families, and valid_answers times at the
 * temperature those of the families that are asked, since what rewards change first is how
 * the model samples.  The weights whose sampled answers were right most often lie in
 * FOLDER/best.bin; a run that falls valid_drop below its best in either way is over.
 *
 * With a teacher (teacher.h) all answers count alike and their loss is the divergence from
 * what it says; rewards are reported only.
 */
#ifndef TS_TRAIN_GRPO_H
#define TS_TRAIN_GRPO_H

#include "core/error.h"
#include "train/curriculum.h"
#include "train/run.h"
#include "train/tasks/task.h"

/* What is remembered between steps, a part of the checkpoint. */
typedef struct ts_grpo_state {
    ts_curriculum curriculum;
    double best; /* validation: what is best goes by, 0 before the first */
    uint64_t best_step, has_best, is_over;
    double best_greedy; /* share of right ones among the greedy answers, the largest so far */
} ts_grpo_state;

uint32_t ts_grpo_n_updates(const ts_run_options *o); /* of a step, at least 1 */

/* 1 if such a run remembers something, else 0. */
size_t ts_grpo_remembers(const ts_run_options *o);

/* Makes the run's steps be those of GRPO; r's options say how.  files->tokenizer is
 * needed. */
tiefsee_status ts_grpo_start(ts_run *r, const ts_run_files *files,
                             tiefsee_error *err) TS_MUST_CHECK;

/* Tests: earn this instead of what the judge says.  tokens: the answer's. */
typedef double ts_grpo_reward(const ts_item *it, const uint32_t *tokens, size_t n, bool is_cut);
void ts_grpo_set_reward(ts_run *r, ts_grpo_reward *reward);

/* Bits of ts_grpo_options.families; 0 if a name is no family, or there are none. */
uint32_t ts_grpo_family_mask(const char *const *names, size_t n);

/* Whether all families of the mask, of which there must be one, have that level; 0: any. */
tiefsee_status ts_grpo_check_level(uint32_t mask, unsigned level, tiefsee_error *err) TS_MUST_CHECK;

/* The families of a mask in turn; NULL: all of them, by their shares. */
const ts_family *ts_grpo_family(uint32_t mask, uint64_t index);

/* What an answer of n tokens earns. */
double ts_grpo_earns(const ts_grpo_options *g, bool is_right, bool keeps_language, size_t n,
                     bool is_cut);

/* A = reward - mean of its group, 0 for groups that agree; returns the share of groups
 * that do not. */
double ts_grpo_advantages(double *advantage, const double *reward, size_t n_prompts, size_t group);

#endif
