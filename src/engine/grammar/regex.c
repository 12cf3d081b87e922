/* regex.c - see regex.h.  A tree becomes a nondeterministic automaton (Thompson),
 * where ^ and $ consume markers that stand around every text:
 * "contains a match" is then  anything, match, anything  over the marked text. */
#include "engine/grammar/regex.h"

#include "engine/grammar/frontend.h"
#include "engine/grammar/regex_parse.h"

/* Appends the tree behind `from`; returns the state behind it.  As deep as the
 * parser allowed. */
static uint32_t append(ts_char_nfa *n, const ts_regex_node *node, uint32_t from)
{
    uint32_t to;

    if (n->is_full || n->is_out_of_memory)
        return 0;
    switch (node->kind) {
    case RX_SEQUENCE:
        for (const ts_regex_node *c = node->child; c; c = c->next)
            from = append(n, c, from);
        return from;
    case RX_CHOICE:
        to = ts_char_state(n);
        for (const ts_regex_node *c = node->child; c; c = c->next)
            ts_char_empty(n, append(n, c, from), to);
        return to;
    case RX_REPEAT:
        for (uint32_t i = 0; i < node->min && !n->is_full; i++)
            from = append(n, node->child, from);
        to = ts_char_state(n);
        if (node->max == GR_INFINITE) {
            ts_char_empty(n, from, to);
            ts_char_empty(n, append(n, node->child, to), to);
            from = ts_char_state(n); /* so that nothing else is repeated with it */
            ts_char_empty(n, to, from);
            return from;
        }
        for (uint32_t i = node->min; i < node->max && !n->is_full; i++) {
            ts_char_empty(n, from, to);
            from = append(n, node->child, from);
        }
        ts_char_empty(n, from, to);
        return to;
    case RX_SET:
        to = ts_char_state(n);
        for (uint32_t i = 0; i < node->n_ranges; i++)
            ts_char_move(n, from, node->ranges[i].lo, node->ranges[i].hi, to);
        return to;
    case RX_BEGIN:
    case RX_END:
        to = ts_char_state(n);
        ts_char_move(n, from, node->kind == RX_BEGIN ? GR_BEGIN : GR_END,
                     node->kind == RX_BEGIN ? GR_BEGIN : GR_END, to);
        return to;
    case RX_EMPTY: break;
    }
    return from;
}

static tiefsee_status compile_search(ts_charset *out, ts_char_nfa *n, const ts_regex_node *tree,
                                     tiefsee_error *err)
{
    const uint32_t start = ts_char_state(n), before = ts_char_state(n), end = ts_char_state(n);

    ts_char_empty(n, start, before);
    ts_char_move(n, before, 0, GR_END, before);
    const uint32_t first = ts_char_state(n);
    ts_char_empty(n, before, first);
    ts_char_empty(n, append(n, tree, first), end);
    ts_char_move(n, end, 0, GR_END, end);
    return ts_charset_of_nfa(out, n, start, end, true, err);
}

/* ^ in front and $ behind of an expression that is not a choice say nothing. */
static void drop_outer_anchors(ts_regex_node *tree)
{
    ts_regex_node *only = tree->child;

    if (!only || only->next)
        return;
    if (only->child && only->child->kind == RX_BEGIN)
        only->child = only->child->next;
    for (ts_regex_node **link = &only->child; *link; link = &(*link)->next)
        if ((*link)->kind == RX_END && !(*link)->next) {
            *link = NULL;
            break;
        }
    only->has_anchor = false;
    for (const ts_regex_node *c = only->child; c; c = c->next)
        only->has_anchor = only->has_anchor || c->has_anchor;
    tree->has_anchor = only->has_anchor;
}

tiefsee_status ts_regex_compile(ts_charset *out, ts_str pattern, bool is_search, ts_arena *arena,
                                tiefsee_error *err)
{
    ts_regex_node *tree;
    ts_char_nfa n;
    tiefsee_status st = ts_regex_parse(&tree, pattern, arena, err);

    *out = (ts_charset){0};
    if (st != TIEFSEE_OK)
        return st;
    ts_char_nfa_init(&n, arena);
    if (is_search)
        return compile_search(out, &n, tree, err);
    drop_outer_anchors(tree);
    if (tree->has_anchor)
        return ts_fail(err, TIEFSEE_E_INVALID,
                       "pattern: ^ and $ only in front and behind (the whole text must match)");
    const uint32_t start = ts_char_state(&n);
    const uint32_t end = append(&n, tree, start);
    return ts_charset_of_nfa(out, &n, start, end, false, err);
}

tiefsee_status ts_gr_from_regex(uint32_t *root, ts_gr_builder *b, ts_str text, tiefsee_error *err)
{
    ts_arena *arena = ts_arena_new(GR_ARENA_BYTES);
    ts_charset c;

    *root = 0;
    if (!arena)
        return ts_fail_nomem(err, text.len, "pattern");
    tiefsee_status st = ts_regex_compile(&c, text, false, arena, err);
    if (st == TIEFSEE_OK) {
        *root = ts_gr_add_rule(b, "the pattern");
        ts_charset_lower(b, &c, false, ts_gr_start(b, *root), ts_gr_end(b, *root));
        st = ts_gr_builder_status(b, err);
    }
    ts_arena_free(arena);
    return st;
}
