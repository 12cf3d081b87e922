/* run.h - a training run: options, the loop, its checkpoints and its log.
 *
 * Everything is reserved before the first step from a plan that is refused with its
 * arithmetic if it does not fit.  A folder holds one run:
 *
 *     checkpoint.bin   weights, moments, position in the data, options
 *     log.jsonl        one line per step
 *
 * A checkpoint replaces the last one by a rename; killing the program at any moment
 * loses the steps since then and nothing else, and a resumed run has the same bits as
 * one that was never interrupted, on any number of threads.
 *
 * Several ranks (comm.h) train one model: all have the same program, options and data,
 * which is compared; rank 0 alone reads and writes the folder.
 */
#ifndef TS_TRAIN_RUN_H
#define TS_TRAIN_RUN_H

#include "core/error.h"
#include "formats/config.h"
#include "train/optimizer.h"
#include "train/tasks/task.h"

/* Learning from rewards (grpo.h).  n_prompts 0: from shards. */
typedef struct ts_grpo_options {
    uint32_t n_prompts, group; /* problems of a step, answers to each */
    uint32_t max_answer;       /* tokens */
    uint32_t families;         /* bit i: ts_families[i] is asked; 0: all, by their shares */
    double temperature;
    double anchor; /* weight of the shards' own loss beside the reward */
    /* Behind these only new ones (checkpoint.h). */
    uint32_t valid_every, valid_n; /* steps between validations, 0: none; problems per family */
    double valid_drop;             /* a validation that far below the best one ends the run */
    uint32_t has_curriculum;       /* levels by what is learned most from (curriculum.h) */
    uint32_t rollout_type, rollout_experts; /* ts_dtype of answering weights; 0: as round_type */
    uint32_t keeps_routing;                 /* learn with the experts that answered */
    double replay;                          /* curriculum: share of what is mastered */
    double language, overlong; /* what another language costs, and the end of max_answer */
} ts_grpo_options;

/* How often a batch of answers is learned from (grpo.h).  All 0: once, as it is. */
typedef struct ts_grpo_updates {
    uint32_t n;           /* mini-batches, each with an update of its own; 0 is 1 */
    uint32_t refresh;     /* steps that a reference is kept; 0: there is none */
    double low, high, kl; /* bounds of the ratio; weight of the divergence */
} ts_grpo_updates;

/* What makes a run; saved with it.  Plain numbers, no pointers. */
typedef struct ts_run_options {
    ts_config config;
    bool has_mtp;
    uint32_t batch_tokens, micro_tokens; /* of a step; of one pass, at least config.n_ctx */
    double mtp_weight;                   /* of the MTP loss */
    double balance;                      /* alpha of the sequence-wise balance loss */
    double bias_rate;                    /* gamma: how far a router's bias moves per step */
    double bias_until;                   /* share of the steps that it moves in */
    ts_schedule schedule;
    ts_optimizer_options optimizer;
    uint64_t seed;
    uint64_t save_every; /* steps */
    ts_grpo_options grpo;
    /* New fields only behind these (checkpoint.h). */
    uint32_t round_type, round_experts; /* ts_dtype: see round_weights.h; 0, 0: as they are */
    double average;   /* decay of the running average of weights; 0: none (optimizer.h) */
    uint32_t n_parts; /* 0: passes add up one after the other; else see step_gradients.h */
    uint64_t teacher; /* distillation (teacher.h): its fingerprint; 0: rewards are learned */
    ts_grpo_updates updates;
    /* GRPO, validation: answers at the temperature to each problem of a family that is asked;
     * what is best goes by them.  0: by the greedy ones alone. */
    uint32_t valid_answers;
    uint32_t level; /* GRPO: problems of this level and of grpo.families alone; 0: all */
} ts_run_options;

/* The recommended models by name: "r-1m", "r-5m", "d-5m", "r-10m", "r-16m".  The
 * vocabulary is that of the data.  False: no such name. */
bool ts_run_preset(ts_config *out, const char *name, uint32_t n_vocab);
const char *const *ts_run_preset_names(void); /* ended by NULL */

/* A Hugging Face config.json. */
tiefsee_status ts_run_read_config(ts_config *out, const char *path,
                                  tiefsee_error *err) TS_MUST_CHECK;

/* That of a checkpoint. */
tiefsee_status ts_run_config_of(ts_config *out, const char *checkpoint,
                                tiefsee_error *err) TS_MUST_CHECK;

/* What its weights are known by, as ts_run_options.teacher; never 0. */
tiefsee_status ts_run_fingerprint_of(uint64_t *out, const char *checkpoint,
                                     tiefsee_error *err) TS_MUST_CHECK;

