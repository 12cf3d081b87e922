/* hf_vocab_write.c - see hf_vocab_write.h.
 *
 * Format: what the tokenizers package of Hugging Face saves for byte-level BPE. */
#include "formats/hf_vocab_write.h"

#include <jansson.h>

/* As in the published tokenizer.json of DeepSeek-V3. */
static const char *const patterns[] = {
    "\\p{N}{1,3}",
    "[一-龥\u3040-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./"
    ":;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
    " ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
};

static json_t *text_of(ts_str s)
{
    return json_stringn(s.ptr, s.len);
}

static json_t *pieces(void)
{
    json_t *parts = json_array();

    for (size_t i = 0; i < TS_COUNT(patterns); i++)
        (void)json_array_append_new(parts, json_pack("{s:s, s:{s:s}, s:s, s:b}", "type", "Split",
                                                     "pattern", "Regex", patterns[i], "behavior",
                                                     "Isolated", "invert", 0));
    (void)json_array_append_new(parts, json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel",
                                                 "add_prefix_space", 0, "trim_offsets", 1,
                                                 "use_regex", 0));
    return json_pack("{s:s, s:o}", "type", "Sequence", "pretokenizers", parts);
}

static json_t *markers(const ts_vocab *v)
{
    json_t *all = json_array();

    for (uint32_t i = 0; i < v->n_tokens; i++)
        if (v->type[i] == TS_TOKEN_CONTROL || v->type[i] == TS_TOKEN_USER_DEFINED)
            (void)json_array_append_new(all, json_pack("{s:I, s:o, s:b, s:b, s:b, s:b, s:b}", "id",
                                                       (json_int_t)i, "content",
                                                       text_of(v->text[i]), "single_word", 0,
                                                       "lstrip", 0, "rstrip", 0, "normalized", 0,
                                                       "special", v->type[i] == TS_TOKEN_CONTROL));
    return all;
}

static json_t *model(const ts_vocab *v)
{
    json_t *vocab = json_object(), *merges = json_array();

    for (uint32_t i = 0; i < v->n_tokens; i++) {
        json_t *text = text_of(v->text[i]); /* terminates it */

        if (text)
            (void)json_object_set_new(vocab, json_string_value(text), json_integer((json_int_t)i));
        json_decref(text);
    }
    for (uint32_t i = 0; i < v->n_merges; i++)
        (void)json_array_append_new(
            merges, json_pack("[o, o]", text_of(v->merge_left[i]), text_of(v->merge_right[i])));
    return json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout",
                     "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0,
                     "byte_fallback", 0, "ignore_merges", v->ignore_merges ? 1 : 0, "vocab", vocab,
                     "merges", merges);
}

static int take(const char *bytes, size_t n, void *user)
{
    return ts_buf_append(user, bytes, n) ? 0 : -1;
}

tiefsee_status ts_hf_vocab_write(const ts_vocab *v, ts_buf *out, tiefsee_error *err)
{
    if (v->pre != TS_PRE_DEEPSEEK_V3 || v->normalizes_nfc)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "tokenizer.json is written for DeepSeek-V3's pieces only");
    json_t *decoder = json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 1,
                                "trim_offsets", 1, "use_regex", 1);
    json_t *all =
        json_pack("{s:s, s:n, s:n, s:o, s:n, s:o, s:n, s:o, s:o}", "version", "1.0", "truncation",
                  "padding", "added_tokens", markers(v), "normalizer", "pre_tokenizer", pieces(),
                  "post_processor", "decoder", decoder, "model", model(v));
    const bool is_good = all && json_dump_callback(all, take, out, JSON_INDENT(1)) == 0 &&
                         ts_buf_append(out, "\n", 1);
    json_decref(all);
    return is_good ? TIEFSEE_OK : ts_fail_nomem(err, v->n_tokens, "tokenizer.json");
}
