/* schema.h - JSON Schema to rules: what the schema_*.c files share.
 *
 * A schema is flattened into a shape: its own keywords with those of $ref and allOf
 * merged in, and the choices (anyOf, oneOf) that remain.  A shape becomes rules type
 * by type.  Rules are remembered by schema, which makes recursion a call; the
 * conjunction of two schemas is a schema of its own, remembered by the pair.
 */
#ifndef TS_ENGINE_SCHEMA_H
#define TS_ENGINE_SCHEMA_H

#include <jansson.h>

#include "core/arena.h"
#include "engine/grammar/charset.h"
#include "engine/grammar/json_rules.h"

enum {
    SCHEMA_MAX_DEPTH = 200,   /* nested JSON of a schema */
    SCHEMA_MAX_NESTING = 100, /* schemas within schemas while compiling */
    SCHEMA_MAX_VALUES = 1 << 18,
    SCHEMA_MAX_SHAPES = 20000,      /* schemas that are flattened for one grammar */
    SCHEMA_MAX_ASKED = 50000,       /* those flattened to prove that oneOf has no overlap */
    SCHEMA_MAX_CHARSETS = 64 << 20, /* bytes of all charsets: bounds the time for them */
    SCHEMA_MAX_ENUM = 20000,
    SCHEMA_MAX_ONE_OF = 200,
    SCHEMA_MAX_REGIONS = 32 /* kinds of further property names */
};

typedef enum ts_schema_type {
    SCHEMA_NULL = 1,
    SCHEMA_BOOLEAN = 2,
    SCHEMA_OBJECT = 4,
    SCHEMA_ARRAY = 8,
    SCHEMA_STRING = 16,
    SCHEMA_INTEGER = 32,
    SCHEMA_FRACTION = 64, /* numbers that are not written as integers */
    SCHEMA_NUMBER = SCHEMA_INTEGER | SCHEMA_FRACTION,
    SCHEMA_ANY = 127
} ts_schema_type;

/* Keywords of schemas that are made here: none of a document can have these names. */
#define SCHEMA_EXCEPT   "\001except"   /* list of values that it must not be */
#define SCHEMA_MISMATCH "\001mismatch" /* a pattern that a text must not match */

/* A finite decimal: no zeros in front or behind. */
enum { DECIMAL_DIGITS = 40 };
typedef struct ts_decimal {
    bool is_negative;
    char whole[DECIMAL_DIGITS + 1]; /* "0" or without zeros in front */
    char fraction[DECIMAL_DIGITS + 1];
} ts_decimal;

typedef struct ts_bound {
    bool is_set, is_exclusive;
    ts_decimal value;
} ts_bound;

/* Borrowed JSON is part of the document or owned by ts_schema.made. */
typedef struct ts_shape ts_shape;
struct ts_shape {
    const json_t *place; /* for messages */
    unsigned types;
    bool is_never;
    json_t *enums;    /* list of values; NULL: no enum, no const */
    json_t *except;   /* list of lists of values that it is not */
    json_t *patterns; /* list of texts */
    json_t *mismatches;
    json_t *formats;
    uint32_t min_length, max_length;
    ts_bound min, max;
    json_t *multiples; /* list of numbers */
    json_t *prefix;    /* list of schemas */
    json_t *items;     /* behind the prefix; NULL: anything */
    uint32_t min_items, max_items;
    bool has_unique;
    json_t *properties, *required; /* objects; the values of required do not matter */
    json_t *pattern_properties;
    json_t *additional; /* NULL: anything */
    json_t *names;      /* list of schemas of propertyNames */
    uint32_t min_properties, max_properties;
    json_t *choices; /* list of lists of schemas: one of each list */
    bool is_trivial; /* nothing but choices */
};

