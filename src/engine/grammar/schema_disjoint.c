/* schema_disjoint.c - can no value satisfy both of two schemas?  (oneOf)
 *
 * Proven by types, given values, texts, ranges, or by properties: one that both
 * require and that is disjoint itself, or one that one requires and the other
 * forbids.  What cannot be proven counts as overlap.
 */
#include "engine/grammar/schema.h"

enum { MAX_DEPTH = 6 };

static bool enum_is_outside(ts_schema *s, const ts_shape *given, const ts_shape *other)
{
    json_t *value, *twin;
    size_t i, k;

    json_array_foreach(given->enums, i, value)
    {
        bool is_in = ts_schema_fits(s, given, value);
        if (is_in && other->enums) {
            is_in = false;
            json_array_foreach(other->enums, k, twin) is_in =
                is_in || json_equal(value, twin) ||
                (json_is_number(value) && json_is_number(twin) &&
                 json_number_value(value) == json_number_value(twin));
        }
        if (is_in && ts_schema_fits(s, other, value))
            return false;
        if (s->status != TIEFSEE_OK)
            return false;
    }
    return true;
}

static bool ranges_are_apart(const ts_bound *max, const ts_bound *min)
{
    if (!max->is_set || !min->is_set)
        return false;
    const int order = ts_decimal_compare(&max->value, &min->value);
    return order < 0 || (order == 0 && (max->is_exclusive || min->is_exclusive));
}

static bool texts_are_apart(ts_schema *s, const ts_shape *a, const ts_shape *b)
{
    ts_charset ca, cb, both;

    if (a->min_length > b->max_length || b->min_length > a->max_length)
        return true;
    if (ts_schema_is_free_text(a) && ts_schema_is_free_text(b))
        return false;
    return ts_schema_charset(s, &ca, a) && ts_schema_charset(s, &cb, b) &&
           ts_schema_check(
               s, ts_charset_combine(&both, &ca, GR_BOTH, &cb, ts_schema_scratch(s), s->err)) &&
           both.n_states == 0;
}

static json_t *schema_of(ts_schema *s, const ts_shape *shape, ts_str name)
{
    json_t *listed = json_object_getn(shape->properties, name.ptr, name.len);
    json_t *other =
        ts_schema_other(s, shape->pattern_properties, listed ? NULL : shape->additional, name);

    return ts_schema_and(s, listed, other);
}

/* A property that a requires tells it from b. */
static bool objects_are_apart(ts_schema *s, const ts_shape *a, const ts_shape *b, int depth)
{
    const char *name;
    json_t *value;
    size_t n;

    json_object_keylen_foreach(a->required, name, n, value)
    {
        const ts_str text = {name, n};
        json_t *there = schema_of(s, b, text), *here = schema_of(s, a, text);
        if (json_is_false(there) || json_is_false(here))
            return true;
        if (here && there && json_object_getn(b->required, name, n) &&
            ts_schema_disjoint(s, here, there, depth + 1))
            return true;
        if (s->status != TIEFSEE_OK)
            return false;
    }
    return a->min_properties > b->max_properties;
}

static bool shapes_are_apart(ts_schema *s, const ts_shape *a, const ts_shape *b, int depth)
{
    unsigned types = a->types & b->types;

    if (a->is_never || b->is_never)
        return true;
    if (a->enums)
        return enum_is_outside(s, a, b);
    if (b->enums)
        return enum_is_outside(s, b, a);
    if ((types & SCHEMA_NUMBER) &&
        (ranges_are_apart(&a->max, &b->min) || ranges_are_apart(&b->max, &a->min)))
        types &= ~(unsigned)SCHEMA_NUMBER;
    if ((types & SCHEMA_STRING) && texts_are_apart(s, a, b))
        types &= ~(unsigned)SCHEMA_STRING;
    if ((types & SCHEMA_ARRAY) && (a->min_items > b->max_items || b->min_items > a->max_items))
        types &= ~(unsigned)SCHEMA_ARRAY;
    if ((types & SCHEMA_OBJECT) &&
        (objects_are_apart(s, a, b, depth) || objects_are_apart(s, b, a, depth)))
        types &= ~(unsigned)SCHEMA_OBJECT;
    return types == 0;
}

/* One of the choices must hold: it is enough that each of one list is apart. */
static bool choices_are_apart(ts_schema *s, const ts_shape *a, json_t *b, int depth)
{
    json_t *choice, *branch;
    size_t i, k;

    json_array_foreach(a->choices, i, choice)
    {
        bool all = true;
        json_array_foreach(choice, k, branch) all =
            all && ts_schema_disjoint(s, branch, b, depth + 1);
        if (all)
            return true;
    }
    return false;
}

bool ts_schema_disjoint(ts_schema *s, json_t *a, json_t *b, int depth)
{
    const json_t *place = s->place;
    const bool was_asking = s->is_asking;
    ts_shape sa, sb;
    bool is_apart = false;

    if (depth > MAX_DEPTH || s->status != TIEFSEE_OK)
        return false;
    s->is_asking = true;
    ts_schema_flatten(s, &sa, a);
    if (s->status == TIEFSEE_OK)
        ts_schema_flatten(s, &sb, b);
    if (s->status == TIEFSEE_OK)
        is_apart = shapes_are_apart(s, &sa, &sb, depth) || choices_are_apart(s, &sa, b, depth) ||
                   choices_are_apart(s, &sb, a, depth);
    s->is_asking = was_asking;
    if (s->status == TIEFSEE_E_INVALID || s->status == TIEFSEE_E_LIMIT) { /* no proof */
        s->status = TIEFSEE_OK;
        is_apart = false;
    }
    s->place = place;
    return is_apart;
}
