/* draft.c - see draft.h. */
#include "engine/grammar/draft.h"

#include <string.h>

bool ts_arena_grow(ts_arena *arena, void *list, uint32_t n, uint32_t *cap, size_t size)
{
    void **p = list;

    if (n < *cap)
        return true;
    const uint32_t wanted = *cap ? *cap * 2 : 32;
    void *grown = ts_arena_alloc(arena, wanted * size);
    if (!grown)
        return false;
    if (n && *p)
        memcpy(grown, *p, n * size);
    *p = grown;
    *cap = wanted;
    return true;
}

void ts_draft_init(ts_draft *d, ts_arena *arena)
{
    *d = (ts_draft){.arena = arena};
}

void ts_draft_state(ts_draft *d, bool accepts)
{
    uint32_t cap = d->cap_states;

    if (!ts_arena_grow(d->arena, &d->first, d->n_states, &cap, sizeof *d->first) ||
        !ts_arena_grow(d->arena, &d->accepts, d->n_states, &d->cap_states, sizeof *d->accepts)) {
        d->is_out_of_memory = true;
        return;
    }
    d->first[d->n_states] = d->n_edges;
    d->accepts[d->n_states++] = accepts;
}

void ts_draft_edge(ts_draft *d, uint32_t lo, uint32_t hi, uint32_t to)
{
    ts_char_edge *last = d->n_edges ? &d->edges[d->n_edges - 1] : NULL;

    if (d->n_states && last && d->first[d->n_states - 1] < d->n_edges && last->to == to &&
        last->hi + 1 == lo) {
        last->hi = hi;
        return;
    }
    if (!ts_arena_grow(d->arena, &d->edges, d->n_edges, &d->cap_edges, sizeof *d->edges)) {
        d->is_out_of_memory = true;
        return;
    }
    d->edges[d->n_edges++] = (ts_char_edge){lo, hi, to};
}

/* new_id[s]: 0 if no accepting state can be reached from s, else 1 here. */
static bool mark_live(const ts_draft *d, uint32_t *new_id)
{
    uint32_t *first = ts_arena_alloc_zero(d->arena, d->n_states + 2, sizeof *first);
    uint32_t *from = ts_arena_alloc(d->arena, (d->n_edges + 1) * sizeof *from);
    uint32_t *queue = ts_arena_alloc(d->arena, (d->n_states + 1) * sizeof *queue);
    uint32_t n = 0;

    if (!first || !from || !queue)
        return false;
    for (uint32_t i = 0; i < d->n_edges; i++)
        first[d->edges[i].to + 2]++;
    for (uint32_t s = 0; s < d->n_states; s++)
        first[s + 2] += first[s + 1];
    for (uint32_t s = 0; s < d->n_states; s++) {
        const uint32_t end = s + 1 < d->n_states ? d->first[s + 1] : d->n_edges;
        for (uint32_t i = d->first[s]; i < end; i++)
            from[first[d->edges[i].to + 1]++] = s;
        if (d->accepts[s]) {
            new_id[s] = 1;
            queue[n++] = s;
        }
    }
    for (uint32_t at = 0; at < n; at++)
        for (uint32_t i = first[queue[at]]; i < first[queue[at] + 1]; i++)
            if (!new_id[from[i]]) {
                new_id[from[i]] = 1;
                queue[n++] = from[i];
            }
    return true;
}

tiefsee_status ts_draft_finish(ts_charset *out, ts_draft *d, tiefsee_error *err)
{
    ts_draft live;
    uint32_t n = 0;

    *out = (ts_charset){0};
    ts_draft_init(&live, d->arena);
    uint32_t *new_id = ts_arena_alloc_zero(d->arena, d->n_states + 1, sizeof *new_id);
    if (d->is_out_of_memory || !new_id || !mark_live(d, new_id))
        return ts_fail_nomem(err, d->n_edges * sizeof *d->edges, "pattern");
    if (d->n_states == 0 || !new_id[0])
        return TIEFSEE_OK;
    for (uint32_t s = 0; s < d->n_states; s++)
        new_id[s] = new_id[s] ? ++n : 0;
    for (uint32_t s = 0; s < d->n_states; s++) {
        const uint32_t end = s + 1 < d->n_states ? d->first[s + 1] : d->n_edges;
        if (!new_id[s])
            continue;
        ts_draft_state(&live, d->accepts[s]);
        for (uint32_t i = d->first[s]; i < end; i++)
            if (new_id[d->edges[i].to])
                ts_draft_edge(&live, d->edges[i].lo, d->edges[i].hi, new_id[d->edges[i].to] - 1);
    }
    uint32_t cap = live.cap_states;
    if (!ts_arena_grow(d->arena, &live.first, live.n_states, &cap, sizeof *live.first) ||
        !ts_arena_grow(d->arena, &live.edges, live.n_edges, &live.cap_edges, sizeof *live.edges) ||
        live.is_out_of_memory)
        return ts_fail_nomem(err, d->n_edges * sizeof *d->edges, "pattern");
    live.first[live.n_states] = live.n_edges;
    *out = (ts_charset){live.n_states, live.first, live.edges, live.accepts};
    return TIEFSEE_OK;
}
