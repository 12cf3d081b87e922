/* gbnf.c - grammars in the notation that llama.cpp made common.
 *
 *     root ::= "yes" | "no" list      # rules end with their line, but go on in (...)
 *     list ::= (" " [a-z]+){1,3}      # and behind ::= and |
 *
 * Texts "...", characters [...] [^...] and . , rules by name, ( ), | , * + ? {m,n}.
 * A rule that can begin with itself is refused: it would never end.
 */
#include "engine/grammar/frontend.h"

#include <string.h>

#include "core/utf8.h"
#include "engine/grammar/draft.h"

enum { MAX_GROUPS = 100, MAX_NAMED = 4096, MAX_REPEAT = 1 << 20 };

typedef struct named {
    ts_str name;
    uint32_t rule;
    size_t used_at; /* for the message if it is never defined */
    bool is_defined;
} named;

typedef struct parser {
    ts_str text;
    size_t at;
    ts_gr_builder *b;
    ts_arena *arena;
    named *rules;
    uint32_t n_rules, cap_rules;
    int depth;
    tiefsee_error *err;
    tiefsee_status status;
} parser;

static void fail_at(parser *p, size_t at, const char *what, ts_str name)
{
    size_t line = 1, column = 1;

    if (p->status != TIEFSEE_OK)
        return;
    for (size_t i = 0; i < at && i < p->text.len; i++) {
        column++;
        if (p->text.ptr[i] == '\n') {
            line++;
            column = 1;
        }
    }
    p->status = ts_fail(p->err, TIEFSEE_E_INVALID, "grammar, line %zu, column %zu: %s%s%.*s", line,
                        column, what, name.len ? " " : "", TS_STR_ARG(name));
}

static void fail(parser *p, const char *what)
{
    fail_at(p, p->at, what, (ts_str){0});
}

static bool is_going(const parser *p)
{
    return p->status == TIEFSEE_OK && p->b->status == TIEFSEE_OK;
}

static char peek(const parser *p)
{
    return p->at < p->text.len ? p->text.ptr[p->at] : 0;
}

static bool take(parser *p, char c)
{
    if (p->at >= p->text.len || p->text.ptr[p->at] != c)
        return false;
    p->at++;
    return true;
}

static void skip(parser *p, bool over_lines)
{
    for (; p->at < p->text.len; p->at++) {
        const char c = peek(p);
        if (c == '#')
            while (p->at + 1 < p->text.len && p->text.ptr[p->at + 1] != '\n')
                p->at++;
        else if (c != ' ' && c != '\t' && !(over_lines && (c == '\n' || c == '\r')))
            return;
    }
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static ts_str take_name(parser *p)
{
    const size_t begin = p->at;

    while (p->at < p->text.len && is_name_char(peek(p)))
        p->at++;
    if (p->at == begin)
        fail(p, "a name expected");
    return (ts_str){p->text.ptr + begin, p->at - begin};
}

/* The rule of a name; one that is new is promised. */
static named *rule_of(parser *p, ts_str name)
{
    for (uint32_t i = 0; i < p->n_rules; i++)
        if (ts_str_eq(p->rules[i].name, name))
            return &p->rules[i];
    if (p->n_rules == MAX_NAMED) {
        fail(p, "more than 4096 rules");
        return NULL;
    }
    char *copy = ts_arena_strdup(p->arena, name.ptr, name.len);
    if (!copy || !ts_arena_grow(p->arena, &p->rules, p->n_rules, &p->cap_rules, sizeof *p->rules)) {
        if (p->status == TIEFSEE_OK)
            p->status = ts_fail_nomem(p->err, name.len, "grammar");
        return NULL;
    }
    p->rules[p->n_rules] = (named){{copy, name.len}, ts_gr_add_rule(p->b, copy), p->at, false};
    return &p->rules[p->n_rules++];
}

static uint32_t take_hex(parser *p, int n)
{
    uint32_t c = 0;

    for (int i = 0; i < n; i++, p->at++) {
        const char h = peek(p);
        if (h >= '0' && h <= '9')
            c = c * 16 + (uint32_t)(h - '0');
        else if ((h | 32) >= 'a' && (h | 32) <= 'f')
            c = c * 16 + (uint32_t)((h | 32) - 'a' + 10);
        else
            fail(p, "hexadecimal digits expected");
        if (p->status != TIEFSEE_OK)
            return 0;
    }
    return c;
}

static uint32_t take_char(parser *p)
{
    uint32_t c = 0;

    if (!take(p, '\\')) {
        const size_t n = ts_utf8_decode(p->text.ptr + p->at, p->text.len - p->at, &c);
        if (n == 0)
            fail(p, "not UTF-8");
        p->at += n;
        return c;
    }
    const char name = peek(p);
    p->at += p->at < p->text.len;
    switch (name) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'x': return take_hex(p, 2);
    case 'u': return take_hex(p, 4);
    case 'U': c = take_hex(p, 8); break;
    case '"':
    case '\\':
    case '[':
    case ']':
    case '-':
    case '^':
    case '/': return (unsigned char)name;
    default: fail(p, "an escape that is not known"); break;
    }
    if (c > GR_MAX_CHAR)
        fail(p, "a code point beyond 10ffff");
    return c;
}

