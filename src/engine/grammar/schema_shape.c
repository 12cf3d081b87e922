/* schema_shape.c - from a schema to its shape (see schema.h).
 *
 * Keywords of JSON Schema 2020-12 and the older spellings that are still written.
 * A keyword is in one of the two tables below or it is refused: the first says what
 * a value must be, the second is about people and tools, not values.
 */
#include "engine/grammar/schema.h"

#include <math.h>
#include <string.h>

typedef void (*handler)(ts_schema *s, ts_shape *out, json_t *schema, json_t *value);

static void add(ts_schema *s, ts_shape *out, json_t *schema);

static void refuse(ts_schema *s, const json_t *schema, const char *keyword)
{
    ts_schema_fail(s, schema, keyword, "this keyword is not supported");
}

static void append_all(ts_schema *s, json_t **list, json_t *value)
{
    if (!*list)
        *list = ts_schema_own(s, json_array());
    if (*list && json_array_append(*list, value) != 0)
        ts_schema_nomem(s);
}

static unsigned type_named(const char *name)
{
    static const struct {
        const char *name;
        unsigned type;
    } types[] = {{"null", SCHEMA_NULL},    {"boolean", SCHEMA_BOOLEAN}, {"object", SCHEMA_OBJECT},
                 {"array", SCHEMA_ARRAY},  {"string", SCHEMA_STRING},   {"integer", SCHEMA_INTEGER},
                 {"number", SCHEMA_NUMBER}};

    for (size_t i = 0; name && i < TS_COUNT(types); i++)
        if (strcmp(name, types[i].name) == 0)
            return types[i].type;
    return 0;
}

static void on_type(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    unsigned types = json_is_string(value) ? type_named(json_string_value(value)) : 0;
    json_t *item;
    size_t i;

    json_array_foreach(value, i, item)
    {
        const unsigned type = type_named(json_string_value(item));
        if (!type)
            ts_schema_fail(s, schema, "type", "not a type of JSON");
        types |= type;
    }
    if (!types)
        ts_schema_fail(s, schema, "type", "not a type of JSON");
    if (json_is_true(json_object_get(schema, "nullable")))
        types |= SCHEMA_NULL;
    out->types &= types;
}

static void on_enum(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    json_t *both, *mine, *other;
    size_t i, k;

    if (!json_is_array(value) || json_array_size(value) > SCHEMA_MAX_ENUM) {
        ts_schema_fail(s, schema, "enum", "a list of up to %d values expected", SCHEMA_MAX_ENUM);
        return;
    }
    if (!out->enums) {
        out->enums = value;
        return;
    }
    both = ts_schema_own(s, json_array());
    if (json_array_size(out->enums) * json_array_size(value) > (1u << 22))
        ts_schema_fail(s, schema, "enum", "several long lists together");
    json_array_foreach(out->enums, i, mine)
        json_array_foreach(value, k, other) if (s->status == TIEFSEE_OK && json_equal(mine, other))
    {
        if (json_array_append(both, mine) != 0)
            ts_schema_nomem(s);
        break;
    }
    out->enums = both;
}

static void on_const(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    json_t *list = ts_schema_own(s, json_array());

    if (list && json_array_append(list, value) != 0)
        ts_schema_nomem(s);
    if (list)
        on_enum(s, out, schema, list);
}

/* A count: a whole number, not negative. */
static uint32_t count_of(ts_schema *s, const json_t *schema, const char *keyword,
                         const json_t *value)
{
    const double v = json_number_value(value);

    if (!json_is_number(value) || v < 0 || v != floor(v)) {
        ts_schema_fail(s, schema, keyword, "a whole number expected");
        return 0;
    }
    return v > 1e9 ? 1000000000 : (uint32_t)v;
}

static void raise(uint32_t *least, uint32_t v)
{
    *least = v > *least ? v : *least;
}

static void lower(uint32_t *most, uint32_t v)
{
    *most = v < *most ? v : *most;
}

