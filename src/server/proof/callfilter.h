/* callfilter.h - which system calls a started process may make, as a seccomp program.
 *
 * A list of what is allowed; everything else, numbers that nobody knows yet among them,
 * gives EPERM.  clone3 gives ENOSYS, so that libc falls back to clone, whose flags the
 * filter can read.  Another architecture's numbers, and x32's, end the process.
 */
#ifndef TS_SERVER_CALLFILTER_H
#define TS_SERVER_CALLFILTER_H

#include <linux/filter.h>

typedef enum ts_call_mode {
    TS_CALLS_SERVE, /* and answer who calls on sockets that are open */
    TS_CALLS_LOCAL  /* no socket at all; the terminal */
} ts_call_mode;

enum { TS_CALLFILTER_STEPS = 640 };

typedef struct ts_callfilter {
    struct sock_filter at[TS_CALLFILTER_STEPS];
    unsigned short n; /* 0: no filter for this architecture */
} ts_callfilter;

void ts_callfilter_write(ts_callfilter *p, ts_call_mode mode);

#endif
