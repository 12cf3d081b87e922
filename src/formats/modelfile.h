/* modelfile.h - one view of every kind of model file.
 *
 * GGUF (also split) and Hugging Face folders (config.json, *.safetensors,
 * tokenizer.json) become the same three things: a config, named tensors that
 * point into mapped files, and, where there is one, a vocabulary.  Tensors keep
 * the names of their file; the models know both spellings.
 *
 * Nothing here trusts a byte: every span is proven to lie inside its file before
 * a tensor is handed out, and every count has a limit.
 */
#ifndef TS_FORMATS_MODELFILE_H
#define TS_FORMATS_MODELFILE_H

#include "core/error.h"
#include "core/str.h"
#include "core/tensor.h"
#include "formats/config.h"
#include "formats/vocab.h"

typedef enum ts_container { TS_CONTAINER_GGUF = 1, TS_CONTAINER_HF = 2 } ts_container;

typedef struct ts_named_tensor {
    ts_str name;
    ts_tensor tensor;
} ts_named_tensor;

typedef struct ts_modelfile ts_modelfile;

/* path: a .gguf file (the first of its shards) or a folder.  Errors name the
 * file, the key or tensor, and the numbers. */
tiefsee_status ts_modelfile_open(ts_modelfile **out, const char *path,
                                 tiefsee_error *err) TS_MUST_CHECK;

/* A GGUF file in memory that outlives the modelfile (the embedded model). */
tiefsee_status ts_modelfile_open_memory(ts_modelfile **out, const char *name, const void *bytes,
                                        size_t size, tiefsee_error *err) TS_MUST_CHECK;
void ts_modelfile_close(ts_modelfile *f); /* NULL allowed */

ts_container ts_modelfile_container(const ts_modelfile *f);
const char *ts_modelfile_path(const ts_modelfile *f);
const char *ts_modelfile_name(const ts_modelfile *f);         /* general.name or the file's name */
const char *ts_modelfile_architecture(const ts_modelfile *f); /* as the file says it */
uint64_t ts_modelfile_bytes(const ts_modelfile *f);           /* of all files */

/* Another number when one of the files was changed or replaced; 0: no files. */
uint64_t ts_modelfile_stamp(const ts_modelfile *f);

const ts_config *ts_modelfile_config(const ts_modelfile *f);
const ts_vocab *ts_modelfile_vocab(const ts_modelfile *f); /* NULL: no tokenizer */
const char *ts_modelfile_no_vocab(const ts_modelfile *f);  /* why there is none; else "" */

size_t ts_modelfile_count(const ts_modelfile *f); /* tensors, in file order */
const ts_named_tensor *ts_modelfile_tensor(const ts_modelfile *f, size_t i);
const ts_tensor *ts_modelfile_find(const ts_modelfile *f, const char *name); /* NULL: none */

/* Metadata for `inspect`: key and a short printable value (arrays as "[n x type]"). */
size_t ts_modelfile_meta_count(const ts_modelfile *f);
void ts_modelfile_meta(const ts_modelfile *f, size_t i, ts_str *key, ts_str *value);

#endif
