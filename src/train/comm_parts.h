/* comm_parts.h - what carries the bytes of comm.h between ranks. */
#ifndef TS_TRAIN_COMM_PARTS_H
#define TS_TRAIN_COMM_PARTS_H

#include "train/comm.h"

/* Each call waits until it is done; false: another rank is gone, or *is_ending.  At most
 * COMM_MAX_MESSAGE bytes at a time. */
struct ts_comm {
    int rank, size;
    const volatile sig_atomic_t *is_ending;
    bool is_broken; /* a call has failed */
    bool (*broadcast)(ts_comm *c, void *bytes, size_t n);
    bool (*gather)(ts_comm *c, const void *mine, size_t n, void *all);
    bool (*send)(ts_comm *c, int to, const void *bytes, size_t n);
    bool (*receive)(ts_comm *c, int from, void *bytes, size_t n);
    void (*close)(ts_comm *c); /* frees it */
};

enum { COMM_MAX_MESSAGE = 1 << 26 };

/* comm_mpi.c, which only builds with Open MPI have. */
tiefsee_status ts_comm_mpi_open(ts_comm **out, const volatile sig_atomic_t *is_ending,
                                tiefsee_error *err) TS_MUST_CHECK;

#endif
