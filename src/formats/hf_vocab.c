/* hf_vocab.c - see hf_vocab.h.
 *
 * tokenizer.json of the tokenizers library: a BPE model whose texts are in the
 * byte alphabet of GPT-2, added tokens in plain UTF-8, and a pre-tokenizer given
 * as regular expressions.  Vocabulary and merges are read in place, the rest as a
 * tree.  The expressions are compared with the published ones,
 * never compiled.  tokenizer_config.json names bos, eos and the chat template.
 */
#include "formats/hf_vocab.h"

#include <stdio.h>
#include <string.h>

#include "formats/config.h"
#include "formats/json.h"
#include "formats/json_reader.h"
#include "formats/vocab_check.h"

static const char digits_3[] = "\\p{N}{1,3}";
static const char cjk_v3[] = "[一-龥\u3040-ゟ゠-ヿ]+";
static const char words_v3[] =
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?["
    "\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
static const char breaks[] = "[\\r\\n]";
static const char letters_llm[] =
    "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ"
    "-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-"
    "Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐ"
    "ῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ"
    "-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-"
    "ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-"
    "𐳲𑢠-𑣟𞤀-𞥃]+";
static const char punctuation_llm[] = "\\s?[!-/:-~！-／：-～‘-‟　-。]+";
static const char cjk_llm[] = "[一-龥ࠀ-一가-퟿]+";
static const char words_qwen2[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
static const char words_llama3[] =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

enum { MAX_PARTS = 6 };

/* Digits with individual_digits is \p{N}, without it \p{N}+. */
static const struct {
    ts_pretokenizer pre;
    const char *parts[MAX_PARTS + 1];
} published[] = {
    {TS_PRE_DEEPSEEK_V3, {digits_3, cjk_v3, words_v3}},
    {TS_PRE_DEEPSEEK_LLM, {breaks, letters_llm, punctuation_llm, "\\s+$", cjk_llm, "\\p{N}"}},
    {TS_PRE_DEEPSEEK_LLM, {breaks, letters_llm, punctuation_llm, "\\s+$", cjk_llm, "\\p{N}+"}},
    {TS_PRE_DEEPSEEK_CODER, {breaks, "\\s?\\p{L}+", "\\s?\\p{P}+", cjk_llm, "\\p{N}"}},
    {TS_PRE_QWEN2, {words_qwen2}},
    {TS_PRE_LLAMA3, {words_llama3}},
};

/* What the functions below fill, and why the tokenizer cannot be used. */
typedef struct builder {
    ts_vocab v;
    ts_str *text;
    uint8_t *type;
    ts_arena *arena;
    char why[200]; /* empty: supported */
    tiefsee_error *err;
} builder;

static const json_t *get(const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);

    return json_is_null(v) ? NULL : v;
}

static bool is_type(const json_t *j, const char *type)
{
    return ts_str_is(ts_json_str(get(j, "type")), type);
}

/* ------------------------------------------------------------ pre-tokenizer */

/* The next character of a pattern without its spelling: a line break may be
 * written as such or as \n, and punctuation may carry a needless backslash. */
static const char *next_piece(const char *p, char out[2])
{
    out[0] = *p;
    out[1] = '\0';
    if (*p == '\r' || *p == '\n' || *p == '\t') {
        out[0] = '\\';
        out[1] = *p == '\r' ? 'r' : *p == '\n' ? 'n' : 't';
        return p + 1;
    }
    if (*p == '\\' && p[1]) {
        const bool is_needless = strchr("-/!\"#%&',:;<=>@_`~ ", p[1]) != NULL;
        out[0] = is_needless ? p[1] : '\\';
        out[1] = is_needless ? '\0' : p[1];
        return p + 2;
    }
    return p + 1;
}

static bool is_same_pattern(const char *a, const char *b)
{
    while (*a && *b) {
        char x[2], y[2];
        a = next_piece(a, x);
        b = next_piece(b, y);
        if (x[0] != y[0] || x[1] != y[1])
            return false;
    }
    return !*a && !*b;
}

/* The pattern of one part; NULL if it is none that we know to read. */
static const char *pattern_of(const json_t *part)
{
    if (is_type(part, "Digits"))
        return json_is_true(get(part, "individual_digits")) ? "\\p{N}" : "\\p{N}+";
    if (!is_type(part, "Split") || json_is_true(get(part, "invert")) ||
        !ts_str_is(ts_json_str(get(part, "behavior")), "Isolated"))
        return NULL;
    return json_string_value(get(get(part, "pattern"), "Regex"));
}

static bool is_byte_level(const json_t *part)
{
    return is_type(part, "ByteLevel") && json_is_false(get(part, "add_prefix_space")) &&
           json_is_false(get(part, "use_regex"));
}

static ts_pretokenizer identify(const json_t *pre)
{
    const json_t *parts = get(pre, "pretokenizers");
    const size_t n = json_array_size(parts);
    const char *patterns[MAX_PARTS + 1] = {0};

    if (!is_type(pre, "Sequence") || n < 2 || n > MAX_PARTS + 1 ||
        !is_byte_level(json_array_get(parts, n - 1)))
        return TS_PRE_UNKNOWN;
    for (size_t i = 0; i + 1 < n; i++) {
        patterns[i] = pattern_of(json_array_get(parts, i));
        if (!patterns[i])
            return TS_PRE_UNKNOWN;
    }
    for (size_t k = 0; k < TS_COUNT(published); k++) {
        size_t i = 0;
        while (patterns[i] && published[k].parts[i] &&
               is_same_pattern(patterns[i], published[k].parts[i]))
            i++;
        if (!patterns[i] && !published[k].parts[i])
            return published[k].pre;
    }
    return TS_PRE_UNKNOWN;
}

/* ------------------------------------------------------------------- tokens */

static tiefsee_status fail(builder *b, const char *what)
{
    return ts_fail(b->err, TIEFSEE_E_FORMAT, "%s", what);
}

static bool get_id(const json_t *j, uint32_t *id)
{
    if (!json_is_integer(j) || json_integer_value(j) < 0 || json_integer_value(j) >= TS_MAX_VOCAB)
        return false;
    *id = (uint32_t)json_integer_value(j);
    return true;
}

/* What the tables need. */
typedef struct totals {
    size_t n_tokens, bytes;
    uint32_t end; /* behind the last id */
} totals;

static void count(totals *t, uint32_t id, size_t bytes)
{
    t->n_tokens++;
    t->bytes += bytes;
    t->end = id >= t->end ? id + 1 : t->end;
}

/* Behind this, the grammar of the vocabulary and its ids are sound. */
static tiefsee_status count_vocab(builder *b, totals *t, ts_str vocab)
{
    ts_json_reader r = ts_json_reader_of(vocab);
    ts_str key;

    if (ts_json_enter(&r, '{'))
        while (ts_json_next_key(&r, &key)) {
            const uint64_t id = ts_json_read_size(&r);
            if (!r.problem && (id >= TS_MAX_VOCAB || key.len == 0))
                return ts_fail(b->err, TIEFSEE_E_FORMAT,
                               "model.vocab: '%.*s' is empty or has no id below %d",
                               (int)(key.len < 60 ? key.len : 60), key.ptr, TS_MAX_VOCAB);
            count(t, (uint32_t)id, key.len);
        }
    return ts_json_reader_status(&r, "model.vocab", b->err);
}

static tiefsee_status count_added(builder *b, totals *t, const json_t *added)
{
    const json_t *token;
    uint32_t id;
    size_t i;

    if (added && !json_is_array(added))
        return fail(b, "added_tokens is not a list");
    json_array_foreach((json_t *)(uintptr_t)added, i, token)
    {
        const ts_str text = ts_json_str(get(token, "content"));
        if (!get_id(get(token, "id"), &id) || text.len == 0)
            return ts_fail(b->err, TIEFSEE_E_FORMAT, "added_tokens %zu: no id or no content", i);
        count(t, id, text.len);
    }
    return TIEFSEE_OK;
}

static tiefsee_status allocate(builder *b, const totals *t, char **pool)
{
    /* Holes are fine, a handful of tokens at the end of the range is not. */
    if (t->end == 0 || t->end / 64 > t->n_tokens)
        return ts_fail(b->err, TIEFSEE_E_FORMAT, "%zu tokens with ids up to %u", t->n_tokens,
                       t->end);
    b->v.n_tokens = t->end;
    b->text = ts_arena_alloc_zero(b->arena, t->end, sizeof *b->text);
    b->type = ts_arena_alloc(b->arena, t->end);
    *pool = ts_arena_alloc(b->arena, t->bytes);
    if (!b->text || !b->type || !*pool)
        return ts_fail_nomem(b->err, t->end * sizeof *b->text + t->bytes, "the vocabulary");
    memset(b->type, TS_TOKEN_UNUSED, t->end);
    return TIEFSEE_OK;
}

/* The meaning of a text in the file, in the pool. */
static ts_str put(char **pool, ts_str text)
{
    const ts_str s = {*pool, ts_json_unescape(text, *pool)};

    *pool += s.len;
    return s;
}

static tiefsee_status read_vocab(builder *b, ts_str vocab, char **pool)
{
    ts_json_reader r = ts_json_reader_of(vocab);
    ts_str key;

    (void)ts_json_enter(&r, '{');
    while (ts_json_next_key(&r, &key)) {
        const uint64_t id = ts_json_read_size(&r);
        if (b->type[id] != TS_TOKEN_UNUSED)
            return ts_fail(b->err, TIEFSEE_E_FORMAT, "model.vocab: id %u, '%.*s', is there twice",
                           (unsigned)id, TS_STR_ARG(key));
        b->text[id] = put(pool, key);
        b->type[id] = TS_TOKEN_NORMAL;
    }
    return TIEFSEE_OK;
}

static tiefsee_status read_added(builder *b, const json_t *token, char **pool)
{
    static const char *const flags[] = {"single_word", "lstrip", "rstrip"};
    const ts_str text = ts_json_str(get(token, "content"));
    uint32_t id = 0;

    (void)get_id(get(token, "id"), &id);
    if (b->text[id].len && !ts_str_eq(b->text[id], text))
        return ts_fail(b->err, TIEFSEE_E_FORMAT, "token %u is '%.*s' and '%.*s'", id,
                       TS_STR_ARG(b->text[id]), TS_STR_ARG(text));
    for (size_t i = 0; i < TS_COUNT(flags); i++)
        if (json_is_true(get(token, flags[i])))
            (void)snprintf(b->why, sizeof b->why, "tokenizer.json: added token %u has the flag %s",
                           id, flags[i]);
    if (!b->text[id].len) {
        b->text[id] = (ts_str){*pool, text.len};
        memcpy(*pool, text.ptr, text.len);
        *pool += text.len;
    }
    b->type[id] = json_is_true(get(token, "special")) || ts_vocab_is_marker(text)
                      ? TS_TOKEN_CONTROL
                      : TS_TOKEN_USER_DEFINED;
    return TIEFSEE_OK;
}

static tiefsee_status read_tokens(builder *b, ts_str vocab, const json_t *added)
{
    const json_t *token;
    char *pool = NULL;
    totals t = {0};
    size_t i;

    tiefsee_status st = count_vocab(b, &t, vocab);
    if (st == TIEFSEE_OK)
        st = count_added(b, &t, added);
    if (st == TIEFSEE_OK)
        st = allocate(b, &t, &pool);
    if (st == TIEFSEE_OK)
        st = read_vocab(b, vocab, &pool);
    if (st != TIEFSEE_OK)
        return st;
    json_array_foreach((json_t *)(uintptr_t)added, i, token)
    {
        st = read_added(b, token, &pool);
        if (st != TIEFSEE_OK)
            return st;
    }
    b->v.text = b->text;
    b->v.type = b->type;
    return TIEFSEE_OK;
}

/* ------------------------------------------------------------------- merges */

/* "a b" or ["a", "b"], as they are written. */
static bool next_merge(ts_json_reader *r, ts_str *left, ts_str *right)
{
    if (ts_json_peek(r) != '[')
        return ts_merge_split(ts_json_read_text(r), left, right);
    (void)ts_json_enter(r, '[');
    if (!ts_json_next_item(r))
        return false;
    *left = ts_json_read_text(r);
    if (!ts_json_next_item(r))
        return false;
    *right = ts_json_read_text(r);
    return !ts_json_next_item(r) && left->len > 0 && right->len > 0;
}

static tiefsee_status count_merges(builder *b, ts_str merges, size_t *n, size_t *bytes)
{
    ts_json_reader r = ts_json_reader_of(merges);
    ts_str left, right;

    *n = *bytes = 0;
    if (ts_json_enter(&r, '['))
        while (ts_json_next_item(&r)) {
            const bool is_merge = next_merge(&r, &left, &right);
            if (r.problem)
                break;
            if (!is_merge)
                return ts_fail(b->err, TIEFSEE_E_FORMAT, "model.merges %zu is not two texts", *n);
            if (++*n > TS_MAX_MERGES)
                return ts_fail(b->err, TIEFSEE_E_LIMIT, "more than %d merges", TS_MAX_MERGES);
            *bytes += left.len + right.len;
        }
    return ts_json_reader_status(&r, "model.merges", b->err);
}

static tiefsee_status read_merges(builder *b, ts_str merges)
{
    ts_json_reader r = ts_json_reader_of(merges);
    size_t n, bytes;
    ts_str l, s;

    const tiefsee_status st = count_merges(b, merges, &n, &bytes);
    if (st != TIEFSEE_OK)
        return st;
    ts_str *left = ts_arena_alloc(b->arena, n * sizeof *left);
    ts_str *right = ts_arena_alloc(b->arena, n * sizeof *right);
    char *pool = ts_arena_alloc(b->arena, bytes);
    if (!left || !right || !pool)
        return ts_fail_nomem(b->err, n * 2 * sizeof *left + bytes, "the merges");
    (void)ts_json_enter(&r, '[');
    for (size_t i = 0; ts_json_next_item(&r) && next_merge(&r, &l, &s); i++) {
        left[i] = put(&pool, l);
        right[i] = put(&pool, s);
    }
    b->v.n_merges = (uint32_t)n;
    b->v.merge_left = left;
    b->v.merge_right = right;
    return TIEFSEE_OK;
}

/* -------------------------------------------------------------------- rules */

static void refuse(builder *b, const char *key, const json_t *value)
{
    char text[120];
    size_t n = json_dumpb(value, text, sizeof text, JSON_COMPACT | JSON_ENCODE_ANY);

    n = n < sizeof text ? n : sizeof text; /* it gives what it would have needed */
    (void)snprintf(b->why, sizeof b->why, "tokenizer.json: %s %.*s is not supported", key, (int)n,
                   text);
}

static bool is_empty(const json_t *j)
{
    return !j || (json_is_string(j) && json_string_length(j) == 0);
}

/* What would change the ids and is not built. */
static void check_model(builder *b, const json_t *model)
{
    static const char *const must_be_empty[] = {"continuing_subword_prefix", "end_of_word_suffix",
                                                "dropout"};

    for (size_t i = 0; i < TS_COUNT(must_be_empty); i++)
        if (!is_empty(get(model, must_be_empty[i])))
            refuse(b, must_be_empty[i], get(model, must_be_empty[i]));
    if (json_is_true(get(model, "byte_fallback")))
        refuse(b, "byte_fallback", get(model, "byte_fallback"));
}

static void read_normalizer(builder *b, const json_t *normalizer)
{
    const json_t *list = get(normalizer, "normalizers");

    if (is_type(normalizer, "Sequence") && json_array_size(list) == 1)
        normalizer = json_array_get(list, 0);
    if (!normalizer || (is_type(normalizer, "Sequence") && json_array_size(list) == 0))
        return;
    if (is_type(normalizer, "NFC"))
        b->v.normalizes_nfc = true;
    else
        refuse(b, "normalizer", normalizer);
}

static int32_t find_text(const builder *b, ts_str text)
{
    for (uint32_t i = 0; text.len && i < b->v.n_tokens; i++)
        if (ts_str_eq(b->text[i], text))
            return (int32_t)i;
    return -1;
}

/* "bos_token": a text, or an object that holds it as "content". */
static tiefsee_status read_named(builder *b, const json_t *config, const char *key, int32_t *id)
{
    const json_t *j = get(config, key);
    const ts_str text = ts_json_str(json_is_object(j) ? get(j, "content") : j);

    *id = find_text(b, text);
    if (text.len && *id < 0)
        return ts_fail(b->err, TIEFSEE_E_FORMAT, "tokenizer_config.json: %s '%.*s' is no token",
                       key, TS_STR_ARG(text));
    return TIEFSEE_OK;
}

/* Without add_bos_token the post-processor says whether a text begins with BOS. */
static bool adds_bos(const json_t *config, const json_t *post)
{
    const json_t *list = get(post, "processors");
    const json_t *p;
    size_t i;

    if (json_is_boolean(get(config, "add_bos_token")))
        return json_is_true(get(config, "add_bos_token"));
    if (is_type(post, "TemplateProcessing"))
        return get(json_array_get(get(post, "single"), 0), "SpecialToken") != NULL;
    json_array_foreach(
        (json_t *)(uintptr_t)list, i,
        p) if (is_type(p, "TemplateProcessing")) return get(json_array_get(get(p, "single"), 0),
                                                            "SpecialToken") != NULL;
    return false;
}

/* A text, or a list of named ones of which "default" counts. */
static ts_str find_template(const json_t *config)
{
    const json_t *j = get(config, "chat_template");
    const json_t *item;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)j, i,
                       item) if (ts_str_is(ts_json_str(get(item, "name")),
                                           "default")) return ts_json_str(get(item, "template"));
    return ts_json_str(j);
}

