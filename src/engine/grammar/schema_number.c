/* schema_number.c - numbers: bounds and multiples. */
#include "engine/grammar/schema.h"

#include <math.h>
#include <string.h>

enum { MAX_MULTIPLE = 2000 };

/* Whole numbers that are multiples of m: states are remainders. */
static uint32_t add_multiples(ts_char_nfa *n, uint32_t start, uint32_t m)
{
    const uint32_t sign = ts_char_state(n), base = n->n_states, end = ts_char_state(n);

    ts_char_move(n, start, '-', '-', sign);
    ts_char_empty(n, start, sign);
    for (uint32_t r = 0; r < m; r++)
        (void)ts_char_state(n);
    for (uint32_t d = 0; d < 10; d++)
        ts_char_move(n, sign, '0' + d, '0' + d, base + 1 + d % m);
    for (uint32_t r = 0; r < m && !n->is_full; r++)
        for (uint32_t d = 0; d < 10; d++)
            ts_char_move(n, base + 1 + r, '0' + d, '0' + d, base + 1 + (r * 10 + d) % m);
    ts_char_empty(n, base + 1, end);
    return end;
}

static bool narrow_to_multiples(ts_schema *s, ts_charset *c, const ts_shape *shape, uint32_t m)
{
    const ts_charset before = *c;
    ts_charset multiples;
    ts_char_nfa n;

    if (m > MAX_MULTIPLE) {
        ts_schema_fail(s, shape->place, "multipleOf", "only up to %d", MAX_MULTIPLE);
        return false;
    }
    ts_char_nfa_init(&n, ts_schema_scratch(s));
    const uint32_t start = ts_char_state(&n), end = add_multiples(&n, start, m);
    return ts_schema_check(s, ts_charset_of_nfa(&multiples, &n, start, end, false, s->err)) &&
           ts_schema_check(s, ts_charset_combine(c, &before, GR_BOTH, &multiples,
                                                 ts_schema_scratch(s), s->err));
}

/* Whole multiples make whole numbers; others are refused. */
static bool check_multiples(ts_schema *s, const ts_shape *shape, unsigned *types)
{
    json_t *item;
    size_t i;

    json_array_foreach(shape->multiples, i, item)
    {
        const double m = json_number_value(item);
        if (m != floor(m) || m > MAX_MULTIPLE) {
            /* 1/k of a whole number: every whole number is a multiple. */
            const double k = 1 / m;
            if (*types == SCHEMA_INTEGER && k == floor(k) && m < 1)
                continue;
            ts_schema_fail(s, shape->place, "multipleOf",
                           "only whole numbers up to %d are supported", MAX_MULTIPLE);
            return false;
        }
        *types = SCHEMA_INTEGER;
    }
    return true;
}

void ts_schema_number(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to)
{
    unsigned types = shape->types & SCHEMA_NUMBER;
    ts_char_nfa n;
    ts_charset c;
    json_t *item;
    size_t i;

    if (!check_multiples(s, shape, &types))
        return;
    if (!shape->min.is_set && !shape->max.is_set && !shape->multiples) {
        const bool is_whole = types == SCHEMA_INTEGER;
        ts_gr_call(s->b, from,
                   ts_json_rule_of(&s->json, is_whole ? GR_JSON_INTEGER : GR_JSON_NUMBER), to);
        return;
    }
    ts_char_nfa_init(&n, ts_schema_scratch(s));
    const uint32_t start = ts_char_state(&n), end = ts_char_state(&n);
    ts_number_range(&n, start, end, &shape->min, &shape->max, types);
    if (!ts_schema_check(s, ts_charset_of_nfa(&c, &n, start, end, false, s->err)))
        return;
    json_array_foreach(shape->multiples, i, item)
    {
        const double m = json_number_value(item);
        if (m > 1 && !narrow_to_multiples(s, &c, shape, (uint32_t)m))
            return;
    }
    ts_charset_lower(s->b, &c, false, from, to);
}
