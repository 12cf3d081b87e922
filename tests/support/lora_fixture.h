/* lora_fixture.h - what tests/train/make_lora_fixture.py wrote, by name. */
#ifndef TS_TESTS_LORA_FIXTURE_H
#define TS_TESTS_LORA_FIXTURE_H

#include "core/file.h"
#include "formats/safetensors.h"

typedef struct lora_fixture {
    char base[64], adapter[64]; /* folders */
    ts_map map;
    ts_arena *arena;
    ts_safetensors tensors; /* of expected.safetensors */
} lora_fixture;

/* "qwen2", "qwen3", "llama3"; stops the test if it is not there. */
void lora_fixture_open(lora_fixture *f, const char *name);
void lora_fixture_close(lora_fixture *f);

/* Data of a tensor, whose number of elements goes to *n (may be NULL). */
const void *lora_fixture_data(const lora_fixture *f, const char *name, size_t *n);

#endif
