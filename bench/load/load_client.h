/* load_client.h - one client: a connection, a request at a time, its stream read
 * event by event. */
#ifndef TS_BENCH_LOAD_CLIENT_H
#define TS_BENCH_LOAD_CLIENT_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "load_mix.h"
#include "load_report.h"

typedef struct load_target {
    struct sockaddr_storage address;
    socklen_t address_len;
    char host[128]; /* of the Host header */
    const char *path, *key;
} load_target;

typedef struct load_client {
    const load_target *target;
    const load_mix *mix;
    load_report *report;
    size_t index, n_left, n_done, turn; /* requests */

    int fd;         /* -1: not connected */
    ts_buf request; /* head and body */
    size_t n_sent;
    ts_buf history, said, body, in;
    size_t n_read;                         /* bytes of `in` that were understood */
    bool has_head, is_last_chunk, has_all; /* of the response */
    bool is_done, has_ended;               /* "[DONE]" came; nothing more is expected */
    uint64_t chunk_left;
    ts_buf events; /* decoded body that is no whole line yet */
    double asked, last_token;
    uint64_t n_prompt, n_cached, n_completion;
} load_client;

void load_client_init(load_client *c, const load_target *t, const load_mix *mix, load_report *r,
                      size_t index, size_t n_requests);
void load_client_free(load_client *c);

/* Begin the next request; false: none is left. */
bool load_client_start(load_client *c);

short load_client_wants(const load_client *c); /* for poll */
void load_client_turn(load_client *c, short events);

/* Count what runs as an error and end it. */
void load_client_give_up(load_client *c, const char *why);

int load_connect(const load_target *t); /* -1: errno says why */

#endif
