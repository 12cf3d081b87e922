/* regex_parse.c - see regex_parse.h: ECMA-262, 22.2.1 with the u flag's meaning of a
 * character, and the leniencies of annex B that real patterns use ("{" and "]" as
 * themselves). */
#include "engine/grammar/regex_parse.h"

#include "core/utf8.h"
#include "engine/grammar/regex_set.h"

typedef struct parser {
    ts_str text;
    size_t at;
    ts_arena *arena;
    int depth;
    tiefsee_error *err;
    tiefsee_status status;
} parser;

static void fail(parser *p, const char *what)
{
    if (p->status == TIEFSEE_OK)
        p->status = ts_fail(p->err, TIEFSEE_E_INVALID, "pattern, byte %zu: %s", p->at, what);
}

static void fail_nomem(parser *p)
{
    if (p->status == TIEFSEE_OK)
        p->status = ts_fail_nomem(p->err, p->text.len, "pattern");
}

static bool is_at(const parser *p, char c)
{
    return p->at < p->text.len && p->text.ptr[p->at] == c;
}

static bool take(parser *p, char c)
{
    if (!is_at(p, c))
        return false;
    p->at++;
    return true;
}

static bool take_text(parser *p, const char *text)
{
    const ts_str rest = {p->text.ptr + p->at, p->text.len - p->at};

    if (!ts_str_starts(rest, text))
        return false;
    p->at += ts_str_of(text).len;
    return true;
}

static uint32_t take_char(parser *p)
{
    uint32_t c = 0;
    const size_t n = ts_utf8_decode(p->text.ptr + p->at, p->text.len - p->at, &c);

    if (n == 0)
        fail(p, "not UTF-8");
    p->at += n;
    return c;
}

