/* added_tokens.h - find whole tokens in text before it is cut: markers such as
 * "<|User|>", and what a tokenizer's user defined.
 *
 * As the published library does it: at each place the longest, from left to
 * right, not overlapping.
 */
#ifndef TS_FORMATS_ADDED_TOKENS_H
#define TS_FORMATS_ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/str.h"

enum { TS_MAX_ADDED_BYTES = 512 }; /* a longer one is refused: time is n * this at worst */

typedef struct ts_added_token {
    ts_str text;
    int32_t id;
} ts_added_token;

typedef struct ts_added_tokens {
    ts_added_token *token; /* sorted by text */
    size_t n;
    uint32_t first[257]; /* token[first[b] .. first[b + 1]) begin with byte b */
} ts_added_tokens;

/* Takes the array (texts are not empty and differ) and sorts it. */
void ts_added_tokens_init(ts_added_tokens *a, ts_added_token *tokens, size_t n);

/* The first token at or behind *at; sets *at to where it begins.  NULL: none. */
const ts_added_token *ts_added_tokens_next(const ts_added_tokens *a, const char *text, size_t n,
                                           size_t *at);

/* The token with exactly this text, or NULL. */
const ts_added_token *ts_added_tokens_find(const ts_added_tokens *a, ts_str text);

#endif
