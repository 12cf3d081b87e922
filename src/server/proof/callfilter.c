/* callfilter.c - see callfilter.h.
 *
 * What is on the list was found by tracing the server through its tests, read in the
 * sources of glibc (2.31 to 2.41), SQLite, libmicrohttpd and GnuTLS, and is no way out.
 * The kernel keeps a bitmap of the calls that are always allowed (since 5.11), so the
 * length of the list costs them nothing; arguments are looked at for the few others.
 *
 * sendmsg cannot be left out, libmicrohttpd and GnuTLS answer with it; its address lies
 * behind a pointer.  What is left of it without MSG_FASTOPEN needs a datagram socket, and
 * there is none: none can be made, none was inherited, and without recvmsg none is passed.
 */
#include "server/proof/callfilter.h"

#include <asm/termbits.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/compiler.h"

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#define THIS_ARCH 0
#endif

enum { X32_BIT = 0x40000000 };

static const int always[] = {
    /* files */
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_preadv,
    SYS_pwritev,
    SYS_lseek,
    SYS_openat,
    SYS_close,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statfs,
    SYS_fstatfs,
    SYS_faccessat,
    SYS_getdents64,
    SYS_fcntl,
    SYS_flock,
    SYS_fsync,
    SYS_fdatasync,
    SYS_sync_file_range,
    SYS_ftruncate,
    SYS_truncate,
    SYS_fallocate,
    SYS_fadvise64,
    SYS_readahead,
    SYS_unlinkat,
    SYS_renameat,
    SYS_linkat,
    SYS_mkdirat,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchown,
    SYS_utimensat,
    SYS_readlinkat,
    SYS_getcwd,
    SYS_umask,
    SYS_dup,
    SYS_dup3,
    SYS_pipe2,
    SYS_eventfd2,
    SYS_ppoll,
    SYS_pselect6,
#ifdef SYS_statx
    SYS_statx,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef SYS_renameat2
    SYS_renameat2,
#endif
#ifdef SYS_close_range
    SYS_close_range,
#endif
    /* memory */
    SYS_brk,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_msync,
    SYS_mincore,
    SYS_mlock,
    SYS_munlock,
#ifdef SYS_mlock2
    SYS_mlock2,
#endif
#ifdef SYS_membarrier
    SYS_membarrier,
#endif
    /* threads, signals */
    SYS_futex,
#ifdef SYS_futex_waitv
    SYS_futex_waitv,
#endif
    SYS_set_robust_list,
    SYS_get_robust_list,
    SYS_set_tid_address,
#ifdef SYS_rseq
    SYS_rseq,
#endif
    SYS_exit,
    SYS_exit_group,
    SYS_restart_syscall,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigpending,
    SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_getcpu,
    /* clocks, numbers, who it is */
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getrandom,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getrusage,
    SYS_times,
    SYS_sysinfo,
    SYS_uname,
    SYS_prlimit64,
/* before there were the ones with "at" and with flags */
#ifdef SYS_open
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_getdents,
    SYS_unlink,
    SYS_rename,
    SYS_link,
    SYS_mkdir,
    SYS_rmdir,
    SYS_chmod,
    SYS_readlink,
    SYS_dup2,
    SYS_pipe,
    SYS_poll,
    SYS_select,
    SYS_time,
    SYS_getrlimit,
#endif
#ifdef SYS_arch_prctl
    SYS_arch_prctl,
#endif
};

/* Of a server, on sockets that are there. */
static const int answering[] = {
    SYS_accept,       SYS_accept4,      SYS_recvfrom,      SYS_shutdown,  SYS_getsockopt,
    SYS_getsockname,  SYS_getpeername,  SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait,
#ifdef SYS_epoll_pwait2
    SYS_epoll_pwait2,
#endif
#ifdef SYS_epoll_wait
    SYS_epoll_wait,   SYS_epoll_create,
#endif
};

static void put(ts_callfilter *p, unsigned code, uint32_t k, unsigned jt, unsigned jf)
{
    p->at[p->n++] = (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, k};
}

static void load(ts_callfilter *p, size_t offset)
{
    put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void give(ts_callfilter *p, uint32_t what)
{
    put(p, BPF_RET | BPF_K, what, 0, 0);
}

static uint32_t refusal(int error)
{
    return SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA);
}