static tiefsee_status read_rules(builder *b, const json_t *tokenizer, const json_t *model,
                                 const json_t *config)
{
    static const char *const keys[] = {"bos_token", "eos_token", "pad_token"};
    int32_t *const ids[] = {&b->v.bos, &b->v.eos, &b->v.pad};
    const json_t *pre = get(tokenizer, "pre_tokenizer");
    const ts_str template = find_template(config);

    for (size_t i = 0; i < TS_COUNT(keys); i++) {
        const tiefsee_status st = read_named(b, config, keys[i], ids[i]);
        if (st != TIEFSEE_OK)
            return st;
    }
    b->v.pre = identify(pre);
    if (b->v.pre == TS_PRE_UNKNOWN)
        refuse(b, "pre_tokenizer", pre);
    read_normalizer(b, get(tokenizer, "normalizer"));
    b->v.ignore_merges = json_is_true(get(model, "ignore_merges"));
    b->v.adds_bos = adds_bos(config, get(tokenizer, "post_processor"));
    if (template.len) {
        b->v.chat_template.ptr = ts_arena_strdup(b->arena, template.ptr, template.len);
        b->v.chat_template.len = template.len;
        if (!b->v.chat_template.ptr)
            return ts_fail_nomem(b->err, template.len, "the chat template");
    }
    return TIEFSEE_OK;
}

