/* comm.c - see comm.h. */
#include "train/comm.h"

#include <string.h>

#include "core/alloc.h"
#include "train/comm_parts.h"

tiefsee_status ts_comm_open(ts_comm **out, const volatile sig_atomic_t *is_ending,
                            tiefsee_error *err)
{
    *out = NULL;
#ifdef TS_HAS_MPI
    return ts_comm_mpi_open(out, is_ending, err);
#else
    (void)is_ending;
    return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                   "this program was built without Open MPI and trains on one rank "
                   "(install libopenmpi-dev and build it again)");
#endif
}

void ts_comm_close(ts_comm *c)
{
    if (c)
        c->close(c);
}

int ts_comm_rank(const ts_comm *c)
{
    return c ? c->rank : 0;
}

int ts_comm_size(const ts_comm *c)
{
    return c ? c->size : 1;
}

static tiefsee_status judge(ts_comm *c, bool is_done, tiefsee_error *err)
{
    if (is_done)
        return TIEFSEE_OK;
    c->is_broken = true;
    return ts_fail(err, TIEFSEE_E_CANCELLED,
                   "rank %d of %d ends: another rank was lost, or mpirun was told to end; "
                   "--resume goes on with the last checkpoint",
                   c->rank, c->size);
}

tiefsee_status ts_comm_check(ts_comm *c, tiefsee_error *err)
{
    return c ? judge(c, !*c->is_ending, err) : TIEFSEE_OK;
}

tiefsee_status ts_comm_broadcast(ts_comm *c, void *bytes, size_t n, tiefsee_error *err)
{
    bool is_done = true;

    for (size_t at = 0; c && at < n && is_done; at += COMM_MAX_MESSAGE) {
        const size_t left = n - at;
        is_done = c->broadcast(c, (uint8_t *)bytes + at,
                               left < COMM_MAX_MESSAGE ? left : COMM_MAX_MESSAGE);
    }
    return judge(c, is_done, err);
}

tiefsee_status ts_comm_gather(ts_comm *c, const void *mine, size_t n, void *all, tiefsee_error *err)
{
    if (!c) {
        memcpy(all, mine, n);
        return TIEFSEE_OK;
    }
    return judge(c, n <= COMM_MAX_MESSAGE && c->gather(c, mine, n, all), err);
}

tiefsee_status ts_comm_send(ts_comm *c, int to, const void *bytes, size_t n, tiefsee_error *err)
{
    return judge(c, n <= COMM_MAX_MESSAGE && c->send(c, to, bytes, n), err);
}

tiefsee_status ts_comm_receive(ts_comm *c, int from, void *bytes, size_t n, tiefsee_error *err)
{
    return judge(c, n <= COMM_MAX_MESSAGE && c->receive(c, from, bytes, n), err);
}

/* ------------------------------------------------------------- agreements */

/* n bytes of each rank in memory of their own. */
static tiefsee_status gather_new(void **all, ts_comm *c, const void *mine, size_t n,
                                 tiefsee_error *err)
{
    *all = ts_alloc_zero((size_t)c->size, n);
    if (!*all)
        return ts_fail_nomem(err, (size_t)c->size * n, "the ranks");
    const tiefsee_status st = ts_comm_gather(c, mine, n, *all, err);
    if (st != TIEFSEE_OK)
        ts_free(*all);
    return st;
}

tiefsee_status ts_comm_agree(ts_comm *c, tiefsee_status mine, tiefsee_error *err)
{
    tiefsee_error own = {.status = mine}, *all;
    void *memory;

    if (!c || c->is_broken)
        return mine;
    if (mine != TIEFSEE_OK && err)
        own = *err;
    tiefsee_status st = gather_new(&memory, c, &own, sizeof own, err);
    if (st != TIEFSEE_OK)
        return st;
    all = memory;
    for (int i = 0; i < c->size && st == TIEFSEE_OK; i++)
        if (all[i].status != TIEFSEE_OK) {
            st = all[i].status;
            if (err)
                *err = all[i];
            st = i > 0 ? ts_while(err, st, "rank %d", i) : st;
        }
    ts_free(memory);
    return st;
}

tiefsee_status ts_comm_all(ts_comm *c, bool *yes, tiefsee_error *err)
{
    const uint8_t mine = *yes;
    uint8_t all[COMM_MAX_RANKS];

    if (!c)
        return TIEFSEE_OK;
    const tiefsee_status st = ts_comm_gather(c, &mine, 1, all, err);
    for (int i = 0; st == TIEFSEE_OK && i < c->size; i++)
        *yes &= all[i] != 0;
    return st;
}

tiefsee_status ts_comm_same(ts_comm *c, uint64_t hash, const char *what, tiefsee_error *err)
{
    void *memory;

    if (!c)
        return TIEFSEE_OK;
    tiefsee_status st = gather_new(&memory, c, &hash, sizeof hash, err);
    if (st != TIEFSEE_OK)
        return st;
    const uint64_t *all = memory;
    for (int i = 1; i < c->size && st == TIEFSEE_OK; i++)
        if (all[i] != all[0])
            st = ts_fail(err, TIEFSEE_E_INVALID, "rank %d has %s other than rank 0's", i, what);
    ts_free(memory);
    return st;
}