/* What is loaded is this: answer so. */
static void give_if(ts_callfilter *p, uint32_t value, uint32_t what)
{
    put(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    give(p, what);
}

static size_t argument(int i, bool is_high)
{
    return offsetof(struct seccomp_data, args) + (size_t)i * 8 + (is_high ? 4 : 0);
}

/* Another call: n steps on. */
static void skip_others(ts_callfilter *p, int number, size_t n)
{
    put(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, (unsigned)n);
}

/* The call, if this argument's lower half is one of these. */
static void allow_among(ts_callfilter *p, int number, int i, const uint32_t *values, size_t n)
{
    skip_others(p, number, 2 * n + 2);
    load(p, argument(i, false));
    for (size_t k = 0; k < n; k++)
        give_if(p, values[k], SECCOMP_RET_ALLOW);
    give(p, refusal(EPERM));
}

/* Sending, but not with MSG_FASTOPEN in argument flags, and (address >= 0) to no address. */
static void allow_unaddressed(ts_callfilter *p, int number, int flags, int address)
{
    skip_others(p, number, address >= 0 ? 10 : 4);
    load(p, argument(flags, false));
    put(p, BPF_JMP | BPF_JSET | BPF_K, MSG_FASTOPEN, 0, 1);
    give(p, refusal(EPERM));
    for (int high = 0; high < 2 && address >= 0; high++) {
        load(p, argument(address, high));
        put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
        give(p, refusal(EPERM));
    }
    give(p, SECCOMP_RET_ALLOW);
}

/* A thread, but no process. */
static void allow_threads(ts_callfilter *p)
{
    skip_others(p, SYS_clone, 4);
    load(p, argument(0, false));
    put(p, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1);
    give(p, SECCOMP_RET_ALLOW);
    give(p, refusal(EPERM));
}

static void allow_socket_options(ts_callfilter *p)
{
    static const uint32_t of_socket[] = {SO_KEEPALIVE, SO_LINGER, SO_SNDBUF, SO_RCVBUF};
    static const uint32_t of_tcp[] = {TCP_NODELAY,   TCP_CORK,    TCP_QUICKACK,    TCP_KEEPIDLE,
                                      TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT};
    const size_t n_socket = 2 * TS_COUNT(of_socket) + 2, n_tcp = 2 * TS_COUNT(of_tcp) + 2;

    skip_others(p, SYS_setsockopt, 1 + 1 + n_socket + 1 + n_tcp + 1);
    load(p, argument(1, false));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, SOL_SOCKET, 0, (unsigned)n_socket);
    load(p, argument(2, false));
    for (size_t i = 0; i < TS_COUNT(of_socket); i++)
        give_if(p, of_socket[i], SECCOMP_RET_ALLOW);
    give(p, refusal(EPERM));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, (unsigned)n_tcp);
    load(p, argument(2, false));
    for (size_t i = 0; i < TS_COUNT(of_tcp); i++)
        give_if(p, of_tcp[i], SECCOMP_RET_ALLOW);
    give(p, refusal(EPERM));
    give(p, refusal(EPERM));
}

/* A pair of connected unix streams has no address and can be given none: it leads from this
 * process to itself.  libmicrohttpd makes one for a WebSocket over TLS.  Datagrams could be
 * sent elsewhere. */
static void allow_stream_pairs(ts_callfilter *p)
{
    skip_others(p, SYS_socketpair, 7);
    load(p, argument(0, false));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 4);
    load(p, argument(1, false));
    put(p, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK), 0, 0);
    give_if(p, SOCK_STREAM, SECCOMP_RET_ALLOW);
    give(p, refusal(EPERM));
}

static void allow_some(ts_callfilter *p)
{
    static const uint32_t devices[] = {TCGETS,
                                       TCSETS,
                                       TCSETSW,
                                       TCSETSF,
                                       TIOCGWINSZ,
                                       FIONREAD,
                                       FIONBIO
#ifdef TCGETS2
                                       ,
                                       TCGETS2,
                                       TCSETS2,
                                       TCSETSW2,
                                       TCSETSF2
#endif
    };
    static const uint32_t process[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_NO_NEW_PRIVS,
                                       0x53564d41 /* PR_SET_VMA: names of memory */};
    const uint32_t self = (uint32_t)getpid();

    allow_among(p, SYS_ioctl, 1, devices, TS_COUNT(devices));
    allow_among(p, SYS_prctl, 0, process, TS_COUNT(process));
    allow_among(p, SYS_tgkill, 0, &self, 1); /* abort, raise */
    allow_threads(p);
#ifdef SYS_clone3
    give_if(p, SYS_clone3, refusal(ENOSYS));
#endif
}

void ts_callfilter_write(ts_callfilter *p, ts_call_mode mode)
{
    p->n = 0;
    if (THIS_ARCH == 0)
        return;
    load(p, offsetof(struct seccomp_data, arch));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0);
    give(p, SECCOMP_RET_KILL_PROCESS);
    load(p, offsetof(struct seccomp_data, nr));
    put(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    give(p, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < TS_COUNT(answering) && mode == TS_CALLS_SERVE; i++)
        give_if(p, (uint32_t)answering[i], SECCOMP_RET_ALLOW);
    for (size_t i = 0; i < TS_COUNT(always); i++)
        give_if(p, (uint32_t)always[i], SECCOMP_RET_ALLOW);
    if (mode == TS_CALLS_SERVE) {
        allow_unaddressed(p, SYS_sendmsg, 2, -1);
        allow_unaddressed(p, SYS_sendto, 3, 4);
        allow_socket_options(p);
        allow_stream_pairs(p);
    }
    allow_some(p);
    give(p, refusal(EPERM));
}
