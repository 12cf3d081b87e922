/* gguf_vocab.c - see gguf_vocab.h.
 *
 * tokenizer.ggml.model "gpt2" is byte-level BPE.  ids, types and merges are
 * required; bos, eos and padding may be absent.  A missing add_bos_token means
 * no, except for Llama 3's tokenizer (llama.cpp's documented defaults).
 */
#include "formats/gguf_vocab.h"

#include <stdio.h>
#include <string.h>

#include "formats/config.h"
#include "formats/vocab_check.h"

static ts_pretokenizer pre_by_name(ts_str name)
{
    static const struct {
        const char *name;
        ts_pretokenizer pre;
    } known[] = {
        {"deepseek-llm", TS_PRE_DEEPSEEK_LLM},
        {"deepseek-coder", TS_PRE_DEEPSEEK_CODER},
        {"deepseek-v3", TS_PRE_DEEPSEEK_V3},
        {"joyai-llm", TS_PRE_DEEPSEEK_V3},
        {"hunyuan-dense", TS_PRE_DEEPSEEK_V3},
        {"qwen2", TS_PRE_QWEN2},
        {"deepseek-r1-qwen", TS_PRE_QWEN2},
        {"llama-bpe", TS_PRE_LLAMA3},
        {"llama3", TS_PRE_LLAMA3},
        {"llama-v3", TS_PRE_LLAMA3},
    };

    for (size_t i = 0; i < TS_COUNT(known); i++)
        if (ts_str_is(name, known[i].name))
            return known[i].pre;
    return TS_PRE_UNKNOWN;
}

static tiefsee_status optional_id(int32_t *out, const ts_gguf *g, const char *key, uint32_t n,
                                  tiefsee_error *err)
{
    uint64_t id;

    *out = -1;
    if (!ts_gguf_find(g, key))
        return TIEFSEE_OK;
    const tiefsee_status st = ts_gguf_uint(g, key, 0, n - 1, &id, err);
    if (st == TIEFSEE_OK)
        *out = (int32_t)id;
    return st;
}

static tiefsee_status read_tokens(ts_vocab *v, const ts_gguf *g, ts_arena *arena,
                                  tiefsee_error *err)
{
    const ts_gguf_value *tokens, *kinds;
    tiefsee_status st =
        ts_gguf_array(g, "tokenizer.ggml.tokens", GGUF_STRING, TS_MAX_VOCAB, &tokens, err);

    if (st == TIEFSEE_OK)
        st = ts_gguf_array(g, "tokenizer.ggml.token_type", GGUF_I32, TS_MAX_VOCAB, &kinds, err);
    if (st != TIEFSEE_OK)
        return st;
    if (tokens->n == 0)
        return ts_fail(err, TIEFSEE_E_FORMAT, "key 'tokenizer.ggml.tokens' is empty");
    if (kinds->n != tokens->n)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%llu tokens but %llu token types",
                       (unsigned long long)tokens->n, (unsigned long long)kinds->n);
    v->n_tokens = (uint32_t)tokens->n;
    ts_str *text = ts_arena_alloc(arena, v->n_tokens * sizeof *text);
    uint8_t *type = ts_arena_alloc(arena, v->n_tokens);
    if (!text || !type)
        return ts_fail_nomem(err, v->n_tokens * sizeof *text, "the vocabulary");
    for (size_t i = 0, pos = 0; i < v->n_tokens; i++) {
        const int64_t t = ts_gguf_int_item(kinds, i);
        text[i] = ts_gguf_next_string(tokens, &pos);
        type[i] = t >= 0 && t <= TS_TOKEN_BYTE ? (uint8_t)t : 0; /* 0: refused by the check */
        if (type[i] == TS_TOKEN_USER_DEFINED && ts_vocab_is_marker(text[i]))
            type[i] = TS_TOKEN_CONTROL;
    }
    v->text = text;
    v->type = type;
    return TIEFSEE_OK;
}

static tiefsee_status read_merges(ts_vocab *v, const ts_gguf *g, ts_arena *arena,
                                  tiefsee_error *err)
{
    const ts_gguf_value *merges;
    const tiefsee_status st =
        ts_gguf_array(g, "tokenizer.ggml.merges", GGUF_STRING, TS_MAX_MERGES, &merges, err);

    if (st != TIEFSEE_OK)
        return st;
    const size_t n = (size_t)merges->n;
    ts_str *left = ts_arena_alloc(arena, n * sizeof *left);
    ts_str *right = ts_arena_alloc(arena, n * sizeof *right);
    if (!left || !right)
        return ts_fail_nomem(err, n * sizeof *left, "the merges");
    for (size_t i = 0, pos = 0; i < n; i++) {
        const ts_str text = ts_gguf_next_string(merges, &pos);
        if (!ts_merge_split(text, &left[i], &right[i]))
            return ts_fail(err, TIEFSEE_E_FORMAT, "merge %zu, '%.*s', is not two texts and a space",
                           i, TS_STR_ARG(text));
    }
    v->n_merges = (uint32_t)n;
    v->merge_left = left;
    v->merge_right = right;
    return TIEFSEE_OK;
}