typedef struct ts_schema {
    ts_gr_builder *b;
    ts_json_rules json;
    json_t *root;
    json_t *made;  /* a list that owns what was made here */
    json_t *rules; /* address of a schema as text -> rule */
    json_t *pairs; /* two addresses -> schema */
    ts_arena *arena;
    ts_arena *scratch;                /* of the rule at hand: its charsets; NULL: not needed yet */
    size_t used_bytes, counted_bytes; /* by all charsets; of those, in scratch */
    json_t *kept; /* address of a schema that stands for a shape -> its address */
    const json_t *place;
    bool has_inner_id;     /* a $ref below an $id of its own: it would mean another place */
    bool ref_stands_alone; /* drafts 4 to 7: keywords beside $ref mean nothing */
    int nesting;
    uint32_t n_shapes, n_asked;
    bool is_asking; /* failures are an answer, not an error */
    tiefsee_error *err;
    tiefsee_status status;
} ts_schema;

/* ---- schema.c */
void ts_schema_fail(ts_schema *s, const json_t *place, const char *keyword, const char *fmt, ...)
    TS_PRINTF(4, 5);
void ts_schema_nomem(ts_schema *s);
bool ts_schema_check(ts_schema *s, tiefsee_status st); /* keeps a failure; true: ok */

/* Memory for charsets until the rule at hand is done. */
ts_arena *ts_schema_scratch(ts_schema *s);

/* Own a new JSON value; NULL (and a failure) if there was none. */
json_t *ts_schema_own(ts_schema *s, json_t *fresh);
ts_str ts_schema_spell(ts_schema *s, const json_t *value); /* as JSON, in the arena */
json_t *ts_schema_and(ts_schema *s, json_t *a, json_t *b); /* NULL means anything */
const ts_shape *ts_schema_kept(const ts_schema *s, const json_t *schema); /* or NULL */
json_t *ts_schema_resolve(ts_schema *s, const json_t *place, const char *ref);

uint32_t ts_schema_rule(ts_schema *s, json_t *schema);
/* A state behind one value of the schema (NULL: any). */
uint32_t ts_schema_value(ts_schema *s, uint32_t from, json_t *schema);

/* ---- schema_shape.c */
void ts_schema_flatten(ts_schema *s, ts_shape *out, json_t *schema);
bool ts_schema_is_annotation(const char *keyword);

/* ---- schema_negate.c; NULL: no schema can say it */
json_t *ts_schema_negate(ts_schema *s, json_t *schema);
json_t *ts_schema_either(ts_schema *s, json_t *a, json_t *b);
/* overlaps: (n, n) which of a list may hold at once.  Gives a list for anyOf. */
json_t *ts_schema_exactly_one(ts_schema *s, const json_t *list, const bool *overlaps, size_t n);

/* ---- schema_merge.c: keywords of an object that mean something together */
void ts_schema_merge_object(ts_schema *s, ts_shape *out, json_t *schema);
void ts_schema_merge_array(ts_schema *s, ts_shape *out, json_t *schema);
/* What applies to a property that is not in `properties`. */
json_t *ts_schema_other(ts_schema *s, json_t *patterns, json_t *additional, ts_str name);

/* ---- schema_string.c */
void ts_schema_string(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to);
/* The texts a shape of strings allows, without its enum. */
bool ts_schema_charset(ts_schema *s, ts_charset *out, const ts_shape *shape);
bool ts_schema_is_free_text(const ts_shape *shape);

/* ---- schema_number.c, number_range.c */
bool ts_decimal_of(ts_decimal *out, const json_t *number);
int ts_decimal_compare(const ts_decimal *a, const ts_decimal *b);
void ts_schema_number(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to);
void ts_number_range(ts_char_nfa *n, uint32_t from, uint32_t to, const ts_bound *min,
                     const ts_bound *max, unsigned types);

/* ---- schema_object.c, schema_array.c */
void ts_schema_object(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to);
void ts_schema_array(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to);

/* ---- schema_enum.c */
void ts_schema_enum(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to);
unsigned ts_schema_type_of(const json_t *value);
bool ts_schema_fits(ts_schema *s, const ts_shape *shape, const json_t *value);

/* ---- schema_disjoint.c: can no value satisfy both?  False if that is not proven. */
bool ts_schema_disjoint(ts_schema *s, json_t *a, json_t *b, int depth);

#endif
