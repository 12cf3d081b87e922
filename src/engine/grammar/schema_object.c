/* schema_object.c - objects.
 *
 * Listed properties come in their listed order, those that are required and not
 * listed behind them, and further ones last: a set of orders would need as many
 * states as there are subsets.  A grid of states (place in the list, number of
 * properties written) handles commas and counts; that number saturates where it
 * stops to matter.  A further name is never one of the listed ones: both are spelt
 * in one canonical way.  It may come twice, which no grammar of bounded size can see.
 */
#include "engine/grammar/schema.h"

#include <string.h>

#include "engine/grammar/draft.h"
#include "engine/grammar/regex.h"

enum { MAX_GRID = 1 << 16 };

typedef struct property {
    ts_str name;
    json_t *schema; /* NULL: any */
    bool is_required;
} property;

typedef struct region {
    ts_charset names;
    json_t *schema;
    bool is_matched; /* by a pattern, so that additionalProperties is silent */
} region;

typedef struct object {
    ts_schema *s;
    const ts_shape *shape;
    property *list;
    uint32_t n, cap, n_required;
    ts_str *names; /* listed, also those that are forbidden */
    uint32_t n_names, cap_names;
    region regions[SCHEMA_MAX_REGIONS];
    uint32_t n_regions;
    uint32_t member, more;  /* rules of further properties; 0: there are none */
    uint32_t min, max, top; /* counts; top: where counting stops */
} object;

/* ---- which properties */

static bool names_allow(object *o, ts_str name)
{
    json_t *text = ts_schema_own(o->s, json_stringn_nocheck(name.ptr, name.len)), *schema;
    size_t i;

    json_array_foreach(o->shape->names, i, schema)
    {
        ts_shape shape;
        ts_schema_flatten(o->s, &shape, schema);
        if (o->s->status == TIEFSEE_OK && json_array_size(shape.choices) > 0)
            ts_schema_fail(o->s, o->shape->place, "propertyNames", "choices are not supported");
        if (o->s->status != TIEFSEE_OK || shape.is_never || !ts_schema_fits(o->s, &shape, text))
            return false;
    }
    return true;
}

static void add_property(object *o, ts_str name, json_t *schema)
{
    ts_schema *s = o->s;
    json_t *matching = ts_schema_other(s, o->shape->pattern_properties, NULL, name);
    const bool is_required = json_object_getn(o->shape->required, name.ptr, name.len) != NULL;

    schema = ts_schema_and(s, schema, matching);
    if (!ts_arena_grow(s->arena, &o->names, o->n_names, &o->cap_names, sizeof *o->names) ||
        !ts_arena_grow(s->arena, &o->list, o->n, &o->cap, sizeof *o->list)) {
        ts_schema_nomem(s);
        return;
    }
    o->names[o->n_names++] = name;
    const bool is_forbidden = json_is_false(schema) || (o->shape->names && !names_allow(o, name));
    if (is_forbidden && !is_required)
        return;
    o->n_required += is_required;
    o->list[o->n++] = (property){name, is_forbidden ? json_false() : schema, is_required};
}

static void list_properties(object *o)
{
    json_t *value;
    const char *name;
    size_t n;

    json_object_keylen_foreach(o->shape->properties, name, n, value) if (o->s->status == TIEFSEE_OK)
        add_property(o, (ts_str){name, n}, value);
    json_object_keylen_foreach(o->shape->required, name, n, value)
    {
        if (json_object_getn(o->shape->properties, name, n) || o->s->status != TIEFSEE_OK)
            continue;
        const ts_str text = {name, n};
        add_property(
            o, text,
            ts_schema_other(o->s, o->shape->pattern_properties, o->shape->additional, text));
    }
}

/* ---- further names */

