/* hash.h - FNV-1a with a final mix: tables and fingerprints, not secrets. */
#ifndef TS_CORE_HASH_H
#define TS_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t ts_hash(const void *bytes, size_t n);
uint64_t ts_hash_more(uint64_t h, const void *bytes, size_t n);

#endif
