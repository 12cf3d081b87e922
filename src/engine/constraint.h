/* constraint.h - what may come next, as the answer asks for it.  grammar.h makes
 * them; the engine neither knows nor cares how. */
#ifndef TS_ENGINE_CONSTRAINT_H
#define TS_ENGINE_CONSTRAINT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ts_constraint {
    void *ctx; /* NULL: anything goes */
    /* Set bit i of mask (n_vocab bits) iff token i may come; may_end: or the end. */
    void (*mask)(void *ctx, uint64_t *mask, bool *may_end);
    bool (*accept)(void *ctx, int32_t token); /* false: not allowed, nothing changed */
    void (*free)(void *ctx);
} ts_constraint;

#endif
