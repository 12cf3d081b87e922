/* clock.h - monotonic time. */
#ifndef TS_CORE_CLOCK_H
#define TS_CORE_CLOCK_H

/* Seconds since an arbitrary point; never goes back. */
double ts_clock_seconds(void);

#endif
