/* lora_run.h - fine-tuning a dense model: options, plan, the loop, its files.
 *
 * Opening reads the model's file and the conversations, which gives the plan; starting
 * takes the memory, or refuses with the arithmetic.  A folder holds one run:
 *
 *     adapter_config.json, adapter_model.safetensors   as PEFT keeps them
 *     checkpoint.bin                                   values, moments, place in the data
 *     log.jsonl                                        one line per step
 *
 * Killing the program loses the steps since the last checkpoint and nothing else; a
 * resumed run ends with the same bits, on any number of threads.
 */
#ifndef TS_TRAIN_LORA_RUN_H
#define TS_TRAIN_LORA_RUN_H

#include "train/optimizer.h"
#include "train/read_lines.h"

/* What makes a run; saved with it.  Plain numbers of eight bytes, no pointers, no gaps. */
typedef struct ts_lora_options {
    uint64_t rank, targets; /* targets: bit i is ts_target i (formats/adapter.h) */
    uint64_t batch;         /* documents of a step */
    uint64_t pass_tokens;   /* of one pass, at least; more where a document is longer */
    uint64_t max_tokens;    /* of a document; longer ones are left out */
    uint64_t n_steps;       /* 0: as many as n_epochs are */
    uint64_t n_warmup;      /* UINT64_MAX: a twentieth of the steps */
    uint64_t seed, save_every;
    double n_epochs;
    double alpha, lr, beta1, beta2, eps, decay, clip;
    double held_out; /* share of the conversations */
} ts_lora_options;

ts_lora_options ts_lora_defaults(void);

/* Bits by names: "all", "attention", "mlp", or module names ("q_proj,v_proj").  0: none. */
uint64_t ts_lora_targets(const char *names);

typedef struct ts_lora_files {
    const char *model;  /* GGUF file or Hugging Face folder */
    const char *folder; /* the run's */
    ts_text_files chats;
    int n_threads;
    const char *cpu; /* kernel level; NULL: best */
} ts_lora_files;

typedef struct ts_lora_plan {
    uint64_t weight_bytes; /* of the model's file, mapped */
    uint64_t state_bytes;  /* adapter and moments: the checkpoint */
    uint64_t input_bytes;  /* inputs of layers that are kept */
    uint64_t work_bytes;   /* gradients, one layer's activations, logits, scratch; and those */
    uint64_t data_bytes;
    uint64_t available_bytes;
    uint64_t n_parameters; /* of the adapter */
    uint64_t pass_tokens;
    uint64_t n_conversations, n_train, n_held, n_long, n_bad, n_tokens, n_learned;
    uint64_t n_steps;
} ts_lora_plan;

typedef struct ts_lora_stats {
    uint64_t step, n_steps;
    double loss;       /* per learned token of this step */
    double held_out;   /* of the held-out documents; below 0: not measured now */
    double norm, rate; /* of the gradient before clipping; learning rate */
    uint64_t n_tokens, n_learned;
    double epoch, seconds; /* seconds: of this step */
    bool has_saved;
    const char *save_error; /* why not; NULL otherwise */
} ts_lora_stats;

/* Behind every step; false stops the run, with a checkpoint. */
typedef bool ts_lora_on_step(void *user, const ts_lora_stats *stats);

typedef struct ts_lora_run ts_lora_run;

/* resumes: options come from the folder's checkpoint and `options` is not read. */
tiefsee_status ts_lora_open(ts_lora_run **out, ts_lora_files *files, const ts_lora_options *options,
                            bool resumes, tiefsee_error *err) TS_MUST_CHECK;
void ts_lora_close(ts_lora_run *r); /* NULL allowed */

const ts_lora_options *ts_lora_options_of(const ts_lora_run *r);
void ts_lora_make_plan(const ts_lora_run *r, ts_lora_plan *out);
const char *ts_lora_model_name(const ts_lora_run *r);

/* Takes the memory and the folder; *step: where the run is. */
tiefsee_status ts_lora_start(ts_lora_run *r, uint64_t *step, tiefsee_error *err) TS_MUST_CHECK;

/* Until all steps are done, on_step says no, or a loss is no number (an error; the last
 * checkpoint is left as it is).  Held-out loss is measured at every checkpoint. */
tiefsee_status ts_lora_go(ts_lora_run *r, ts_lora_on_step *on_step, void *user,
                          tiefsee_error *err) TS_MUST_CHECK;

/* Mean loss of the held-out answers' tokens as the adapter is now; below 0: none. */
double ts_lora_held_out(ts_lora_run *r);

#endif
