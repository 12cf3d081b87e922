/* fuzz.h - what every fuzz target needs. */
#ifndef TS_TESTS_FUZZ_H
#define TS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* assert() that survives NDEBUG: a fuzz target has nothing else to say. */
#define MUST(cond) ((cond) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