static void on_count(ts_schema *s, ts_shape *out, json_t *schema, const char *keyword,
                     const json_t *value)
{
    const uint32_t v = count_of(s, schema, keyword, value);
    /* Beyond a thousand million it is no limit. */
    const uint32_t most = v >= 1000000000 ? GR_INFINITE : v;

    if (strcmp(keyword, "minLength") == 0)
        raise(&out->min_length, v);
    else if (strcmp(keyword, "maxLength") == 0)
        lower(&out->max_length, most);
    else if (strcmp(keyword, "minItems") == 0)
        raise(&out->min_items, v);
    else if (strcmp(keyword, "maxItems") == 0)
        lower(&out->max_items, most);
    else if (strcmp(keyword, "minProperties") == 0)
        raise(&out->min_properties, v);
    else
        lower(&out->max_properties, most);
}

static void tighten(ts_bound *b, const ts_bound *fresh, int direction)
{
    const int order = b->is_set ? direction * ts_decimal_compare(&fresh->value, &b->value) : 1;

    if (order > 0 || (order == 0 && fresh->is_exclusive))
        *b = *fresh;
}

static void on_bound(ts_schema *s, ts_shape *out, json_t *schema, const char *keyword,
                     const json_t *value)
{
    const bool is_min = strstr(keyword, "inimum") != NULL;
    ts_bound fresh = {.is_set = true, .is_exclusive = keyword[0] == 'e'};

    if (json_is_boolean(value) && keyword[0] == 'e')
        return; /* draft 4: a flag, read with its bound */
    const json_t *flag = json_object_get(schema, is_min ? "exclusiveMinimum" : "exclusiveMaximum");
    if (json_is_true(flag))
        fresh.is_exclusive = true;
    if (!json_is_number(value) || !ts_decimal_of(&fresh.value, value)) {
        ts_schema_fail(s, schema, keyword, "a number of up to %d digits expected", DECIMAL_DIGITS);
        return;
    }
    tighten(is_min ? &out->min : &out->max, &fresh, is_min ? 1 : -1);
}

static void on_number(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    if (!json_is_number(value) || json_number_value(value) <= 0)
        ts_schema_fail(s, schema, "multipleOf", "a number above 0 expected");
    else
        append_all(s, &out->multiples, value);
}

static void on_pattern(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    if (!json_is_string(value))
        ts_schema_fail(s, schema, "pattern", "a text expected");
    else
        append_all(s, &out->patterns, value);
}

/* Formats of OpenAPI that are about numbers; for texts they say nothing. */
static bool is_numeric_format(ts_schema *s, ts_shape *out, const char *name)
{
    const bool is_32 = strcmp(name, "int32") == 0;
    const json_int_t most = is_32 ? INT32_MAX : INT64_MAX, least = is_32 ? INT32_MIN : INT64_MIN;
    ts_bound min = {.is_set = true}, max = {.is_set = true};

    if (strcmp(name, "float") == 0 || strcmp(name, "double") == 0)
        return true;
    if (!is_32 && strcmp(name, "int64") != 0)
        return false;
    json_t *low = ts_schema_own(s, json_integer(least)),
           *high = ts_schema_own(s, json_integer(most));
    if (low && high && ts_decimal_of(&min.value, low) && ts_decimal_of(&max.value, high)) {
        tighten(&out->min, &min, 1);
        tighten(&out->max, &max, -1);
    }
    return true;
}

static void on_format(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    if (!json_is_string(value))
        ts_schema_fail(s, schema, "format", "a text expected");
    else if (!is_numeric_format(s, out, json_string_value(value)))
        append_all(s, &out->formats, value);
}

static void on_required(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    json_t *all = ts_schema_own(s, json_object()), *item;
    size_t i;

    if (!json_is_array(value))
        ts_schema_fail(s, schema, "required", "a list of names expected");
    if (all && out->required && json_object_update(all, out->required) != 0)
        ts_schema_nomem(s);
    json_array_foreach(value, i, item)
    {
        if (!json_is_string(item))
            ts_schema_fail(s, schema, "required", "a list of names expected");
        else if (json_object_set(all, json_string_value(item), json_true()) != 0)
            ts_schema_nomem(s);
    }
    out->required = all;
}

