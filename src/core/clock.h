/* clock.h - monotonic time for durations, and the date. */
#ifndef TS_CORE_CLOCK_H
#define TS_CORE_CLOCK_H

#include <stdint.h>

/* Seconds since an arbitrary point; never goes back. */
double ts_clock_seconds(void);

/* Seconds that this thread has computed, whoever else did meanwhile. */
double ts_clock_thread_seconds(void);

/* Seconds that all threads of this process have computed. */
double ts_clock_process_seconds(void);

/* Seconds since the machine booted, suspended or not; never goes back. */
double ts_clock_boot_seconds(void);

/* Milliseconds since 1970-01-01 UTC; jumps when somebody sets the clock. */
int64_t ts_clock_unix_ms(void);

/* Tests: the date is so much later, for all threads. */
void ts_clock_set_shift(int64_t ms);

#endif
