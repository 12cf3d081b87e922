/* names.c - see names.h.  Open addressing, at most half full. */
#include "formats/names.h"

#include <assert.h>

#include "core/hash.h"

/* Half-full tables of 2^18 random names stay below 100 steps. */
enum { MAX_STEPS = 512 };

bool ts_names_init(ts_names *t, const void *items, size_t stride, size_t n, ts_arena *arena)
{
    size_t size = 16;

    assert(n < UINT32_MAX / 4);
    while (size < 2 * n)
        size *= 2;
    t->slots = ts_arena_alloc_zero(arena, size, sizeof *t->slots);
    t->mask = size - 1;
    t->items = items;
    t->stride = stride;
    return t->slots != NULL;
}

static ts_str name_at(const ts_names *t, size_t i)
{
    return *(const ts_str *)(const void *)(t->items + i * t->stride);
}

/* The slot that holds name or the empty one where it belongs; NULL: crowded. */
static ts_name_slot *locate(const ts_names *t, ts_str name, uint32_t *hash)
{
    const uint64_t h = ts_hash(name.ptr, name.len);

    *hash = (uint32_t)(h >> 32);
    for (size_t step = 0, at = (size_t)h & t->mask; step < MAX_STEPS; step++) {
        ts_name_slot *s = &t->slots[at];
        if (s->index == 0 || (s->hash == *hash && ts_str_eq(name_at(t, s->index - 1), name)))
            return s;
        at = (at + 1) & t->mask;
    }
    return NULL;
}

ts_names_result ts_names_add(ts_names *t, size_t i)
{
    uint32_t hash;
    ts_name_slot *s = locate(t, name_at(t, i), &hash);

    if (!s)
        return TS_NAMES_CROWDED;
    if (s->index != 0)
        return TS_NAMES_DUPLICATE;
    *s = (ts_name_slot){hash, (uint32_t)i + 1};
    return TS_NAMES_OK;
}

size_t ts_names_find(const ts_names *t, ts_str name)
{
    uint32_t hash;
    const ts_name_slot *s = locate(t, name, &hash);

    return s && s->index != 0 ? s->index - 1 : SIZE_MAX;
}
