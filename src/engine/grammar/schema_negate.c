/* schema_negate.c - the schema of what another one refuses (see schema.h).
 *
 * not, if/then/else, dependent schemas and an oneOf whose parts overlap are rewritten
 * with it into anyOf.  Negation goes inward keyword by keyword (De Morgan); a keyword
 * whose opposite no schema can say makes the whole unsupported.
 */
#include "engine/grammar/schema.h"

#include <string.h>

enum { MAX_DEPTH = 12, MAX_PARTS = 64 };

static json_t *negate(ts_schema *s, json_t *schema, int depth);

static json_t *made(ts_schema *s, json_t *fresh)
{
    return ts_schema_own(s, fresh);
}

/* One of the parts; NULL if any of them is. */
static bool add_part(ts_schema *s, json_t *parts, json_t *part)
{
    if (!part || json_array_size(parts) >= MAX_PARTS)
        return false;
    if (!json_is_false(part) && json_array_append(parts, part) != 0)
        ts_schema_nomem(s);
    return true;
}

static json_t *any_of(ts_schema *s, json_t *parts)
{
    if (json_array_size(parts) == 0)
        return json_false();
    if (json_array_size(parts) == 1)
        return json_array_get(parts, 0);
    return made(s, json_pack("{s:O}", "anyOf", parts));
}

static json_t *negate_type(ts_schema *s, const json_t *value)
{
    static const char *const names[] = {"null", "boolean", "object", "array", "string", "number"};
    json_t *rest = made(s, json_array()), *item;
    size_t k;

    for (size_t i = 0; rest && i < TS_COUNT(names); i++) {
        bool is_named = json_is_string(value) && strcmp(json_string_value(value), names[i]) == 0;
        json_array_foreach((json_t *)value, k, item) is_named =
            is_named || (json_is_string(item) && strcmp(json_string_value(item), names[i]) == 0);
        if (!is_named && json_array_append_new(rest, json_string(names[i])) != 0)
            ts_schema_nomem(s);
    }
    /* "integer" would leave the numbers that are not: no keyword says that. */
    json_array_foreach((json_t *)value, k,
                       item) if (json_is_string(item) &&
                                 strcmp(json_string_value(item), "integer") == 0) return NULL;
    if (json_is_string(value) && strcmp(json_string_value(value), "integer") == 0)
        return NULL;
    return json_array_size(rest) ? made(s, json_pack("{s:O}", "type", rest)) : json_false();
}

static json_t *negate_required(ts_schema *s, const json_t *value)
{
    json_t *parts = made(s, json_array()), *item;
    size_t i;

    json_array_foreach(
        (json_t *)value, i,
        item) if (!json_is_string(item) ||
                  !add_part(s, parts,
                            made(s, json_pack("{s:s, s:{s%:b}}", "type", "object", "properties",
                                              json_string_value(item), json_string_length(item),
                                              0)))) return NULL;
    return any_of(s, parts);
}

/* Some listed property is there and is not what it should be. */
static json_t *negate_properties(ts_schema *s, json_t *value, int depth)
{
    json_t *parts = made(s, json_array()), *schema;
    const char *name;
    size_t n;

    json_object_keylen_foreach(value, name, n, schema)
    {
        json_t *opposite = negate(s, schema, depth + 1);
        if (!opposite)
            return NULL;
        if (json_is_false(opposite))
            continue;
        if (!add_part(s, parts,
                      made(s, json_pack("{s:s, s:[s%], s:{s%:O}}", "type", "object", "required",
                                        name, n, "properties", name, n, opposite))))
            return NULL;
    }
    return any_of(s, parts);
}

/* Some listed schema is not met. */
static json_t *negate_each(ts_schema *s, json_t *list, int depth)
{
    json_t *parts = made(s, json_array()), *schema;
    size_t i;

    json_array_foreach(list, i,
                       schema) if (!add_part(s, parts, negate(s, schema, depth + 1))) return NULL;
    return any_of(s, parts);
}

static json_t *negate_all(ts_schema *s, json_t *list, int depth)
{
    json_t *all = json_true(), *schema;
    size_t i;

    json_array_foreach(list, i, schema)
    {
        json_t *opposite = negate(s, schema, depth + 1);
        if (!opposite)
            return NULL;
        all = ts_schema_and(s, all, opposite);
    }
    return all;
}

static json_t *negate_number(ts_schema *s, const json_t *schema, const char *keyword, json_t *value)
{
    static const char *const opposite[][2] = {{"minimum", "exclusiveMaximum"},
                                              {"maximum", "exclusiveMinimum"},
                                              {"exclusiveMinimum", "maximum"},
                                              {"exclusiveMaximum", "minimum"}};

    if (!json_is_number(value) || json_is_boolean(json_object_get(schema, "exclusiveMinimum")) ||
        json_is_boolean(json_object_get(schema, "exclusiveMaximum")))
        return NULL;
    for (size_t i = 0; i < TS_COUNT(opposite); i++)
        if (strcmp(keyword, opposite[i][0]) == 0)
            return made(s, json_pack("{s:s, s:O}", "type", "number", opposite[i][1], value));
    return NULL;
}

