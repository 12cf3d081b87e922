/* rng.c - see rng.h. */
#include "core/rng.h"

#include <assert.h>

static uint64_t splitmix64(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void ts_rng_seed(ts_rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix64(&seed);
}

uint64_t ts_rng_u64(ts_rng *r)
{
    uint64_t *s = r->s;
    const uint64_t result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double ts_rng_unit(ts_rng *r)
{
    return (double)(ts_rng_u64(r) >> 11) * 0x1p-53;
}

uint64_t ts_rng_below(ts_rng *r, uint64_t n)
{
    assert(n > 0);
    /* Numbers below the largest multiple of n are unbiased; redraw the rest. */
    const uint64_t reject = (UINT64_MAX - n + 1) % n;
    for (;;) {
        const uint64_t x = ts_rng_u64(r);
        if (x >= reject)
            return x % n;
    }
}
