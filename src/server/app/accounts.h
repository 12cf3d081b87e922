/* accounts.h - users come and go: with their key in the books, and without a trace. */
#ifndef TS_SERVER_ACCOUNTS_H
#define TS_SERVER_ACCOUNTS_H

#include "server/app/app.h"

/* name and role of *p; the rest is made.  Hashes the password (a second).  Not owning
 * the store.  limits may be NULL. */
tiefsee_status ts_accounts_add(ts_app *app, ts_person *p, const char *password,
                               const ts_key_limits *limits, tiefsee_error *err) TS_MUST_CHECK;

/* Limits of the account's key in the books; zeros without one. */
ts_key_limits ts_accounts_limits(ts_app *app, const ts_person *p);
tiefsee_status ts_accounts_set_limits(ts_app *app, const ts_person *p, const ts_key_limits *limits,
                                      tiefsee_error *err) TS_MUST_CHECK;
json_t *ts_accounts_limits_json(const ts_key_limits *l);
bool ts_accounts_take_limits(const json_t *object, ts_key_limits *out, ts_wrong *wrong);
json_t *ts_accounts_today(ts_app *app, const ts_person *p); /* {"n_limit", ...} */

typedef enum ts_erase { TS_ERASE_RANGE, TS_ERASE_ALL, TS_ERASE_ACCOUNT } ts_erase;

/* Owning the store.  What is said of it afterwards; NULL: err.  from and to: of
 * `updated`, for a range. */
json_t *ts_accounts_erase(ts_app *app, const ts_person *p, ts_erase what, int64_t from, int64_t to,
                          const char *actor, tiefsee_error *err);

/* Owning the store: conversations that are kept long enough go, and what an erasure left
 * undone is done.  now: Unix milliseconds; removes false: it is not to be trusted, and no
 * conversation goes. */
void ts_accounts_tidy(ts_app *app, int64_t now, bool removes);

/* Settings of the server (operator_name, retention_days_max ...): out is a JSON object. */
json_t *ts_accounts_settings(ts_app *app);
tiefsee_status ts_accounts_change_settings(ts_app *app, const json_t *changes, ts_wrong *wrong,
                                           tiefsee_error *err) TS_MUST_CHECK;
int64_t ts_accounts_retention_max(ts_app *app); /* days; 0: none */

#endif
