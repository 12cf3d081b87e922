/* checkops.h - the judge of a backend: is every op what the reference says?
 *
 * Runs each op of ops.def on random operands of awkward shapes (rows that fill
 * no panel, one token, experts that nobody chose, one that everybody chose,
 * page borders, several sequences in one batch), once on the reference and once
 * on the backend under test, and compares bits.
 */
#ifndef TS_BACKENDS_CHECKOPS_H
#define TS_BACKENDS_CHECKOPS_H

#include "backends/backend.h"

typedef struct ts_checkops_line {
    const char *op;
    size_t n_cases;
    const char *message; /* the first difference with its case; "" if none */
    bool passed;
} ts_checkops_line;

/* Limits that the backend under test must be opened with. */
ts_backend_limits ts_checkops_limits(void);

/* Returns the number of ops that failed, or -1 when out of memory (err says so). */
int ts_checkops_run(ts_backend *b, bool precise, uint64_t seed,
                    void (*on_line)(void *user, const ts_checkops_line *line), void *user,
                    tiefsee_error *err);

#endif
