/* vocab_check.c - see vocab_check.h. */
#include "formats/vocab_check.h"

#include <string.h>

#include "core/utf8.h"
#include "formats/names.h"

bool ts_merge_split(ts_str text, ts_str *left, ts_str *right)
{
    const char *space = text.len ? memchr(text.ptr, ' ', text.len) : NULL;

    if (!space)
        return false;
    const size_t n = (size_t)(space - text.ptr);
    *left = (ts_str){text.ptr, n};
    *right = (ts_str){space + 1, text.len - n - 1};
    return n > 0 && right->len > 0 && !memchr(right->ptr, ' ', right->len);
}

static bool is_hex_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

/* "<0x0A>" */
static bool is_byte_token(ts_str s)
{
    return s.len == 6 && memcmp(s.ptr, "<0x", 3) == 0 && is_hex_digit(s.ptr[3]) &&
           is_hex_digit(s.ptr[4]) && s.ptr[5] == '>';
}

static tiefsee_status check_token(const ts_vocab *v, uint32_t i, tiefsee_error *err)
{
    const ts_str text = v->text[i];

    if (v->type[i] < TS_TOKEN_NORMAL || v->type[i] > TS_TOKEN_BYTE)
        return ts_fail(err, TIEFSEE_E_FORMAT, "token %u is of unknown type %u", i, v->type[i]);
    if (text.len > TS_MAX_TOKEN_BYTES)
        return ts_fail(err, TIEFSEE_E_LIMIT, "token %u has %zu bytes (%d allowed)", i, text.len,
                       TS_MAX_TOKEN_BYTES);
    if (!ts_utf8_is_valid(text.ptr, text.len) || (text.len && memchr(text.ptr, 0, text.len)))
        return ts_fail(err, TIEFSEE_E_FORMAT, "token %u is not UTF-8 text", i);
    if (v->type[i] == TS_TOKEN_BYTE && !is_byte_token(text))
        return ts_fail(err, TIEFSEE_E_FORMAT, "token %u, '%.*s', is not a byte like <0x0A>", i,
                       TS_STR_ARG(text));
    return TIEFSEE_OK;
}

static tiefsee_status enter_tokens(const ts_vocab *v, ts_names *names, tiefsee_error *err)
{
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        const tiefsee_status st = check_token(v, i, err);
        if (st != TIEFSEE_OK)
            return st;
        if (v->text[i].len == 0)
            continue;
        const ts_names_result r = ts_names_add(names, i);
        if (r == TS_NAMES_DUPLICATE)
            return ts_fail(err, TIEFSEE_E_FORMAT, "token %u, '%.*s', is there twice", i,
                           TS_STR_ARG(v->text[i]));
        if (r != TS_NAMES_OK)
            return ts_fail(err, TIEFSEE_E_LIMIT, "token %u: too many tokens collide", i);
    }
    return TIEFSEE_OK;
}

/* The result of a merge need not be a token: then its parts are emitted. */
static tiefsee_status check_merges(const ts_vocab *v, const ts_names *names, tiefsee_error *err)
{
    for (uint32_t i = 0; i < v->n_merges; i++) {
        const ts_str side[] = {v->merge_left[i], v->merge_right[i]};
        for (int k = 0; k < 2; k++)
            if (ts_names_find(names, side[k]) == SIZE_MAX)
                return ts_fail(err, TIEFSEE_E_FORMAT, "merge %u: '%.*s' is not a token", i,
                               TS_STR_ARG(side[k]));
    }
    return TIEFSEE_OK;
}

tiefsee_status ts_vocab_check(const ts_vocab *v, ts_arena *scratch, tiefsee_error *err)
{
    const struct {
        const char *name;
        int32_t id;
    } ids[] = {{"bos", v->bos}, {"eos", v->eos}, {"padding", v->pad}};
    ts_names names;

    for (size_t i = 0; i < TS_COUNT(ids); i++)
        if (ids[i].id < -1 || ids[i].id >= (int64_t)v->n_tokens)
            return ts_fail(err, TIEFSEE_E_FORMAT, "%s token %d of %u tokens", ids[i].name,
                           ids[i].id, v->n_tokens);
    if (!ts_names_init(&names, v->text, sizeof *v->text, v->n_tokens, scratch))
        return ts_fail_nomem(err, (uint64_t)v->n_tokens * 16, "the vocabulary");
    const tiefsee_status st = enter_tokens(v, &names, err);
    return st == TIEFSEE_OK ? check_merges(v, &names, err) : st;
}

static bool is_wrapped(ts_str s, const char *begin, const char *end)
{
    const size_t n = strlen(end);

    return ts_str_starts(s, begin) && s.len >= strlen(begin) + n &&
           memcmp(s.ptr + s.len - n, end, n) == 0;
}

bool ts_vocab_is_marker(ts_str text)
{
    return is_wrapped(text, "<|", "|>") || is_wrapped(text, "<\uff5c", "\uff5c>");
}