static ts_regex_node *new_node(parser *p, ts_regex_kind kind)
{
    ts_regex_node *n = ts_arena_alloc_zero(p->arena, 1, sizeof *n);

    if (!n)
        fail_nomem(p);
    else
        n->kind = kind;
    return n;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static uint32_t take_hex(parser *p, int n)
{
    uint32_t c = 0;

    for (int i = 0; i < n; i++) {
        const int v = p->at < p->text.len ? hex_value(p->text.ptr[p->at]) : -1;
        if (v < 0) {
            fail(p, "hexadecimal digits expected");
            return 0;
        }
        c = c * 16 + (uint32_t)v;
        p->at++;
    }
    return c;
}

/* Behind \u. */
static uint32_t take_unicode(parser *p)
{
    if (take(p, '{')) {
        uint32_t c = 0;
        while (p->status == TIEFSEE_OK && !take(p, '}')) {
            c = c * 16 + take_hex(p, 1);
            if (c > GR_MAX_CHAR)
                fail(p, "a code point beyond 10ffff");
        }
        return c;
    }
    const uint32_t c = take_hex(p, 4);
    const size_t back = p->at;
    if (c >= 0xd800 && c < 0xdc00 && take_text(p, "\\u")) {
        const uint32_t low = take_hex(p, 4);
        if (low >= 0xdc00 && low < 0xe000)
            return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        p->at = back;
    }
    return c;
}

static void refuse_escape(parser *p, char c)
{
    if (c == 'p' || c == 'P')
        fail(p, "\\p (classes of Unicode) is not supported");
    else if (c == 'b' || c == 'B')
        fail(p, "\\b (word border) is not supported");
    else if (c == 'k' || (c >= '1' && c <= '9'))
        fail(p, "a backreference is not supported");
    else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        fail(p, "an escape that is not known");
}

/* Behind a backslash: a single character.  Classes were tried before. */
static uint32_t take_escaped(parser *p, bool in_class)
{
    if (p->at >= p->text.len) {
        fail(p, "nothing behind \\");
        return 0;
    }
    const char c = p->text.ptr[p->at];
    if ((unsigned char)c >= 0x80)
        return take_char(p);
    p->at++;
    switch (c) {
    case '0': return 0;
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'f': return '\f';
    case 'v': return '\v';
    case 'x': return take_hex(p, 2);
    case 'u': return take_unicode(p);
    case 'c': return p->at < p->text.len ? (uint32_t)(p->text.ptr[p->at++] & 31) : 0;
    default: break;
    }
    if (c == 'b' && in_class)
        return '\b';
    refuse_escape(p, c);
    return (unsigned char)c;
}

/* One member of [...]; *is_class if it is a whole class, which begins no range. */
static uint32_t take_member(parser *p, ts_range_list *l, bool *is_class)
{
    *is_class = false;
    if (!take(p, '\\'))
        return take_char(p);
    if (p->at < p->text.len && p->text.ptr[p->at] != '.') {
        const bool added = ts_range_add_class(l, p->text.ptr[p->at], p->arena, is_class);
        if (*is_class) {
            p->at++;
            if (!added)
                fail_nomem(p);
            return 0;
        }
    }
    return take_escaped(p, true);
}

static ts_regex_node *set_node(parser *p, ts_range_list *l, bool is_negated)
{
    ts_regex_node *n = new_node(p, RX_SET);

    if (!n || !ts_range_normalize(l, is_negated, p->arena)) {
        fail_nomem(p);
        return n;
    }
    n->ranges = l->ranges;
    n->n_ranges = l->n;
    return n;
}

/* Behind the opening bracket. */
static ts_regex_node *take_set(parser *p)
{
    const bool is_negated = take(p, '^');
    ts_range_list l = {0};

    while (p->status == TIEFSEE_OK && !take(p, ']')) {
        bool is_class, is_class2 = false;
        if (p->at >= p->text.len) {
            fail(p, "[ without ]");
            break;
        }
        const uint32_t lo = take_member(p, &l, &is_class);
        if (is_class)
            continue;
        uint32_t hi = lo;
        const bool has_range =
            is_at(p, '-') && p->at + 1 < p->text.len && p->text.ptr[p->at + 1] != ']';
        if (has_range) {
            p->at++;
            hi = take_member(p, &l, &is_class2);
            if (is_class2) { /* [a-\d]: the three of them */
                hi = lo;
                if (!ts_range_add(&l, '-', '-', p->arena))
                    fail_nomem(p);
            }
        }
        if (hi < lo)
            fail(p, "a range that runs backwards");
        if (!ts_range_add(&l, lo, hi, p->arena))
            fail_nomem(p);
    }
    return set_node(p, &l, is_negated);
}

static ts_regex_node *one_char(parser *p, uint32_t c)
{
    ts_range_list l = {0};

    if (!ts_range_add(&l, c, c, p->arena))
        fail_nomem(p);
    return set_node(p, &l, false);
}

static ts_regex_node *take_choice(parser *p);

/* Behind the opening parenthesis. */
static ts_regex_node *take_group(parser *p)
{
    if (take_text(p, "?=") || take_text(p, "?!"))
        fail(p, "lookahead is not supported");
    else if (take_text(p, "?<=") || take_text(p, "?<!"))
        fail(p, "lookbehind is not supported");
    else if (take_text(p, "?<") || take_text(p, "?P<"))
        while (p->at < p->text.len && p->text.ptr[p->at++] != '>')
            ;
    else if (!take_text(p, "?:") && is_at(p, '?'))
        fail(p, "flags in a group are not supported");
    if (++p->depth > GR_MAX_REGEX_DEPTH)
        fail(p, "groups nested too deep (100 allowed)");
    if (p->status != TIEFSEE_OK)
        return NULL;
    ts_regex_node *inner = take_choice(p);
    p->depth--;
    if (!take(p, ')'))
        fail(p, "( without )");
    return inner;
}

static ts_regex_node *take_atom(parser *p)
{
    ts_range_list l = {0};
    bool is_class = false;

    if (take(p, '('))
        return take_group(p);
    if (take(p, '['))
        return take_set(p);
    if (take(p, '^') || take(p, '$')) {
        ts_regex_node *n = new_node(p, p->text.ptr[p->at - 1] == '^' ? RX_BEGIN : RX_END);
        if (n)
            n->has_anchor = true;
        return n;
    }
    if (is_at(p, '*') || is_at(p, '+') || is_at(p, '?')) {
        fail(p, "nothing to repeat");
        return NULL;
    }
    const bool is_dot = take(p, '.');
    const bool is_escape = !is_dot && take(p, '\\');
    const char name = is_dot ? '.' : p->at < p->text.len ? p->text.ptr[p->at] : 0;
    if (is_dot || (is_escape && name != '.')) {
        const bool added = ts_range_add_class(&l, name, p->arena, &is_class);
        if (is_class && !added)
            fail_nomem(p);
        if (is_class) {
            p->at += is_escape;
            return set_node(p, &l, false);
        }
    }
    return one_char(p, is_escape ? take_escaped(p, false) : take_char(p));
}

static bool take_number(parser *p, uint32_t *out)
{
    const size_t begin = p->at;
    uint32_t v = 0;

    for (; p->at < p->text.len && p->text.ptr[p->at] >= '0' && p->text.ptr[p->at] <= '9'; p->at++)
        if (v <= GR_MAX_REGEX_REPEAT)
            v = v * 10 + (uint32_t)(p->text.ptr[p->at] - '0');
    *out = v;
    return p->at > begin;
}

/* {m}, {m,} or {m,n}; false, and nothing taken, if it is none of these. */
static bool take_braces(parser *p, uint32_t *min, uint32_t *max)
{
    const size_t back = p->at;

    if (take(p, '{') && take_number(p, min)) {
        *max = *min;
        if (take(p, ',') && !take_number(p, max))
            *max = GR_INFINITE;
        if (take(p, '}'))
            return true;
    }
    p->at = back;
    return false;
}

static bool take_quantifier(parser *p, uint32_t *min, uint32_t *max)
{
    *min = 0;
    *max = GR_INFINITE;
    if (take(p, '*'))
        return true;
    if (take(p, '+')) {
        *min = 1;
        return true;
    }
    if (take(p, '?')) {
        *max = 1;
        return true;
    }
    return take_braces(p, min, max);
}

static ts_regex_node *take_repeated(parser *p)
{
    ts_regex_node *atom = take_atom(p);
    uint32_t min, max;

    if (p->status != TIEFSEE_OK || !atom || !take_quantifier(p, &min, &max))
        return atom;
    if (min > GR_MAX_REGEX_REPEAT || (max != GR_INFINITE && max > GR_MAX_REGEX_REPEAT))
        fail(p, "more than 10000 repeats");
    else if (max < min)
        fail(p, "repeats that run backwards");
    else if (atom->has_anchor && max > 1)
        fail(p, "a repeated anchor is not supported");
    (void)take(p, '?'); /* lazy: the same texts */
    if (is_at(p, '*') || is_at(p, '+') || is_at(p, '?'))
        fail(p, "nothing to repeat");
    ts_regex_node *n = new_node(p, RX_REPEAT);
    if (n) {
        n->child = atom;
        n->min = min;
        n->max = max;
        n->has_anchor = atom->has_anchor;
    }
    return n;
}

static ts_regex_node *take_sequence(parser *p)
{
    ts_regex_node *n = new_node(p, RX_SEQUENCE);
    ts_regex_node **link = n ? &n->child : NULL;
    ts_regex_kind before = RX_EMPTY;

    while (link && p->status == TIEFSEE_OK && p->at < p->text.len && !is_at(p, '|') &&
           !is_at(p, ')')) {
        ts_regex_node *part = take_repeated(p);
        if (!part || p->status != TIEFSEE_OK)
            break;
        n->has_anchor = n->has_anchor || part->has_anchor;
        /* A second ^ says nothing new. */
        if ((part->kind == RX_BEGIN || part->kind == RX_END) && part->kind == before)
            continue;
        before = part->kind;
        *link = part;
        link = &part->next;
    }
    return n;
}

static ts_regex_node *take_choice(parser *p)
{
    ts_regex_node *n = new_node(p, RX_CHOICE);
    ts_regex_node **link = n ? &n->child : NULL;

    while (link && p->status == TIEFSEE_OK) {
        ts_regex_node *part = take_sequence(p);
        if (!part)
            break;
        n->has_anchor = n->has_anchor || part->has_anchor;
        *link = part;
        link = &part->next;
        if (!take(p, '|'))
            break;
    }
    return n;
}

tiefsee_status ts_regex_parse(ts_regex_node **out, ts_str pattern, ts_arena *arena,
                              tiefsee_error *err)
{
    parser p = {.text = pattern, .arena = arena, .err = err, .status = TIEFSEE_OK};

    *out = take_choice(&p);
    if (p.status == TIEFSEE_OK && p.at < pattern.len)
        fail(&p, ") without (");
    return p.status;
}
