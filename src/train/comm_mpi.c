/* comm_mpi.c - bytes between ranks by Open MPI; see comm_parts.h.
 *
 * The library is opened, not linked: a program that never trains on several machines
 * neither loads it nor needs it.  MPI_COMM_WORLD and its like are addresses of objects in
 * it, so they are looked up as the functions are.
 */
#include <dlfcn.h>
#include <mpi.h>
#include <string.h>
#include <time.h>

#include "core/alloc.h"
#include "train/comm_parts.h"

/* Naps, when the other side has not answered at once: ranks may share processors, where
 * spinning would take the time that the other side needs. */
enum { TRIES = 100, NAP_NS = 100000 };

typedef struct mpi {
    ts_comm comm; /* the first field: a ts_comm is an mpi */
    void *library;
    MPI_Comm world;
    MPI_Datatype byte;
    MPI_Errhandler errors_return;
    int (*init_thread)(int *, char ***, int, int *);
    int (*finalize)(void);
    int (*end_all)(MPI_Comm, int);
    int (*comm_rank)(MPI_Comm, int *);
    int (*comm_size)(MPI_Comm, int *);
    int (*set_errhandler)(MPI_Comm, MPI_Errhandler);
    int (*isend)(const void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);
    int (*irecv)(void *, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request *);
    int (*ibcast)(void *, int, MPI_Datatype, int, MPI_Comm, MPI_Request *);
    int (*iallgather)(const void *, int, MPI_Datatype, void *, int, MPI_Datatype, MPI_Comm,
                      MPI_Request *);
    int (*test)(MPI_Request *, int *, MPI_Status *);
} mpi;

/* Functions and objects have addresses of one size (POSIX says so). */
static bool look_up(mpi *m)
{
    const struct {
        const char *name;
        void *at;
    } parts[] = {
        {"ompi_mpi_comm_world", &m->world},
        {"ompi_mpi_byte", &m->byte},
        {"ompi_mpi_errors_return", &m->errors_return},
        {"MPI_Init_thread", &m->init_thread},
        {"MPI_Finalize", &m->finalize},
        {"MPI_Abort", &m->end_all},
        {"MPI_Comm_rank", &m->comm_rank},
        {"MPI_Comm_size", &m->comm_size},
        {"MPI_Comm_set_errhandler", &m->set_errhandler},
        {"MPI_Isend", &m->isend},
        {"MPI_Irecv", &m->irecv},
        {"MPI_Ibcast", &m->ibcast},
        {"MPI_Iallgather", &m->iallgather},
        {"MPI_Test", &m->test},
    };

    for (size_t i = 0; i < TS_COUNT(parts); i++) {
        void *address = dlsym(m->library, parts[i].name);

        if (!address)
            return false;
        memcpy(parts[i].at, &address, sizeof address);
    }
    return true;
}

/* code: of the call that made the request. */
static bool wait_for(ts_comm *c, MPI_Request *request, int code)
{
    const struct timespec nap = {0, NAP_NS};
    int is_done = 0;

    for (int tries = 0; code == MPI_SUCCESS; tries += tries < TRIES) {
        code = ((mpi *)c)->test(request, &is_done, MPI_STATUS_IGNORE);
        if (code == MPI_SUCCESS && is_done)
            return true;
        if (*c->is_ending)
            return false;
        if (tries == TRIES)
            (void)nanosleep(&nap, NULL);
    }
    return false;
}

static bool broadcast(ts_comm *c, void *bytes, size_t n)
{
    const mpi *m = (const mpi *)c;
    MPI_Request request;
    const int code = m->ibcast(bytes, (int)n, m->byte, 0, m->world, &request);

    return wait_for(c, &request, code);
}

static bool gather(ts_comm *c, const void *mine, size_t n, void *all)
{
    const mpi *m = (const mpi *)c;
    MPI_Request request;
    const int code = m->iallgather(mine, (int)n, m->byte, all, (int)n, m->byte, m->world, &request);

    return wait_for(c, &request, code);
}

static bool send_to(ts_comm *c, int to, const void *bytes, size_t n)
{
    const mpi *m = (const mpi *)c;
    MPI_Request request;
    const int code = m->isend(bytes, (int)n, m->byte, to, 0, m->world, &request);

    return wait_for(c, &request, code);
}

static bool receive_from(ts_comm *c, int from, void *bytes, size_t n)
{
    const mpi *m = (const mpi *)c;
    MPI_Request request;
    const int code = m->irecv(bytes, (int)n, m->byte, from, 0, m->world, &request);

    return wait_for(c, &request, code);
}

/* The library stays loaded: it may have threads.  When mpirun ends all ranks, it is left
 * to it; otherwise those that still wait for this one are ended. */
static void leave(ts_comm *c)
{
    const mpi *m = (const mpi *)c;

    if (!c->is_broken)
        (void)m->finalize();
    else if (!*c->is_ending)
        (void)m->end_all(m->world, 1);
    ts_free(c);
}

static tiefsee_status start(mpi *m, tiefsee_error *err)
{
    int level;

    /* Plugins of the library look for its symbols among those of the program. */
    m->library = dlopen("libmpi.so.40", RTLD_NOW | RTLD_GLOBAL);
    if (!m->library || !look_up(m))
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED,
                       "several ranks need Open MPI 4 or 5 (libmpi.so.40), which is not here");
    if (m->init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level) != MPI_SUCCESS ||
        m->set_errhandler(m->world, m->errors_return) != MPI_SUCCESS ||
        m->comm_rank(m->world, &m->comm.rank) != MPI_SUCCESS ||
        m->comm_size(m->world, &m->comm.size) != MPI_SUCCESS)
        return ts_fail(err, TIEFSEE_E_UNSUPPORTED, "Open MPI does not begin");
    if (m->comm.size > COMM_MAX_RANKS)
        return ts_fail(err, TIEFSEE_E_LIMIT, "%d ranks (at most %d)", m->comm.size, COMM_MAX_RANKS);
    return TIEFSEE_OK;
}

tiefsee_status ts_comm_mpi_open(ts_comm **out, const volatile sig_atomic_t *is_ending,
                                tiefsee_error *err)
{
    mpi *m = ts_alloc_zero(1, sizeof *m);

    if (!m)
        return ts_fail_nomem(err, sizeof *m, "the ranks");
    m->comm = (ts_comm){.is_ending = is_ending,
                        .broadcast = broadcast,
                        .gather = gather,
                        .send = send_to,
                        .receive = receive_from,
                        .close = leave};
    const tiefsee_status st = start(m, err);
    if (st != TIEFSEE_OK) {
        ts_free(m);
        return st;
    }
    *out = &m->comm;
    return TIEFSEE_OK;
}
