/* stop.h - stop strings, also when tokens cut them. */
#ifndef TS_ENGINE_STOP_H
#define TS_ENGINE_STOP_H

#include "core/error.h"

enum { TS_MAX_STOPS = 16, TS_MAX_STOP_BYTES = 256 };

typedef struct ts_stop {
    const char *const *text;
    size_t length[TS_MAX_STOPS];
    size_t n;
    char held[TS_MAX_STOP_BYTES]; /* text that may be the beginning of a stop string */
    size_t n_held;
} ts_stop;

/* The strings must outlive s. */
tiefsee_status ts_stop_start(ts_stop *s, const char *const *text, size_t n,
                             tiefsee_error *err) TS_MUST_CHECK;

typedef void ts_on_text(void *user, const char *text, size_t n);

/* Pass on what cannot be part of a stop string any more.  Returns the index of
 * the string that was met - everything before it has been passed on, nothing
 * after it will be - or -1. */
int ts_stop_feed(ts_stop *s, const char *text, size_t n, ts_on_text *on_text, void *user);

/* The answer ended otherwise: pass on what is held. */
void ts_stop_end(ts_stop *s, ts_on_text *on_text, void *user);

#endif
