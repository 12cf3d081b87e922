/* schema.c - see schema.h: the document, references, rules by schema. */
#include "engine/grammar/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"
#include "engine/grammar/frontend.h"

/* ---- messages */

/* The JSON pointer of a node, by search: only a message needs it. */
static bool find_pointer(const json_t *at, const json_t *wanted, char *out, size_t size, size_t n)
{
    const char *key;
    json_t *value;
    size_t i;

    out[n] = 0;
    if (at == wanted)
        return true;
    json_object_foreach((json_t *)at, key, value)
    {
        const int more = snprintf(out + n, size - n, "/%s", key);
        if (more > 0 && (size_t)more < size - n &&
            find_pointer(value, wanted, out, size, n + (size_t)more))
            return true;
    }
    json_array_foreach((json_t *)at, i, value)
    {
        const int more = snprintf(out + n, size - n, "/%zu", i);
        if (more > 0 && (size_t)more < size - n &&
            find_pointer(value, wanted, out, size, n + (size_t)more))
            return true;
    }
    return false;
}

void ts_schema_fail(ts_schema *s, const json_t *place, const char *keyword, const char *fmt, ...)
{
    char pointer[256], text[256];
    va_list args;

    if (s->status != TIEFSEE_OK)
        return;
    s->status = TIEFSEE_E_INVALID;
    if (s->is_asking)
        return;
    if (!find_pointer(s->root, place, pointer, sizeof pointer, 0) &&
        !find_pointer(s->root, s->place, pointer, sizeof pointer, 0))
        pointer[0] = 0;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)ts_fail(s->err, s->status, "schema, %.120s%s%s: %s", pointer, keyword ? "/" : "",
                  keyword ? keyword : "", text);
}

void ts_schema_nomem(ts_schema *s)
{
    if (s->status == TIEFSEE_OK)
        s->status = ts_fail_nomem(s->err, 64, "schema");
}

/* Callees hand s->err to others, so the message gets its place here. */
bool ts_schema_check(ts_schema *s, tiefsee_status st)
{
    char pointer[256];

    if (st == TIEFSEE_OK)
        return s->status == TIEFSEE_OK;
    if (s->status != TIEFSEE_OK)
        return false;
    if (!find_pointer(s->root, s->place, pointer, sizeof pointer, 0))
        pointer[0] = 0;
    s->status = ts_while(s->err, st, "schema, %.120s", pointer);
    return false;
}

ts_arena *ts_schema_scratch(ts_schema *s)
{
    if (s->used_bytes >= SCHEMA_MAX_CHARSETS)
        ts_schema_fail(s, s->place, NULL, "patterns and names that take more than %d MiB",
                       SCHEMA_MAX_CHARSETS >> 20);
    else if (!s->scratch && !(s->scratch = ts_arena_new(SCHEMA_MAX_CHARSETS)))
        ts_schema_nomem(s);
    if (s->scratch) { /* what is used now counts from now on */
        s->used_bytes += ts_arena_used(s->scratch) - s->counted_bytes;
        s->counted_bytes = ts_arena_used(s->scratch);
    }
    return s->scratch ? s->scratch : s->arena;
}

json_t *ts_schema_own(ts_schema *s, json_t *fresh)
{
    if (!fresh || json_array_append_new(s->made, fresh) != 0) {
        ts_schema_nomem(s);
        return NULL;
    }
    return fresh;
}

ts_str ts_schema_spell(ts_schema *s, const json_t *value)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_COMPACT;
    const size_t n = json_dumpb(value, NULL, 0, flags);
    char *text = ts_arena_alloc(s->arena, n + 1);

    if (n == 0 || !text || json_dumpb(value, text, n, flags) != n) {
        ts_schema_nomem(s);
        return (ts_str){0};
    }
    return (ts_str){text, n};
}

/* ---- schemas by address */

typedef struct address {
    char text[40];
} address;

static address address_of(const json_t *a, const json_t *b)
{
    address out;

    (void)snprintf(out.text, sizeof out.text, "%p %p", (const void *)a, (const void *)b);
    return out;
}

json_t *ts_schema_and(ts_schema *s, json_t *a, json_t *b)
{
    if (!a || json_is_true(a) || a == b)
        return b;
    if (!b || json_is_true(b))
        return a;
    if (json_is_false(a) || json_is_false(b))
        return json_is_false(a) ? a : b;
    const address key = address_of(a, b);
    json_t *pair = json_object_get(s->pairs, key.text);
    if (pair)
        return pair;
    pair = json_pack("{s:[O,O]}", "allOf", a, b);
    if (!pair || json_object_set_new(s->pairs, key.text, pair) != 0) {
        ts_schema_nomem(s);
        return a;
    }
    return pair;
}