static void take_text(parser *p, uint32_t from, uint32_t to)
{
    while (is_going(p) && !take(p, '"')) {
        if (p->at >= p->text.len || peek(p) == '\n') {
            fail(p, "\" without \"");
            return;
        }
        const uint32_t c = take_char(p), next = ts_gr_add_state(p->b);
        ts_gr_chars(p->b, from, c, c, next);
        from = next;
    }
    ts_gr_empty(p->b, from, to);
}

/* Behind [: ranges are collected as a pattern's would be, then turned around. */
static void take_set(parser *p, uint32_t from, uint32_t to)
{
    const bool is_negated = take(p, '^');
    ts_char_nfa n;
    ts_charset set, all, out;

    ts_char_nfa_init(&n, p->arena);
    const uint32_t start = ts_char_state(&n), end = ts_char_state(&n);
    while (is_going(p) && !take(p, ']')) {
        if (p->at >= p->text.len) {
            fail(p, "[ without ]");
            return;
        }
        const uint32_t lo = take_char(p);
        uint32_t hi = lo;
        if (peek(p) == '-' && p->at + 1 < p->text.len && p->text.ptr[p->at + 1] != ']') {
            p->at++;
            hi = take_char(p);
        }
        if (hi < lo)
            fail(p, "a range that runs backwards");
        ts_char_move(&n, start, lo, hi, end);
    }
    if (!is_going(p))
        return;
    p->status = ts_charset_of_nfa(&set, &n, start, end, false, p->err);
    out = set;
    if (p->status == TIEFSEE_OK && is_negated)
        p->status = ts_charset_of_length(&all, 1, 1, p->arena, p->err);
    if (p->status == TIEFSEE_OK && is_negated)
        p->status = ts_charset_combine(&out, &all, GR_WITHOUT, &set, p->arena, p->err);
    if (p->status == TIEFSEE_OK && out.n_states)
        for (uint32_t i = out.first[0]; i < out.first[1]; i++)
            ts_gr_chars(p->b, from, out.edges[i].lo, out.edges[i].hi, to);
}

static void take_choice(parser *p, bool in_group, uint32_t from, uint32_t to);

static void take_group(parser *p, uint32_t from, uint32_t to)
{
    if (++p->depth > MAX_GROUPS) {
        fail(p, "groups nested too deep (100 allowed)");
        return;
    }
    take_choice(p, true, from, to);
    p->depth--;
    if (p->status == TIEFSEE_OK && !take(p, ')'))
        fail(p, "( without )");
}

static void take_atom(parser *p, uint32_t from, uint32_t to)
{
    if (take(p, '"')) {
        take_text(p, from, to);
    } else if (take(p, '[')) {
        take_set(p, from, to);
    } else if (take(p, '(')) {
        take_group(p, from, to);
    } else if (take(p, '.')) {
        ts_gr_chars(p->b, from, 0, GR_MAX_CHAR, to);
    } else if (peek(p) == '<') {
        fail(p, "tokens by <name> are not supported");
    } else {
        const named *r = rule_of(p, take_name(p));
        if (r && p->status == TIEFSEE_OK)
            ts_gr_call(p->b, from, r->rule, to);
    }
}

static uint32_t take_number(parser *p)
{
    uint32_t v = 0;

    if (peek(p) < '0' || peek(p) > '9')
        fail(p, "a number expected");
    for (; peek(p) >= '0' && peek(p) <= '9'; p->at++)
        if ((v = v * 10 + (uint32_t)(peek(p) - '0')) > MAX_REPEAT) {
            fail(p, "more than 1048576 repeats");
            return 0;
        }
    return v;
}

/* {m}, {m,} or {m,n}, behind the brace. */
static void take_count(parser *p, uint32_t *min, uint32_t *max)
{
    skip(p, true);
    *min = *max = take_number(p);
    skip(p, true);
    if (take(p, ',')) {
        skip(p, true);
        *max = peek(p) == '}' ? GR_INFINITE : take_number(p);
        skip(p, true);
    }
    if (p->status == TIEFSEE_OK && !take(p, '}'))
        fail(p, "} expected");
    else if (*max < *min)
        fail(p, "repeats that run backwards");
}

