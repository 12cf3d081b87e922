/* packets.c - see packets.h. */
#include "server/proof/packets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_TABLE = 64 << 10, SENT_COLUMN = 9 };

static bool is_here(const struct sockaddr_storage *peer)
{
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)peer)->sin6_addr;

    if (peer->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)peer)->sin_addr.s_addr) >> 24 == 127;
    if (peer->ss_family != AF_INET6)
        return true; /* a unix socket */
    return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
}

bool ts_packets_go_beyond(int fd)
{
    struct sockaddr_storage peer = {0};
    socklen_t n = sizeof peer;

    return getpeername(fd, (struct sockaddr *)&peer, &n) == 0 && !is_here(&peer);
}

uint64_t ts_packets_of(int fd)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof info;

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
                   n >= offsetof(struct tcp_info, tcpi_segs_out) + sizeof info.tcpi_segs_out
               ? info.tcpi_segs_out
               : 0;
}

static uint64_t of_open(int fd)
{
    return ts_packets_go_beyond(fd) ? ts_packets_of(fd) : 0;
}

uint64_t ts_packets_of_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    uint64_t sum = 0;

    while (folder && (entry = readdir(folder)))
        sum += of_open((int)strtol(entry->d_name, NULL, 10));
    if (folder)
        (void)closedir(folder);
    return sum;
}

/* "  eth0: 1296 16 0 0 0 0 0 0 1300 17 ...": the tenth number is of packets sent. */
static bool add_line(const char *line, size_t n, uint64_t *sum)
{
    const char *colon = memchr(line, ':', n), *end = line + n;
    const char *name = line + strspn(line, " ");

    if (!colon || (colon - name == 2 && memcmp(name, "lo", 2) == 0))
        return true;
    const char *at = colon + 1;
    for (int column = 0; column < SENT_COLUMN; column++) {
        at += strspn(at, " ");
        at += strcspn(at, " \n");
    }
    at += strspn(at, " ");
    if (at >= end || *at < '0' || *at > '9')
        return false;
    *sum += strtoull(at, NULL, 10);
    return true;
}

bool ts_packets_parse(const char *text, uint64_t *sent)
{
    bool is_good = *text != '\0';

    *sent = 0;
    for (size_t i = 0; *text && is_good; i++) {
        const size_t n = strcspn(text, "\n");

        is_good = i < 2 || add_line(text, n, sent); /* two lines of titles */
        text += n + (text[n] == '\n');
    }
    return is_good;
}

bool ts_packets_of_machine(uint64_t *sent)
{
    char text[MAX_TABLE];
    const int fd = open("/proc/self/net/dev", O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    ssize_t got = 1;

    while (fd >= 0 && got > 0 && n < sizeof text - 1) {
        got = read(fd, text + n, sizeof text - 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0)
        (void)close(fd);
    text[n] = '\0';
    return fd >= 0 && got == 0 && ts_packets_parse(text, sent);
}
