/* charset.c - see charset.h. */
#include "engine/grammar/charset.h"

#include <string.h>

#include "core/hash.h"
#include "core/utf8.h"
#include "engine/grammar/draft.h"

/* ---- from texts, lengths */

tiefsee_status ts_charset_any(ts_charset *out, ts_arena *arena, tiefsee_error *err)
{
    return ts_charset_of_length(out, 0, GR_INFINITE, arena, err);
}

tiefsee_status ts_charset_of_length(ts_charset *out, uint32_t min, uint32_t max, ts_arena *arena,
                                    tiefsee_error *err)
{
    const uint32_t last = max == GR_INFINITE ? min : max;
    ts_draft d;

    *out = (ts_charset){0};
    if (max != GR_INFINITE && max < min)
        return TIEFSEE_OK;
    if (last >= GR_MAX_CHAR_STATES)
        return ts_fail(err, TIEFSEE_E_LIMIT, "a pattern with a length of %u (%d allowed)", last,
                       GR_MAX_CHAR_STATES - 1);
    ts_draft_init(&d, arena);
    for (uint32_t i = 0; i <= last; i++) {
        ts_draft_state(&d, i >= min);
        if (i < last || max == GR_INFINITE)
            ts_draft_edge(&d, 0, GR_MAX_CHAR, i < last ? i + 1 : i);
    }
    return ts_draft_finish(out, &d, err);
}

/* Texts sorted by bytes are sorted by code points, so a tree of them grows in
 * order; a state is made when its first text comes by. */
typedef struct text_tree {
    struct {
        uint32_t c, child, sibling;
        bool accepts;
    } * nodes;
    uint32_t n, cap;
} text_tree;

static bool add_text(text_tree *t, ts_str text)
{
    uint32_t at = 0;
    size_t i = 0;

    while (i < text.len) {
        uint32_t c;
        const size_t used = ts_utf8_decode(text.ptr + i, text.len - i, &c);
        if (used == 0)
            return false;
        i += used;
        uint32_t *link = &t->nodes[at].child;
        while (*link && t->nodes[*link].c < c)
            link = &t->nodes[*link].sibling;
        if (!*link || t->nodes[*link].c != c) {
            t->nodes[t->n].c = c;
            t->nodes[t->n].sibling = *link;
            *link = t->n++;
        }
        at = *link;
    }
    t->nodes[at].accepts = true;
    return true;
}

tiefsee_status ts_charset_of_texts(ts_charset *out, const ts_str *texts, size_t n, ts_arena *arena,
                                   tiefsee_error *err)
{
    size_t total = 1;
    text_tree t = {.n = 1};
    ts_draft d;

    *out = (ts_charset){0};
    for (size_t i = 0; i < n; i++)
        total += texts[i].len;
    if (total > (1u << 20))
        return ts_fail(err, TIEFSEE_E_LIMIT, "%zu bytes of names (%d allowed)", total, 1 << 20);
    t.nodes = ts_arena_alloc_zero(arena, total, sizeof *t.nodes);
    if (!t.nodes)
        return ts_fail_nomem(err, total * sizeof *t.nodes, "names");
    for (size_t i = 0; i < n; i++)
        if (!add_text(&t, texts[i]))
            return ts_fail(err, TIEFSEE_E_FORMAT, "a name that is not UTF-8");
    ts_draft_init(&d, arena);
    for (uint32_t s = 0; s < t.n; s++) {
        ts_draft_state(&d, t.nodes[s].accepts);
        for (uint32_t k = t.nodes[s].child; k; k = t.nodes[k].sibling)
            ts_draft_edge(&d, t.nodes[k].c, t.nodes[k].c, k);
    }
    return ts_draft_finish(out, &d, err);
}

/* ---- combinations */

enum { GONE = UINT32_MAX };

