/* clock_watch.h - is the date to be trusted with removing things?
 *
 * Somebody sets the clock wrong, a board without a battery starts in 1970: what is kept for
 * so many days must not be gone when the clock is right again.  A date that jumps against
 * the time that has passed since the machine booted (suspended or not) is not believed for
 * an hour, nor, for a day, one that is far from where the last run of the server left it.
 */
#ifndef TS_SERVER_CLOCK_WATCH_H
#define TS_SERVER_CLOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ts_clock_watch {
    int64_t wall_ms; /* at the last look; 0: there was none */
    double boot_s;
    double held_until; /* of boot_s */
    int64_t jump_ms;   /* the last one */
} ts_clock_watch;

/* wall_ms, boot_s: ts_clock_unix_ms, ts_clock_boot_seconds.  seen_ms, for the first look:
 * the date when the last run ended, 0 if nobody knows.  True: things may be removed. */
bool ts_clock_watch_look(ts_clock_watch *w, int64_t wall_ms, double boot_s, int64_t seen_ms);

#endif
