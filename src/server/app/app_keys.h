/* app_keys.h - the administration of what runs: keys of programs, models, sessions. */
#ifndef TS_SERVER_APP_KEYS_H
#define TS_SERVER_APP_KEYS_H

#include "server/http/http.h"

ts_http_handler ts_app_admin_keys, ts_app_admin_add_key, ts_app_admin_change_key,
    ts_app_admin_delete_key;
ts_http_handler ts_app_admin_models;
ts_http_handler ts_app_admin_sessions, ts_app_admin_end_session, ts_app_admin_end_sessions;

#endif
