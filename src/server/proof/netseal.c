/* netseal.c - see netseal.h.
 *
 * sendmsg cannot be denied as a whole, libmicrohttpd and GnuTLS answer with it; its
 * address lies behind a pointer.  What is left of it without MSG_FASTOPEN needs a
 * datagram socket, and there is none: none can be made, and none was inherited.
 */
#include "server/proof/netseal.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/compiler.h"
#include "server/proof/sanitized.h"

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#define THIS_ARCH 0
#endif

enum {
    MAX_STEPS = 160,
    X32_BIT = 0x40000000,
    LANDLOCK_CREATE = 444, /* the same number on every architecture */
    LANDLOCK_RESTRICT = 446,
    LANDLOCK_VERSION_FLAG = 1,
    LANDLOCK_NET_CONNECT_TCP = 2,
    FIRST_OWN_FD = 3
};

/* ---- the filter */

static const int denied[] = {
    SYS_socket,
    SYS_socketpair,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_sendmmsg,
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_bpf,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    SYS_kexec_load,
    SYS_perf_event_open,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_personality,
    SYS_name_to_handle_at,
    SYS_open_by_handle_at,
#ifdef SYS_io_uring_setup
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
#endif
#ifdef SYS_pidfd_getfd
    SYS_pidfd_getfd,
#endif
};

typedef struct program {
    struct sock_filter at[MAX_STEPS];
    unsigned short n;
} program;

static void put(program *p, unsigned code, uint32_t k, unsigned jt, unsigned jf)
{
    p->at[p->n++] = (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, k};
}

static void load(program *p, size_t offset)
{
    put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void give(program *p, uint32_t what)
{
    put(p, BPF_RET | BPF_K, what, 0, 0);
}

static uint32_t refusal(int error)
{
    return SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA);
}

static void deny(program *p, int number, int error)
{
    put(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
    give(p, refusal(error));
}

static size_t argument(int i, bool is_high)
{
    return offsetof(struct seccomp_data, args) + (size_t)i * 8 + (is_high ? 4 : 0);
}

/* The call number is loaded: for this call, refuse MSG_FASTOPEN in argument flags, and
 * (address >= 0) any address; allow it otherwise. */
static void deny_addressed(program *p, int number, int flags, int address)
{
    const unsigned length = address >= 0 ? 10 : 4;

    put(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, length);
    load(p, argument(flags, false));
    put(p, BPF_JMP | BPF_JSET | BPF_K, MSG_FASTOPEN, 0, 1);
    give(p, refusal(EACCES));
    for (int high = 0; high < 2 && address >= 0; high++) {
        load(p, argument(address, high));
        put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
        give(p, refusal(EACCES));
    }
    give(p, SECCOMP_RET_ALLOW);
}

static void write_program(program *p)
{
    load(p, offsetof(struct seccomp_data, arch));
    put(p, BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0);
    give(p, SECCOMP_RET_KILL_PROCESS);
    load(p, offsetof(struct seccomp_data, nr));
    put(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    give(p, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < TS_COUNT(denied); i++)
        deny(p, denied[i], EACCES);
#ifdef SYS_clone3
    deny(p, SYS_clone3, ENOSYS); /* its flags lie behind a pointer; libc knows clone */
#endif
    deny_addressed(p, SYS_sendmsg, 2, -1);
    deny_addressed(p, SYS_sendto, 3, 4);
    give(p, SECCOMP_RET_ALLOW);
}

static bool install(ts_netseal *s)
{
    static program p; /* once per process */

    if (TS_IS_SANITIZED)
        (void)snprintf(s->why, sizeof s->why, "built with sanitizers, which need what it forbids");
    else if (THIS_ARCH == 0)
        (void)snprintf(s->why, sizeof s->why, "no filter for this architecture");
    else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        (void)snprintf(s->why, sizeof s->why, "no_new_privs: %s", strerror(errno));
    else {
        p.n = 0;
        write_program(&p);
        const struct sock_fprog prog = {.len = p.n, .filter = p.at};
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog) == 0)
            return true;
        (void)snprintf(s->why, sizeof s->why, "seccomp: %s", strerror(errno));
    }
    return false;
}

/* ---- descriptors */

