/* charset_nfa.c - the subset construction (see charset.h). */
#include <string.h>

#include "core/hash.h"
#include "engine/grammar/draft.h"

void ts_char_nfa_init(ts_char_nfa *n, ts_arena *arena)
{
    *n = (ts_char_nfa){.arena = arena};
}

uint32_t ts_char_state(ts_char_nfa *n)
{
    if (n->n_states >= GR_MAX_CHAR_NFA) {
        n->is_full = true;
        return 0;
    }
    return n->n_states++;
}

void ts_char_move(ts_char_nfa *n, uint32_t from, uint32_t lo, uint32_t hi, uint32_t to)
{
    if (n->n_moves >= 8 * GR_MAX_CHAR_NFA) {
        n->is_full = true;
        return;
    }
    if (!ts_arena_grow(n->arena, &n->moves, n->n_moves, &n->cap_moves, sizeof *n->moves)) {
        n->is_out_of_memory = true;
        return;
    }
    n->moves[n->n_moves++] = (struct ts_char_move){from, to, lo, hi};
}

void ts_char_empty(ts_char_nfa *n, uint32_t from, uint32_t to)
{
    ts_char_move(n, from, 1, 0, to);
}

typedef struct subsets {
    ts_arena *arena;
    const ts_char_nfa *nfa;
    uint32_t *first_move, *moves; /* by state they leave */
    uint32_t end;
    bool end_is_final; /* from there everything is accepted */

    uint32_t *pool; /* members of all sets, sorted */
    uint32_t *first, *slots;
    uint32_t n_pool, cap_pool, n_sets, cap_first, n_slots;

    uint32_t *work; /* (n_states) the set at hand */
    uint32_t *stamp, now, n_work;
    uint64_t n_steps;
    bool is_out_of_memory;

    ts_char_edge *active; /* moves of the set at hand */
    uint32_t *borders;
    uint32_t n_active, cap_active, cap_borders;
} subsets;

static bool is_over(const subsets *s)
{
    return s->is_out_of_memory || s->n_steps > GR_MAX_CHAR_WORK || s->n_sets > GR_MAX_CHAR_STATES;
}

static void add(subsets *s, uint32_t state)
{
    if (s->stamp[state] != s->now) {
        s->stamp[state] = s->now;
        s->work[s->n_work++] = state;
    }
}

static int compare_u32(uint32_t a, uint32_t b)
{
    return a < b ? -1 : a > b;
}

static void sort_u32(uint32_t *v, uint32_t n)
{
    for (uint32_t gap = n / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11)
        for (uint32_t i = gap; i < n; i++) {
            const uint32_t x = v[i];
            uint32_t k = i;
            for (; k >= gap && compare_u32(v[k - gap], x) > 0; k -= gap)
                v[k] = v[k - gap];
            v[k] = x;
        }
}

static void close_over(subsets *s)
{
    for (uint32_t i = 0; i < s->n_work; i++)
        for (uint32_t k = s->first_move[s->work[i]]; k < s->first_move[s->work[i] + 1]; k++) {
            const struct ts_char_move *m = &s->nfa->moves[s->moves[k]];
            s->n_steps++;
            if (m->lo > m->hi)
                add(s, m->to);
        }
}

/* Half full at most. */
static bool grow_slots(subsets *s)
{
    if (s->n_sets < s->n_slots / 2)
        return true;
    const uint32_t n = s->n_slots ? 2 * s->n_slots : 128;
    uint32_t *slots = ts_arena_alloc_zero(s->arena, n, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < s->n_sets; i++) {
        const uint32_t *set = s->pool + s->first[i];
        uint32_t at =
            (uint32_t)ts_hash(set, (s->first[i + 1] - s->first[i]) * sizeof *set) & (n - 1);
        while (slots[at])
            at = (at + 1) & (n - 1);
        slots[at] = i + 1;
    }
    s->slots = slots;
    s->n_slots = n;
    return true;
}

