/* gguf_vocab.h - the tokenizer of a GGUF file, from tokenizer.*. */
#ifndef TS_FORMATS_GGUF_VOCAB_H
#define TS_FORMATS_GGUF_VOCAB_H

#include "core/arena.h"
#include "formats/gguf.h"
#include "formats/vocab.h"

/* *has_vocab is false if the file has none, or one of a kind that is not
 * supported; *why says which.  Strings stay in the file. */
tiefsee_status ts_gguf_vocab(ts_vocab *out, bool *has_vocab, const char **why, const ts_gguf *g,
                             ts_arena *arena, tiefsee_error *err) TS_MUST_CHECK;

#endif