/* ---- references */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One step of a JSON pointer in a URI: %XX, then ~1 and ~0. */
static size_t unescape(const char *from, size_t n, char *out)
{
    size_t len = 0, k = 0;

    for (size_t i = 0; i < n; i++) {
        if (from[i] == '%' && i + 2 < n && hex_value(from[i + 1]) >= 0 &&
            hex_value(from[i + 2]) >= 0) {
            out[len++] = (char)(hex_value(from[i + 1]) * 16 + hex_value(from[i + 2]));
            i += 2;
        } else {
            out[len++] = from[i];
        }
    }
    for (size_t i = 0; i < len; i++) {
        const bool is_escape =
            out[i] == '~' && i + 1 < len && (out[i + 1] == '0' || out[i + 1] == '1');
        out[k++] = !is_escape ? out[i] : out[i + 1] == '1' ? '/' : '~';
        i += is_escape;
    }
    out[k] = 0;
    return k;
}

static json_t *step_into(json_t *at, const char *name, size_t n)
{
    if (json_is_object(at))
        return json_object_getn(at, name, n);
    if (json_is_array(at) && n > 0 && n < 8) {
        size_t i = 0;
        for (size_t k = 0; k < n; k++) {
            if (name[k] < '0' || name[k] > '9')
                return NULL;
            i = i * 10 + (size_t)(name[k] - '0');
        }
        return json_array_get(at, i);
    }
    return NULL;
}

static json_t *find_anchor(json_t *at, const char *name)
{
    const char *key;
    json_t *value, *found = NULL;
    size_t i;

    const char *anchor = json_string_value(json_object_get(at, "$anchor"));
    if (anchor && strcmp(anchor, name) == 0)
        return at;
    json_object_foreach(at, key,
                        value) if (!found && strcmp(key, "enum") != 0 && strcmp(key, "const") != 0)
        found = find_anchor(value, name);
    json_array_foreach(at, i, value) if (!found) found = find_anchor(value, name);
    return found;
}

json_t *ts_schema_resolve(ts_schema *s, const json_t *place, const char *ref)
{
    const char *id = json_string_value(json_object_get(s->root, "$id"));
    const char *at = ref;
    char name[512];

    if (!id)
        id = json_string_value(json_object_get(s->root, "id"));
    if (id && at[0] != '#') { /* the document by its own name */
        const size_t n = strcspn(id, "#");
        if (n > 0 && strncmp(at, id, n) == 0 && (at[n] == '#' || at[n] == 0))
            at += n;
    }
    if (at[0] == 0 || strcmp(at, "#") == 0)
        return s->root;
    if (at[0] == '#' && at[1] != '/') {
        json_t *found = find_anchor(s->root, at + 1);
        if (!found)
            ts_schema_fail(s, place, "$ref", "\"%.80s\" is not in this schema", ref);
        return found;
    }
    if (at[0] != '#') {
        ts_schema_fail(s, place, "$ref", "\"%.80s\" is outside this schema", ref);
        return NULL;
    }
    json_t *target = s->root;
    for (at++; *at == '/' && target;) {
        const size_t n = strcspn(++at, "/");
        if (n >= sizeof name)
            break;
        target = step_into(target, name, unescape(at, n, name));
        at += n;
    }
    if (!target || *at)
        ts_schema_fail(s, place, "$ref", "\"%.80s\" is not in this schema", ref);
    return *at ? NULL : target;
}

/* ---- rules */

/* A word of JSON, unless it is excepted. */
static void add_word(ts_schema *s, const ts_shape *shape, json_t *word, uint32_t from, uint32_t to)
{
    json_t *list, *value;
    size_t i, k;

    json_array_foreach(shape->except, i, list)
        json_array_foreach(list, k, value) if (value == word) /* there is only one of each */
        return;
    ts_gr_empty(s->b, ts_gr_text(s->b, from, ts_schema_spell(s, word)), to);
}

/* Numbers, lists and objects have many spellings: none of them can be excepted. */
static void check_exceptions(ts_schema *s, const ts_shape *shape)
{
    const unsigned spelt = SCHEMA_NUMBER | SCHEMA_ARRAY | SCHEMA_OBJECT;
    json_t *list, *value;
    size_t i, k;

    json_array_foreach(shape->except, i, list) json_array_foreach(list, k, value)
    {
        const unsigned type = ts_schema_type_of(value) & SCHEMA_NUMBER ? (unsigned)SCHEMA_NUMBER
                                                                       : ts_schema_type_of(value);
        if (type & spelt & shape->types)
            ts_schema_fail(s, shape->place, "not", "a number, list or object that is excepted");
    }
}

