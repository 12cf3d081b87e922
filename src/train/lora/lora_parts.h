/* lora_parts.h - what lora_run.c shares with lora_files.c; nobody else includes it. */
#ifndef TS_TRAIN_LORA_PARTS_H
#define TS_TRAIN_LORA_PARTS_H

#include "core/file.h"
#include "train/lora/chat_set.h"
#include "train/lora/dense_net.h"
#include "train/lora/lora_run.h"

/* The beginning of checkpoint.bin; values and moments of the adapter follow. */
typedef struct ts_lora_head {
    char magic[8];
    uint64_t version, bytes; /* bytes: of the whole file */
    uint64_t hash;           /* of everything behind this field */
    uint64_t step, data, log_bytes;
    char base[24]; /* ts_net_base(), filled with zeros */
    ts_lora_options options;
} ts_lora_head;

struct ts_lora_run {
    ts_lora_options options;
    const char *folder;
    ts_modelfile *file;
    ts_net *net;
    ts_bpe *bpe;
    ts_encoding encoding;
    char base[TS_ADAPTER_BASE_LEN + 1];
    ts_chat_set set;
    uint64_t n_bad;
    int n_threads;
    size_t pass_tokens;
    ts_dense_net dense;
    ts_lora_head *head; /* begins the state */
    void *state, *work;
    uint64_t state_bytes;
    real *m, *v;
    double *partial; /* of norms */
    size_t n_pieces;
    ts_train_batch batch;
    ts_map saved; /* the checkpoint to go on with */
    int log_fd;
    tiefsee_error save_error;
};

/* Maps the folder's checkpoint and takes its options. */
tiefsee_status ts_lora_checkpoint_open(ts_lora_run *r, tiefsee_error *err) TS_MUST_CHECK;

/* Copies it into the state, if model and data are those of the run. */
tiefsee_status ts_lora_checkpoint_load(ts_lora_run *r, tiefsee_error *err) TS_MUST_CHECK;

/* A new run's folder; refused if it has a run or an adapter. */
tiefsee_status ts_lora_folder_begin(ts_lora_run *r, tiefsee_error *err) TS_MUST_CHECK;

/* A line in the log; one that cannot be written does not stop the run. */
void ts_lora_log(ts_lora_run *r, const ts_lora_stats *s);

/* Checkpoint and adapter; sets has_saved or save_error. */
void ts_lora_save(ts_lora_run *r, ts_lora_stats *s);

#endif
