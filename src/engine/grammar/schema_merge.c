/* schema_merge.c - keywords that mean something only together, merged into a shape:
 * properties with patternProperties and additionalProperties, prefixItems with items. */
#include "engine/grammar/schema.h"

#include <string.h>

#include "engine/grammar/regex.h"

/* Does a pattern match the name?  Failure to compile it is a failure of the schema. */
static bool pattern_has(ts_schema *s, const char *pattern, ts_str name)
{
    ts_charset c;

    return ts_schema_check(
               s, ts_regex_compile(&c, ts_str_of(pattern), true, ts_schema_scratch(s), s->err)) &&
           ts_charset_has(&c, name);
}

json_t *ts_schema_other(ts_schema *s, json_t *patterns, json_t *additional, ts_str name)
{
    json_t *all = NULL, *value;
    bool is_matched = false;
    const char *pattern;

    json_object_foreach(patterns, pattern,
                        value) if (s->status == TIEFSEE_OK && pattern_has(s, pattern, name))
    {
        all = ts_schema_and(s, all, value);
        is_matched = true;
    }
    return is_matched ? all : additional;
}

static json_t *object_of(ts_schema *s, json_t *schema, const char *keyword)
{
    json_t *value = json_object_get(schema, keyword);

    if (value && !json_is_object(value))
        ts_schema_fail(s, schema, keyword, "an object expected");
    return json_is_object(value) ? value : NULL;
}

static void put(ts_schema *s, json_t *object, const char *name, size_t n, json_t *value)
{
    if (json_object_setn(object, name, n, value ? value : json_true()) != 0)
        ts_schema_nomem(s);
}

/* Properties of both sides; one that a side does not list is an "other" there. */
static json_t *merge_properties(ts_schema *s, const ts_shape *out, json_t *mine, json_t *patterns,
                                json_t *additional)
{
    json_t *all = ts_schema_own(s, json_object()), *value;
    const char *name;
    size_t n;

    if (!all)
        return NULL;
    json_object_keylen_foreach(out->properties, name, n, value)
    {
        json_t *here = json_object_getn(mine, name, n);
        if (!here)
            here = ts_schema_other(s, patterns, additional, (ts_str){name, n});
        put(s, all, name, n, ts_schema_and(s, value, here));
    }
    json_object_keylen_foreach(mine, name, n, value)
    {
        if (json_object_getn(out->properties, name, n))
            continue;
        json_t *other =
            ts_schema_other(s, out->pattern_properties, out->additional, (ts_str){name, n});
        put(s, all, name, n, ts_schema_and(s, other, value));
    }
    return all;
}

/* Every pattern's schema with what the other side says of all names. */
static json_t *with_all(ts_schema *s, json_t *patterns, json_t *additional)
{
    json_t *all = ts_schema_own(s, json_object()), *value;
    const char *name;
    size_t n;

    json_object_keylen_foreach(patterns, name, n, value)
        put(s, all, name, n, ts_schema_and(s, value, additional));
    return all;
}

static void merge_patterns(ts_schema *s, ts_shape *out, json_t *schema, json_t *patterns,
                           json_t *additional)
{
    json_t *value;
    const char *name;
    size_t n;

    if (json_object_size(out->pattern_properties) == 0) {
        out->pattern_properties = patterns ? with_all(s, patterns, out->additional) : NULL;
    } else if (json_object_size(patterns) == 0) {
        out->pattern_properties = with_all(s, out->pattern_properties, additional);
    } else if (out->additional || additional) {
        ts_schema_fail(s, schema, "patternProperties",
                       "not supported together with additionalProperties in several schemas "
                       "that apply at once");
    } else {
        json_t *all = with_all(s, out->pattern_properties, NULL);
        json_object_keylen_foreach(patterns, name, n, value)
            put(s, all, name, n, ts_schema_and(s, json_object_getn(all, name, n), value));
        out->pattern_properties = all;
    }
    out->additional = ts_schema_and(s, out->additional, additional);
}

void ts_schema_merge_object(ts_schema *s, ts_shape *out, json_t *schema)
{
    json_t *mine = object_of(s, schema, "properties");
    json_t *patterns = object_of(s, schema, "patternProperties");
    json_t *additional = json_object_get(schema, "additionalProperties");

    if (s->status != TIEFSEE_OK || (!mine && !patterns && !additional))
        return;
    if (additional && !json_is_object(additional) && !json_is_boolean(additional)) {
        ts_schema_fail(s, schema, "additionalProperties", "a schema expected");
        return;
    }
    out->properties = merge_properties(s, out, mine, patterns, additional);
    if (s->status == TIEFSEE_OK)
        merge_patterns(s, out, schema, patterns, additional);
}

void ts_schema_merge_array(ts_schema *s, ts_shape *out, json_t *schema)
{
    json_t *prefix = json_object_get(schema, "prefixItems");
    json_t *items = json_object_get(schema, "items");

    if (json_is_array(items)) { /* up to draft 2019-09 */
        prefix = items;
        items = json_object_get(schema, "additionalItems");
    }
    if (prefix && !json_is_array(prefix))
        ts_schema_fail(s, schema, "prefixItems", "a list of schemas expected");
    if (items && !json_is_object(items) && !json_is_boolean(items))
        ts_schema_fail(s, schema, "items", "a schema expected");
    if (s->status != TIEFSEE_OK || (!prefix && !items))
        return;
    const size_t a = json_array_size(out->prefix), b = json_array_size(prefix);
    json_t *both = ts_schema_own(s, json_array());
    for (size_t i = 0; both && i < (a > b ? a : b); i++) {
        json_t *left = i < a ? json_array_get(out->prefix, i) : out->items;
        json_t *right = i < b ? json_array_get(prefix, i) : items;
        json_t *value = ts_schema_and(s, left, right);
        if (json_array_append(both, value ? value : json_true()) != 0)
            ts_schema_nomem(s);
    }
    out->prefix = both;
    out->items = ts_schema_and(s, out->items, items);
}
