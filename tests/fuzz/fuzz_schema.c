/* fuzz_schema.c - JSON Schemas from anybody: refused in one line, or masks that hold. */
#include "grammar_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= 4096)
        walk_kind(TS_GRAMMAR_SCHEMA, data, size, true);
    return 0;
}
