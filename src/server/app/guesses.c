/* guesses.c - see guesses.h. */
#include "server/app/guesses.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/hash.h"

/* Entries are made by failures alone, of which there is one a second: a day's have room, or
 * who fails with many names would wipe out what was failed with one.  Nobody can choose
 * which entries share a set. */
enum {
    SETS = 1 << 14,
    WAYS = 16,
    FREE_TRIES = 5,
    FREE_OF_PEER = 20,
    FREE_OF_NAME = 100,
    LONGEST_WAIT_S = 900,
    FORGET_S = 86400,
    MAX_NAME = 256
};

typedef struct guess {
    uint64_t key; /* 0: free */
    unsigned n_failed;
    double last, until; /* the last failure; no more tries before */
} guess;

struct ts_guesses {
    guess at[SETS][WAYS];
    uint8_t secret[crypto_shorthash_KEYBYTES];
    bool is_hashing[2]; /* for strangers, for known devices */
};

ts_guesses *ts_guesses_new(void)
{
    ts_guesses *g = ts_alloc_zero(1, sizeof *g);

    if (g)
        crypto_shorthash_keygen(g->secret);
    return g;
}

void ts_guesses_free(ts_guesses *g)
{
    ts_free(g);
}

/* kind, so that a name is no address; ASCII case ignored. */
static uint64_t hash_of(char kind, const char *a, const void *b, size_t n_b)
{
    char text[MAX_NAME + 64];
    size_t n = 1;

    text[0] = kind;
    for (; a[n - 1] && n <= MAX_NAME; n++)
        text[n] = (char)(a[n - 1] >= 'A' && a[n - 1] <= 'Z' ? a[n - 1] + 32 : a[n - 1]);
    text[n++] = '\0';
    if (n_b > 0)
        memcpy(text + n, b, n_b);
    return ts_hash(text, n + n_b) | 1;
}

/* Of IPv6 the network: whoever has one address has all of its /64. */
static size_t read_peer(const char *peer, uint8_t out[16], bool *is_here)
{
    struct in6_addr v6;
    struct in_addr v4;

    memset(out, 0, 16);
    if (strncmp(peer, "::ffff:", 7) == 0)
        peer += 7;
    if (inet_pton(AF_INET, peer, &v4) == 1) {
        memcpy(out, &v4, sizeof v4);
        *is_here = out[0] == 127;
        return sizeof v4;
    }
    *is_here = inet_pton(AF_INET6, peer, &v6) != 1 || IN6_IS_ADDR_LOOPBACK(&v6);
    if (*is_here)
        return 0;
    memcpy(out, &v6, 8);
    return 8;
}

ts_attempt ts_attempt_of_stranger(const char *name, const char *peer)
{
    ts_attempt a = {.n = 2};
    uint8_t address[16];
    bool is_here;

    const size_t n = read_peer(peer, address, &is_here);
    a.at[0].key = hash_of('p', name, address, n);
    a.at[0].n_free = FREE_TRIES;
    a.at[0].is_forgiven = true;
    a.at[1].key = hash_of('n', name, NULL, 0);
    a.at[1].n_free = FREE_OF_NAME;
    if (!is_here) {
        a.at[2].key = hash_of('a', "", address, n);
        a.at[2].n_free = FREE_OF_PEER;
        a.n = 3;
    }
    return a;
}

ts_attempt ts_attempt_of_known(const char *what)
{
    ts_attempt a = {.n = 1, .is_known = true};

    a.at[0].key = ts_hash(what, strlen(what)) | 1;
    a.at[0].n_free = FREE_TRIES;
    a.at[0].is_forgiven = true;
    return a;
}

static guess *set_of(ts_guesses *g, uint64_t key)
{
    uint64_t hash;

    _Static_assert(sizeof hash == crypto_shorthash_BYTES, "a hash");
    (void)crypto_shorthash((uint8_t *)&hash, (const uint8_t *)&key, sizeof key, g->secret);
    return g->at[hash % SETS];
}

/* NULL: it has never failed, or not for long. */
static guess *find(ts_guesses *g, uint64_t key, double now)
{
    guess *set = set_of(g, key);

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].key == key) {
            if (now - set[i].last <= FORGET_S)
                return &set[i];
            set[i] = (guess){0};
            return NULL;
        }
    return NULL;
}

int ts_guesses_begin(ts_guesses *g, const ts_attempt *a, double now)
{
    int wait = 0;

    for (size_t i = 0; i < a->n; i++) {
        const guess *at = find(g, a->at[i].key, now);
        const int left = at && at->until > now ? (int)(at->until - now) + 1 : 0;

        wait = left > wait ? left : wait;
    }
    if (wait == 0 && g->is_hashing[a->is_known])
        wait = 1;
    if (wait == 0)
        g->is_hashing[a->is_known] = true;
    return wait;
}

static guess *make(ts_guesses *g, uint64_t key)
{
    guess *set = set_of(g, key), *oldest = set;

    for (size_t i = 1; i < WAYS; i++)
        if (set[i].last < oldest->last)
            oldest = &set[i];
    *oldest = (guess){.key = key};
    return oldest;
}

static void fail(ts_guesses *g, uint64_t key, unsigned n_free, double now)
{
    guess *at = find(g, key, now);

    at = at ? at : make(g, key);
    at->n_failed++;
    at->last = now;
    const unsigned beyond = at->n_failed < n_free ? 0 : at->n_failed - n_free + 1;
    const double wait = beyond == 0 ? 0 : beyond < 10 ? (double)(1 << beyond) : LONGEST_WAIT_S;
    at->until = now + (wait < LONGEST_WAIT_S ? wait : LONGEST_WAIT_S);
}

void ts_guesses_end(ts_guesses *g, const ts_attempt *a, bool is_good, double now)
{
    for (size_t i = 0; i < a->n; i++) {
        guess *at = find(g, a->at[i].key, now);

        if (!is_good)
            fail(g, a->at[i].key, a->at[i].n_free, now);
        else if (at && a->at[i].is_forgiven)
            *at = (guess){0};
    }
    g->is_hashing[a->is_known] = false;
}
