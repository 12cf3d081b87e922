/* json_rules.c - see json_rules.h. */
#include "engine/grammar/json_rules.h"

#include "engine/grammar/frontend.h"

enum { MAX_SPACES = 64, MAX_TABS = 16 };

static void add_hex_range(ts_gr_builder *b, uint32_t from, int lo, int hi, uint32_t to)
{
    const int decimal = hi < 9 ? hi : 9;

    if (lo <= 9)
        ts_gr_bytes(b, from, '0' + lo, '0' + decimal, to);
    if (hi >= 10) {
        const int first = lo < 10 ? 0 : lo - 10;
        ts_gr_bytes(b, from, 'a' + first, 'a' + hi - 10, to);
        ts_gr_bytes(b, from, 'A' + first, 'A' + hi - 10, to);
    }
}

/* Behind \u: four digits, and for a character beyond the first plane a second
 * \uDC00..DFFF.  Half a pair is no character. */
static void add_unicode(ts_gr_builder *b, uint32_t from, uint32_t to)
{
    uint32_t tail[4]; /* n more digits to come */
    const uint32_t d = ts_gr_add_state(b), high = ts_gr_add_state(b);

    tail[0] = to;
    for (int i = 1; i < 4; i++) {
        tail[i] = ts_gr_add_state(b);
        add_hex_range(b, tail[i], 0, 15, tail[i - 1]);
    }
    add_hex_range(b, from, 0, 12, tail[3]);
    add_hex_range(b, from, 14, 15, tail[3]);
    add_hex_range(b, from, 13, 13, d);
    add_hex_range(b, d, 0, 7, tail[2]);
    add_hex_range(b, d, 8, 11, high);
    const uint32_t high2 = ts_gr_add_state(b), high3 = ts_gr_add_state(b);
    add_hex_range(b, high, 0, 15, high2);
    add_hex_range(b, high2, 0, 15, high3);
    const uint32_t second = ts_gr_text(b, high3, TS_STR("\\u"));
    const uint32_t low = ts_gr_add_state(b);
    add_hex_range(b, second, 13, 13, low);
    add_hex_range(b, low, 12, 15, tail[2]);
}

static void add_char(ts_gr_builder *b, uint32_t from, uint32_t to)
{
    const uint32_t escape = ts_gr_add_state(b), unicode = ts_gr_add_state(b);

    ts_gr_chars(b, from, 0x20, 0x21, to);
    ts_gr_chars(b, from, 0x23, 0x5b, to);
    ts_gr_chars(b, from, 0x5d, 0x10ffff, to);
    ts_gr_bytes(b, from, '\\', '\\', escape);
    for (const char *c = "\"\\/bfnrt"; *c; c++)
        ts_gr_bytes(b, escape, *c, *c, to);
    ts_gr_bytes(b, escape, 'u', 'u', unicode);
    add_unicode(b, unicode, to);
}

static void make_blanks(ts_gr_builder *b, uint32_t start, uint32_t end)
{
    const uint32_t space = ts_gr_add_rule(b, NULL), tab = ts_gr_add_rule(b, NULL);
    const uint32_t behind_cr = ts_gr_add_state(b), line = ts_gr_add_state(b);

    if (b->status != TIEFSEE_OK)
        return;
    ts_gr_bytes(b, ts_gr_start(b, space), ' ', ' ', ts_gr_end(b, space));
    ts_gr_bytes(b, ts_gr_start(b, tab), '\t', '\t', ts_gr_end(b, tab));
    ts_gr_empty(b, start, end);
    ts_gr_bytes(b, start, ' ', ' ', end);
    ts_gr_bytes(b, start, '\r', '\r', behind_cr);
    ts_gr_bytes(b, behind_cr, '\n', '\n', line);
    ts_gr_bytes(b, start, '\n', '\n', line);
    ts_gr_repeat(b, line, space, 0, MAX_SPACES, end);
    ts_gr_repeat(b, line, tab, 1, MAX_TABS, end);
}

static void make_string(ts_gr_builder *b, uint32_t start, uint32_t end)
{
    const uint32_t inside = ts_gr_add_state(b);

    ts_gr_bytes(b, start, '"', '"', inside);
    add_char(b, inside, inside);
    ts_gr_bytes(b, inside, '"', '"', end);
}

/* -?(0|[1-9][0-9]*): the state behind the sign, then those behind digits. */
static uint32_t add_whole(ts_gr_builder *b, uint32_t start)
{
    const uint32_t first = ts_gr_add_state(b), more = ts_gr_add_state(b);
    const uint32_t done = ts_gr_add_state(b);

    ts_gr_empty(b, start, first);
    ts_gr_bytes(b, start, '-', '-', first);
    ts_gr_bytes(b, first, '0', '0', done);
    ts_gr_bytes(b, first, '1', '9', more);
    ts_gr_bytes(b, more, '0', '9', more);
    ts_gr_empty(b, more, done);
    return done;
}

