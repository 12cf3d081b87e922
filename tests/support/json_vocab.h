/* json_vocab.h - a tokenizer.json as a ts_vocab, for tests that must not depend
 * on the product's own reader. */
#ifndef TS_TESTS_JSON_VOCAB_H
#define TS_TESTS_JSON_VOCAB_H

#include <jansson.h>

#include "core/arena.h"
#include "formats/vocab.h"

typedef struct json_vocab {
    ts_vocab vocab;
    ts_arena *arena;
    json_t *root; /* texts point into it */
} json_vocab;

/* False, and a line on stderr: the file is missing or not as expected. */
bool json_vocab_open(json_vocab *v, const char *path);
void json_vocab_close(json_vocab *v);

#endif
