/* netseal.c - see netseal.h. */
#include "server/proof/netseal.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/proof/callfilter.h"
#include "server/proof/sanitized.h"

enum {
    LANDLOCK_CREATE = 444, /* the same number on every architecture */
    LANDLOCK_RESTRICT = 446,
    LANDLOCK_VERSION_FLAG = 1,
    LANDLOCK_NET_CONNECT_TCP = 2,
    FIRST_OWN_FD = 3
};

/* ---- the filter */

static bool install(ts_netseal *s, ts_call_mode mode)
{
    static ts_callfilter p; /* once per process */

    ts_callfilter_write(&p, mode);
    if (TS_IS_SANITIZED)
        (void)snprintf(s->why, sizeof s->why, "built with sanitizers, which need what it forbids");
    else if (p.n == 0)
        (void)snprintf(s->why, sizeof s->why, "no filter for this architecture");
    else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        (void)snprintf(s->why, sizeof s->why, "no_new_privs: %s", strerror(errno));
    else {
        const struct sock_fprog prog = {.len = p.n, .filter = p.at};
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog) == 0)
            return true;
        (void)snprintf(s->why, sizeof s->why,
                       errno == ENOSYS ? "this kernel has no seccomp (%s)" : "seccomp: %s",
                       strerror(errno));
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
    if (result >= 0 && result <= INT32_MAX && strncmp(route, "make a", 6) == 0 &&
        strcmp(route, "make a process") != 0)
        (void)close((int)result);
}

/* What the filter says and the kernel would not. */
static void note_unlisted(ts_netseal *s, const char *route, long result)
{
    note(s, route, result);
    s->is_list = s->is_list && s->tries[s->n_tries - 1].error == EPERM;
    s->n_open += s->tries[s->n_tries - 1].error == ENOSYS;
}

static long try_process(void)
{
    const pid_t child = fork();

    if (child == 0)
        (void)syscall(SYS_exit_group, 0);
    if (child > 0)
        (void)waitpid(child, NULL, 0);
    return child;
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
    s->is_list = true;
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
    note(s, "be passed a socket", syscall(SYS_recvmsg, tcp_fd, &many.msg_hdr, MSG_DONTWAIT));
    note(s, "start a program", syscall(SYS_execve, "/nowhere", NULL, NULL));
    note(s, "make a process", try_process());
    /* Harmless, and on nobody's list; and a number that no kernel has. */
    note_unlisted(s, "a call that is not allowed", syscall(SYS_getsid, 0));
    note_unlisted(s, "a call that nobody knows", syscall(0xfff));
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
    s->has_filter = install(s, TS_CALLS_SERVE);
    s->n_listening = s->n_accepted = s->n_other = 0;
    walk_sockets(s, false);
    if (s->has_filter)
        ts_netseal_try_all(s, -1, -1);
}

bool ts_netseal_local(ts_netseal *s)
{
    *s = (ts_netseal){0};
    s->has_filter = install(s, TS_CALLS_LOCAL);
    return s->has_filter;
}
