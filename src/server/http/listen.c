/* listen.c - sockets to listen on; see inside.h. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/http/inside.h"

static int port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &n) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)&address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
}

static void set_port(struct sockaddr *address, int port)
{
    if (address->sa_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)address)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)(void *)address)->sin_port = htons((uint16_t)port);
}

/* A listening socket, or -1 with errno set. */
static int listen_at(const struct addrinfo *a)
{
    const int one = 1;
    const int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, TS_HTTP_BACKLOG) == 0)
        return fd;
    const int saved = errno;
    (void)close(fd);
    errno = saved;
    return -1;
}

tiefsee_status ts_listen_tcp(ts_http *h, const char *host, int port, tiefsee_error *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *all = NULL;
    int failure = 0;
    const int code = getaddrinfo(host, "0", &hints, &all);

    if (code != 0)
        return ts_fail(err, TIEFSEE_E_INVALID, "host '%s': %s", host, gai_strerror(code));
    h->port = port;
    /* "localhost" has two addresses; one may not exist here (no IPv6). */
    for (const struct addrinfo *a = all; a && h->n_listeners < TS_HTTP_MAX_LISTENERS - 1;
         a = a->ai_next) {
        set_port(a->ai_addr, h->port);
        const int fd = listen_at(a);

        if (fd >= 0) {
            h->listeners[h->n_listeners++] = (ts_listener){.fd = fd};
            h->port = port_of(fd);
        } else if (failure == 0 || errno == EADDRINUSE || errno == EACCES)
            failure = errno;
    }
    freeaddrinfo(all);
    if (h->n_listeners == 0 || failure == EADDRINUSE || failure == EACCES)
        return ts_fail_errno(err, failure, "listening on %s port %d", host, port);
    return TIEFSEE_OK;
}

/* A socket file that nobody listens on is left over from a crash. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat st;

    if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    const bool is_refused = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                            errno == ECONNREFUSED;
    (void)close(fd);
    return is_refused;
}

tiefsee_status ts_listen_unix(ts_http *h, const char *path, tiefsee_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int n = snprintf(address.sun_path, sizeof address.sun_path, "%s", path);

    if (n <= 0 || (size_t)n >= sizeof address.sun_path)
        return ts_fail(err, TIEFSEE_E_INVALID, "a socket's path has 1 to %zu bytes",
                       sizeof address.sun_path - 1);
    if (is_stale(&address))
        (void)unlink(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ts_fail_errno(err, errno, "a unix socket");
    /* Nobody can connect before listen, so the mode is set in time. */
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(path, 0600) != 0 || listen(fd, TS_HTTP_BACKLOG) != 0) {
        const int saved = errno;

        (void)close(fd);
        return ts_fail_errno(err, saved, "listening on %s", path);
    }
    h->listeners[h->n_listeners++] = (ts_listener){.fd = fd, .is_unix = true};
    return TIEFSEE_OK;
}
