/* fuzz_gguf.c - any bytes are a model file or one line.  What opens keeps its
 * promises: tensors inside the file, sizes that agree, a config in bounds, a
 * vocabulary whose parts exist. */
#include "fuzz.h"

#include <string.h>

#include "formats/modelfile.h"

static void check_tensor(const ts_named_tensor *t, const uint8_t *file, size_t size)
{
    const ts_tensor *x = &t->tensor;
    const uint8_t *data = x->data;
    uint64_t row;

    MUST(t->name.len > 0 && x->n_dims >= 1 && x->n_dims <= TS_MAX_DIMS);
    MUST(ts_dtype_row_bytes(x->type, x->ne[0], &row) && row == x->row_bytes);
    MUST(x->bytes == x->row_bytes * x->ne[1] * x->ne[2] * x->ne[3] && x->bytes <= size);
    if (data >= file && data < file + size) /* else it was copied */
        MUST(x->bytes <= size - (size_t)(data - file));
    MUST(x->type != TS_F32 || (uintptr_t)data % sizeof(float) == 0);
    volatile uint8_t sum = (uint8_t)(data[0] + data[x->bytes - 1]);
    (void)sum;
}

static void check_config(const ts_config *c)
{
    MUST(c->arch > TS_ARCH_NONE && c->arch <= TS_ARCH_LLAMA);
    MUST(c->n_layers >= 1 && c->n_layers <= TS_MAX_LAYERS);
    MUST(c->d_model >= 1 && c->d_model <= TS_MAX_WIDTH);
    MUST(c->n_vocab >= 1 && c->n_vocab <= TS_MAX_VOCAB);
    MUST(c->n_heads >= 1 && c->n_heads <= TS_MAX_HEADS && c->n_kv_heads >= 1);
    MUST(c->rms_eps > 0 && c->rope.theta >= 1 && c->rope.factor > 0);
    MUST(c->rope.n_dims >= 2 && c->rope.n_dims % 2 == 0);
    MUST(c->bos >= -1 && c->bos < (int64_t)c->n_vocab);
    if (c->arch > TS_ARCH_DEEPSEEK_V3)
        return;
    MUST(c->n_groups >= 1 && c->n_experts % c->n_groups == 0 && c->n_top_groups <= c->n_groups);
    MUST(c->n_active >= 1 && c->n_active <= TS_MAX_ACTIVE && c->n_active <= c->n_experts);
    MUST(c->d_nope >= 1 && c->d_rope >= 2 && c->d_value >= 1 && c->kv_lora_rank >= 1);
}

static void check_vocab(const ts_vocab *v, const ts_config *c)
{
    size_t bytes = 0;

    MUST(v->n_tokens >= 1 && v->n_tokens <= c->n_vocab && v->pre != TS_PRE_UNKNOWN);
    MUST(v->bos < (int64_t)v->n_tokens && v->eos < (int64_t)v->n_tokens);
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        MUST(v->type[i] >= TS_TOKEN_NORMAL && v->type[i] <= TS_TOKEN_BYTE);
        for (size_t k = 0; k < v->text[i].len; k++)
            bytes += v->text[i].ptr[k] != '\0';
    }
    for (uint32_t i = 0; i < v->n_merges; i++)
        MUST(v->merge_left[i].len > 0 && v->merge_right[i].len > 0);
    volatile size_t sink = bytes;
    (void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = malloc(size ? size : 1); /* exact size: ASan guards the end */
    ts_modelfile *f = (ts_modelfile *)1;
    tiefsee_error err = {0};

    MUST(file);
    if (size)
        memcpy(file, data, size);
    const tiefsee_status st = ts_modelfile_open_memory(&f, "fuzz", file, size, &err);
    if (st != TIEFSEE_OK) {
        MUST(!f && err.status == st && err.message[0] != '\0');
        MUST(!strpbrk(err.message, "\n\r\33"));
    } else {
        for (size_t i = 0; i < ts_modelfile_count(f); i++)
            check_tensor(ts_modelfile_tensor(f, i), file, size);
        for (size_t i = 0; i < ts_modelfile_meta_count(f); i++) {
            ts_str key, value;
            ts_modelfile_meta(f, i, &key, &value);
            MUST(key.len > 0 && value.len <= 200);
        }
        check_config(ts_modelfile_config(f));
        if (ts_modelfile_vocab(f))
            check_vocab(ts_modelfile_vocab(f), ts_modelfile_config(f));
        ts_modelfile_close(f);
    }
    free(file);
    return 0;
}
