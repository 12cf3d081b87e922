/* guesses.h - how often passwords may be tried, so that guessing is slow and nobody is
 * locked out of their account by a stranger.
 *
 * A try counts for where it comes from and whom it names.  From a device that has logged in
 * as that user before (its cookie says so, login.c) it counts for that device alone.  From
 * elsewhere it counts for the name at that address, for the address (unless it is this
 * machine: behind a proxy all are), and for the name from all unknown devices together:
 * a hundred failures a day, as in NIST SP 800-63B 5.2.2.  Beyond what is free each failure
 * doubles the wait, up to 15 minutes; a day without a failure forgets it.
 *
 * A password is hashed for about a second in 256 MiB: one for known devices and one for
 * all others at a time.
 */
#ifndef TS_SERVER_GUESSES_H
#define TS_SERVER_GUESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ts_guesses ts_guesses;

typedef struct ts_attempt {
    struct {
        uint64_t key;
        unsigned n_free;
        bool is_forgiven; /* by a success */
    } at[3];
    size_t n;
    bool is_known;
} ts_attempt;

ts_guesses *ts_guesses_new(void); /* NULL: no memory */
void ts_guesses_free(ts_guesses *g);

/* peer: ts_http_request.peer. */
ts_attempt ts_attempt_of_stranger(const char *name, const char *peer);
/* what: a device, or a session, of the user; any bytes. */
ts_attempt ts_attempt_of_known(const char *what);

/* Seconds to wait; 0: go on, and ts_guesses_end must follow.  now: ts_clock_seconds.  Not
 * locked. */
int ts_guesses_begin(ts_guesses *g, const ts_attempt *a, double now);
void ts_guesses_end(ts_guesses *g, const ts_attempt *a, bool is_good, double now);

#endif