/* The number of the set at hand, closed, new or known. */
static uint32_t intern(subsets *s)
{
    close_over(s);
    if (s->end_is_final && s->stamp[s->end] == s->now) {
        s->work[0] = s->end;
        s->n_work = 1;
    }
    sort_u32(s->work, s->n_work);
    s->n_steps += s->n_work * 4;
    const size_t bytes = s->n_work * sizeof *s->work;
    if (!grow_slots(s) ||
        !ts_arena_grow(s->arena, &s->first, s->n_sets + 1, &s->cap_first, sizeof *s->first)) {
        s->is_out_of_memory = true;
        return 0;
    }
    uint32_t at = (uint32_t)ts_hash(s->work, bytes) & (s->n_slots - 1);
    for (; s->slots[at]; at = (at + 1) & (s->n_slots - 1)) {
        const uint32_t i = s->slots[at] - 1;
        if (s->first[i + 1] - s->first[i] == s->n_work &&
            memcmp(s->pool + s->first[i], s->work, bytes) == 0)
            return i;
    }
    if (s->n_sets >= GR_MAX_CHAR_STATES) {
        s->n_sets = GR_MAX_CHAR_STATES + 1;
        return 0;
    }
    for (uint32_t i = 0; i < s->n_work; i++) {
        if (!ts_arena_grow(s->arena, &s->pool, s->n_pool, &s->cap_pool, sizeof *s->pool)) {
            s->is_out_of_memory = true;
            return 0;
        }
        s->pool[s->n_pool++] = s->work[i];
    }
    s->slots[at] = s->n_sets + 1;
    s->first[s->n_sets + 1] = s->n_pool;
    return s->n_sets++;
}

static bool add_border(subsets *s, uint32_t n, uint32_t border)
{
    if (!ts_arena_grow(s->arena, &s->borders, n, &s->cap_borders, sizeof *s->borders))
        return false;
    s->borders[n] = border;
    return true;
}

static void gather(subsets *s, uint32_t set)
{
    uint32_t n_borders = 0;

    s->n_active = 0;
    for (uint32_t i = s->first[set]; i < s->first[set + 1]; i++) {
        const uint32_t state = s->pool[i];
        for (uint32_t k = s->first_move[state]; k < s->first_move[state + 1]; k++) {
            const struct ts_char_move *m = &s->nfa->moves[s->moves[k]];
            if (m->lo > m->hi)
                continue;
            if (!add_border(s, n_borders, m->lo) || !add_border(s, n_borders + 1, m->hi + 1) ||
                !ts_arena_grow(s->arena, &s->active, s->n_active, &s->cap_active,
                               sizeof *s->active)) {
                s->is_out_of_memory = true;
                return;
            }
            s->active[s->n_active++] = (ts_char_edge){m->lo, m->hi, m->to};
            n_borders += 2;
        }
    }
    sort_u32(s->borders, n_borders);
    s->n_steps += n_borders * 4;
}

static void expand(subsets *s, ts_draft *d, uint32_t set)
{
    gather(s, set);
    const uint32_t n_borders = 2 * s->n_active;
    bool accepts = false;
    for (uint32_t i = s->first[set]; i < s->first[set + 1]; i++)
        accepts = accepts || s->pool[i] == s->end;
    ts_draft_state(d, accepts);
    for (uint32_t i = 0; i + 1 < n_borders && !is_over(s); i++) {
        const uint32_t lo = s->borders[i], hi = s->borders[i + 1] - 1;
        if (lo == s->borders[i + 1])
            continue;
        s->now++;
        s->n_work = 0;
        for (uint32_t k = 0; k < s->n_active; k++)
            if (s->active[k].lo <= lo && s->active[k].hi >= hi)
                add(s, s->active[k].to);
        s->n_steps += s->n_active;
        if (s->n_work)
            ts_draft_edge(d, lo, hi, intern(s));
    }
}

