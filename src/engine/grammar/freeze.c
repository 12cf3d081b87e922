/* freeze.c - from collected edges to an immutable automaton (see automaton.h).
 *
 * Three questions are answered by walks along edges, none of them recursive:
 * from which states the end of their rule can be reached (what cannot is removed),
 * which rules may be empty, and which rules begin with themselves.
 */
#include "engine/grammar/automaton.h"

#include <string.h>

#include "core/alloc.h"

typedef struct freezing {
    const ts_gr_builder *b;
    uint32_t *first, *list;                /* edges by a key: first[key]..first[key + 1] */
    uint32_t *first_caller, *callers;      /* calls by the rule that they call */
    uint32_t *rule_of_start, *rule_of_end; /* by state; UINT32_MAX: none */
    uint32_t *queue;
    bool *is_marked;    /* by state */
    bool *rule_is_live; /* by rule: its end can be reached */
    bool *rule_is_nullable;
} freezing;

typedef uint32_t (*key_of)(const ts_gr_edge *);

static uint32_t from_of(const ts_gr_edge *e)
{
    return e->from;
}

static uint32_t to_of(const ts_gr_edge *e)
{
    return e->to;
}

static uint32_t called_by(const ts_gr_edge *e)
{
    return e->kind == GR_CALL ? e->rule : 0; /* rule 0 is never called */
}

static void sort_edges(uint32_t *first, uint32_t *list, uint32_t n_keys, const ts_gr_builder *b,
                       key_of key)
{
    memset(first, 0, (n_keys + 1) * sizeof *first);
    for (uint32_t i = 0; i < b->n_edges; i++)
        first[key(&b->edges[i]) + 1]++;
    for (uint32_t k = 0; k < n_keys; k++)
        first[k + 1] += first[k];
    for (uint32_t i = b->n_edges; i-- > 0;) /* first[k + 1] runs down to its start */
        list[--first[key(&b->edges[i]) + 1]] = i;
    memmove(first, first + 1, n_keys * sizeof *first);
    first[n_keys] = b->n_edges;
}

static void mark(freezing *f, uint32_t state, uint32_t *n)
{
    if (!f->is_marked[state]) {
        f->is_marked[state] = true;
        f->queue[(*n)++] = state;
    }
}

/* Backwards from all ends.  is_open: by rule, a call may be passed; it is set when
 * a rule's start is reached.  free_only: only along what consumes nothing. */
static void walk_back(freezing *f, bool *is_open, bool free_only)
{
    const ts_gr_builder *b = f->b;
    uint32_t n = 0;

    memset(f->is_marked, 0, b->n_states);
    memset(is_open, 0, b->n_rules);
    for (uint32_t r = 1; r < b->n_rules; r++)
        mark(f, b->rules[r].end, &n);
    for (uint32_t at = 0; at < n; at++) {
        const uint32_t state = f->queue[at], rule = f->rule_of_start[state];
        for (uint32_t i = f->first[state]; i < f->first[state + 1]; i++) {
            const ts_gr_edge *e = &b->edges[f->list[i]];
            if (e->kind == GR_EMPTY || (e->kind == GR_BYTES && !free_only) ||
                (e->kind == GR_CALL && (e->min == 0 || is_open[e->rule])))
                mark(f, e->from, &n);
        }
        if (rule == UINT32_MAX || is_open[rule])
            continue;
        is_open[rule] = true;
        for (uint32_t i = f->first_caller[rule]; i < f->first_caller[rule + 1]; i++) {
            const ts_gr_edge *e = &b->edges[f->callers[i]];
            if (e->kind == GR_CALL && f->is_marked[e->to])
                mark(f, e->from, &n);
        }
    }
}

/* The next rule that `rule` can begin with, from position *at of its reached states.
 * The queue of one rule is kept while its callees are walked, so that each rule is
 * walked once: `n` states of it lie in f->queue from `base`. */
typedef struct visit {
    uint32_t rule, base, n, at, edge;
} visit;

enum { WHITE, GREY, BLACK };

static tiefsee_status refuse_recursion(const freezing *f, uint32_t rule, tiefsee_error *err)
{
    const char *name = f->b->rules[rule].name;

    return ts_fail(err, TIEFSEE_E_INVALID, "%s%srefers to itself before any character",
                   name ? name : "the grammar", name ? " " : "");
}

static void begin_visit(freezing *f, visit *v, uint32_t rule, uint32_t base)
{
    const uint32_t start = f->b->rules[rule].start;

    *v = (visit){rule, base, 1, 0, f->first[start]};
    f->queue[base] = start;
    f->is_marked[start] = true;
}