static tiefsee_status read_rules(ts_vocab *v, const ts_gguf *g, ts_str pre, tiefsee_error *err)
{
    static const char *const ids[] = {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
                                      "tokenizer.ggml.padding_token_id"};
    int32_t *const out[] = {&v->bos, &v->eos, &v->pad};
    tiefsee_status st = TIEFSEE_OK;

    for (size_t i = 0; i < TS_COUNT(ids); i++) {
        st = optional_id(out[i], g, ids[i], v->n_tokens, err);
        if (st != TIEFSEE_OK)
            return st;
    }
    v->pre = pre_by_name(pre);
    v->ignore_merges = v->pre == TS_PRE_LLAMA3;
    v->adds_bos = v->pre == TS_PRE_LLAMA3;
    v->normalizes_nfc = ts_str_is(pre, "qwen2"); /* the published tokenizer does */
    if (ts_gguf_find(g, "tokenizer.ggml.add_bos_token"))
        st = ts_gguf_bool(g, "tokenizer.ggml.add_bos_token", &v->adds_bos, err);
    if (st == TIEFSEE_OK && ts_gguf_find(g, "tokenizer.chat_template"))
        st = ts_gguf_string(g, "tokenizer.chat_template", &v->chat_template, err);
    if (st == TIEFSEE_OK && ts_gguf_find(g, "tiefsee.encoding"))
        st = ts_gguf_string(g, "tiefsee.encoding", &v->encoding, err);
    return st;
}

/* Other engines want scores; we only hold them to their length. */
static tiefsee_status check_scores(const ts_vocab *v, const ts_gguf *g, tiefsee_error *err)
{
    const ts_gguf_value *scores;

    if (!ts_gguf_find(g, "tokenizer.ggml.scores"))
        return TIEFSEE_OK;
    const tiefsee_status st =
        ts_gguf_array(g, "tokenizer.ggml.scores", GGUF_F32, TS_MAX_VOCAB, &scores, err);
    if (st == TIEFSEE_OK && scores->n != v->n_tokens)
        return ts_fail(err, TIEFSEE_E_FORMAT, "%u tokens but %llu scores", v->n_tokens,
                       (unsigned long long)scores->n);
    return st;
}

/* Byte-level BPE with a pre-tokenizer that we have?  If not, *why says so. */
static tiefsee_status identify(const char **why, ts_str *pre, const ts_gguf *g, ts_arena *arena,
                               tiefsee_error *err)
{
    char text[300];
    ts_str model;

    *why = "the file has no tokenizer";
    if (!ts_gguf_find(g, "tokenizer.ggml.model"))
        return TIEFSEE_OK;
    tiefsee_status st = ts_gguf_string(g, "tokenizer.ggml.model", &model, err);
    if (st != TIEFSEE_OK)
        return st;
    *pre = (ts_str){0};
    if (ts_gguf_find(g, "tokenizer.ggml.pre"))
        st = ts_gguf_string(g, "tokenizer.ggml.pre", pre, err);
    if (st != TIEFSEE_OK)
        return st;
    *why = NULL;
    if (ts_str_is(model, "gpt2") && pre_by_name(*pre) != TS_PRE_UNKNOWN)
        return TIEFSEE_OK;
    (void)snprintf(text, sizeof text,
                   "tokenizer.ggml.model '%.*s' with tokenizer.ggml.pre '%.*s'"
                   " is not supported",
                   (int)(model.len < 60 ? model.len : 60), model.ptr,
                   (int)(pre->len < 60 ? pre->len : 60), pre->len ? pre->ptr : "");
    *why = ts_arena_strdup(arena, text, strlen(text));
    return *why ? TIEFSEE_OK : ts_fail_nomem(err, sizeof text, "a message");
}

tiefsee_status ts_gguf_vocab(ts_vocab *out, bool *has_vocab, const char **why, const ts_gguf *g,
                             ts_arena *arena, tiefsee_error *err)
{
    ts_vocab v = {0};
    ts_str pre;

    *has_vocab = false;
    tiefsee_status st = identify(why, &pre, g, arena, err);
    if (st != TIEFSEE_OK || *why)
        return st;
    *why = "";
    st = read_tokens(&v, g, arena, err);
    if (st == TIEFSEE_OK)
        st = read_merges(&v, g, arena, err);
    if (st == TIEFSEE_OK)
        st = read_rules(&v, g, pre, err);
    if (st == TIEFSEE_OK)
        st = check_scores(&v, g, err);
    if (st != TIEFSEE_OK)
        return st;
    *out = v;
    *has_vocab = true;
    return TIEFSEE_OK;
}
