/* load.c - drives many streaming clients against a server on this machine.
 *
 *     load [options] http://127.0.0.1:8642/v1
 *
 * Prints how long first tokens took, the gaps between tokens, tokens per second
 * and errors.  One thread with poll(), so that it takes little from the server
 * beside it.  Only loopback addresses are spoken to.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "load_client.h"

enum { MAX_CLIENTS = 65536 };

typedef struct options {
    uint64_t clients, requests, turns, idle, limit_s, pid;
    const char *url, *key, *mix_file;
    bool as_json;
    load_mix mix;
} options;

static const char usage[] =
    "usage: load [options] URL            URL: http://127.0.0.1:8642/v1, on this machine only\n"
    "  -n, --clients N     streams at the same time; default: 64\n"
    "  -r, --requests N    of each client, one after the other; default: 4\n"
    "  -t, --turns N       turns of a conversation (1 to 16), each a request; default: 1\n"
    "  -w, --words N       of a first question; default: a mix of short and long ones\n"
    "  -m, --max-tokens N  of an answer; default: 64\n"
    "  -M, --model NAME    default: the server's first\n"
    "  -x, --never IDS     tokens that never come, so that answers are long: 1,2,3\n"
    "  -T, --thinking      let the model think\n"
    "  -f, --mix FILE      recorded bodies of /v1/chat/completions, one JSON object a line\n"
    "  -s, --seed N        of generated questions; default: 1\n"
    "  -k, --key KEY       sent as bearer token\n"
    "  -i, --idle N        connections that are open and ask nothing meanwhile\n"
    "  -p, --pid N         the server's process: its CPU time and memory are printed\n"
    "  -l, --limit S       give up after S seconds; default: 600\n"
    "  -j, --json          one line of JSON\n";

static bool take_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    if (ts_parse_u64(text, min, max, out))
        return true;
    (void)fprintf(stderr, "load: '%s' is no number from %llu to %llu\n", text,
                  (unsigned long long)min, (unsigned long long)max);
    return false;
}

static bool take_option(options *o, int c)
{
    uint64_t n = 0;
    bool is_good = true;

    switch (c) {
    case 'n': return take_number(optarg, 1, MAX_CLIENTS, &o->clients);
    case 'r': return take_number(optarg, 1, 1 << 30, &o->requests);
    case 't': return take_number(optarg, 1, LOAD_MAX_TURNS, &o->turns);
    case 'i': return take_number(optarg, 0, MAX_CLIENTS, &o->idle);
    case 'p': return take_number(optarg, 1, 1 << 30, &o->pid);
    case 'l': return take_number(optarg, 1, 1 << 20, &o->limit_s);
    case 's': return take_number(optarg, 0, UINT64_MAX, &o->mix.seed);
    case 'w': is_good = take_number(optarg, 1, 1 << 20, &n); break;
    case 'm': is_good = take_number(optarg, 1, 1 << 20, &n); break;
    case 'M': o->mix.model = optarg; return true;
    case 'T': o->mix.thinks = true; return true;
    case 'f': o->mix_file = optarg; return true;
    case 'x': return load_mix_never(&o->mix, optarg);
    case 'k': o->key = optarg; return true;
    case 'j': o->as_json = true; return true;
    default: return false;
    }
    *(c == 'w' ? &o->mix.n_words : &o->mix.max_tokens) = (size_t)n;
    return is_good;
}

static bool read_options(options *o, int argc, char **argv)
{
    static const struct option names[] = {
        {"clients", 1, NULL, 'n'},  {"requests", 1, NULL, 'r'},   {"turns", 1, NULL, 't'},
        {"words", 1, NULL, 'w'},    {"max-tokens", 1, NULL, 'm'}, {"model", 1, NULL, 'M'},
        {"thinking", 0, NULL, 'T'}, {"mix", 1, NULL, 'f'},        {"seed", 1, NULL, 's'},
        {"key", 1, NULL, 'k'},      {"never", 1, NULL, 'x'},      {"idle", 1, NULL, 'i'},
        {"pid", 1, NULL, 'p'},      {"limit", 1, NULL, 'l'},      {"json", 0, NULL, 'j'},
        {NULL, 0, NULL, 0}};
    int c;

    *o = (options){.clients = 64, .requests = 4, .turns = 1, .limit_s = 600};
    o->mix = (load_mix){.model = "", .max_tokens = 64, .seed = 1};
    while ((c = getopt_long(argc, argv, "n:r:t:w:m:M:Tf:s:k:x:i:p:l:j", names, NULL)) != -1)
        if (!take_option(o, c))
            return false;
    o->url = optind + 1 == argc ? argv[optind] : NULL;
    return o->url != NULL;
}

/* http://HOST:PORT[/v1]: HOST is 127.x.y.z, localhost or [::1]. */
static bool read_url(load_target *t, const char *url)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&t->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&t->address;
    char host[64], port_text[8];
    uint64_t port;

    if (sscanf(url, "http://[%63[0-9a-f:]]:%7[0-9]", host, port_text) == 2) {
        v6->sin6_family = AF_INET6;
        t->address_len = sizeof *v6;
        if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1 || !IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr))
            return false;
    } else {
        if (sscanf(url, "http://%63[a-z0-9.]:%7[0-9]", host, port_text) != 2)
            return false;
        v4->sin_family = AF_INET;
        t->address_len = sizeof *v4;
        if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                      &v4->sin_addr) != 1 ||
            ntohl(v4->sin_addr.s_addr) >> 24 != 127)
            return false;
    }
    if (!ts_parse_u64(port_text, 1, 65535, &port))
        return false;
    *(t->address.ss_family == AF_INET6 ? &v6->sin6_port : &v4->sin_port) = htons((uint16_t)port);
    (void)snprintf(t->host, sizeof t->host, "localhost:%s", port_text);
    t->path = "/v1/chat/completions";
    return true;
}

