/* gguf_write.h - write a GGUF file, version 3.
 *
 * In this order: every key, every tensor's name and shape, begin, the tensors'
 * bytes one after the other as they were declared, commit.  Tensor data never has
 * to be in memory at once.  The file appears under its name only when it is whole
 * (core/outfile.h).
 *
 * Format: docs/gguf.md of the ggml project.
 */
#ifndef TS_FORMATS_GGUF_WRITE_H
#define TS_FORMATS_GGUF_WRITE_H

#include "core/str.h"
#include "formats/config.h"
#include "formats/gguf.h"
#include "formats/vocab.h"

typedef struct ts_gguf_writer ts_gguf_writer;

tiefsee_status ts_gguf_writer_open(ts_gguf_writer **out, const char *path,
                                   tiefsee_error *err) TS_MUST_CHECK;

/* Drops what was not committed.  NULL allowed. */
void ts_gguf_writer_free(ts_gguf_writer *w);

/* Keys, each once.  A failure (no memory, a name too long) is remembered and
 * told by ts_gguf_writer_begin. */
void ts_gguf_put_uint(ts_gguf_writer *w, const char *key, uint32_t value);
void ts_gguf_put_float(ts_gguf_writer *w, const char *key, float value);
void ts_gguf_put_bool(ts_gguf_writer *w, const char *key, bool value);
void ts_gguf_put_str(ts_gguf_writer *w, const char *key, ts_str value);
void ts_gguf_put_strings(ts_gguf_writer *w, const char *key, const ts_str *values, size_t n);
void ts_gguf_put_ints(ts_gguf_writer *w, const char *key, const int32_t *values, size_t n);

/* As another file has it. */
void ts_gguf_put_entry(ts_gguf_writer *w, const ts_gguf_entry *entry);

/* general.architecture and all that gguf_config.c reads, in the newest spelling
 * (tensors attn_k_b and attn_v_b, see models.md).  TIEFSEE_E_UNSUPPORTED: a config
 * that the format cannot say. */
tiefsee_status ts_gguf_put_config(ts_gguf_writer *w, const ts_config *c,
                                  tiefsee_error *err) TS_MUST_CHECK;

/* tokenizer.* */
void ts_gguf_put_vocab(ts_gguf_writer *w, const ts_vocab *v);

/* Out of memory while making what: told by ts_gguf_writer_begin. */
void ts_gguf_writer_spoil(ts_gguf_writer *w, const char *what);

/* ne[0] is contiguous.  Only types that GGUF has. */
void ts_gguf_declare(ts_gguf_writer *w, const char *name, ts_dtype type, uint32_t n_dims,
                     const uint64_t *ne);

tiefsee_status ts_gguf_writer_begin(ts_gguf_writer *w, tiefsee_error *err) TS_MUST_CHECK;

/* The next bytes of the tensors in their order; they may come in any pieces, but a
 * piece never reaches into the next tensor. */
tiefsee_status ts_gguf_write(ts_gguf_writer *w, const void *bytes, size_t n,
                             tiefsee_error *err) TS_MUST_CHECK;

/* Every declared byte must have been written.  Frees w. */
tiefsee_status ts_gguf_writer_commit(ts_gguf_writer *w, tiefsee_error *err) TS_MUST_CHECK;

#endif