static bool narrow_by_names(object *o, ts_charset *rest)
{
    ts_schema *s = o->s;
    json_t *schema;
    size_t i;

    json_array_foreach(o->shape->names, i, schema)
    {
        const ts_charset before = *rest;
        ts_shape shape;
        ts_charset c = {0};
        ts_schema_flatten(s, &shape, schema);
        if (s->status != TIEFSEE_OK)
            return false;
        if (shape.enums) { /* fits() judges the values */
            ts_str *texts = ts_arena_alloc(ts_schema_scratch(s),
                                           (json_array_size(shape.enums) + 1) * sizeof *texts);
            size_t n = 0, k;
            json_t *value;
            if (!texts) {
                ts_schema_nomem(s);
                return false;
            }
            json_array_foreach(shape.enums, k,
                               value) if (json_is_string(value) && ts_schema_fits(s, &shape, value))
                texts[n++] = (ts_str){json_string_value(value), json_string_length(value)};
            if (n && !ts_schema_check(
                         s, ts_charset_of_texts(&c, texts, n, ts_schema_scratch(s), s->err)))
                return false;
        } else if ((shape.types & SCHEMA_STRING) && !shape.is_never &&
                   !ts_schema_charset(s, &c, &shape)) {
            return false;
        }
        if (!ts_schema_check(
                s, ts_charset_combine(rest, &before, GR_BOTH, &c, ts_schema_scratch(s), s->err)))
            return false;
    }
    return s->status == TIEFSEE_OK;
}

static void add_region(object *o, const ts_charset *names, json_t *schema, bool is_matched)
{
    if (names->n_states == 0)
        return;
    if (o->n_regions == SCHEMA_MAX_REGIONS)
        ts_schema_fail(o->s, o->shape->place, "patternProperties",
                       "patterns that overlap in more than %d ways", SCHEMA_MAX_REGIONS);
    else
        o->regions[o->n_regions++] = (region){*names, schema, is_matched};
}

/* Each region falls into the names that the pattern matches and the others. */
static bool split(object *o, const char *pattern, json_t *schema)
{
    ts_schema *s = o->s;
    const uint32_t n = o->n_regions;
    ts_charset c, inside, outside;

    if (!ts_schema_check(
            s, ts_regex_compile(&c, ts_str_of(pattern), true, ts_schema_scratch(s), s->err)))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        region *r = &o->regions[i];
        if (!ts_schema_check(s, ts_charset_combine(&inside, &r->names, GR_BOTH, &c,
                                                   ts_schema_scratch(s), s->err)) ||
            !ts_schema_check(s, ts_charset_combine(&outside, &r->names, GR_WITHOUT, &c,
                                                   ts_schema_scratch(s), s->err)))
            return false;
        json_t *before = r->schema;
        r->names = outside;
        add_region(o, &inside, ts_schema_and(s, before, schema), true);
    }
    return s->status == TIEFSEE_OK;
}

static bool divide_names(object *o)
{
    ts_schema *s = o->s;
    ts_charset rest, listed;
    const char *pattern;
    json_t *schema;

    if (!ts_schema_check(s, ts_charset_any(&rest, ts_schema_scratch(s), s->err)))
        return false;
    if (o->n_names) {
        const ts_charset any = rest;
        if (!ts_schema_check(s, ts_charset_of_texts(&listed, o->names, o->n_names,
                                                    ts_schema_scratch(s), s->err)) ||
            !ts_schema_check(s, ts_charset_combine(&rest, &any, GR_WITHOUT, &listed,
                                                   ts_schema_scratch(s), s->err)))
            return false;
    }
    if (!narrow_by_names(o, &rest))
        return false;
    add_region(o, &rest, NULL, false);
    json_object_foreach(o->shape->pattern_properties, pattern,
                        schema) if (!split(o, pattern, schema)) return false;
    for (uint32_t i = 0; i < o->n_regions; i++)
        if (!o->regions[i].is_matched)
            o->regions[i].schema = o->shape->additional;
    return true;
}

/* ---- rules of further properties */

