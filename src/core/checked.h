/* checked.h - arithmetic on sizes that come from outside: false on overflow. */
#ifndef TS_CORE_CHECKED_H
#define TS_CORE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

static inline bool ts_add_u64(uint64_t *out, uint64_t a, uint64_t b)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool ts_mul_u64(uint64_t *out, uint64_t a, uint64_t b)
{
    return !__builtin_mul_overflow(a, b, out);
}

#endif