/* ---------------------------------------------------------------- the whole */

/* A member that is large and stays text. */
typedef struct large {
    const char *key;
    ts_str value;
} large;

/* The members of an object: the large ones as text, the others in a tree. */
static tiefsee_status split(builder *b, ts_str object, const char *what, large *out, size_t n_large,
                            json_t *small)
{
    static const ts_json_limits limits = {16 << 20, 1 << 17, false};
    ts_json_reader r = ts_json_reader_of(object);
    ts_str key;

    if (ts_json_enter(&r, '{'))
        while (ts_json_next_key(&r, &key)) {
            const ts_str value = ts_json_read_any(&r);
            char name[64];
            json_t *j;
            size_t i = 0;
            if (r.problem)
                break;
            while (i < n_large && !ts_str_is(key, out[i].key))
                i++;
            if (i < n_large && !out[i].value.len) {
                out[i].value = value;
                continue;
            }
            (void)snprintf(name, sizeof name, "%.*s", (int)(key.len < 60 ? key.len : 60), key.ptr);
            if (i < n_large || json_object_get(small, name))
                return ts_fail(b->err, TIEFSEE_E_FORMAT, "%s: '%s' is there twice", what, name);
            if (value.len > limits.bytes)
                return ts_fail(b->err, TIEFSEE_E_LIMIT, "%s: '%s' has %zu bytes", what, name,
                               value.len);
            const tiefsee_status st = ts_json_parse_any(&j, value.ptr, value.len, limits, b->err);
            if (st != TIEFSEE_OK)
                return ts_while(b->err, st, "%s", name);
            if (json_object_set_new_nocheck(small, name, j) != 0)
                return ts_fail_nomem(b->err, value.len, "JSON");
        }
    ts_json_end(&r);
    return ts_json_reader_status(&r, what, b->err);
}