/* name : value */
static void add_pair(object *o, uint32_t behind_name, json_t *schema, uint32_t to)
{
    ts_gr_builder *b = o->s->b;
    const uint32_t colon = ts_gr_add_state(b);

    ts_gr_bytes(b, behind_name, ':', ':', colon);
    ts_gr_call(b, ts_json_blanks(&o->s->json, colon), ts_schema_rule(o->s, schema), to);
}

static void add_member(object *o, const region *r, bool is_free)
{
    ts_gr_builder *b = o->s->b;
    const uint32_t start = ts_gr_start(b, o->member), end = ts_gr_end(b, o->member);
    const uint32_t name = ts_gr_add_state(b);

    if (is_free) {
        ts_gr_call(b, start, ts_json_rule_of(&o->s->json, GR_JSON_STRING), name);
    } else {
        const uint32_t inside = ts_gr_add_state(b), behind = ts_gr_add_state(b);
        ts_gr_bytes(b, start, '"', '"', inside);
        ts_charset_lower(b, &r->names, true, inside, behind);
        ts_gr_bytes(b, behind, '"', '"', name);
    }
    add_pair(o, name, r->schema, end);
}

static void make_members(object *o)
{
    ts_gr_builder *b = o->s->b;
    const ts_shape *shape = o->shape;
    const bool is_free = o->n_names == 0 && !shape->names && !shape->pattern_properties;
    bool has_any = false;

    if (json_is_false(shape->additional) && !shape->pattern_properties)
        return;
    if (!divide_names(o))
        return;
    for (uint32_t i = 0; i < o->n_regions; i++)
        has_any = has_any || (o->regions[i].names.n_states && !json_is_false(o->regions[i].schema));
    if (!has_any)
        return;
    o->member = ts_gr_add_rule(b, "a property");
    o->more = ts_gr_add_rule(b, "a property");
    for (uint32_t i = 0; i < o->n_regions; i++)
        if (o->regions[i].names.n_states && !json_is_false(o->regions[i].schema))
            add_member(o, &o->regions[i], is_free);
    const uint32_t comma = ts_gr_add_state(b);
    ts_gr_bytes(b, ts_gr_start(b, o->more), ',', ',', comma);
    ts_gr_call(b, ts_json_blanks(&o->s->json, comma), o->member, ts_gr_end(b, o->more));
}

/* ---- the grid */

static bool set_counts(object *o)
{
    const ts_shape *shape = o->shape;

    o->min = shape->min_properties <= o->n_required ? 0 : shape->min_properties;
    o->max = shape->max_properties;
    if (!o->member && o->max >= o->n)
        o->max = GR_INFINITE;
    o->top = o->min > 1 ? o->min : 1;
    if (o->max != GR_INFINITE && o->max > o->top)
        o->top = o->max;
    /* A name that comes twice would count as two. */
    if (o->member && o->min > o->n_required + 1) {
        ts_schema_fail(o->s, shape->place, "minProperties",
                       "only up to one more than the required ones, where further names are "
                       "allowed");
        return false;
    }
    if ((uint64_t)(o->n + 1) * (o->top + 1ull) > MAX_GRID) {
        ts_schema_fail(o->s, shape->place, NULL, "too many properties to count");
        return false;
    }
    return true;
}

/* Writes property i from state `from`; returns the state behind it. */
static uint32_t write_property(object *o, const property *p, uint32_t from)
{
    ts_gr_builder *b = o->s->b;
    json_t *text = json_stringn_nocheck(p->name.ptr, p->name.len);
    const uint32_t to = ts_gr_add_state(b);

    if (text)
        add_pair(o, ts_gr_text(b, from, ts_schema_spell(o->s, text)), p->schema, to);
    else
        ts_schema_nomem(o->s);
    json_decref(text);
    return to;
}

typedef struct grid {
    uint32_t *write; /* (n + 1, top + 1) about to write property i with c before it */
    uint32_t close;  /* before blanks and } */
} grid;