typedef struct pairs {
    struct {
        uint32_t a, b;
    } * list;
    uint32_t *slots;
    uint32_t n, max, n_slots; /* slots: a power of two above 2 * max */
    bool is_full;
} pairs;

static bool is_wanted(ts_charset_op op, uint32_t a, uint32_t b)
{
    return op == GR_BOTH      ? a != GONE && b != GONE
           : op == GR_WITHOUT ? a != GONE
                              : a != GONE || b != GONE;
}

static uint32_t pair_id(pairs *p, uint32_t a, uint32_t b)
{
    const uint32_t key[2] = {a, b};
    uint32_t at = (uint32_t)ts_hash(key, sizeof key) & (p->n_slots - 1);

    for (; p->slots[at]; at = (at + 1) & (p->n_slots - 1)) {
        const uint32_t i = p->slots[at] - 1;
        if (p->list[i].a == a && p->list[i].b == b)
            return i;
    }
    if (p->n >= p->max) {
        p->is_full = true;
        return 0;
    }
    p->list[p->n].a = a;
    p->list[p->n].b = b;
    p->slots[at] = p->n + 1;
    return p->n++;
}

/* One side of a pair while its edges are read from the left. */
typedef struct side {
    const ts_char_edge *at, *end;
} side;

static side side_of(const ts_charset *c, uint32_t state)
{
    if (state == GONE)
        return (side){NULL, NULL};
    return (side){c->edges + c->first[state], c->edges + c->first[state + 1]};
}

static bool accepts(const ts_charset *c, uint32_t state)
{
    return state != GONE && c->accepts[state];
}

/* Where c leads, and the last character up to which that holds. */
static uint32_t target(side *s, uint32_t c, uint32_t *hi)
{
    while (s->at < s->end && s->at->hi < c)
        s->at++;
    if (s->at == s->end) {
        *hi = UINT32_MAX;
        return GONE;
    }
    *hi = s->at->lo > c ? s->at->lo - 1 : s->at->hi;
    return s->at->lo > c ? GONE : s->at->to;
}

/* Edges of the pair, cut where either list has a border. */
static void combine_state(ts_draft *d, pairs *p, uint32_t at, const ts_charset *a, ts_charset_op op,
                          const ts_charset *b)
{
    const bool in_a = accepts(a, p->list[at].a), in_b = accepts(b, p->list[at].b);
    side sa = side_of(a, p->list[at].a), sb = side_of(b, p->list[at].b);
    uint32_t hi_a, hi_b;

    ts_draft_state(d, op == GR_BOTH      ? in_a && in_b
                      : op == GR_WITHOUT ? in_a && !in_b
                                         : in_a || in_b);
    for (uint32_t c = 0;;) {
        const uint32_t ta = target(&sa, c, &hi_a), tb = target(&sb, c, &hi_b);
        const uint32_t hi = hi_a < hi_b ? hi_a : hi_b;
        if (hi == UINT32_MAX)
            return;
        if (is_wanted(op, ta, tb))
            ts_draft_edge(d, c, hi, pair_id(p, ta, tb));
        c = hi + 1;
    }
}

tiefsee_status ts_charset_combine(ts_charset *out, const ts_charset *a, ts_charset_op op,
                                  const ts_charset *b, ts_arena *arena, tiefsee_error *err)
{
    const uint32_t start_a = a->n_states ? 0 : GONE, start_b = b->n_states ? 0 : GONE;
    const uint64_t n_pairs = (a->n_states + 1ull) * (b->n_states + 1ull);
    pairs p = {.n_slots = 16};
    ts_draft d;

    *out = (ts_charset){0};
    if (!is_wanted(op, start_a, start_b))
        return TIEFSEE_OK;
    p.max = n_pairs < GR_MAX_CHAR_STATES ? (uint32_t)n_pairs : GR_MAX_CHAR_STATES;
    while (p.n_slots < 2 * p.max)
        p.n_slots *= 2;
    p.list = ts_arena_alloc(arena, p.max * sizeof *p.list);
    p.slots = ts_arena_alloc_zero(arena, p.n_slots, sizeof *p.slots);
    if (!p.list || !p.slots)
        return ts_fail_nomem(err, p.n_slots * sizeof *p.slots, "pattern");
    ts_draft_init(&d, arena);
    (void)pair_id(&p, start_a, start_b);
    for (uint32_t at = 0; at < p.n && !p.is_full; at++)
        combine_state(&d, &p, at, a, op, b);
    if (p.is_full)
        return ts_fail(err, TIEFSEE_E_LIMIT, "patterns that together need more than %d states",
                       GR_MAX_CHAR_STATES);
    return ts_draft_finish(out, &d, err);
}

