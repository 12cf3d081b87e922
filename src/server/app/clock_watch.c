/* clock_watch.c - see clock_watch.h. */
#include "server/app/clock_watch.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define DAY_MS    (24 * 60 * MINUTE_MS)

static const double HOLD_S = 3600, HOLD_AT_START_S = 86400;

static void hold(ts_clock_watch *w, double boot_s, double seconds, int64_t jump_ms)
{
    w->held_until = boot_s + seconds;
    w->jump_ms = jump_ms;
}

bool ts_clock_watch_look(ts_clock_watch *w, int64_t wall_ms, double boot_s, int64_t seen_ms)
{
    if (w->wall_ms == 0) {
        const int64_t away = wall_ms - seen_ms;

        if (seen_ms != 0 && (away < -10 * MINUTE_MS || away > 60 * DAY_MS))
            hold(w, boot_s, HOLD_AT_START_S, away);
    } else {
        const int64_t jump = wall_ms - w->wall_ms - (int64_t)((boot_s - w->boot_s) * 1000);

        if (jump < -10 * MINUTE_MS || jump > 10 * MINUTE_MS)
            hold(w, boot_s, HOLD_S, jump);
    }
    w->wall_ms = wall_ms;
    w->boot_s = boot_s;
    return boot_s >= w->held_until;
}
