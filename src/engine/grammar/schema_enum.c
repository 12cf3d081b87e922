/* schema_enum.c - values that are given (enum, const), and whether a value fits. */
#include "engine/grammar/schema.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"

unsigned ts_schema_type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_NULL: return SCHEMA_NULL;
    case JSON_TRUE:
    case JSON_FALSE: return SCHEMA_BOOLEAN;
    case JSON_OBJECT: return SCHEMA_OBJECT;
    case JSON_ARRAY: return SCHEMA_ARRAY;
    case JSON_STRING: return SCHEMA_STRING;
    case JSON_INTEGER: return SCHEMA_INTEGER;
    case JSON_REAL: break;
    }
    const double v = json_real_value(value);
    return v == floor(v) ? SCHEMA_INTEGER : SCHEMA_FRACTION;
}

static bool text_fits(ts_schema *s, const ts_shape *shape, const json_t *value)
{
    const ts_str text = {json_string_value(value), json_string_length(value)};
    uint32_t n = 0, c;
    ts_charset allowed;

    for (size_t i = 0; i < text.len; n++) {
        const size_t used = ts_utf8_decode(text.ptr + i, text.len - i, &c);
        i += used ? used : 1;
    }
    if (n < shape->min_length || n > shape->max_length)
        return false;
    return ts_schema_is_free_text(shape) ||
           (ts_schema_charset(s, &allowed, shape) && ts_charset_has(&allowed, text));
}

static bool number_fits(const ts_shape *shape, const json_t *value)
{
    ts_decimal v;
    json_t *item;
    size_t i;

    if (!ts_decimal_of(&v, value))
        return false;
    const int low = shape->min.is_set ? ts_decimal_compare(&v, &shape->min.value) : 1;
    const int high = shape->max.is_set ? ts_decimal_compare(&v, &shape->max.value) : -1;
    json_array_foreach(shape->multiples, i, item)
    {
        const double q = json_number_value(value) / json_number_value(item);
        if (q != floor(q))
            return false;
    }
    return (low > 0 || (low == 0 && !shape->min.is_exclusive)) &&
           (high < 0 || (high == 0 && !shape->max.is_exclusive));
}

static bool is_excepted(const ts_shape *shape, const json_t *value)
{
    json_t *list, *other;
    size_t i, k;

    json_array_foreach(shape->except, i, list) json_array_foreach(
        list, k, other) if (json_equal(value, other) ||
                            (json_is_number(value) && json_is_number(other) &&
                             json_number_value(value) == json_number_value(other))) return true;
    return false;
}

/* Lists and objects among given values are judged by their type only; where more is
 * asked of them, the schema is refused. */
bool ts_schema_fits(ts_schema *s, const ts_shape *shape, const json_t *value)
{
    const bool list_is_judged = shape->prefix || shape->items || shape->min_items ||
                                shape->max_items != GR_INFINITE || shape->has_unique;
    const bool object_is_judged = shape->properties || shape->required || shape->additional ||
                                  shape->pattern_properties || shape->names ||
                                  shape->min_properties || shape->max_properties != GR_INFINITE;
    const unsigned type = ts_schema_type_of(value);

    if (!(type & shape->types) || is_excepted(shape, value))
        return false;
    if ((type == SCHEMA_ARRAY && list_is_judged) || (type == SCHEMA_OBJECT && object_is_judged)) {
        ts_schema_fail(s, shape->place, "enum", "lists and objects beside keywords about them");
        return false;
    }
    if (type == SCHEMA_STRING)
        return text_fits(s, shape, value);
    return !(type & SCHEMA_NUMBER) || number_fits(shape, value);
}

/* ---- writing a given value */

static uint32_t write_value(ts_schema *s, const json_t *value, uint32_t from);

