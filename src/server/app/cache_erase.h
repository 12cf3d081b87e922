/* cache_erase.h - what the context cache holds of what was erased.
 *
 * Whoever erases something notes it in the same transaction (table app_cache_due); what
 * is noted is done behind it, when the store is given up, and after a crash at the next
 * start.  An account's pages on the disk are sealed under a key made from the account's
 * own: without that they are noise already, and are overwritten as well.
 */
#ifndef TS_SERVER_CACHE_ERASE_H
#define TS_SERVER_CACHE_ERASE_H

#include "server/app/app.h"

enum { TS_SPACE_MAX = 24 };

/* The name space of a user in the cache. */
void ts_cache_space(char out[TS_SPACE_MAX], int64_t user_n);

/* From now on that user's pages are under their key.  False: no memory. */
bool ts_cache_know(ts_app *app, const ts_person *p) TS_MUST_CHECK;

/* All who are there; and that there was a cache on disk is noted. */
tiefsee_status ts_cache_open(ts_app *app, tiefsee_error *err) TS_MUST_CHECK;

/* Owning the store, in the transaction that erases: chat NULL, all of the user. */
tiefsee_status ts_cache_note(ts_store *s, int64_t user_n, const char *chat,
                             tiefsee_error *err) TS_MUST_CHECK;

/* Not owning the store: does what is noted, if something is new.  Waits for the disk. */
void ts_cache_catch_up(ts_app *app);

#endif
