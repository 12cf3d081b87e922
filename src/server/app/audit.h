/* audit.h - who did what, without what was said.
 *
 * Actors and objects are random ids.  Each entry's check covers the entry and the check
 * before it, under a key of its own file (KEY.audit, beside the master key), so that whoever
 * has the database alone can change none and take none out of the middle unseen.  That
 * entries are missing at the end shows only to who noted the last one.  The oldest go when
 * they are old enough or too many: an anchor, under the key as well, has the check of the
 * last one that went, and the chain goes on from there.  Entries of servers
 * that had no such key (before 0.1) are chained without it.
 */
#ifndef TS_SERVER_AUDIT_H
#define TS_SERVER_AUDIT_H

#include "server/app/app.h"

/* Reads the key, or makes it. */
tiefsee_status ts_audit_open(ts_app *app, tiefsee_error *err) TS_MUST_CHECK;
void ts_audit_close(ts_app *app);

/* Owning the store.  An entry that cannot be written is logged, the act goes on. */
void ts_audit(ts_app *app, const char *actor, const char *action, const char *object,
              const char *result);

/* Entries before seq (0: all), newest first, of one actor or object ("": all).  New
 * reference; NULL: err. */
json_t *ts_audit_read(ts_app *app, const char *who, int64_t before, size_t limit,
                      tiefsee_error *err);

/* Do all checks hold? */
bool ts_audit_is_intact(ts_app *app);

/* Are there a tenth more than TS_AUDIT_MAX? */
bool ts_audit_is_long(ts_app *app);

enum { TS_AUDIT_DAYS = 180, TS_AUDIT_MAX = 200000 };

/* Owning the store: entries from before `oldest` (Unix milliseconds) go, and those beyond
 * the newest n_most; from the beginning only, as far as all are old enough. */
tiefsee_status ts_audit_prune(ts_app *app, int64_t oldest, int64_t n_most,
                              tiefsee_error *err) TS_MUST_CHECK;

#endif