static uint32_t write_scalar(ts_schema *s, const json_t *value, uint32_t from)
{
    ts_gr_builder *b = s->b;
    char text[64];

    if (json_is_string(value))
        return ts_gr_text(b, from, ts_schema_spell(s, value));
    if (json_is_integer(value)) {
        (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        return ts_gr_text(b, from, ts_str_of(text));
    }
    if (json_is_real(value)) {
        const double v = json_real_value(value);
        for (int precision = 15; precision <= 17; precision++) {
            (void)snprintf(text, sizeof text, "%.*g", precision, v);
            if (strtod(text, NULL) == v)
                break;
        }
        const uint32_t to = ts_gr_text(b, from, ts_str_of(text));
        if (v != floor(v) || strpbrk(text, ".e"))
            return to;
        const uint32_t end = ts_gr_text(b, to, TS_STR(".0")); /* 1 and 1.0 are the same */
        ts_gr_empty(b, to, end);
        return end;
    }
    return ts_gr_text(b, from,
                      ts_str_of(json_is_null(value)   ? "null"
                                : json_is_true(value) ? "true"
                                                      : "false"));
}

static uint32_t write_list(ts_schema *s, const json_t *value, uint32_t from)
{
    ts_gr_builder *b = s->b;
    json_t *item;
    size_t i;

    uint32_t at = ts_json_blanks(&s->json, ts_gr_text(b, from, TS_STR("[")));
    json_array_foreach(value, i, item)
    {
        if (i > 0)
            at = ts_json_blanks(&s->json, ts_gr_text(b, at, TS_STR(",")));
        at = write_value(s, item, at);
    }
    if (json_array_size(value))
        at = ts_json_blanks(&s->json, at);
    return ts_gr_text(b, at, TS_STR("]"));
}

static uint32_t write_object(ts_schema *s, const json_t *value, uint32_t from)
{
    ts_gr_builder *b = s->b;
    const char *name;
    json_t *item;
    size_t n;
    bool is_first = true;

    uint32_t at = ts_json_blanks(&s->json, ts_gr_text(b, from, TS_STR("{")));
    json_object_keylen_foreach((json_t *)value, name, n, item)
    {
        json_t *key = ts_schema_own(s, json_stringn_nocheck(name, n));
        if (!key)
            return at;
        if (!is_first)
            at = ts_json_blanks(&s->json, ts_gr_text(b, at, TS_STR(",")));
        is_first = false;
        at = write_scalar(s, key, at);
        at = ts_json_blanks(&s->json, ts_gr_text(b, at, TS_STR(":")));
        at = write_value(s, item, at);
    }
    if (!is_first)
        at = ts_json_blanks(&s->json, at);
    return ts_gr_text(b, at, TS_STR("}"));
}

static uint32_t write_value(ts_schema *s, const json_t *value, uint32_t from)
{
    if (s->status != TIEFSEE_OK)
        return from;
    if (json_is_array(value))
        return write_list(s, value, from);
    return json_is_object(value) ? write_object(s, value, from) : write_scalar(s, value, from);
}

/* Texts go into one tree, so that a long list costs one path for what they share. */
void ts_schema_enum(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to)
{
    ts_gr_builder *b = s->b;
    const size_t n = json_array_size(shape->enums);
    ts_str *texts = ts_arena_alloc(ts_schema_scratch(s), (n + 1) * sizeof *texts);
    size_t n_texts = 0, i;
    ts_charset c;
    json_t *value;

    if (!texts) {
        ts_schema_nomem(s);
        return;
    }
    json_array_foreach(shape->enums, i, value)
    {
        if (s->status != TIEFSEE_OK || !ts_schema_fits(s, shape, value))
            continue;
        if (json_is_string(value))
            texts[n_texts++] = (ts_str){json_string_value(value), json_string_length(value)};
        else
            ts_gr_empty(b, write_value(s, value, from), to);
    }
    if (n_texts == 0 ||
        !ts_schema_check(s, ts_charset_of_texts(&c, texts, n_texts, ts_schema_scratch(s), s->err)))
        return;
    const uint32_t inside = ts_gr_add_state(b), behind = ts_gr_add_state(b);
    ts_gr_bytes(b, from, '"', '"', inside);
    ts_charset_lower(b, &c, true, inside, behind);
    ts_gr_bytes(b, behind, '"', '"', to);
}
