/* json.c - see json.h. */
#include "formats/json.h"

#include <string.h>

#include "core/file.h"

/* One pass over the text before a tree is built from it. */
static tiefsee_status prescan(const char *text, size_t n, size_t max_values, tiefsee_error *err)
{
    size_t n_values = 1;
    int depth = 0;
    bool in_text = false;

    /* jansson takes a zero byte for the end. */
    if (memchr(text, '\0', n))
        return ts_fail(err, TIEFSEE_E_FORMAT, "JSON with a zero byte");
    for (size_t i = 0; i < n; i++) {
        const char c = text[i];
        if (in_text) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_text = false;
            continue;
        }
        switch (c) {
        case '"': in_text = true; break;
        case '{':
        case '[':
            if (++depth > JSON_MAX_DEPTH)
                return ts_fail_at(err, TIEFSEE_E_FORMAT, i, "JSON nested deeper than %d",
                                  JSON_MAX_DEPTH);
            n_values++;
            break;
        case '}':
        case ']': depth--; break;
        case ',': n_values++; break;
        default: break;
        }
    }
    if (n_values > max_values)
        return ts_fail(err, TIEFSEE_E_LIMIT, "JSON of more than %zu values", max_values);
    return TIEFSEE_OK;
}

tiefsee_status ts_json_parse_any(json_t **out, const char *text, size_t n, ts_json_limits limits,
                                 tiefsee_error *err)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY |
                         (limits.has_huge_numbers ? JSON_DECODE_INT_AS_REAL : 0);
    json_error_t e;

    *out = NULL;
    const tiefsee_status st = prescan(text, n, limits.values, err);
    if (st != TIEFSEE_OK)
        return st;
    *out = json_loadb(text, n, flags, &e);
    if (!*out && json_error_code(&e) == json_error_out_of_memory)
        return ts_fail_nomem(err, n, "JSON");
    if (!*out)
        return ts_fail_at(err, TIEFSEE_E_FORMAT, e.position < 0 ? 0 : (uint64_t)e.position,
                          "JSON, line %d: %.120s", e.line, e.text);
    return TIEFSEE_OK;
}

tiefsee_status ts_json_parse(json_t **out, const char *text, size_t n, ts_json_limits limits,
                             tiefsee_error *err)
{
    const tiefsee_status st = ts_json_parse_any(out, text, n, limits, err);

    if (st != TIEFSEE_OK || json_is_object(*out))
        return st;
    json_decref(*out);
    *out = NULL;
    return ts_fail(err, TIEFSEE_E_FORMAT, "JSON is not an object");
}

tiefsee_status ts_json_load(json_t **out, const char *path, ts_json_limits limits,
                            tiefsee_error *err)
{
    ts_buf text;

    *out = NULL;
    tiefsee_status st = ts_file_read(&text, path, limits.bytes, err);
    if (st != TIEFSEE_OK)
        return st;
    st = ts_json_parse(out, text.ptr, text.len, limits, err);
    ts_buf_free(&text);
    return st;
}

ts_str ts_json_str(const json_t *text)
{
    if (!json_is_string(text))
        return (ts_str){0};
    return (ts_str){json_string_value(text), json_string_length(text)};
}