static bool is_listening(int fd)
{
    int value = 0;
    socklen_t size = sizeof value;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value;
}

static bool is_connected(int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;

    return getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
}

static void take_socket(ts_netseal *s, int fd, bool closes)
{
    if (closes) {
        (void)close(fd);
        s->n_closed++;
    } else if (is_listening(fd))
        s->n_listening++;
    else if (is_connected(fd))
        s->n_accepted++;
    else
        s->n_other++;
}

static void walk_sockets(ts_netseal *s, bool closes)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    struct stat info;

    while (folder && (entry = readdir(folder))) {
        const int fd = (int)strtol(entry->d_name, NULL, 10);
        /* What stdin, stdout and stderr are is the caller's choice. */
        if (fd >= FIRST_OWN_FD && fd != dirfd(folder) && fstat(fd, &info) == 0 &&
            S_ISSOCK(info.st_mode))
            take_socket(s, fd, closes);
    }
    if (folder)
        (void)closedir(folder);
}

/* ---- Landlock: no headers of its age on Debian 12, so by numbers */

typedef struct landlock_rules {
    uint64_t handled_fs, handled_net;
} landlock_rules;

static void forbid_connect(ts_netseal *s)
{
    const long abi = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION_FLAG);
    const landlock_rules rules = {.handled_net = LANDLOCK_NET_CONNECT_TCP};

    s->landlock_abi = abi > 0 ? (int)abi : 0;
    if (abi < 4 || TS_IS_SANITIZED) /* 4: the first with TCP */
        return;
    const long fd = syscall(LANDLOCK_CREATE, &rules, sizeof rules, 0);
    if (fd < 0)
        return;
    s->has_landlock =
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(LANDLOCK_RESTRICT, fd, 0) == 0;
    (void)close((int)fd);
}

/* ---- trying */

static void note(ts_netseal *s, const char *route, long result)
{
    const int error = result < 0 ? errno : 0;

    s->tries[s->n_tries++] = (ts_netseal_try){route, error};
    /* Refused is refused; that a neighbour was not at home would be no proof. */
    s->n_open += error != EACCES && error != EPERM && error != ENOSYS;
    if (result >= 0 && result <= INT32_MAX && strncmp(route, "make", 4) == 0)
        (void)close((int)result);
}

void ts_netseal_try_all(ts_netseal *s, int tcp_fd, int udp_fd)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    const struct sockaddr *address = (const struct sockaddr *)&to;
    char byte = 0;
    struct iovec part = {&byte, 1};
    struct mmsghdr many = {
        .msg_hdr = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1}};

    (void)inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    s->n_tries = s->n_open = 0;
    note(s, "make a TCP socket", syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    note(s, "make a UDP socket", syscall(SYS_socket, AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    note(s, "make a unix socket", syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    note(s, "connect a TCP socket", syscall(SYS_connect, tcp_fd, address, sizeof to));
    note(s, "bind a socket", syscall(SYS_bind, tcp_fd, address, sizeof to));
    note(s, "TCP fast open by sendto",
         syscall(SYS_sendto, tcp_fd, "x", 1, MSG_FASTOPEN, address, sizeof to));
    note(s, "TCP fast open by sendmsg", syscall(SYS_sendmsg, tcp_fd, &many.msg_hdr, MSG_FASTOPEN));
    note(s, "UDP by sendto", syscall(SYS_sendto, udp_fd, "x", 1, 0, address, sizeof to));
    note(s, "UDP by sendmmsg", syscall(SYS_sendmmsg, udp_fd, &many, 1, 0));
#ifdef SYS_io_uring_setup
    note(s, "make an io_uring", syscall(SYS_io_uring_setup, 4, NULL));
#endif
}

void ts_netseal_early(ts_netseal *s)
{
    *s = (ts_netseal){0};
    if (!TS_IS_SANITIZED)
        walk_sockets(s, true);
    forbid_connect(s);
}

void ts_netseal_lock(ts_netseal *s)
{
    s->has_filter = install(s);
    s->n_listening = s->n_accepted = s->n_other = 0;
    walk_sockets(s, false);
    if (s->has_filter)
        ts_netseal_try_all(s, -1, -1);
}
