/* fuzz_config.c - any bytes as config.json: a config in bounds, or one line. */
#include "fuzz.h"

#include <string.h>

#include "formats/hf_config.h"
#include "formats/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ts_json_limits limits = {1 << 20, 1 << 16, false};
    char *text = malloc(size ? size : 1); /* exact size: ASan guards the end */
    tiefsee_error err = {0};
    ts_config c;
    bool fp8;
    json_t *j;

    MUST(text);
    if (size)
        memcpy(text, data, size);
    tiefsee_status st = ts_json_parse(&j, text, size, limits, &err);
    if (st == TIEFSEE_OK) {
        st = ts_hf_config(&c, &fp8, j, &err);
        if (st == TIEFSEE_OK) {
            MUST(c.arch > TS_ARCH_NONE && c.arch <= TS_ARCH_LLAMA);
            MUST(c.n_layers >= 1 && c.n_layers <= TS_MAX_LAYERS && c.n_heads >= 1);
            MUST(c.d_model >= 1 && c.d_model <= TS_MAX_WIDTH && c.rms_eps > 0);
            MUST(c.rope.theta >= 1 && c.rope.factor > 0 && c.rope.n_dims >= 2);
            MUST(c.arch > TS_ARCH_DEEPSEEK_V3 || (c.n_groups >= 1 && c.n_active <= c.n_experts));
        } else {
            MUST(c.arch == TS_ARCH_NONE);
        }
        json_decref(j);
    }
    if (st != TIEFSEE_OK)
        MUST(err.status == st && err.message[0] != '\0' && !strpbrk(err.message, "\n\r\33"));
    free(text);
    return 0;
}
