/* fuzz_tokenizer_json.c - any bytes as tokenizer.json and, behind a zero byte,
 * tokenizer_config.json: a vocabulary whose parts exist, a reason, or one line. */
#include "fuzz.h"

#include <string.h>

#include "formats/config.h"
#include "formats/hf_vocab.h"
#include "formats/json.h"
#include "formats/vocab_check.h"

static tiefsee_status read(ts_str tokenizer, json_t *config, ts_arena *arena, tiefsee_error *err)
{
    const char *why = NULL;
    bool has_vocab;
    ts_vocab v;
    tiefsee_status st = ts_hf_vocab(&v, &has_vocab, &why, tokenizer, config, arena, err);

    if (st != TIEFSEE_OK)
        return st;
    MUST(has_vocab || (why && *why));
    if (!has_vocab)
        return TIEFSEE_OK;
    MUST(v.n_tokens >= 1 && v.n_tokens <= TS_MAX_VOCAB && v.pre != TS_PRE_UNKNOWN);
    st = ts_vocab_check(&v, arena, err);
    if (st != TIEFSEE_OK)
        return st;
    for (uint32_t i = 0; i < v.n_tokens; i++)
        MUST((v.text[i].len == 0) == (v.type[i] == TS_TOKEN_UNUSED));
    for (uint32_t i = 0; i < v.n_merges; i++)
        MUST(v.merge_left[i].len > 0 && v.merge_right[i].len > 0);
    MUST(v.bos < (int64_t)v.n_tokens && v.eos < (int64_t)v.n_tokens);
    return TIEFSEE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ts_json_limits config_limits = {1 << 20, 1 << 16, true};
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    const size_t first = zero ? (size_t)(zero - data) : size;
    ts_arena *arena = ts_arena_new(1 << 26);
    json_t *config = NULL;
    tiefsee_error err = {0};

    MUST(arena);
    char *text = malloc(first ? first : 1); /* exact size: ASan guards the end */
    tiefsee_status st = TIEFSEE_OK;

    MUST(text);
    if (first)
        memcpy(text, data, first);
    if (zero)
        st = ts_json_parse(&config, (const char *)zero + 1, size - first - 1, config_limits, &err);
    if (st == TIEFSEE_OK)
        st = read((ts_str){text, first}, config, arena, &err);
    if (st != TIEFSEE_OK)
        MUST(err.status == st && err.message[0] != '\0' && !strpbrk(err.message, "\n\r\33"));
    json_decref(config);
    free(text);
    ts_arena_free(arena);
    return 0;
}
