/* comm.h - several processes that train one model: ranks of Open MPI.
 *
 * libmpi is opened when it is needed, so a program that was built with its header runs
 * without it.  All ranks make the same calls in the same order, from the thread that
 * opened; a NULL comm is this process alone, for which each call is nothing.  Waiting
 * naps instead of spinning, since ranks may share processors.
 *
 * A call that fails means that another rank is gone or that mpirun ends this one:
 * nothing but ts_comm_close() may follow.
 */
#ifndef TS_TRAIN_COMM_H
#define TS_TRAIN_COMM_H

#include <signal.h>

#include "core/error.h"

enum { COMM_MAX_RANKS = 1024 };

typedef struct ts_comm ts_comm;

/* Only below mpirun.  *is_ending: a signal told this process to end, so nobody waits. */
tiefsee_status ts_comm_open(ts_comm **out, const volatile sig_atomic_t *is_ending,
                            tiefsee_error *err) TS_MUST_CHECK;
void ts_comm_close(ts_comm *c); /* NULL allowed */

int ts_comm_rank(const ts_comm *c); /* 0 is the one that writes */
int ts_comm_size(const ts_comm *c);

/* An error if this process is to end. */
tiefsee_status ts_comm_check(ts_comm *c, tiefsee_error *err) TS_MUST_CHECK;

/* The bytes of rank 0, everywhere. */
tiefsee_status ts_comm_broadcast(ts_comm *c, void *bytes, size_t n,
                                 tiefsee_error *err) TS_MUST_CHECK;

/* n bytes of each rank, in their order, to all of them. */
tiefsee_status ts_comm_gather(ts_comm *c, const void *mine, size_t n, void *all,
                              tiefsee_error *err) TS_MUST_CHECK;

tiefsee_status ts_comm_send(ts_comm *c, int to, const void *bytes, size_t n,
                            tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_comm_receive(ts_comm *c, int from, void *bytes, size_t n,
                               tiefsee_error *err) TS_MUST_CHECK;

/* Where ranks may have failed for themselves: the first one's error, on all. */
tiefsee_status ts_comm_agree(ts_comm *c, tiefsee_status mine, tiefsee_error *err) TS_MUST_CHECK;

/* *yes becomes true if it is on every rank. */
tiefsee_status ts_comm_all(ts_comm *c, bool *yes, tiefsee_error *err) TS_MUST_CHECK;

/* Refuses ranks whose hash is not that of rank 0: "rank 2 has other DATA". */
tiefsee_status ts_comm_same(ts_comm *c, uint64_t hash, const char *what,
                            tiefsee_error *err) TS_MUST_CHECK;

#endif