static void on_names(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    (void)schema;
    append_all(s, &out->names, value);
}

static void on_all(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    json_t *part;
    size_t i;

    if (!json_is_array(value) || json_array_size(value) == 0)
        ts_schema_fail(s, schema, "allOf", "a list of schemas expected");
    json_array_foreach(value, i, part) add(s, out, part);
    s->place = schema;
}

static void on_any(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    json_t *choices = ts_schema_own(s, json_array());

    if (!json_is_array(value) || json_array_size(value) == 0)
        ts_schema_fail(s, schema, "anyOf", "a list of schemas expected");
    if (!choices || json_array_extend(choices, out->choices) == 1 ||
        json_array_append(choices, value) != 0)
        ts_schema_nomem(s);
    out->choices = choices;
}

static void on_one(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    const size_t n = json_array_size(value);
    size_t overlap_of = 0, with = 0;

    if (!json_is_array(value) || n == 0 || n > SCHEMA_MAX_ONE_OF) {
        ts_schema_fail(s, schema, "oneOf", "a list of up to %d schemas expected",
                       SCHEMA_MAX_ONE_OF);
        return;
    }
    bool *overlaps = ts_arena_alloc_zero(s->arena, n * n, sizeof *overlaps);
    if (!overlaps) {
        ts_schema_nomem(s);
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n && s->status == TIEFSEE_OK; k++)
            if (!ts_schema_disjoint(s, json_array_get(value, i), json_array_get(value, k), 0)) {
                overlaps[i * n + k] = overlaps[k * n + i] = true;
                overlap_of = i;
                with = k;
            }
    json_t *choices = with ? ts_schema_exactly_one(s, value, overlaps, n) : value;
    if (choices)
        on_any(s, out, schema, choices);
    else
        ts_schema_fail(s, schema, "oneOf",
                       "not supported where a value may match two of the schemas, as %zu and %zu",
                       overlap_of, with);
}

static void on_ref(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    if (!json_is_string(value)) {
        ts_schema_fail(s, schema, "$ref", "a text expected");
        return;
    }
    if (s->has_inner_id) {
        ts_schema_fail(s, schema, "$ref", "not supported together with $id below the root");
        return;
    }
    json_t *target = ts_schema_resolve(s, schema, json_string_value(value));
    if (!target)
        return;
    if (++s->nesting > SCHEMA_MAX_NESTING)
        ts_schema_fail(s, schema, "$ref", "leads back to itself");
    else
        add(s, out, target);
    s->nesting--;
    s->place = schema;
}

static void on_not(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    json_t *opposite = ts_schema_negate(s, value);

    if (opposite)
        add(s, out, opposite);
    else
        refuse(s, schema, "not");
    s->place = schema;
}

static void add_either(ts_schema *s, ts_shape *out, json_t *schema, const char *keyword, json_t *a,
                       json_t *b)
{
    json_t *both = ts_schema_either(s, a, b);

    if (both)
        add(s, out, both);
    else
        refuse(s, schema, keyword);
    s->place = schema;
}

/* if: not that, or then; that, or else. */
static void on_if(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    json_t *then = json_object_get(schema, "then"), *otherwise = json_object_get(schema, "else");

    if (then)
        add_either(s, out, schema, "if", ts_schema_negate(s, value), then);
    if (otherwise)
        add_either(s, out, schema, "if", value, otherwise);
}

/* A property that is there asks for others, or for a schema. */
static void on_dependent(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    json_t *asked;
    const char *name;
    size_t n;

    if (!json_is_object(value))
        ts_schema_fail(s, schema, NULL, "an object expected of dependent properties");
    json_object_keylen_foreach(value, name, n, asked)
    {
        json_t *absent = ts_schema_own(s, json_pack("{s:{s%:b}}", "properties", name, n, 0));
        json_t *then =
            json_is_array(asked) ? ts_schema_own(s, json_pack("{s:O}", "required", asked)) : asked;
        add_either(s, out, schema, "dependencies", absent, then);
    }
}

static void on_except(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    (void)schema;
    append_all(s, &out->except, value);
}

