/* schema_string.c - texts: length, pattern, format. */
#include "engine/grammar/schema.h"

#include <string.h>

#include "engine/grammar/regex.h"

static const struct {
    const char *name, *pattern;
} formats[] = {
#define FORMAT(name, pattern) {name, pattern},
#include "engine/grammar/formats.def"
#undef FORMAT
};

bool ts_schema_is_free_text(const ts_shape *shape)
{
    json_t *list, *value;
    size_t i, k;

    json_array_foreach(shape->except, i, list)
        json_array_foreach(list, k, value) if (json_is_string(value)) return false;
    return !shape->patterns && !shape->formats && !shape->mismatches;
}

static bool narrow(ts_schema *s, ts_charset *out, bool *is_set, const ts_charset *c)
{
    const ts_charset before = *out;

    if (!*is_set) {
        *out = *c;
        *is_set = true;
        return true;
    }
    return ts_schema_check(
        s, ts_charset_combine(out, &before, GR_BOTH, c, ts_schema_scratch(s), s->err));
}

static bool compile_format(ts_schema *s, ts_charset *out, const ts_shape *shape, const char *name)
{
    for (size_t i = 0; i < TS_COUNT(formats); i++)
        if (strcmp(formats[i].name, name) == 0)
            return ts_schema_check(s, ts_regex_compile(out, ts_str_of(formats[i].pattern), false,
                                                       ts_schema_scratch(s), s->err));
    ts_schema_fail(s, shape->place, "format", "the format \"%.60s\" is not supported", name);
    return false;
}

/* Only where the pattern itself does not see to it. */
static bool narrow_length(ts_schema *s, ts_charset *out, bool *is_set, const ts_shape *shape)
{
    uint32_t min = 0, max = GR_INFINITE;
    ts_charset c;

    if (*is_set &&
        !ts_schema_check(s, ts_charset_lengths(out, &min, &max, ts_schema_scratch(s), s->err)))
        return false;
    if (min >= shape->min_length && max <= shape->max_length)
        return true;
    return ts_schema_check(s, ts_charset_of_length(&c, shape->min_length, shape->max_length,
                                                   ts_schema_scratch(s), s->err)) &&
           narrow(s, out, is_set, &c);
}

static bool take_away(ts_schema *s, ts_charset *out, const ts_charset *c)
{
    const ts_charset before = *out;

    return ts_schema_check(
        s, ts_charset_combine(out, &before, GR_WITHOUT, c, ts_schema_scratch(s), s->err));
}

/* Patterns that must not match, and texts that are excepted. */
static bool take_exceptions(ts_schema *s, ts_charset *out, const ts_shape *shape)
{
    json_t *item, *value;
    size_t i, k;
    ts_charset c;

    json_array_foreach(shape->mismatches, i, item)
    {
        const ts_str text = {json_string_value(item), json_string_length(item)};
        if (!ts_schema_check(s, ts_regex_compile(&c, text, true, ts_schema_scratch(s), s->err)) ||
            !take_away(s, out, &c))
            return false;
    }
    json_array_foreach(shape->except, i, item) json_array_foreach(item, k, value)
    {
        const ts_str text = {json_string_value(value), json_string_length(value)};
        if (json_is_string(value) &&
            (!ts_schema_check(s, ts_charset_of_texts(&c, &text, 1, ts_schema_scratch(s), s->err)) ||
             !take_away(s, out, &c)))
            return false;
    }
    return true;
}

bool ts_schema_charset(ts_schema *s, ts_charset *out, const ts_shape *shape)
{
    bool is_set = false;
    ts_charset c;
    json_t *item;
    size_t i;

    *out = (ts_charset){0};
    json_array_foreach(shape->patterns, i, item)
    {
        const ts_str text = {json_string_value(item), json_string_length(item)};
        if (!ts_schema_check(s, ts_regex_compile(&c, text, true, ts_schema_scratch(s), s->err)) ||
            !narrow(s, out, &is_set, &c))
            return false;
    }
    json_array_foreach(shape->formats, i,
                       item) if (!compile_format(s, &c, shape, json_string_value(item)) ||
                                 !narrow(s, out, &is_set, &c)) return false;
    if (!narrow_length(s, out, &is_set, shape))
        return false;
    if (!is_set && !ts_schema_check(s, ts_charset_any(out, ts_schema_scratch(s), s->err)))
        return false;
    return take_exceptions(s, out, shape);
}

void ts_schema_string(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to)
{
    ts_gr_builder *b = s->b;
    ts_charset c;

    if (ts_schema_is_free_text(shape) && shape->min_length == 0 &&
        shape->max_length == GR_INFINITE) {
        ts_gr_call(b, from, ts_json_rule_of(&s->json, GR_JSON_STRING), to);
        return;
    }
    const uint32_t inside = ts_gr_add_state(b), behind = ts_gr_add_state(b);
    if (ts_schema_is_free_text(shape)) {
        if (shape->max_length < shape->min_length)
            return;
        ts_gr_repeat(b, inside, ts_json_rule_of(&s->json, GR_JSON_CHAR), shape->min_length,
                     shape->max_length, behind);
    } else {
        if (!ts_schema_charset(s, &c, shape))
            return;
        ts_charset_lower(b, &c, true, inside, behind);
    }
    ts_gr_bytes(b, from, '"', '"', inside);
    ts_gr_bytes(b, behind, '"', '"', to);
}
