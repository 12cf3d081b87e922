/* hf_vocab.h - the tokenizer of a Hugging Face folder. */
#ifndef TS_FORMATS_HF_VOCAB_H
#define TS_FORMATS_HF_VOCAB_H

#include <jansson.h>

#include "core/arena.h"
#include "core/error.h"
#include "formats/vocab.h"

/* tokenizer: the text of tokenizer.json; config: the parsed
 * tokenizer_config.json or NULL.  Texts are copied into the arena.  *has_vocab is
 * false if the tokenizer is of a kind that is not supported; *why says which. */
tiefsee_status ts_hf_vocab(ts_vocab *out, bool *has_vocab, const char **why, ts_str tokenizer,
                           const json_t *config, ts_arena *arena, tiefsee_error *err) TS_MUST_CHECK;

#endif
