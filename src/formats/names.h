/* names.h - find an item by name among items that begin with a ts_str.
 *
 * Names come from files, so somebody may have made them collide: a search
 * gives up after a fixed number of steps instead of taking quadratic time.
 */
#ifndef TS_FORMATS_NAMES_H
#define TS_FORMATS_NAMES_H

#include "core/arena.h"
#include "core/str.h"

typedef struct ts_name_slot {
    uint32_t hash, index; /* index + 1; 0: empty */
} ts_name_slot;

typedef struct ts_names {
    ts_name_slot *slots;
    size_t mask;
    const char *items; /* each begins with its name */
    size_t stride;
} ts_names;

/* Room for n items at items[0], items[stride], ...; false: out of memory. */
bool ts_names_init(ts_names *t, const void *items, size_t stride, size_t n,
                   ts_arena *arena) TS_MUST_CHECK;

typedef enum ts_names_result { TS_NAMES_OK, TS_NAMES_DUPLICATE, TS_NAMES_CROWDED } ts_names_result;

/* Enter item i under its name. */
ts_names_result ts_names_add(ts_names *t, size_t i) TS_MUST_CHECK;

/* Its index, or SIZE_MAX. */
size_t ts_names_find(const ts_names *t, ts_str name);

#endif
