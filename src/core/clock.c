/* clock.c - see clock.h. */
#include "core/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t shift_ms;

static double seconds_of(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double ts_clock_seconds(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double ts_clock_boot_seconds(void)
{
    return seconds_of(CLOCK_BOOTTIME);
}

double ts_clock_thread_seconds(void)
{
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

double ts_clock_process_seconds(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t ts_clock_unix_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 +
           atomic_load_explicit(&shift_ms, memory_order_relaxed);
}

void ts_clock_set_shift(int64_t ms)
{
    atomic_store_explicit(&shift_ms, ms, memory_order_relaxed);
}