static void on_mismatch(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    (void)schema;
    append_all(s, &out->mismatches, value);
}

static void on_unique(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    if (!json_is_boolean(value))
        ts_schema_fail(s, schema, "uniqueItems", "true or false expected");
    out->has_unique = out->has_unique || json_is_true(value);
}

/* What is refused as soon as it says anything. */
static void on_harmless(ts_schema *s, ts_shape *out, json_t *schema, json_t *value)
{
    (void)out;
    if (json_is_true(value) || (json_is_object(value) && json_object_size(value) == 0))
        return;
    const char *key;
    json_t *at;
    json_object_foreach(schema, key, at) if (at == value) refuse(s, schema, key);
}

static const struct keyword {
    const char *name;
    handler handle; /* NULL: handled with others, or by one of the flags */
    enum { AS_IS, COUNT, BOUND, OF_OBJECT, OF_ARRAY } kind;
    bool is_neutral; /* alone it does not constrain: choices and annotations */
} keywords[] = {
    {"type", on_type, AS_IS, false},
    {"enum", on_enum, AS_IS, false},
    {"const", on_const, AS_IS, false},
    {"minLength", NULL, COUNT, false},
    {"maxLength", NULL, COUNT, false},
    {"pattern", on_pattern, AS_IS, false},
    {"format", on_format, AS_IS, false},
    {"minimum", NULL, BOUND, false},
    {"maximum", NULL, BOUND, false},
    {"exclusiveMinimum", NULL, BOUND, false},
    {"exclusiveMaximum", NULL, BOUND, false},
    {"multipleOf", on_number, AS_IS, false},
    {"prefixItems", NULL, OF_ARRAY, false},
    {"items", NULL, OF_ARRAY, false},
    {"additionalItems", NULL, OF_ARRAY, false},
    {"minItems", NULL, COUNT, false},
    {"maxItems", NULL, COUNT, false},
    {"uniqueItems", on_unique, AS_IS, false},
    {"properties", NULL, OF_OBJECT, false},
    {"patternProperties", NULL, OF_OBJECT, false},
    {"additionalProperties", NULL, OF_OBJECT, false},
    {"required", on_required, AS_IS, false},
    {"propertyNames", on_names, AS_IS, false},
    {"minProperties", NULL, COUNT, false},
    {"maxProperties", NULL, COUNT, false},
    {"not", on_not, AS_IS, true},
    {"allOf", on_all, AS_IS, true},
    {"anyOf", on_any, AS_IS, true},
    {"oneOf", on_one, AS_IS, true},
    {"$ref", NULL, AS_IS, true},
    {"$id", NULL, AS_IS, true}, /* see schema.c */
    {"id", NULL, AS_IS, true},
    {"unevaluatedProperties", on_harmless, AS_IS, true},
    {"unevaluatedItems", on_harmless, AS_IS, true},
    {"dependentRequired", on_dependent, AS_IS, true},
    {"dependentSchemas", on_dependent, AS_IS, true},
    {"dependencies", on_dependent, AS_IS, true},
    {"if", on_if, AS_IS, true},
    {"then", NULL, AS_IS, true},
    {"else", NULL, AS_IS, true},
    {SCHEMA_EXCEPT, on_except, AS_IS, false},
    {SCHEMA_MISMATCH, on_mismatch, AS_IS, false},
};

/* Words for people and tools: the annotations of the drafts and of OpenAPI, and those
 * of no standard that are met most often in published schemas. */
