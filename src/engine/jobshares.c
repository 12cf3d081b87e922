/* jobshares.c - see jobshares.h. */
#include "engine/jobshares.h"

#include <assert.h>
#include <string.h>

enum { SHARES = 4 };

ts_share *ts_shares_find(const ts_shares *a, const char *name)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->list[i].name, name) == 0)
            return &a->list[i];
    return NULL;
}

/* A user who comes in has had as much as the one who had least. */
void ts_shares_enter(ts_shares *a, const char *name)
{
    ts_share *own = ts_shares_find(a, name);

    if (!own) {
        uint64_t least = UINT64_MAX;
        for (size_t i = 0; i < a->n; i++)
            least = a->list[i].served < least ? a->list[i].served : least;
        own = &a->list[a->n++];
        *own = (ts_share){.served = least == UINT64_MAX ? 0 : least};
        memcpy(own->name, name, strlen(name) + 1);
    }
    own->n_jobs++;
    own->n_waiting++;
}

void ts_shares_leave(ts_shares *a, const char *name)
{
    ts_share *own = ts_shares_find(a, name);

    assert(own && own->n_jobs > 0);
    if (--own->n_jobs == 0)
        *own = a->list[--a->n];
}

bool ts_shares_may_wait(const ts_shares *a, const char *name, size_t max)
{
    const size_t n_owner = strcspn(name, "/");
    size_t waiting = 0, own = 0;

    for (size_t i = 0; i < a->n; i++) {
        const ts_share *other = &a->list[i];

        waiting += other->n_waiting;
        if (strcspn(other->name, "/") == n_owner && memcmp(other->name, name, n_owner) == 0)
            own += other->n_waiting;
    }
    return waiting < max &&
           (n_owner == 0 || max < SHARES || waiting < max - max / SHARES || own < max / SHARES);
}
