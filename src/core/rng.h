/* rng.h - xoshiro256** (Blackman and Vigna), seeded through splitmix64.
 * The same seed gives the same numbers on every machine. */
#ifndef TS_CORE_RNG_H
#define TS_CORE_RNG_H

#include <stdint.h>

typedef struct ts_rng {
    uint64_t s[4];
} ts_rng;

void ts_rng_seed(ts_rng *r, uint64_t seed);
uint64_t ts_rng_u64(ts_rng *r);
double ts_rng_unit(ts_rng *r);                /* [0, 1), 53 bits */
uint64_t ts_rng_below(ts_rng *r, uint64_t n); /* [0, n), n > 0, unbiased */

#endif