static const char *const annotations[] = {"$anchor",
                                          "$comment",
                                          "$defs",
                                          "$license",
                                          "$schema",
                                          "$vocabulary",
                                          "_comment",
                                          "alias",
                                          "aliases",
                                          "author",
                                          "authors",
                                          "comment",
                                          "comments",
                                          "contentEncoding",
                                          "contentMediaType",
                                          "contentSchema",
                                          "copyright",
                                          "default",
                                          "defaultSnippets",
                                          "definitions",
                                          "deprecated",
                                          "deprecationMessage",
                                          "description",
                                          "discriminator",
                                          "displayName",
                                          "enumDescriptions",
                                          "enumNames",
                                          "errorMessage",
                                          "example",
                                          "examples",
                                          "externalDocs",
                                          "faker",
                                          "fileMatch",
                                          "group",
                                          "javaInterfaces",
                                          "javaName",
                                          "javaType",
                                          "label",
                                          "license",
                                          "links",
                                          "markdownDescription",
                                          "markdownEnumDescriptions",
                                          "media",
                                          "name",
                                          "nullable",
                                          "options",
                                          "order",
                                          "placeholder",
                                          "preferredOrder",
                                          "propertyOrder",
                                          "readOnly",
                                          "readonly",
                                          "self",
                                          "summary",
                                          "tags",
                                          "targetType",
                                          "title",
                                          "tsType",
                                          "unit",
                                          "units",
                                          "version",
                                          "writeOnly",
                                          "writeonly",
                                          "xml"};

static const struct keyword *find_keyword(const char *name)
{
    for (size_t i = 0; i < TS_COUNT(keywords); i++)
        if (strcmp(name, keywords[i].name) == 0)
            return &keywords[i];
    return NULL;
}

bool ts_schema_is_annotation(const char *name)
{
    for (size_t i = 0; i < TS_COUNT(annotations); i++)
        if (strcmp(name, annotations[i]) == 0)
            return true;
    /* Extensions by their own words, and what is commented out. */
    return strncmp(name, "x-", 2) == 0 || name[0] == '_';
}

static void add_keyword(ts_schema *s, ts_shape *out, json_t *schema, const char *name,
                        json_t *value)
{
    const struct keyword *k = find_keyword(name);

    if (!k) {
        if (!ts_schema_is_annotation(name))
            refuse(s, schema, name);
        return;
    }
    if (!k->is_neutral)
        out->is_trivial = false;
    if (k->kind == COUNT)
        on_count(s, out, schema, name, value);
    else if (k->kind == BOUND)
        on_bound(s, out, schema, name, value);
    else if (k->handle)
        k->handle(s, out, schema, value);
}

static bool add_kept(ts_schema *s, ts_shape *out, const json_t *schema)
{
    const ts_shape *kept = ts_schema_kept(s, schema);

    if (kept)
        *out = *kept; /* always the first part of a conjunction */
    return kept != NULL;
}

static void add(ts_schema *s, ts_shape *out, json_t *schema)
{
    json_t *ref = json_object_get(schema, "$ref"), *value;
    const char *name;

    if (s->status != TIEFSEE_OK || json_is_true(schema) || add_kept(s, out, schema))
        return;
    if (json_is_false(schema)) {
        out->is_never = true;
        return;
    }
    if (!json_is_object(schema)) {
        ts_schema_fail(s, s->place, NULL, "a schema is an object, true or false");
        return;
    }
    if (s->is_asking ? ++s->n_asked > SCHEMA_MAX_ASKED : ++s->n_shapes > SCHEMA_MAX_SHAPES) {
        ts_schema_fail(s, schema, NULL, "more than %d schemas after expansion", SCHEMA_MAX_SHAPES);
        return;
    }
    s->place = schema;
    if (!ref || !s->ref_stands_alone)
        json_object_foreach(schema, name, value) if (s->status == TIEFSEE_OK)
            add_keyword(s, out, schema, name, value);
    if (s->status == TIEFSEE_OK && (!ref || !s->ref_stands_alone)) {
        ts_schema_merge_object(s, out, schema);
        ts_schema_merge_array(s, out, schema);
    }
    if (ref && s->status == TIEFSEE_OK)
        on_ref(s, out, schema, ref);
}

void ts_schema_flatten(ts_schema *s, ts_shape *out, json_t *schema)
{
    *out = (ts_shape){.place = schema,
                      .types = SCHEMA_ANY,
                      .max_length = GR_INFINITE,
                      .max_items = GR_INFINITE,
                      .max_properties = GR_INFINITE,
                      .is_trivial = true};
    add(s, out, schema);
    if (out->types == 0)
        out->is_never = true;
}