/* Goes on in a visit until a rule that must be visited first; 0: done. */
static uint32_t next_callee(freezing *f, visit *v)
{
    const ts_gr_builder *b = f->b;

    while (v->at < v->n) {
        const uint32_t state = f->queue[v->base + v->at];
        while (v->edge < f->first[state + 1]) {
            const ts_gr_edge *e = &b->edges[f->list[v->edge++]];
            const bool passes =
                e->kind == GR_EMPTY ||
                (e->kind == GR_CALL && (e->min == 0 || f->rule_is_nullable[e->rule]));
            if (passes && !f->is_marked[e->to]) {
                f->is_marked[e->to] = true;
                f->queue[v->base + v->n++] = e->to;
            }
            if (e->kind == GR_CALL)
                return e->rule;
        }
        if (++v->at < v->n)
            v->edge = f->first[f->queue[v->base + v->at]];
    }
    return 0;
}

/* Depth first over "begins with", with a stack of our own.  f->first and f->list
 * are by from. */
static tiefsee_status check_left(freezing *f, visit *stack, uint8_t *color, tiefsee_error *err)
{
    const ts_gr_builder *b = f->b;

    memset(f->is_marked, 0, b->n_states);
    memset(color, WHITE, b->n_rules);
    for (uint32_t root = 1; root < b->n_rules; root++) {
        uint32_t depth = 0;
        if (color[root] != WHITE)
            continue;
        color[root] = GREY;
        begin_visit(f, &stack[depth++], root, 0);
        while (depth > 0) {
            visit *v = &stack[depth - 1];
            const uint32_t callee = next_callee(f, v);
            if (callee == 0) {
                color[v->rule] = BLACK;
                depth--;
            } else if (color[callee] == GREY) {
                return refuse_recursion(f, callee, err);
            } else if (color[callee] == WHITE) {
                color[callee] = GREY;
                begin_visit(f, &stack[depth], callee, v->base + v->n);
                depth++;
            }
        }
    }
    return TIEFSEE_OK;
}

static tiefsee_status check_counts(const freezing *f, tiefsee_error *err)
{
    for (uint32_t i = 0; i < f->b->n_edges; i++) {
        const ts_gr_edge *e = &f->b->edges[i];
        const uint32_t most = e->max == GR_INFINITE ? e->min : e->max;
        if (e->kind == GR_CALL && f->rule_is_nullable[e->rule] && most > GR_MAX_NULLABLE_COUNT)
            return ts_fail(err, TIEFSEE_E_LIMIT,
                           "%u repeats of something that may be empty (%d allowed)", most,
                           GR_MAX_NULLABLE_COUNT);
    }
    return TIEFSEE_OK;
}

/* Nothing but empty edges, one at a time, between here and the rule's end. */
static bool leads_to_end(const ts_gr_automaton *a, uint32_t state)
{
    for (int hops = 0; hops < 16; hops++) {
        const uint32_t i = a->first[state];
        if (a->is_end[state])
            return true;
        if (a->first[state + 1] != i + 1 || a->edges[i].kind != GR_EMPTY)
            return false;
        state = a->edges[i].to;
    }
    return false;
}

/* f->first and f->list are by from; f->is_marked says what is live. */
static void copy_live(ts_gr_automaton *out, const freezing *f)
{
    const ts_gr_builder *b = f->b;
    uint32_t n = 0;

    for (uint32_t s = 0; s < b->n_states; s++) {
        out->first[s] = n;
        out->is_end[s] = f->rule_of_end[s] != UINT32_MAX;
        for (int bytes = 1; bytes >= 0; bytes--) {
            if (!bytes)
                out->first_free[s] = n;
            for (uint32_t i = f->first[s]; i < f->first[s + 1]; i++) {
                ts_gr_edge e = b->edges[f->list[i]];
                if ((e.kind == GR_BYTES) != bytes || !f->is_marked[e.to])
                    continue;
                if (e.kind == GR_CALL && !f->rule_is_live[e.rule]) {
                    if (e.min > 0)
                        continue;
                    e.kind = GR_EMPTY;
                }
                out->edges[n++] = e;
            }
        }
    }
    out->first[b->n_states] = n;
    out->n_edges = n;
    memcpy(out->rules, b->rules, b->n_rules * sizeof *b->rules);
    for (uint32_t i = 0; i < n; i++) {
        ts_gr_edge *e = &out->edges[i];
        e->is_tail = e->kind == GR_CALL && e->max == 1 && leads_to_end(out, e->to);
    }
}

