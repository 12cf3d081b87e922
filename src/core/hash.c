/* hash.c - see hash.h. */
#include "core/hash.h"

uint64_t ts_hash_more(uint64_t h, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 32);
}

uint64_t ts_hash(const void *bytes, size_t n)
{
    return ts_hash_more(0xcbf29ce484222325u, bytes, n);
}
