/* safetensors.h - one safetensors file: a table of tensors. */
#ifndef TS_FORMATS_SAFETENSORS_H
#define TS_FORMATS_SAFETENSORS_H

#include "core/arena.h"
#include "core/error.h"
#include "formats/modelfile.h"

enum {
    SAFETENSORS_MAX_HEADER = 100 * 1000 * 1000, /* as the reference implementation has it */
    SAFETENSORS_MAX_TENSORS = 1 << 18,
    SAFETENSORS_MAX_NAME = 255
};

typedef struct ts_safetensors {
    size_t n_tensors;
    ts_named_tensor *tensors; /* in file order */
} ts_safetensors;

/* The bytes and the arena outlive out.  Data need not be aligned. */
tiefsee_status ts_safetensors_parse(ts_safetensors *out, const uint8_t *bytes, size_t size,
                                    ts_arena *arena, tiefsee_error *err) TS_MUST_CHECK;

#endif