/* ----------------------------------------------------------- the server's pid */

static double cpu_of(uint64_t pid)
{
    char path[64], text[1024];
    unsigned long long user = 0, system = 0;

    (void)snprintf(path, sizeof path, "/proc/%llu/stat", (unsigned long long)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        return -1;
    const size_t n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    text[n] = '\0';
    const char *at = strrchr(text, ')');
    if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                      &system) != 2)
        return -1;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double memory_of(uint64_t pid)
{
    char path[64], line[256];
    unsigned long long kb = 0;

    (void)snprintf(path, sizeof path, "/proc/%llu/status", (unsigned long long)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmRSS: %llu", &kb) == 1)
            break;
    if (f)
        (void)fclose(f);
    return (double)kb / 1024;
}

/* ----------------------------------------------------------------- the run */

/* Connections that ask nothing; what they cost the server shows a moment later. */
static int *open_idle(const options *o, const load_target *t, load_report *r)
{
    int *fds = ts_alloc((size_t)o->idle * sizeof *fds);
    const double before = o->pid ? memory_of(o->pid) : 0;

    for (size_t i = 0; fds && i < o->idle; i++) {
        fds[i] = load_connect(t);
        if (fds[i] < 0)
            load_error(r, "idle connection %zu: %s", i, strerror(errno));
        if (i % 64 == 63)
            (void)poll(NULL, 0, 5); /* the listen queue is short */
    }
    (void)poll(NULL, 0, 500);
    r->n_idle = (size_t)o->idle;
    if (o->pid && o->idle > 0)
        r->idle_mb = memory_of(o->pid) - before;
    return fds;
}

static void close_idle(const options *o, int *fds)
{
    for (size_t i = 0; fds && i < o->idle; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    ts_free(fds);
}

static void run(const options *o, load_client *clients, struct pollfd *polls, load_report *r)
{
    const double start = ts_clock_seconds(), end = start + (double)o->limit_s;
    size_t n_running = 0;

    for (size_t i = 0; i < o->clients; i++)
        n_running += load_client_start(&clients[i]);
    while (n_running > 0 && ts_clock_seconds() < end) {
        for (size_t i = 0; i < o->clients; i++) {
            load_client *c = &clients[i];
            while (c->has_ended) {
                c->has_ended = false;
                n_running -= !load_client_start(c);
            }
            polls[i] = (struct pollfd){.fd = c->fd, .events = load_client_wants(c)};
        }
        if (n_running == 0 || poll(polls, o->clients, 1000) <= 0)
            continue;
        for (size_t i = 0; i < o->clients; i++)
            if (polls[i].revents)
                load_client_turn(&clients[i], polls[i].revents);
    }
    r->seconds = ts_clock_seconds() - start;
    for (size_t i = 0; i < o->clients && n_running > 0; i++)
        if (clients[i].fd >= 0 && !clients[i].is_done)
            load_client_give_up(&clients[i], "not ended in time");
}

static int drive(const options *o, const load_target *t, load_report *r)
{
    load_client *clients = ts_alloc_zero((size_t)o->clients, sizeof *clients);
    struct pollfd *polls = ts_alloc_zero((size_t)o->clients, sizeof *polls);
    int *idle = open_idle(o, t, r);

    if (!clients || !polls || !idle) {
        (void)fputs("load: out of memory\n", stderr);
        return 1;
    }
    for (size_t i = 0; i < o->clients; i++)
        load_client_init(&clients[i], t, &o->mix, r, i, (size_t)(o->requests * o->turns));
    const double cpu = o->pid ? cpu_of(o->pid) : 0;
    run(o, clients, polls, r);
    if (o->pid) {
        r->cpu_s = cpu_of(o->pid) - cpu;
        r->rss_mb = memory_of(o->pid);
    }
    for (size_t i = 0; i < o->clients; i++)
        load_client_free(&clients[i]);
    close_idle(o, idle);
    ts_free(clients);
    ts_free(polls);
    load_print(r, o->as_json);
    return r->n_errors > 0;
}

int main(int argc, char **argv)
{
    static load_report report;
    load_target target = {.key = NULL};
    tiefsee_error err = {0};
    options o;
    struct rlimit files;

    if (!read_options(&o, argc, argv)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (!read_url(&target, o.url)) {
        (void)fprintf(stderr, "load: '%s' is not http://HOST:PORT of this machine\n", o.url);
        return 2;
    }
    target.key = o.key;
    if (o.mix_file && load_mix_read(&o.mix, o.mix_file, &err) != TIEFSEE_OK) {
        (void)fprintf(stderr, "load: %s\n", err.message);
        return 1;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    report.n_clients = (size_t)o.clients;
    report.n_turns = o.mix_file ? 1 : (size_t)o.turns;
    report.cpu_s = report.idle_mb = -1;
    const int code = drive(&o, &target, &report);
    load_free(&report);
    load_mix_free(&o.mix);
    return code;
}
