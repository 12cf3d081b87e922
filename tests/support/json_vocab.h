/* json_vocab.h - open a tokenizer.json alone, without a model beside it. */
#ifndef TS_TESTS_JSON_VOCAB_H
#define TS_TESTS_JSON_VOCAB_H

#include "core/arena.h"
#include "formats/vocab.h"

typedef struct json_vocab {
    ts_vocab vocab;
    ts_arena *arena;
} json_vocab;

/* False, and a line on stderr. */
bool json_vocab_open(json_vocab *v, const char *path);
void json_vocab_close(json_vocab *v);

#endif