static tiefsee_status check_and_copy(ts_gr_automaton *out, freezing *f, visit *stack,
                                     uint8_t *color, tiefsee_error *err)
{
    const ts_gr_builder *b = f->b;

    for (uint32_t s = 0; s < b->n_states; s++)
        f->rule_of_start[s] = f->rule_of_end[s] = UINT32_MAX;
    for (uint32_t r = 1; r < b->n_rules; r++) {
        f->rule_of_start[b->rules[r].start] = r;
        f->rule_of_end[b->rules[r].end] = r;
    }
    sort_edges(f->first_caller, f->callers, b->n_rules, b, called_by);
    sort_edges(f->first, f->list, b->n_states, b, to_of);
    walk_back(f, f->rule_is_nullable, true);
    walk_back(f, f->rule_is_live, false);
    if (!f->rule_is_live[out->root])
        return ts_fail(err, TIEFSEE_E_INVALID, "no text can satisfy it");
    sort_edges(f->first, f->list, b->n_states, b, from_of);
    copy_live(out, f);
    tiefsee_status st = check_counts(f, err);
    if (st == TIEFSEE_OK)
        st = check_left(f, stack, color, err);
    return st;
}

static bool allocate(ts_gr_automaton *out, const ts_gr_builder *b)
{
    out->first = ts_alloc_zero(b->n_states + 1, sizeof *out->first);
    out->first_free = ts_alloc_zero(b->n_states, sizeof *out->first_free);
    out->is_end = ts_alloc_zero(b->n_states, sizeof *out->is_end);
    out->edges = ts_alloc_zero(b->n_edges, sizeof *out->edges);
    out->rules = ts_alloc_zero(b->n_rules, sizeof *out->rules);
    return out->first && out->first_free && out->is_end && out->edges && out->rules;
}

tiefsee_status ts_gr_freeze(ts_gr_automaton *out, const ts_gr_builder *b, uint32_t root,
                            tiefsee_error *err)
{
    tiefsee_status st = ts_gr_builder_status(b, err);
    freezing f = {.b = b};

    *out = (ts_gr_automaton){.n_states = b->n_states, .n_rules = b->n_rules, .root = root};
    if (st != TIEFSEE_OK)
        return st;
    f.first = ts_alloc_zero(b->n_states + 1, sizeof *f.first);
    f.list = ts_alloc_zero(b->n_edges, sizeof *f.list);
    f.first_caller = ts_alloc_zero(b->n_rules + 1, sizeof *f.first_caller);
    f.callers = ts_alloc_zero(b->n_edges, sizeof *f.callers);
    f.rule_of_start = ts_alloc_zero(b->n_states, sizeof *f.rule_of_start);
    f.rule_of_end = ts_alloc_zero(b->n_states, sizeof *f.rule_of_end);
    f.queue = ts_alloc_zero(b->n_states + 1, sizeof *f.queue);
    f.is_marked = ts_alloc_zero(b->n_states, sizeof *f.is_marked);
    f.rule_is_live = ts_alloc_zero(b->n_rules, sizeof *f.rule_is_live);
    f.rule_is_nullable = ts_alloc_zero(b->n_rules, sizeof *f.rule_is_nullable);
    visit *stack = ts_alloc_zero(b->n_rules, sizeof *stack);
    uint8_t *color = ts_alloc_zero(b->n_rules, sizeof *color);
    if (allocate(out, b) && f.first && f.list && f.first_caller && f.callers && f.rule_of_start &&
        f.rule_of_end && f.queue && f.is_marked && f.rule_is_live && f.rule_is_nullable && stack &&
        color)
        st = check_and_copy(out, &f, stack, color, err);
    else
        st = ts_fail_nomem(err, (uint64_t)b->n_edges * sizeof *b->edges, "grammar");
    ts_free(f.first);
    ts_free(f.list);
    ts_free(f.first_caller);
    ts_free(f.callers);
    ts_free(f.rule_of_start);
    ts_free(f.rule_of_end);
    ts_free(f.queue);
    ts_free(f.is_marked);
    ts_free(f.rule_is_live);
    ts_free(f.rule_is_nullable);
    ts_free(stack);
    ts_free(color);
    if (st != TIEFSEE_OK)
        ts_gr_automaton_free(out);
    return st;
}

void ts_gr_automaton_free(ts_gr_automaton *a)
{
    ts_free(a->first);
    ts_free(a->first_free);
    ts_free(a->is_end);
    ts_free(a->edges);
    ts_free(a->rules);
    *a = (ts_gr_automaton){0};
}