static tiefsee_status read_model(builder *b, ts_str text, const json_t *tokenizer, json_t *model,
                                 const json_t *config)
{
    large parts[] = {{"vocab", {0}}, {"merges", {0}}};

    if (!text.len)
        return fail(b, "model is missing");
    tiefsee_status st = split(b, text, "model", parts, TS_COUNT(parts), model);
    if (st != TIEFSEE_OK)
        return st;
    /* Files of before 2021 name no type and are BPE. */
    if (get(model, "type") && !is_type(model, "BPE")) {
        refuse(b, "model.type", get(model, "type"));
        return TIEFSEE_OK;
    }
    check_model(b, model);
    if (!parts[0].value.len || !parts[1].value.len)
        return fail(b, parts[0].value.len ? "model.merges is missing" : "model.vocab is missing");
    st = read_tokens(b, parts[0].value, get(tokenizer, "added_tokens"));
    if (st == TIEFSEE_OK)
        st = read_merges(b, parts[1].value);
    return st == TIEFSEE_OK ? read_rules(b, tokenizer, model, config) : st;
}

tiefsee_status ts_hf_vocab(ts_vocab *out, bool *has_vocab, const char **why, ts_str tokenizer,
                           const json_t *config, ts_arena *arena, tiefsee_error *err)
{
    builder b = {.arena = arena, .err = err};
    large model = {"model", {0}};
    json_t *rest = json_object(), *rules = json_object();

    *has_vocab = false;
    tiefsee_status st = rest && rules ? split(&b, tokenizer, "tokenizer", &model, 1, rest)
                                      : ts_fail_nomem(err, 1, "JSON");
    if (st == TIEFSEE_OK)
        st = read_model(&b, model.value, rest, rules, config);
    json_decref(rules);
    json_decref(rest);
    if (st != TIEFSEE_OK)
        return st;
    if (b.why[0]) {
        *why = ts_arena_strdup(arena, b.why, strlen(b.why));
        return *why ? TIEFSEE_OK : ts_fail_nomem(err, sizeof b.why, "a message");
    }
    *out = b.v;
    *has_vocab = true;
    return TIEFSEE_OK;
}
