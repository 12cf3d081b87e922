/* test_callfilter.c - the filter's program, run here for calls that nobody makes, and by the
 * kernel for some that a helper process makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/proof/callfilter.h"
#include "server/proof/netseal.h"
#include "server/proof/sanitized.h"

#if defined(__x86_64__)
#define ARCH       AUDIT_ARCH_X86_64
#define OTHER_ARCH AUDIT_ARCH_I386
#else
#define ARCH       AUDIT_ARCH_AARCH64
#define OTHER_ARCH AUDIT_ARCH_ARM
#endif

static const uint32_t ALLOWED = SECCOMP_RET_ALLOW, REFUSED = SECCOMP_RET_ERRNO | EPERM;
static ts_callfilter serve, local;

static int set_up(void **state)
{
    (void)state;
    ts_callfilter_write(&serve, TS_CALLS_SERVE);
    ts_callfilter_write(&local, TS_CALLS_LOCAL);
    return 0;
}

/* What the kernel would answer; every path ends, and none leaves the program. */
static uint32_t run(const ts_callfilter *p, const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (size_t i = 0; i < p->n; i++) {
        const struct sock_filter *s = &p->at[i];

        switch (s->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(s->k % 4 == 0 && s->k < sizeof *data);
            a = ((const uint32_t *)(const void *)data)[s->k / 4];
            break;
        case BPF_ALU | BPF_AND | BPF_K: a &= s->k; break;
        case BPF_RET | BPF_K: return s->k;
        case BPF_JMP | BPF_JEQ | BPF_K: i += a == s->k ? s->jt : s->jf; break;
        case BPF_JMP | BPF_JGE | BPF_K: i += a >= s->k ? s->jt : s->jf; break;
        case BPF_JMP | BPF_JSET | BPF_K: i += (a & s->k) != 0 ? s->jt : s->jf; break;
        default: fail_msg("step %zu has code %u", i, (unsigned)s->code);
        }
    }
    fail_msg("no end");
    return 0;
}

static uint32_t ask(const ts_callfilter *p, long number, uint64_t a, uint64_t b, uint64_t c)
{
    const struct seccomp_data data = {.nr = (int)number, .arch = ARCH, .args = {a, b, c}};

    return run(p, &data);
}