static json_t *negate_count(ts_schema *s, const char *keyword, const json_t *value)
{
    static const char *const opposite[][3] = {{"minLength", "maxLength", "string"},
                                              {"maxLength", "minLength", "string"},
                                              {"minItems", "maxItems", "array"},
                                              {"maxItems", "minItems", "array"},
                                              {"minProperties", "maxProperties", "object"},
                                              {"maxProperties", "minProperties", "object"}};
    const json_int_t n = json_integer_value(value);

    for (size_t i = 0; i < TS_COUNT(opposite) && json_is_integer(value); i++) {
        if (strcmp(keyword, opposite[i][0]) != 0)
            continue;
        if (keyword[1] == 'i' && n == 0)
            return json_false(); /* at least nothing: always so */
        return made(s, json_pack("{s:s, s:I}", "type", opposite[i][2], opposite[i][1],
                                 keyword[1] == 'i' ? n - 1 : n + 1));
    }
    return NULL;
}

static json_t *negate_keyword(ts_schema *s, const json_t *schema, const char *keyword,
                              json_t *value, int depth)
{
    if (strcmp(keyword, "type") == 0)
        return negate_type(s, value);
    if (strcmp(keyword, "required") == 0)
        return negate_required(s, value);
    if (strcmp(keyword, "properties") == 0 && json_is_object(value))
        return negate_properties(s, value, depth);
    if (strcmp(keyword, "const") == 0)
        return made(s, json_pack("{s:[O]}", SCHEMA_EXCEPT, value));
    if (strcmp(keyword, "enum") == 0)
        return made(s, json_pack("{s:O}", SCHEMA_EXCEPT, value));
    if (strcmp(keyword, "pattern") == 0 && json_is_string(value))
        return made(s, json_pack("{s:s, s:O}", "type", "string", SCHEMA_MISMATCH, value));
    if (strcmp(keyword, "not") == 0)
        return value;
    if (strcmp(keyword, "anyOf") == 0)
        return negate_all(s, value, depth);
    if (strcmp(keyword, "allOf") == 0)
        return negate_each(s, value, depth);
    if (strcmp(keyword, "$ref") == 0 && json_is_string(value) && !s->has_inner_id) {
        json_t *target = ts_schema_resolve(s, schema, json_string_value(value));
        return target ? negate(s, target, depth + 1) : NULL;
    }
    json_t *opposite = negate_number(s, schema, keyword, value);
    return opposite ? opposite : negate_count(s, keyword, value);
}

/* NULL: cannot be said. */
static json_t *negate(ts_schema *s, json_t *schema, int depth)
{
    json_t *parts = made(s, json_array()), *value;
    const char *keyword;

    if (json_is_boolean(schema))
        return json_is_true(schema) ? json_false() : json_true();
    if (!json_is_object(schema) || depth > MAX_DEPTH || !parts || s->status != TIEFSEE_OK ||
        ++s->n_asked > SCHEMA_MAX_ASKED)
        return NULL;
    if (json_is_true(json_object_get(schema, "nullable")))
        return NULL;
    json_object_foreach(schema, keyword, value)
    {
        if (s->ref_stands_alone && json_object_get(schema, "$ref") && strcmp(keyword, "$ref") != 0)
            continue;
        if (ts_schema_is_annotation(keyword))
            continue;
        if (!add_part(s, parts, negate_keyword(s, schema, keyword, value, depth)))
            return NULL;
    }
    return any_of(s, parts);
}

json_t *ts_schema_negate(ts_schema *s, json_t *schema)
{
    const bool was_asking = s->is_asking;

    s->is_asking = true;
    json_t *opposite = negate(s, schema, 0);
    s->is_asking = was_asking;
    if (s->status == TIEFSEE_E_INVALID) {
        s->status = TIEFSEE_OK;
        opposite = NULL;
    }
    return opposite;
}

json_t *ts_schema_either(ts_schema *s, json_t *a, json_t *b)
{
    if (!a || !b)
        return NULL;
    if (json_is_false(a) || json_is_true(b))
        return b;
    if (json_is_false(b) || json_is_true(a))
        return a;
    return made(s, json_pack("{s:[O,O]}", "anyOf", a, b));
}

/* Exactly one: each with the opposites of those that it may overlap with. */
json_t *ts_schema_exactly_one(ts_schema *s, const json_t *list, const bool *overlaps, size_t n)
{
    json_t *choices = made(s, json_array());

    for (size_t i = 0; i < n && choices && s->status == TIEFSEE_OK; i++) {
        json_t *one = json_array_get(list, i);
        for (size_t k = 0; k < n; k++) {
            if (!overlaps[i * n + k])
                continue;
            json_t *opposite = ts_schema_negate(s, json_array_get(list, k));
            if (!opposite)
                return NULL;
            one = ts_schema_and(s, one, opposite);
        }
        if (json_array_append(choices, one) != 0)
            ts_schema_nomem(s);
    }
    return choices;
}
