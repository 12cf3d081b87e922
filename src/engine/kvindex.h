/* kvindex.h - where on the disk each page of the context cache is.
 *
 * A hash table by address.  Addresses are keyed hashes, so their first bytes are
 * as good as any hash of them.  Not locked: the store does that.
 */
#ifndef TS_ENGINE_KVINDEX_H
#define TS_ENGINE_KVINDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/compiler.h"
#include "engine/kvseal.h"

typedef struct ts_kvslot {
    uint8_t address[TS_KVSEAL_ADDRESS];
    struct ts_kvsegment *segment; /* NULL: the slot is free */
    ts_kvtags tags;
    uint64_t offset, last_use;
    uint32_t n_bytes;
    bool was_used; /* read since it was written there */
} ts_kvslot;

typedef struct ts_kvindex {
    ts_kvslot *slots; /* n_slots, a power of two */
    size_t n_slots, n_used;
} ts_kvindex;

void ts_kvindex_free(ts_kvindex *t);

/* NULL: not there.  Valid until the next insert or remove. */
ts_kvslot *ts_kvindex_find(const ts_kvindex *t, const uint8_t address[TS_KVSEAL_ADDRESS]);

/* Replaces a slot of the same address.  False: no memory, nothing changed. */
bool ts_kvindex_insert(ts_kvindex *t, const ts_kvslot *slot) TS_MUST_CHECK;
void ts_kvindex_remove(ts_kvindex *t, ts_kvslot *slot);

#endif