static void what_is_on_no_list_is_refused(void **state)
{
    static const int never[] = {SYS_socket,
                                SYS_socketpair,
                                SYS_connect,
                                SYS_bind,
                                SYS_listen,
                                SYS_sendmmsg,
                                SYS_recvmsg,
                                SYS_recvmmsg,
                                SYS_execve,
                                SYS_execveat,
                                SYS_ptrace,
                                SYS_process_vm_readv,
                                SYS_bpf,
                                SYS_userfaultfd,
                                SYS_keyctl,
                                SYS_mount,
                                SYS_setns,
                                SYS_unshare,
                                SYS_kexec_load,
                                SYS_perf_event_open,
                                SYS_init_module,
                                SYS_personality,
                                SYS_kill,
                                SYS_pidfd_getfd,
                                SYS_io_uring_setup,
                                SYS_io_uring_enter,
                                SYS_seccomp,
                                SYS_memfd_create,
                                SYS_splice,
                                SYS_vmsplice,
                                SYS_setuid,
                                SYS_getsid};
    size_t n_allowed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        assert_int_equal(ask(&serve, never[i], 0, 0, 0), REFUSED);
        assert_int_equal(ask(&local, never[i], 0, 0, 0), REFUSED);
    }
    for (long number = 0; number < 5000; number++) {
        const uint32_t got = ask(&serve, number, 0, 0, 0);

        n_allowed += got == ALLOWED;
        assert_true(got == ALLOWED || got == REFUSED || number == SYS_clone3);
        /* A local program may nothing that a server may not. */
        if (ask(&local, number, 0, 0, 0) == ALLOWED)
            assert_int_equal(got, ALLOWED);
    }
    assert_true(n_allowed > 80 && n_allowed < 140);
    assert_int_equal(ask(&serve, SYS_clone3, 0, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
}

static void other_numbers_end_the_process(void **state)
{
    struct seccomp_data data = {.nr = SYS_read, .arch = OTHER_ARCH};

    (void)state;
    assert_int_equal(run(&serve, &data), SECCOMP_RET_KILL_PROCESS);
    data = (struct seccomp_data){.nr = 0x40000000 | SYS_read, .arch = ARCH};
    assert_int_equal(run(&serve, &data), SECCOMP_RET_KILL_PROCESS);
    data.nr = -1;
    assert_int_equal(run(&serve, &data), SECCOMP_RET_KILL_PROCESS);
}

static void sending_is_to_who_called(void **state)
{
    struct seccomp_data data = {.nr = SYS_sendto, .arch = ARCH};

    (void)state;
    assert_int_equal(run(&serve, &data), ALLOWED);
    assert_int_equal(run(&local, &data), REFUSED);
    data.args[4] = 8; /* the address */
    assert_int_equal(run(&serve, &data), REFUSED);
    data.args[4] = (uint64_t)8 << 32;
    assert_int_equal(run(&serve, &data), REFUSED);
    data.args[4] = 0;
    data.args[3] = MSG_NOSIGNAL | MSG_FASTOPEN;
    assert_int_equal(run(&serve, &data), REFUSED);
    assert_int_equal(ask(&serve, SYS_sendmsg, 3, 0, MSG_NOSIGNAL), ALLOWED);
    assert_int_equal(ask(&serve, SYS_sendmsg, 3, 0, MSG_FASTOPEN), REFUSED);
    assert_int_equal(ask(&local, SYS_sendmsg, 3, 0, 0), REFUSED);
    assert_int_equal(ask(&local, SYS_accept4, 3, 0, 0), REFUSED);
}

static void arguments_are_looked_at(void **state)
{
    const uint64_t thread = 0x3d0f00; /* as pthread_create asks */

    (void)state;
    assert_int_equal(ask(&serve, SYS_clone, thread, 0, 0), ALLOWED);
    assert_int_equal(ask(&serve, SYS_clone, 0x1200011, 0, 0), REFUSED); /* fork */
    assert_int_equal(ask(&serve, SYS_setsockopt, 3, IPPROTO_TCP, TCP_NODELAY), ALLOWED);
    assert_int_equal(ask(&serve, SYS_setsockopt, 3, IPPROTO_TCP, TCP_REPAIR), REFUSED);
    assert_int_equal(ask(&serve, SYS_setsockopt, 3, SOL_SOCKET, SO_KEEPALIVE), ALLOWED);
    assert_int_equal(ask(&serve, SYS_setsockopt, 3, SOL_SOCKET, SO_ATTACH_FILTER), REFUSED);
    assert_int_equal(ask(&serve, SYS_setsockopt, 3, IPPROTO_IP, 1), REFUSED);
    assert_int_equal(ask(&local, SYS_setsockopt, 3, IPPROTO_TCP, TCP_NODELAY), REFUSED);
    assert_int_equal(ask(&local, SYS_ioctl, 0, TIOCGWINSZ, 0), ALLOWED);
    assert_int_equal(ask(&local, SYS_ioctl, 0, TIOCSTI, 0), REFUSED); /* types for the user */
    assert_int_equal(ask(&serve, SYS_tgkill, (uint64_t)getpid(), 0, 6), ALLOWED);
    assert_int_equal(ask(&serve, SYS_tgkill, 1, 1, 9), REFUSED);
}

/* ---- by the kernel */

static void *add_one(void *n)
{
    ++*(int *)n;
    return NULL;
}

/* What the helper found, in bits. */
static int try_it_out(void)
{
    ts_netseal s;
    pthread_t thread;
    int n = 0;

    if (!ts_netseal_local(&s))
        return 64;
    if (pthread_create(&thread, NULL, add_one, &n) == 0)
        (void)pthread_join(thread, NULL);
    FILE *f = fopen("/proc/self/stat", "r");
    const bool can_read = f && fgetc(f) != EOF;
    return n | (can_read ? 2 : 0) | (fork() < 0 && errno == EPERM ? 4 : 0) |
           (syscall(0xfff) < 0 && errno == EPERM ? 8 : 0) |
           (socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM ? 16 : 0);
}

static void a_sealed_process_computes_and_calls_nobody(void **state)
{
    int status = 0;

    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(try_it_out());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 64)
        skip(); /* sanitizers, or a kernel without it */
    assert_int_equal(WEXITSTATUS(status), 31);
    assert_false(TS_IS_SANITIZED);
}

static void pairs_are_of_unix_streams(void **state)
{
    (void)state;
    assert_int_equal(ask(&serve, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0), ALLOWED);
    assert_int_equal(
        ask(&serve, SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
        ALLOWED);
    assert_int_equal(ask(&serve, SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0), REFUSED);
    assert_int_equal(ask(&serve, SYS_socketpair, AF_UNIX, SOCK_STREAM | 0x100, 0), REFUSED);
    assert_int_equal(ask(&serve, SYS_socketpair, AF_INET, SOCK_STREAM, 0), REFUSED);
    assert_int_equal(ask(&local, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0), REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_of_unix_streams),
        cmocka_unit_test(what_is_on_no_list_is_refused),
        cmocka_unit_test(other_numbers_end_the_process),
        cmocka_unit_test(sending_is_to_who_called),
        cmocka_unit_test(arguments_are_looked_at),
        cmocka_unit_test(a_sealed_process_computes_and_calls_nobody),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
