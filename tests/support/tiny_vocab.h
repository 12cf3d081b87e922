/* tiny_vocab.h - a byte-level vocabulary of a few hundred tokens in plain sight.
 *
 * Tokens 0..255 are the bytes in their order, then come the merges, each making
 * one more token, then what the caller adds.
 */
#ifndef TS_TESTS_TINY_VOCAB_H
#define TS_TESTS_TINY_VOCAB_H

#include "formats/vocab.h"

enum { TINY_MAX_TOKENS = 400, TINY_MAX_TEXT = 64 };

typedef struct tiny_vocab {
    ts_vocab vocab;
    ts_str text[TINY_MAX_TOKENS];
    uint8_t type[TINY_MAX_TOKENS];
    ts_str left[TINY_MAX_TOKENS], right[TINY_MAX_TOKENS];
    char chars[TINY_MAX_TOKENS][TINY_MAX_TEXT];
} tiny_vocab;

/* merges: "a b", "ab c", ... in the byte alphabet; NULL ends the list. */
void tiny_vocab_init(tiny_vocab *v, ts_pretokenizer pre, const char *const *merges);

/* Returns the id. */
int32_t tiny_vocab_add(tiny_vocab *v, const char *text, ts_token_type type);

#endif