static void compile_types(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to)
{
    check_exceptions(s, shape);
    if (shape->types & SCHEMA_NULL)
        add_word(s, shape, json_null(), from, to);
    if (shape->types & SCHEMA_BOOLEAN) {
        add_word(s, shape, json_true(), from, to);
        add_word(s, shape, json_false(), from, to);
    }
    if (shape->types & SCHEMA_OBJECT)
        ts_schema_object(s, shape, from, to);
    if (shape->types & SCHEMA_ARRAY)
        ts_schema_array(s, shape, from, to);
    if (shape->types & SCHEMA_STRING)
        ts_schema_string(s, shape, from, to);
    if (shape->types & SCHEMA_NUMBER)
        ts_schema_number(s, shape, from, to);
}

/* The shape without its first choice, kept as a schema that only flattening knows. */
static json_t *rest_of(ts_schema *s, const ts_shape *shape)
{
    json_t *rest = ts_schema_own(s, json_object());
    json_t *choices = ts_schema_own(s, json_array());
    ts_shape *copy = ts_arena_alloc(s->arena, sizeof *copy);

    if (!rest || !choices || !copy) {
        ts_schema_nomem(s);
        return NULL;
    }
    for (size_t i = 1; i < json_array_size(shape->choices); i++)
        if (json_array_append(choices, json_array_get(shape->choices, i)) != 0)
            ts_schema_nomem(s);
    *copy = *shape;
    copy->choices = choices;
    const address key = address_of(rest, NULL);
    if (json_object_set_new(s->kept, key.text, json_integer((json_int_t)(intptr_t)copy)) != 0)
        ts_schema_nomem(s);
    return rest;
}

const ts_shape *ts_schema_kept(const ts_schema *s, const json_t *schema)
{
    const address key = address_of(schema, NULL);

    return (const ts_shape *)(intptr_t)json_integer_value(json_object_get(s->kept, key.text));
}

static void compile_choice(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to)
{
    const bool has_more = !shape->is_trivial || json_array_size(shape->choices) > 1;
    json_t *rest = has_more ? rest_of(s, shape) : NULL;
    json_t *choice = json_array_get(shape->choices, 0), *branch;
    size_t i;

    json_array_foreach(choice, i, branch)
    {
        json_t *both = ts_schema_and(s, rest, branch);
        if (s->status != TIEFSEE_OK)
            return;
        if (json_is_false(both))
            continue;
        ts_gr_call(s->b, from, ts_schema_rule(s, both), to);
    }
}

static void compile(ts_schema *s, json_t *schema, uint32_t from, uint32_t to)
{
    ts_arena *outer = s->scratch;
    const size_t counted = s->counted_bytes;
    ts_shape shape;

    s->scratch = NULL;
    s->counted_bytes = 0;
    ts_schema_flatten(s, &shape, schema);
    if (s->status == TIEFSEE_OK && !shape.is_never) {
        if (json_array_size(shape.choices) > 0)
            compile_choice(s, &shape, from, to);
        else if (shape.enums)
            ts_schema_enum(s, &shape, from, to);
        else
            compile_types(s, &shape, from, to);
    }
    ts_arena_free(s->scratch);
    s->scratch = outer;
    s->counted_bytes = counted;
}

uint32_t ts_schema_rule(ts_schema *s, json_t *schema)
{
    const address key = address_of(schema, NULL);
    const json_t *known = json_object_get(s->rules, key.text), *place = s->place;

    if (!schema || json_is_true(schema))
        return ts_json_rule_of(&s->json, GR_JSON_VALUE);
    if (known)
        return (uint32_t)json_integer_value(known);
    const uint32_t rule = ts_gr_add_rule(s->b, "the schema");
    if (json_object_set_new(s->rules, key.text, json_integer(rule)) != 0)
        ts_schema_nomem(s);
    if (++s->nesting > SCHEMA_MAX_NESTING)
        ts_schema_fail(s, schema, NULL, "nested deeper than %d schemas", SCHEMA_MAX_NESTING);
    if (s->status == TIEFSEE_OK && s->b->status == TIEFSEE_OK)
        compile(s, schema, ts_gr_start(s->b, rule), ts_gr_end(s->b, rule));
    s->nesting--;
    s->place = place;
    return rule;
}