/* What was added since `mark` between two states now lies between two others. */
static void move_edges(ts_gr_builder *b, uint32_t mark, const uint32_t old[2],
                       const uint32_t moved[2])
{
    for (uint32_t i = mark; i < b->n_edges; i++) {
        if (b->edges[i].from == old[0])
            b->edges[i].from = moved[0];
        if (b->edges[i].to == old[1])
            b->edges[i].to = moved[1];
    }
}

/* One part with what follows it: * + ? {}.  Returns the state behind it. */
static uint32_t take_part(parser *p, uint32_t from)
{
    ts_gr_builder *b = p->b;
    const uint32_t mark = b->n_edges, to = ts_gr_add_state(b);
    uint32_t min = 1, max = 1;

    take_atom(p, from, to);
    skip(p, p->depth > 0);
    if (take(p, '*'))
        min = 0, max = GR_INFINITE;
    else if (take(p, '+'))
        max = GR_INFINITE;
    else if (take(p, '?'))
        min = 0;
    else if (take(p, '{'))
        take_count(p, &min, &max);
    if (!is_going(p) || (min == 1 && max == 1))
        return to;
    if (max == 1) {
        ts_gr_empty(b, from, to);
        return to;
    }
    const uint32_t behind = ts_gr_add_state(b);
    if (max == GR_INFINITE && min <= 1) {
        const uint32_t loop = ts_gr_add_state(b);
        move_edges(b, mark, (uint32_t[]){from, to}, (uint32_t[]){loop, to});
        ts_gr_empty(b, from, loop);
        ts_gr_empty(b, to, loop);
        ts_gr_empty(b, min ? to : loop, behind);
        return behind;
    }
    const uint32_t rule = ts_gr_add_rule(b, NULL);
    move_edges(b, mark, (uint32_t[]){from, to},
               (uint32_t[]){ts_gr_start(b, rule), ts_gr_end(b, rule)});
    ts_gr_repeat(b, from, rule, min, max, behind);
    return behind;
}

static void take_choice(parser *p, bool in_group, uint32_t from, uint32_t to)
{
    bool is_more = true;

    while (is_going(p) && is_more) {
        /* A state of its own: loops must not lead into another alternative. */
        uint32_t at = ts_gr_add_state(p->b);
        ts_gr_empty(p->b, from, at);
        skip(p, in_group);
        while (is_going(p) && p->at < p->text.len && !strchr("|)\r\n", peek(p))) {
            at = take_part(p, at);
            skip(p, in_group);
        }
        ts_gr_empty(p->b, at, to);
        is_more = take(p, '|');
        if (is_more)
            skip(p, true);
    }
}

static void take_rule(parser *p)
{
    const size_t begin = p->at;
    const ts_str name = take_name(p);
    named *r = p->status == TIEFSEE_OK ? rule_of(p, name) : NULL;

    if (!r)
        return;
    if (r->is_defined)
        fail_at(p, begin, "defined twice:", name);
    r->is_defined = true;
    const uint32_t rule = r->rule;
    skip(p, false);
    if (!take(p, ':') || !take(p, ':') || !take(p, '=')) {
        fail(p, "::= expected");
        return;
    }
    skip(p, true);
    take_choice(p, false, ts_gr_start(p->b, rule), ts_gr_end(p->b, rule));
    if (p->status == TIEFSEE_OK && p->at < p->text.len && peek(p) != '\n' && peek(p) != '\r')
        fail(p, "the end of the rule expected");
}

tiefsee_status ts_gr_from_gbnf(uint32_t *root, ts_gr_builder *b, ts_str text, ts_arena *names,
                               tiefsee_error *err)
{
    parser p = {.text = text, .b = b, .arena = names, .err = err, .status = TIEFSEE_OK};

    *root = 0;
    for (skip(&p, true); is_going(&p) && p.at < text.len; skip(&p, true))
        take_rule(&p);
    for (uint32_t i = 0; i < p.n_rules && p.status == TIEFSEE_OK; i++) {
        if (!p.rules[i].is_defined)
            fail_at(&p, p.rules[i].used_at, "no such rule:", p.rules[i].name);
        else if (ts_str_is(p.rules[i].name, "root"))
            *root = p.rules[i].rule;
    }
    if (p.status == TIEFSEE_OK && b->status == TIEFSEE_OK && *root == 0)
        fail(&p, "no rule root");
    return p.status == TIEFSEE_OK ? ts_gr_builder_status(b, err) : p.status;
}
