/* netseal.h - a process that answers, and can call nobody.
 *
 * Early, before any thread: sockets that were inherited are closed, and Landlock (where
 * the kernel has it) forbids TCP connections.  Once everything is open: a seccomp filter
 * for all threads that allows what is on a list (callfilter.h): no socket can be made,
 * connected, bound, addressed or received, no program or process started and no other one
 * looked into.  Then every way out is tried, and what the kernel said is kept for the
 * status page.
 *
 * It cannot be taken back.  Where it cannot be installed (sanitizers, qemu, an old
 * kernel, another architecture) the process goes on and `why` says so in one line.
 */
#ifndef TS_SERVER_NETSEAL_H
#define TS_SERVER_NETSEAL_H

#include <stdbool.h>
#include <stddef.h>

enum { TS_NETSEAL_TRIES = 16 };

typedef struct ts_netseal_try {
    const char *route; /* "tcp connect", ... */
    int error;         /* errno; 0: it was not refused */
} ts_netseal_try;

typedef struct ts_netseal {
    bool has_filter;
    bool is_list;     /* calls that are not on its list were refused */
    char why[128];    /* has_filter false: the reason */
    int landlock_abi; /* 0: none */
    bool has_landlock;
    size_t n_closed;                         /* inherited sockets */
    size_t n_listening, n_accepted, n_other; /* sockets when the filter was installed */
    ts_netseal_try tries[TS_NETSEAL_TRIES];
    size_t n_tries, n_open; /* of them not refused */
} ts_netseal;

void ts_netseal_early(ts_netseal *s);
void ts_netseal_lock(ts_netseal *s);

/* For a program that answers nobody: no sockets at all.  False: why. */
bool ts_netseal_local(ts_netseal *s);

/* Every way out, once: n_tries, n_open.  tcp_fd, udp_fd: unconnected sockets from before
 * the filter, as a leak would be; -1: without. */
void ts_netseal_try_all(ts_netseal *s, int tcp_fd, int udp_fd);

#endif
