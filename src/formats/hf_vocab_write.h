/* hf_vocab_write.h - a tokenizer as a tokenizer.json. */
#ifndef TS_FORMATS_HF_VOCAB_WRITE_H
#define TS_FORMATS_HF_VOCAB_WRITE_H

#include "core/error.h"
#include "formats/vocab.h"

/* Append the text of tokenizer.json.  Only pieces as DeepSeek-V3 cuts them. */
tiefsee_status ts_hf_vocab_write(const ts_vocab *v, ts_buf *out, tiefsee_error *err) TS_MUST_CHECK;

#endif
