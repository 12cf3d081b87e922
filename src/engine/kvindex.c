/* kvindex.c - see kvindex.h.  Linear probing; a removal moves later slots back. */
#include "engine/kvindex.h"

#include <assert.h>
#include <string.h>

#include "core/alloc.h"

enum { FIRST_SLOTS = 64 };

static size_t home_of(const ts_kvindex *t, const uint8_t *address)
{
    uint64_t h;

    memcpy(&h, address, sizeof h);
    return (size_t)h & (t->n_slots - 1);
}

void ts_kvindex_free(ts_kvindex *t)
{
    ts_free(t->slots);
    *t = (ts_kvindex){0};
}

/* The slot of this address, or the free one where it belongs. */
static ts_kvslot *probe(const ts_kvindex *t, const uint8_t *address)
{
    size_t i = home_of(t, address);

    assert(t->n_used < t->n_slots);
    while (t->slots[i].segment && memcmp(t->slots[i].address, address, TS_KVSEAL_ADDRESS) != 0)
        i = (i + 1) & (t->n_slots - 1);
    return &t->slots[i];
}

ts_kvslot *ts_kvindex_find(const ts_kvindex *t, const uint8_t address[TS_KVSEAL_ADDRESS])
{
    ts_kvslot *slot = t->n_slots ? probe(t, address) : NULL;

    return slot && slot->segment ? slot : NULL;
}

static bool grow(ts_kvindex *t)
{
    ts_kvindex more = {.n_slots = t->n_slots ? 2 * t->n_slots : FIRST_SLOTS, .n_used = t->n_used};

    more.slots = ts_alloc_zero(more.n_slots, sizeof *more.slots);
    if (!more.slots)
        return false;
    for (size_t i = 0; i < t->n_slots; i++)
        if (t->slots[i].segment)
            *probe(&more, t->slots[i].address) = t->slots[i];
    ts_free(t->slots);
    *t = more;
    return true;
}

bool ts_kvindex_insert(ts_kvindex *t, const ts_kvslot *slot)
{
    assert(slot->segment);
    if (4 * (t->n_used + 1) > 3 * t->n_slots && !grow(t))
        return false;
    ts_kvslot *at = probe(t, slot->address);
    t->n_used += !at->segment;
    *at = *slot;
    return true;
}

void ts_kvindex_remove(ts_kvindex *t, ts_kvslot *slot)
{
    const size_t mask = t->n_slots - 1;
    size_t hole = (size_t)(slot - t->slots);

    for (size_t i = (hole + 1) & mask; t->slots[i].segment; i = (i + 1) & mask) {
        /* A slot may fill the hole if that is not before its home. */
        const size_t from_home = (i - home_of(t, t->slots[i].address)) & mask;
        if (from_home >= ((i - hole) & mask)) {
            t->slots[hole] = t->slots[i];
            hole = i;
        }
    }
    t->slots[hole] = (ts_kvslot){0};
    t->n_used--;
}
