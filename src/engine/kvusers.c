/* kvusers.c - see kvusers.h.
 *
 * What is gone is remembered for what was on its way to the disk when it was forgotten:
 * seconds at most, so a ring that holds the last tens of thousands is enough.
 */
#include "engine/kvusers.h"

#include <sodium.h>
#include <string.h>

#include "core/alloc.h"

enum { MAX_GONE = 1 << 16, FIRST_USERS = 16 };

tiefsee_status ts_kvusers_open(ts_kvusers *u, tiefsee_error *err)
{
    *u = (ts_kvusers){.gone = ts_alloc_zero(MAX_GONE, sizeof *u->gone)};
    return u->gone ? TIEFSEE_OK
                   : ts_fail_nomem(err, MAX_GONE * sizeof *u->gone, "the context cache");
}

void ts_kvusers_close(ts_kvusers *u)
{
    if (u->at)
        sodium_memzero(u->at, u->n * sizeof *u->at);
    ts_free(u->at);
    ts_free(u->gone);
    *u = (ts_kvusers){0};
}

static ts_kvuser *find(const ts_kvusers *u, uint64_t tag)
{
    for (size_t i = 0; i < u->n; i++)
        if (u->at[i].tag == tag)
            return &u->at[i];
    return NULL;
}

bool ts_kvusers_add(ts_kvusers *u, uint64_t tag, const uint8_t *key)
{
    ts_kvuser *known = find(u, tag);

    if (!known && u->n == u->cap) {
        const size_t cap = u->cap ? 2 * u->cap : FIRST_USERS;
        ts_kvuser *more = ts_alloc(cap * sizeof *more);

        if (!more)
            return false;
        if (u->n > 0) {
            memcpy(more, u->at, u->n * sizeof *more);
            sodium_memzero(u->at, u->n * sizeof *u->at);
        }
        ts_free(u->at);
        u->at = more;
        u->cap = cap;
    }
    if (!known)
        known = &u->at[u->n++];
    known->tag = tag;
    memcpy(known->key, key, sizeof known->key);
    return true;
}

const uint8_t *ts_kvusers_key(const ts_kvusers *u, uint64_t tag)
{
    const ts_kvuser *known = find(u, tag);

    return known ? known->key : NULL;
}

void ts_kvusers_forget(ts_kvusers *u, ts_kvtags tags)
{
    u->gone[u->n_gone++ % MAX_GONE] = tags.topic ? tags.topic : tags.user;
    ts_kvuser *known = tags.topic ? NULL : find(u, tags.user);
    if (!known)
        return;
    *known = u->at[--u->n];
    sodium_memzero(&u->at[u->n], sizeof u->at[u->n]);
}

bool ts_kvusers_is_gone(const ts_kvusers *u, ts_kvtags tags)
{
    const size_t n = u->n_gone < MAX_GONE ? u->n_gone : MAX_GONE;

    for (size_t i = 0; i < n; i++)
        if (u->gone[i] == tags.user || (tags.topic && u->gone[i] == tags.topic))
            return true;
    return false;
}