static void make_number(ts_gr_builder *b, uint32_t start, uint32_t end)
{
    const uint32_t whole = add_whole(b, start), point = ts_gr_add_state(b);
    const uint32_t digits = ts_gr_add_state(b), e = ts_gr_add_state(b);
    const uint32_t sign = ts_gr_add_state(b), power = ts_gr_add_state(b);
    const uint32_t power2 = ts_gr_add_state(b);

    ts_gr_empty(b, whole, end);
    ts_gr_bytes(b, whole, '.', '.', point);
    ts_gr_bytes(b, point, '0', '9', digits);
    ts_gr_bytes(b, digits, '0', '9', digits);
    ts_gr_empty(b, digits, end);
    for (int i = 0; i < 2; i++) {
        ts_gr_bytes(b, i ? whole : digits, 'e', 'e', e);
        ts_gr_bytes(b, i ? whole : digits, 'E', 'E', e);
        ts_gr_bytes(b, e, i ? '+' : '-', i ? '+' : '-', sign);
    }
    /* Two digits: every reader of JSON can hold the result. */
    ts_gr_empty(b, e, sign);
    ts_gr_bytes(b, sign, '0', '9', power);
    ts_gr_bytes(b, power, '0', '9', power2);
    ts_gr_empty(b, power, end);
    ts_gr_empty(b, power2, end);
}

/* open (item (, item)*)? close */
static void add_list(ts_json_rules *j, const char *brackets, uint32_t item, uint32_t start,
                     uint32_t end)
{
    ts_gr_builder *b = j->b;
    const uint32_t opened = ts_gr_add_state(b), behind = ts_gr_add_state(b);
    const uint32_t comma = ts_gr_add_state(b);

    ts_gr_bytes(b, start, brackets[0], brackets[0], opened);
    const uint32_t first = ts_json_blanks(j, opened);
    ts_gr_bytes(b, first, brackets[1], brackets[1], end);
    ts_gr_call(b, first, item, behind);
    ts_gr_bytes(b, behind, ',', ',', comma);
    ts_gr_call(b, ts_json_blanks(j, comma), item, behind);
    ts_gr_bytes(b, ts_json_blanks(j, behind), brackets[1], brackets[1], end);
}

static void make_object(ts_json_rules *j, uint32_t start, uint32_t end)
{
    ts_gr_builder *b = j->b;
    const uint32_t member = ts_gr_add_rule(b, NULL), string = ts_json_rule_of(j, GR_JSON_STRING);
    const uint32_t value = ts_json_rule_of(j, GR_JSON_VALUE);

    if (b->status != TIEFSEE_OK)
        return;
    const uint32_t key = ts_gr_add_state(b), colon = ts_gr_add_state(b);
    ts_gr_call(b, ts_gr_start(b, member), string, key);
    ts_gr_bytes(b, key, ':', ':', colon);
    ts_gr_call(b, ts_json_blanks(j, colon), value, ts_gr_end(b, member));
    add_list(j, "{}", member, start, end);
}

static void make_value(ts_json_rules *j, uint32_t start, uint32_t end)
{
    static const ts_json_rule kinds[] = {GR_JSON_OBJECT, GR_JSON_ARRAY, GR_JSON_STRING,
                                         GR_JSON_NUMBER};
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < TS_COUNT(kinds); i++)
        ts_gr_call(j->b, start, ts_json_rule_of(j, kinds[i]), end);
    for (size_t i = 0; i < TS_COUNT(words); i++)
        ts_gr_empty(j->b, ts_gr_text(j->b, start, ts_str_of(words[i])), end);
}

uint32_t ts_json_rule_of(ts_json_rules *j, ts_json_rule what)
{
    static const char *const names[] = {"blanks", "value",     "object", "array",
                                        "string", "character", "number", "integer"};

    if (j->rule[what])
        return j->rule[what];
    const uint32_t rule = ts_gr_add_rule(j->b, names[what]);
    j->rule[what] = rule; /* before its parts, which may call it */
    if (j->b->status != TIEFSEE_OK)
        return 0;
    const uint32_t start = ts_gr_start(j->b, rule), end = ts_gr_end(j->b, rule);
    switch (what) {
    case GR_JSON_BLANKS: make_blanks(j->b, start, end); break;
    case GR_JSON_VALUE: make_value(j, start, end); break;
    case GR_JSON_OBJECT: make_object(j, start, end); break;
    case GR_JSON_ARRAY: add_list(j, "[]", ts_json_rule_of(j, GR_JSON_VALUE), start, end); break;
    case GR_JSON_STRING: make_string(j->b, start, end); break;
    case GR_JSON_CHAR: add_char(j->b, start, end); break;
    case GR_JSON_NUMBER: make_number(j->b, start, end); break;
    case GR_JSON_INTEGER: ts_gr_empty(j->b, add_whole(j->b, start), end); break;
    case GR_JSON_RULES: break;
    }
    return rule;
}

uint32_t ts_json_blanks(ts_json_rules *j, uint32_t from)
{
    const uint32_t to = ts_gr_add_state(j->b);

    ts_gr_call(j->b, from, ts_json_rule_of(j, GR_JSON_BLANKS), to);
    return to;
}

tiefsee_status ts_gr_from_json(uint32_t *root, ts_gr_builder *b, tiefsee_error *err)
{
    ts_json_rules j = {.b = b};

    *root = ts_json_rule_of(&j, GR_JSON_OBJECT);
    return ts_gr_builder_status(b, err);
}