static void add_tail(object *o, const grid *g, uint32_t i, uint32_t c)
{
    ts_gr_builder *b = o->s->b;
    const uint32_t at = g->write[i * (o->top + 1) + c];

    if (i < o->n || !o->member || c >= o->max || c + 1 < o->min)
        return;
    const uint32_t behind = ts_gr_add_state(b);
    ts_gr_call(b, at, o->member, behind);
    ts_gr_repeat(b, behind, o->more, 0, o->max == GR_INFINITE ? GR_INFINITE : o->max - c - 1,
                 g->close);
}

/* One cell: property i written or left out. */
static void add_cell(object *o, const grid *g, uint32_t i, uint32_t c, bool rest_is_optional)
{
    ts_gr_builder *b = o->s->b;
    const uint32_t width = o->top + 1, at = g->write[i * width + c];
    const uint32_t next_c = c < o->top ? c + 1 : c;

    if (i == o->n)
        return;
    if (!o->list[i].is_required)
        ts_gr_empty(b, at, g->write[(i + 1) * width + c]);
    if (c >= o->max)
        return;
    const uint32_t behind = write_property(o, &o->list[i], at), comma = ts_gr_add_state(b);
    if (rest_is_optional && next_c >= o->min)
        ts_gr_empty(b, behind, g->close);
    ts_gr_bytes(b, behind, ',', ',', comma);
    ts_gr_call(b, comma, ts_json_rule_of(&o->s->json, GR_JSON_BLANKS),
               g->write[(i + 1) * width + next_c]);
}

static void add_grid(object *o, uint32_t from, uint32_t to)
{
    ts_gr_builder *b = o->s->b;
    const uint32_t width = o->top + 1, opened = ts_gr_add_state(b);
    grid g = {.close = ts_gr_add_state(b)};
    bool rest_is_optional = true;

    g.write = ts_arena_alloc(o->s->arena, (size_t)(o->n + 1) * width * sizeof *g.write);
    if (!g.write) {
        ts_schema_nomem(o->s);
        return;
    }
    for (uint32_t i = 0; i < (o->n + 1) * width; i++)
        g.write[i] = ts_gr_add_state(b);
    for (uint32_t i = o->n + 1; i-- > 0;) {
        for (uint32_t c = 0; c <= (i < o->top ? i : o->top) && o->s->status == TIEFSEE_OK; c++) {
            add_cell(o, &g, i, c, rest_is_optional);
            add_tail(o, &g, i, c);
        }
        rest_is_optional = rest_is_optional && (i == o->n || !o->list[i].is_required);
    }
    ts_gr_bytes(b, from, '{', '{', opened);
    const uint32_t first = ts_json_blanks(&o->s->json, opened);
    ts_gr_empty(b, first, g.write[0]);
    if (o->n_required == 0 && o->min == 0)
        ts_gr_bytes(b, first, '}', '}', to);
    ts_gr_bytes(b, ts_json_blanks(&o->s->json, g.close), '}', '}', to);
}

static bool is_any_object(const ts_shape *shape)
{
    return !shape->properties && !shape->required && !shape->pattern_properties &&
           !shape->additional && !shape->names && shape->min_properties == 0 &&
           shape->max_properties == GR_INFINITE;
}

void ts_schema_object(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to)
{
    if (is_any_object(shape)) {
        ts_gr_call(s->b, from, ts_json_rule_of(&s->json, GR_JSON_OBJECT), to);
        return;
    }
    object *o = ts_arena_alloc_zero(s->arena, 1, sizeof *o);
    if (!o) {
        ts_schema_nomem(s);
        return;
    }
    o->s = s;
    o->shape = shape;
    list_properties(o);
    if (s->status == TIEFSEE_OK)
        make_members(o);
    if (s->status == TIEFSEE_OK && set_counts(o))
        add_grid(o, from, to);
}
