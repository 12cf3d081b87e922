/* schema_array.c - lists: items, prefixItems, counts. */
#include "engine/grammar/schema.h"

/* , item */
static uint32_t following(ts_schema *s, json_t *item)
{
    ts_gr_builder *b = s->b;
    const uint32_t rule = ts_gr_add_rule(b, "an item"), comma = ts_gr_add_state(b);

    ts_gr_bytes(b, ts_gr_start(b, rule), ',', ',', comma);
    ts_gr_call(b, ts_json_blanks(&s->json, comma), ts_schema_rule(s, item), ts_gr_end(b, rule));
    return rule;
}

static uint32_t less(uint32_t n, uint32_t by)
{
    return n == GR_INFINITE ? n : n > by ? n - by : 0;
}

/* Items behind the prefix, of which there are n, from `at` to `close`. */
static void add_items(ts_schema *s, const ts_shape *shape, uint32_t n, uint32_t at, uint32_t close)
{
    const uint32_t min = less(shape->min_items, n), max = less(shape->max_items, n);

    if (json_is_false(shape->items) || max == 0)
        return;
    if (n > 0) {
        ts_gr_repeat(s->b, at, following(s, shape->items), min > 1 ? min : 1, max, close);
        return;
    }
    const uint32_t behind = ts_schema_value(s, at, shape->items);
    if (max == 1)
        ts_gr_empty(s->b, behind, close);
    else
        ts_gr_repeat(s->b, behind, following(s, shape->items), less(min, 1), less(max, 1), close);
}

void ts_schema_array(ts_schema *s, const ts_shape *shape, uint32_t from, uint32_t to)
{
    ts_gr_builder *b = s->b;
    const uint32_t opened = ts_gr_add_state(b), close = ts_gr_add_state(b);
    uint32_t n = 0;
    json_t *item;
    size_t i;

    if (shape->has_unique && shape->max_items > 1) {
        ts_schema_fail(s, shape->place, "uniqueItems", "this keyword is not supported");
        return;
    }
    if (shape->max_items < shape->min_items)
        return;
    ts_gr_bytes(b, from, '[', '[', opened);
    uint32_t at = ts_json_blanks(&s->json, opened);
    if (shape->min_items == 0)
        ts_gr_bytes(b, at, ']', ']', to);
    json_array_foreach(shape->prefix, i, item)
    {
        if (n >= shape->max_items || s->status != TIEFSEE_OK)
            break;
        if (n > 0) {
            const uint32_t comma = ts_gr_add_state(b);
            ts_gr_bytes(b, at, ',', ',', comma);
            at = ts_json_blanks(&s->json, comma);
        }
        at = ts_schema_value(s, at, item);
        if (++n >= shape->min_items)
            ts_gr_empty(b, at, close);
    }
    add_items(s, shape, n, at, close);
    ts_gr_bytes(b, ts_json_blanks(&s->json, close), ']', ']', to);
}
