/* fuzz_safetensors.c - any bytes are a table of tensors that covers the data
 * exactly, or one line. */
#include "fuzz.h"

#include <string.h>

#include "formats/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = malloc(size ? size : 1); /* exact size: ASan guards the end */
    ts_arena *arena = ts_arena_new(1 << 26);
    tiefsee_error err = {0};
    ts_safetensors s;

    MUST(file && arena);
    if (size)
        memcpy(file, data, size);
    const tiefsee_status st = ts_safetensors_parse(&s, file, size, arena, &err);
    if (st != TIEFSEE_OK) {
        MUST(err.status == st && err.message[0] != '\0' && !strpbrk(err.message, "\n\r\33"));
        MUST(s.n_tensors == 0 && !s.tensors);
    } else {
        const uint8_t *next = NULL;
        for (size_t i = 0; i < s.n_tensors; i++) {
            const ts_tensor *t = &s.tensors[i].tensor;
            uint64_t row;
            MUST(s.tensors[i].name.len > 0);
            MUST(i == 0 || (const uint8_t *)t->data == next);
            MUST(ts_dtype_row_bytes(t->type, t->ne[0], &row) && row == t->row_bytes);
            MUST(t->bytes == row * t->ne[1] * t->ne[2] * t->ne[3]);
            next = (const uint8_t *)t->data + t->bytes;
        }
        MUST(s.n_tensors == 0 || next == file + size);
    }
    ts_arena_free(arena);
    free(file);
    return 0;
}
