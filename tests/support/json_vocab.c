/* json_vocab.c - see json_vocab.h.
 *
 * Added tokens are control tokens if they are special or look like markers
 * ("<|...|>", also with U+FF5C), else user-defined: the rule of the GGUF
 * converter.
 */
#include "support/json_vocab.h"

#include <stdio.h>
#include <string.h>

static ts_str text_of(const json_t *string)
{
    return (ts_str){json_string_value(string), json_string_length(string)};
}

static bool ends_with(ts_str s, const char *end)
{
    const size_t n = strlen(end);

    return s.len >= n && memcmp(s.ptr + s.len - n, end, n) == 0;
}

static bool looks_special(ts_str s)
{
    return (ts_str_starts(s, "<|") && ends_with(s, "|>")) ||
           (ts_str_starts(s, "<\xef\xbd\x9c") && ends_with(s, "\xef\xbd\x9c>"));
}

/* The regex of pre-tokenizer i. */
static const char *pattern(const json_t *root, size_t i)
{
    const json_t *pre = json_object_get(root, "pre_tokenizer");
    const json_t *split = json_array_get(json_object_get(pre, "pretokenizers"), i);
    const json_t *regex = json_object_get(json_object_get(split, "pattern"), "Regex");

    return regex ? json_string_value(regex) : "";
}

static ts_pretokenizer identify(const json_t *root)
{
    const char *first = pattern(root, 0);

    if (strcmp(first, "\\p{N}{1,3}") == 0)
        return TS_PRE_DEEPSEEK_V3;
    if (strcmp(first, "[\r\n]") == 0)
        return strcmp(pattern(root, 1), "\\s?\\p{L}+") == 0 ? TS_PRE_DEEPSEEK_CODER
                                                            : TS_PRE_DEEPSEEK_LLM;
    if (strncmp(first, "(?i:'s", 6) == 0)
        return strstr(first, "\\p{N}{1,3}") ? TS_PRE_LLAMA3 : TS_PRE_QWEN2;
    return TS_PRE_UNKNOWN;
}

static bool read_tokens(json_vocab *v, json_t *tokens, const json_t *added)
{
    const char *key;
    json_t *value;
    size_t i;
    json_int_t last = -1;

    json_object_foreach(tokens, key, value) last =
        json_integer_value(value) > last ? json_integer_value(value) : last;
    json_array_foreach(added, i, value)
    {
        const json_int_t id = json_integer_value(json_object_get(value, "id"));
        last = id > last ? id : last;
    }
    v->vocab.n_tokens = (uint32_t)(last + 1);
    ts_str *text = ts_arena_alloc_zero(v->arena, v->vocab.n_tokens, sizeof *text);
    uint8_t *type = ts_arena_alloc_zero(v->arena, v->vocab.n_tokens, 1);
    if (!text || !type)
        return false;
    memset(type, TS_TOKEN_UNUSED, v->vocab.n_tokens);
    json_object_foreach(tokens, key, value)
    {
        text[json_integer_value(value)] = ts_str_of(key);
        type[json_integer_value(value)] = TS_TOKEN_NORMAL;
    }
    json_array_foreach(added, i, value)
    {
        const json_int_t id = json_integer_value(json_object_get(value, "id"));
        text[id] = text_of(json_object_get(value, "content"));
        type[id] = json_is_true(json_object_get(value, "special")) || looks_special(text[id])
                       ? TS_TOKEN_CONTROL
                       : TS_TOKEN_USER_DEFINED;
    }
    v->vocab.text = text;
    v->vocab.type = type;
    return true;
}

static bool read_merges(json_vocab *v, const json_t *merges)
{
    const size_t n = json_array_size(merges);
    ts_str *left = ts_arena_alloc_zero(v->arena, n + 1, sizeof *left);
    ts_str *right = ts_arena_alloc_zero(v->arena, n + 1, sizeof *right);

    if (!left || !right)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *m = json_array_get(merges, i);
        if (json_is_array(m)) {
            left[i] = text_of(json_array_get(m, 0));
            right[i] = text_of(json_array_get(m, 1));
            continue;
        }
        const ts_str both = text_of(m);
        const char *space = memchr(both.ptr, ' ', both.len);
        if (!space)
            return false;
        left[i] = (ts_str){both.ptr, (size_t)(space - both.ptr)};
        right[i] = (ts_str){space + 1, both.len - left[i].len - 1};
    }
    v->vocab.n_merges = (uint32_t)n;
    v->vocab.merge_left = left;
    v->vocab.merge_right = right;
    return true;
}

bool json_vocab_open(json_vocab *v, const char *path)
{
    json_error_t error;

    *v = (json_vocab){.vocab = {.bos = -1, .eos = -1, .pad = -1}};
    v->root = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (!v->root) {
        fprintf(stderr, "%s: line %d: %s\n", path, error.line, error.text);
        return false;
    }
    json_t *model = json_object_get(v->root, "model");
    const json_t *normalizer = json_object_get(json_object_get(v->root, "normalizer"), "type");
    v->arena = ts_arena_new((size_t)1 << 30);
    v->vocab.pre = identify(v->root);
    v->vocab.ignore_merges = json_is_true(json_object_get(model, "ignore_merges"));
    v->vocab.normalizes_nfc = normalizer && strcmp(json_string_value(normalizer), "NFC") == 0;
    if (v->arena &&
        read_tokens(v, json_object_get(model, "vocab"), json_object_get(v->root, "added_tokens")) &&
        read_merges(v, json_object_get(model, "merges")))
        return true;
    fprintf(stderr, "%s: not a tokenizer as expected\n", path);
    json_vocab_close(v);
    return false;
}

void json_vocab_close(json_vocab *v)
{
    ts_arena_free(v->arena);
    json_decref(v->root);
    *v = (json_vocab){0};
}