/* ---- questions */

bool ts_charset_has(const ts_charset *c, ts_str text)
{
    uint32_t at = 0;
    size_t i = 0;

    if (c->n_states == 0)
        return false;
    while (i < text.len) {
        uint32_t code;
        const size_t used = ts_utf8_decode(text.ptr + i, text.len - i, &code);
        uint32_t k = c->first[at];
        while (k < c->first[at + 1] && c->edges[k].hi < code)
            k++;
        if (used == 0 || k == c->first[at + 1] || c->edges[k].lo > code)
            return false;
        at = c->edges[k].to;
        i += used;
    }
    return c->accepts[at];
}

/* Longest path by removing states that nothing leads to any more; a cycle stays. */
static bool longest(const ts_charset *c, uint32_t *n_in, uint32_t *queue, uint32_t *length,
                    uint32_t *max)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < c->first[c->n_states]; i++)
        n_in[c->edges[i].to]++;
    for (uint32_t s = 0; s < c->n_states; s++)
        if (n_in[s] == 0)
            queue[n++] = s;
    *max = 0;
    for (uint32_t at = 0; at < n; at++) {
        const uint32_t s = queue[at];
        if (c->accepts[s] && length[s] > *max)
            *max = length[s];
        for (uint32_t i = c->first[s]; i < c->first[s + 1]; i++) {
            const uint32_t to = c->edges[i].to;
            if (length[s] + 1 > length[to])
                length[to] = length[s] + 1;
            if (--n_in[to] == 0)
                queue[n++] = to;
        }
    }
    return n == c->n_states;
}

static uint32_t shortest(const ts_charset *c, uint32_t *queue, uint32_t *length)
{
    uint32_t n = 0;

    for (uint32_t s = 0; s < c->n_states; s++)
        length[s] = GR_INFINITE;
    length[0] = 0;
    queue[n++] = 0;
    for (uint32_t at = 0; at < n; at++) {
        const uint32_t s = queue[at];
        if (c->accepts[s])
            return length[s];
        for (uint32_t i = c->first[s]; i < c->first[s + 1]; i++)
            if (length[c->edges[i].to] == GR_INFINITE) {
                length[c->edges[i].to] = length[s] + 1;
                queue[n++] = c->edges[i].to;
            }
    }
    return 0;
}

tiefsee_status ts_charset_lengths(const ts_charset *c, uint32_t *min, uint32_t *max,
                                  ts_arena *arena, tiefsee_error *err)
{
    uint32_t *n_in = ts_arena_alloc_zero(arena, c->n_states, sizeof *n_in);
    uint32_t *queue = ts_arena_alloc_zero(arena, c->n_states, sizeof *queue);
    uint32_t *length = ts_arena_alloc_zero(arena, c->n_states, sizeof *length);

    *min = *max = 0;
    if (!n_in || !queue || !length)
        return ts_fail_nomem(err, 3 * c->n_states * sizeof *n_in, "pattern");
    if (c->n_states == 0)
        return TIEFSEE_OK;
    if (!longest(c, n_in, queue, length, max))
        *max = GR_INFINITE;
    *min = shortest(c, queue, length);
    return TIEFSEE_OK;
}
