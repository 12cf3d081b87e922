/* login.h - names and passwords become sessions; the first admin's code. */
#ifndef TS_SERVER_LOGIN_H
#define TS_SERVER_LOGIN_H

#include "server/app/app.h"

tiefsee_status ts_login_open(ts_app *app, tiefsee_error *err) TS_MUST_CHECK;
void ts_login_close(ts_app *app);
void ts_login_tidy(ts_app *app); /* now and then, on the worker */

const char *ts_login_cookie(const ts_app *app); /* its name */

/* {"id", "name", ...} as in docs/app-api.md; NULL: no memory. */
json_t *ts_login_user(const ts_person *p);

/* Is it the caller's password?  Guessing is as slow as at the login.  password may be
 * NULL.  False: answered.  No lock is held while hashes are made. */
bool ts_login_confirm(ts_app *app, ts_reply *reply, const ts_app_caller *caller,
                      const char *password, const char *field);

ts_http_handler ts_login_session, ts_login_login, ts_login_setup, ts_login_logout;

#endif
