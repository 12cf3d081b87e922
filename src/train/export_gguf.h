/* export_gguf.h - a trained network as a model file, loaded by this program and by
 * others that know llama.cpp's deepseek2.  The MTP layer is for training and is left
 * out, as the technical report allows. */
#ifndef TS_TRAIN_EXPORT_GGUF_H
#define TS_TRAIN_EXPORT_GGUF_H

#include "core/error.h"
#include "formats/vocab.h"
#include "train/file_tensors.h"

typedef struct ts_export_options {
    const char *name;       /* general.name */
    ts_dtype type, experts; /* see ts_file_types */
    bool as_trained;        /* ts_export_checkpoint: those of the run instead, or Q8_0 */
    bool averaged;          /* ts_export_checkpoint: the running averages of the weights */
    const char *encoding;   /* chat encoding; NULL: the tokenizer's, or that of V3.1 */
} ts_export_options;

tiefsee_status ts_export_network(const ts_network *n, const ts_vocab *vocab,
                                 const ts_export_options *opt, const char *path,
                                 tiefsee_error *err) TS_MUST_CHECK;

/* The weights of a checkpoint with its tokenizer: a tokenizer.json or a model file that
 * has it. */
tiefsee_status ts_export_checkpoint(const char *checkpoint, const char *tokenizer,
                                    const ts_export_options *opt, const char *path,
                                    tiefsee_error *err) TS_MUST_CHECK;

/* A vocabulary and what its texts lie in; zeroed before it is opened. */
typedef struct ts_vocab_file {
    struct ts_modelfile *file;
    struct ts_arena *arena;
    ts_vocab vocab;
} ts_vocab_file;

tiefsee_status ts_vocab_file_open(ts_vocab_file *t, const char *path,
                                  tiefsee_error *err) TS_MUST_CHECK;
/* Is it the tokenizer that a shard or checkpoint was made with?  0: not known. */
tiefsee_status ts_vocab_file_check(const ts_vocab_file *t, uint64_t fingerprint, const char *path,
                                   tiefsee_error *err) TS_MUST_CHECK;
void ts_vocab_file_close(ts_vocab_file *t); /* also after a failure */

/* "q8_0": false if there is no such type or it cannot be written. */
bool ts_export_type(ts_dtype *out, const char *name);

#endif