uint32_t ts_schema_value(ts_schema *s, uint32_t from, json_t *schema)
{
    const uint32_t to = ts_gr_add_state(s->b);

    ts_gr_call(s->b, from, ts_schema_rule(s, schema), to);
    return to;
}

/* ---- the document */

static tiefsee_status check_text(ts_str text, tiefsee_error *err)
{
    size_t n_values = 1, depth = 0;
    bool in_text = false;

    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if (in_text) {
            i += c == '\\';
            in_text = c != '"';
            continue;
        }
        in_text = c == '"';
        n_values += c == ',' || c == '{' || c == '[';
        depth += c == '{' || c == '[';
        depth -= (c == '}' || c == ']') && depth > 0;
        if (depth > SCHEMA_MAX_DEPTH)
            return ts_fail(err, TIEFSEE_E_LIMIT, "schema nested deeper than %d", SCHEMA_MAX_DEPTH);
    }
    if (n_values > SCHEMA_MAX_VALUES)
        return ts_fail(err, TIEFSEE_E_LIMIT, "schema of more than %d values", SCHEMA_MAX_VALUES);
    return TIEFSEE_OK;
}

/* Names that begin with \001 are ours. */
static bool has_reserved_name(json_t *at)
{
    const char *key;
    json_t *value;
    size_t i;
    bool found = false;

    json_object_foreach(at, key, value) found = found || key[0] == 1 || has_reserved_name(value);
    json_array_foreach(at, i, value) found = found || has_reserved_name(value);
    return found;
}

static tiefsee_status parse(json_t **out, ts_str text, tiefsee_error *err)
{
    json_error_t e;
    const tiefsee_status st = check_text(text, err);

    *out = NULL;
    if (st != TIEFSEE_OK)
        return st;
    *out = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL,
                      &e);
    if (!*out && json_error_code(&e) == json_error_out_of_memory)
        return ts_fail_nomem(err, text.len, "schema");
    if (!*out)
        return ts_fail(err, TIEFSEE_E_FORMAT, "schema, line %d: %.120s", e.line, e.text);
    return TIEFSEE_OK;
}

static bool is_old_draft(const json_t *root)
{
    const char *uri = json_string_value(json_object_get(root, "$schema"));

    return uri && (strstr(uri, "draft-03") || strstr(uri, "draft-04") || strstr(uri, "draft-06") ||
                   strstr(uri, "draft-07"));
}

/* Is there a $ref below an $id that is not the root's?  Names within the document
 * ("#x", "/properties/x") are harmless. */
static bool has_inner_id(json_t *at, bool is_root, bool is_below)
{
    const char *key;
    json_t *value;
    size_t i;
    bool found = is_below && json_is_string(json_object_get(at, "$ref"));

    const char *id = json_string_value(json_object_get(at, "$id"));
    if (!id)
        id = json_string_value(json_object_get(at, "id"));
    if (id && !is_root && id[0] != '#' && id[0] != '/')
        is_below = true;
    found = found || (is_below && json_is_string(json_object_get(at, "$ref")));
    json_object_foreach(at, key, value) found = found || has_inner_id(value, false, is_below);
    json_array_foreach(at, i, value) found = found || has_inner_id(value, false, is_below);
    return found;
}

tiefsee_status ts_gr_from_schema(uint32_t *root, ts_gr_builder *b, ts_str text, tiefsee_error *err)
{
    ts_schema s = {.b = b, .json = {.b = b}, .err = err, .status = TIEFSEE_OK};

    *root = 0;
    s.status = parse(&s.root, text, err);
    s.place = s.root;
    s.made = json_array();
    s.rules = json_object();
    s.pairs = json_object();
    s.kept = json_object();
    s.arena = ts_arena_new(GR_ARENA_BYTES);
    if (s.status == TIEFSEE_OK && (!s.made || !s.rules || !s.pairs || !s.kept || !s.arena))
        ts_schema_nomem(&s);
    if (s.status == TIEFSEE_OK) {
        if (has_reserved_name(s.root))
            ts_schema_fail(&s, s.root, NULL, "a name that begins with \\u0001");
        s.ref_stands_alone = is_old_draft(s.root);
        s.has_inner_id = has_inner_id(s.root, true, false);
        if (s.status == TIEFSEE_OK)
            *root = ts_schema_rule(&s, s.root);
    }
    if (s.status == TIEFSEE_OK)
        s.status = ts_gr_builder_status(b, err);
    json_decref(s.kept);
    json_decref(s.pairs);
    json_decref(s.rules);
    json_decref(s.made);
    json_decref(s.root);
    ts_arena_free(s.arena);
    return s.status;
}
