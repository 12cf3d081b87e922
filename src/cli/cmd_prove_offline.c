/* cmd_prove_offline.c - what the server does to itself, done here and then tried out.
 *
 * Two sockets are opened before the filter is installed, as a leak would leave them, and
 * one connection from outside, which must go on being answered. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli.h"
#include "server/proof/proof.h"

static const ts_opt options[] = {{0}};

/* A listener on a free port of this machine, and a client that has called it. */
static int open_pair(int *listener, int *client)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;

    *listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*listener < 0 || *client < 0 || bind(*listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(*listener, 4) != 0 || getsockname(*listener, (struct sockaddr *)&at, &size) != 0)
        return -1;
    return connect(*client, (struct sockaddr *)&at, size);
}

/* Takes the call and answers it, as the server does. */
static bool answers(int listener, int client)
{
    char byte = 0;
    const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    const bool is_good = fd >= 0 && write(client, "?", 1) == 1 && read(fd, &byte, 1) == 1 &&
                         send(fd, "!", 1, MSG_NOSIGNAL) == 1 && read(client, &byte, 1) == 1 &&
                         byte == '!';

    if (fd >= 0)
        (void)close(fd);
    return is_good;
}

static ts_fileseal files;

/* A server that was given no file at all; before the filter, which forbids Landlock's
 * calls, too. */
static bool seal_files(void)
{
    ts_fileseal_begin(&files);
    if (!ts_fileseal_allow_system(&files))
        return false;
    ts_fileseal_lock(&files);
    return true;
}

/* A kernel without Landlock is said, and is no failure: the network is closed all the
 * same. */
static bool try_files(void)
{
    if (!files.is_sealed) {
        (void)printf("files are open to this process: %s\n", files.why);
        return files.abi == 0;
    }
    ts_fileseal_try_all(&files);
    for (size_t i = 0; i < files.n_tries; i++)
        (void)printf("%-28s %s%s\n", files.tries[i].what,
                     files.tries[i].error ? "refused: " : "OPEN",
                     files.tries[i].error ? strerror(files.tries[i].error) : "");
    (void)printf("%zu files of others tried, %zu open\n", files.n_tries, files.n_open);
    return files.n_open == 0;
}

static void show_packets(void)
{
    const uint64_t sent = ts_packets_of_open();
    uint64_t machine;

    (void)printf("%llu packets of this process left this machine\n", (unsigned long long)sent);
    if (ts_packets_of_machine(&machine))
        (void)printf("%llu packets of all programs left its interfaces since they are up\n",
                     (unsigned long long)machine);
}

static int run(int argc, char **argv)
{
    int listener = -1, client = -1;
    ts_netseal s;

    (void)argc;
    (void)argv;
    /* Not ts_netseal_early: with Landlock the filter would not have to do anything. */
    memset(&s, 0, sizeof s);
    if (open_pair(&listener, &client) != 0)
        return ts_cli_error(TS_EXIT_ERROR, "no connection within this machine: %s",
                            strerror(errno));
    const int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (!seal_files())
        return ts_cli_error(TS_EXIT_ERROR, "no room for the files of the system");
    ts_netseal_lock(&s);
    if (!s.has_filter)
        return ts_cli_error(TS_EXIT_ERROR, "the filter could not be installed: %s", s.why);
    ts_netseal_try_all(&s, tcp, udp);
    for (size_t i = 0; i < s.n_tries; i++)
        (void)printf("%-28s %s%s\n", s.tries[i].route, s.tries[i].error ? "refused: " : "OPEN",
                     s.tries[i].error ? strerror(s.tries[i].error) : "");
    const bool is_served = answers(listener, client);
    (void)printf("%-28s %s\n", "answer who calls", is_served ? "works" : "BROKEN");
    (void)printf("%zu ways out tried, %zu open; %s\n", s.n_tries, s.n_open,
                 s.is_list ? "the filter allows what is on its list, and nothing else"
                           : "the filter lets calls through that are not on its list");
    const bool are_files_sealed = try_files();
    show_packets();
    return ts_cli_finish(
        s.n_open == 0 && s.is_list && is_served && are_files_sealed ? TS_EXIT_OK : TS_EXIT_ERROR);
}

const ts_command ts_cmd_prove_offline = {
    .name = "prove-offline",
    .arguments = "",
    .summary = "try every way out of the machine from behind the server's own filter",
    .details =
        "Install the filter that `tiefsee serve` installs when everything is open, with two "
        "sockets left open before it as a mistake would leave them, and try every way to call "
        "somebody, to start a process and to make calls that are not on the filter's list: each "
        "must "
        "be refused by the kernel, while a caller is still answered. Beside it "
        "forbid all files (Landlock), and try some. The same attempts are made inside the server "
        "when it starts; the assistant's status page "
        "shows what came of them.",
    .options = options,
    .run = run,
};
