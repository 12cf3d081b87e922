/* audit.h - who did what, without what was said.
 *
 * Actors and objects are random ids.  Each entry's check covers the entry and the check
 * before it, so that none can be changed or taken out of the middle unseen.
 */
#ifndef TS_SERVER_AUDIT_H
#define TS_SERVER_AUDIT_H

#include "server/app/app.h"

/* Owning the store.  An entry that cannot be written is logged, the act goes on. */
void ts_audit(ts_app *app, const char *actor, const char *action, const char *object,
              const char *result);

/* Entries before seq (0: all), newest first, of one actor or object ("": all).  New
 * reference; NULL: err. */
json_t *ts_audit_read(ts_app *app, const char *who, int64_t before, size_t limit,
                      tiefsee_error *err);

/* Do all checks hold? */
bool ts_audit_is_intact(ts_app *app);

#endif