static bool prepare(subsets *s, uint32_t start)
{
    const ts_char_nfa *n = s->nfa;

    s->first_move = ts_arena_alloc_zero(s->arena, n->n_states + 2, sizeof *s->first_move);
    s->moves = ts_arena_alloc(s->arena, (n->n_moves + 1) * sizeof *s->moves);
    s->cap_first = 32;
    s->first = ts_arena_alloc_zero(s->arena, s->cap_first, sizeof *s->first);
    s->work = ts_arena_alloc(s->arena, (n->n_states + 1) * sizeof *s->work);
    s->stamp = ts_arena_alloc_zero(s->arena, n->n_states + 1, sizeof *s->stamp);
    if (!s->first_move || !s->moves || !s->first || !s->work || !s->stamp)
        return false;
    for (uint32_t i = 0; i < n->n_moves; i++)
        s->first_move[n->moves[i].from + 2]++;
    for (uint32_t i = 0; i < n->n_states; i++)
        s->first_move[i + 2] += s->first_move[i + 1];
    for (uint32_t i = 0; i < n->n_moves; i++)
        s->moves[s->first_move[n->moves[i].from + 1]++] = i;
    s->now = 1;
    add(s, start);
    (void)intern(s);
    return true;
}

/* What lies between the markers: begin behind the one, accept before the other. */
static tiefsee_status strip_markers(ts_charset *out, const ts_charset *c, ts_arena *arena,
                                    tiefsee_error *err)
{
    uint32_t start = UINT32_MAX;
    ts_draft d;

    *out = (ts_charset){0};
    for (uint32_t i = c->n_states ? c->first[0] : 0; c->n_states && i < c->first[1]; i++)
        if (c->edges[i].lo <= GR_BEGIN && c->edges[i].hi >= GR_BEGIN)
            start = c->edges[i].to;
    if (start == UINT32_MAX)
        return TIEFSEE_OK;
    ts_draft_init(&d, arena);
    for (uint32_t at = 0; at <= c->n_states; at++) {
        /* A copy of start comes first; the others move by one. */
        const uint32_t s = at == 0 ? start : at - 1;
        bool accepts = false;
        for (uint32_t i = c->first[s]; i < c->first[s + 1]; i++)
            if (c->edges[i].lo <= GR_END && c->edges[i].hi >= GR_END)
                accepts = c->accepts[c->edges[i].to];
        ts_draft_state(&d, accepts);
        for (uint32_t i = c->first[s]; i < c->first[s + 1]; i++) {
            const ts_char_edge e = c->edges[i];
            if (e.lo <= GR_MAX_CHAR)
                ts_draft_edge(&d, e.lo, e.hi > GR_MAX_CHAR ? GR_MAX_CHAR : e.hi, e.to + 1);
        }
    }
    return ts_draft_finish(out, &d, err);
}

tiefsee_status ts_charset_of_nfa(ts_charset *out, const ts_char_nfa *n, uint32_t start,
                                 uint32_t end, bool has_markers, tiefsee_error *err)
{
    subsets s = {.arena = n->arena, .nfa = n, .end = end, .end_is_final = has_markers};
    ts_charset c;
    ts_draft d;

    *out = (ts_charset){0};
    if (n->is_full)
        return ts_fail(err, TIEFSEE_E_LIMIT, "a pattern of more than %d states", GR_MAX_CHAR_NFA);
    if (n->is_out_of_memory || !prepare(&s, start))
        return ts_fail_nomem(err, n->n_moves * sizeof *n->moves, "pattern");
    ts_draft_init(&d, n->arena);
    for (uint32_t set = 0; set < s.n_sets && !is_over(&s); set++)
        expand(&s, &d, set);
    if (s.is_out_of_memory)
        return ts_fail_nomem(err, s.n_pool * sizeof *s.pool, "pattern");
    if (is_over(&s))
        return ts_fail(err, TIEFSEE_E_LIMIT, "a pattern that is too complex");
    const tiefsee_status st = ts_draft_finish(&c, &d, err);
    if (st != TIEFSEE_OK || !has_markers) {
        *out = c;
        return st;
    }
    return strip_markers(out, &c, n->arena, err);
}
