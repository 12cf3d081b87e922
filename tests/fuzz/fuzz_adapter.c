/* fuzz_adapter.c - any config and any tensors are pairs that fit together, or one line.
 * The config ends at the first zero. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "formats/adapter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    const size_t n_config = end ? (size_t)(end - data) : size, n = end ? size - n_config - 1 : 0;
    char *file = malloc(n ? n : 1); /* exact size: ASan guards the end */
    tiefsee_error err = {0};
    ts_adapter a;

    MUST(file);
    if (n)
        memcpy(file, end + 1, n);
    const tiefsee_status st =
        ts_adapter_parse(&a, (ts_str){(const char *)data, n_config}, (ts_str){file, n}, &err);
    if (st != TIEFSEE_OK) {
        MUST(err.status == st && err.message[0] != '\0' && !strpbrk(err.message, "\n\r\33"));
        MUST(!a.arena && !a.pair);
    } else {
        MUST(a.rank >= 1 && a.rank <= TS_MAX_RANK && isfinite(a.scale) && a.n_layers > 0);
        for (size_t i = 0; i < a.n_layers * TS_N_TARGETS; i++) {
            const ts_adapter_pair *p = &a.pair[i];
            MUST(!p->A.data == !p->B.data);
            if (p->A.data)
                MUST(p->A.ne[1] == a.rank && p->B.ne[0] == a.rank);
        }
    }
    ts_adapter_close(&a);
    free(file);
    return 0;
}
