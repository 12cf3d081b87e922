/* vocab.h - a tokenizer as a file describes it, before it is compiled by bpe.c.
 * Strings point into the file or into the arena of the ts_modelfile. */
#ifndef TS_FORMATS_VOCAB_H
#define TS_FORMATS_VOCAB_H

#include "core/str.h"

typedef enum ts_token_type {
    TS_TOKEN_NORMAL = 1, /* byte-mapped text (GPT-2's printable alphabet) */
    TS_TOKEN_UNKNOWN = 2,
    TS_TOKEN_CONTROL = 3,      /* literal UTF-8; special */
    TS_TOKEN_USER_DEFINED = 4, /* literal UTF-8; matched in any text before splitting */
    TS_TOKEN_UNUSED = 5,
    TS_TOKEN_BYTE = 6
} ts_token_type;

typedef enum ts_pretokenizer {
    TS_PRE_UNKNOWN = 0,
    TS_PRE_DEEPSEEK_LLM,
    TS_PRE_DEEPSEEK_CODER,
    TS_PRE_DEEPSEEK_V3, /* also R1, V3.1 and later */
    TS_PRE_QWEN2,
    TS_PRE_LLAMA3
} ts_pretokenizer;

enum { TS_MAX_MERGES = 1 << 22, TS_MAX_TOKEN_BYTES = 1 << 16 };

typedef struct ts_vocab {
    uint32_t n_tokens;
    const ts_str *text;  /* [n_tokens]; an empty string marks a hole in the ids */
    const uint8_t *type; /* [n_tokens] ts_token_type */
    uint32_t n_merges;
    const ts_str *merge_left, *merge_right; /* [n_merges], in rank order */
    ts_pretokenizer pre;
    bool ignore_merges;    /* a piece that is a token is emitted at once (Llama 3) */
    bool normalizes_nfc;   /* tokenizer.json says NFC (Qwen) */
    int32_t bos, eos, pad; /* -1: none */
    bool adds_bos;
    ts_str chat_template; /* as text, for identification only; empty if none */
    ts_str encoding;      /* tiefsee.encoding, if the file names it; else empty */
} ts_vocab;

#endif
