/* carve.h - one piece of memory, cut up in advance.
 *
 * The same code runs twice: without a base it only counts, which is the memory plan;
 * with one it hands out the pieces.  So plan and use cannot differ.
 */
#ifndef TS_TRAIN_CARVE_H
#define TS_TRAIN_CARVE_H

#include <stddef.h>
#include <stdint.h>

typedef struct ts_carve {
    uint8_t *base; /* NULL: count */
    uint64_t used;
} ts_carve;

/* Aligned to 64 bytes; NULL while counting. */
static inline void *ts_carve_take(ts_carve *c, uint64_t n, size_t size)
{
    const uint64_t at = c->used;

    c->used += (n * size + 63) / 64 * 64;
    return c->base ? c->base + at : NULL;
}

#endif