/* The vocabulary of a shard. */
tiefsee_status ts_run_vocab(uint32_t *n_vocab, const char *shard, tiefsee_error *err) TS_MUST_CHECK;

/* Filled with what fits the config: rates by width, WSD over n_steps. */
void ts_run_defaults(ts_run_options *o, const ts_config *config, uint64_t n_steps);

/* GRPO as docs/trainer.md has it: 32 x 16 answers, AdamW 1e-4 for all, cosine to zero. */
void ts_run_grpo_defaults(ts_run_options *o);

/* Those of GRPO but for 64 x 4 answers and Muon at a fifth of the rate that o has. */
void ts_run_distill_defaults(ts_run_options *o, uint64_t teacher);

/* Field by field: the same options are the same bytes.  Fields of other architectures
 * are left zero. */
void ts_run_copy_options(ts_run_options *to, const ts_run_options *from);

/* The bill, in bytes. */
typedef struct ts_run_plan {
    uint64_t state_bytes; /* weights and moments: the checkpoint */
    uint64_t work_bytes;  /* gradients, activations, scratch */
    uint64_t available_bytes;
    uint64_t n_parameters, n_active; /* active: that one token meets, without the embedding */
} ts_run_plan;

tiefsee_status ts_run_make_plan(ts_run_plan *out, const ts_run_options *o, int n_threads,
                                tiefsee_error *err) TS_MUST_CHECK;

typedef struct ts_run_stats {
    uint64_t step, n_steps;              /* done; of all */
    double loss, mtp_loss, balance_loss; /* per learned token; per document */
    double norm, rate;    /* of the gradient before clipping; factor on the learning rates */
    double max_violation; /* largest load of an expert over the mean, minus 1 */
    uint64_t n_tokens, n_learned; /* of this step */
    uint64_t epoch;
    double seconds;         /* of this step */
    double cpu_seconds;     /* that all its threads computed */
    double flops;           /* floating-point operations of this step, recomputation not counted */
    double peak_flops;      /* per second, measured with the product kernel on all threads */
    bool has_saved;         /* a checkpoint was written behind this step */
    const char *save_error; /* why not; NULL otherwise */
    /* GRPO: means of the answers; share of problems whose answers differ in reward. */
    double reward, informative, answer_tokens, cut, rollout_seconds;
    double right;               /* share of the answers, whatever else they earned or lost */
    double clipped, divergence; /* means of learned tokens: see ts_grpo_updates */
    /* Share of right answers to validation problems: mean over families, and of each. */
    bool has_validation, is_over; /* over: it fell too far, the run ends here */
    double validation, best_validation, validation_of[TS_MAX_FAMILIES];
    /* The same at the temperature, of families that are asked.  Negative: there is none. */
    double sampled, sampled_of[TS_MAX_FAMILIES];
    uint64_t best_step;
} ts_run_stats;

/* Called behind every step; false stops the run, with a checkpoint. */
typedef bool ts_run_on_step(void *user, const ts_run_stats *stats);

typedef struct ts_run ts_run;

typedef struct ts_run_files {
    const char *folder;
    const char *const *shards;
    size_t n_shards;
    const char *weights; /* start with those of this checkpoint; NULL: new ones */
    bool averaged;       /* with its averages */
    int n_threads;
    const char *cpu;       /* kernel level; NULL: best */
    const char *tokenizer; /* GRPO: a tokenizer.json, or a model file that has it */
    struct ts_comm *comm;  /* the other ranks; NULL: alone.  Rank 0 has folder and weights */
    const char *teacher;   /* distillation: its checkpoint */
} ts_run_files;

/* A new run; refused if the folder has a checkpoint. */
tiefsee_status ts_run_new(ts_run **out, const ts_run_options *o, const ts_run_files *files,
                          tiefsee_error *err) TS_MUST_CHECK;

/* Go on with the folder's checkpoint and its options. */
tiefsee_status ts_run_resume(ts_run **out, const ts_run_files *files,
                             tiefsee_error *err) TS_MUST_CHECK;
void ts_run_close(ts_run *r); /* NULL allowed */

const ts_run_options *ts_run_options_of(const ts_run *r);
uint64_t ts_run_step(const ts_run *r); /* done so far */

/* Until all steps are done, on_step says no, or a loss is no number or runs away (an
 * error; the last checkpoint is left as it is). */
tiefsee_status ts_run_go(ts_run *r, ts_run_on_step *on_step, void *user,
                         tiefsee_error *err) TS_MUST_CHECK;

#endif
