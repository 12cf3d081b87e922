/* app_admin.h - handlers for admins: users, keys, models, usage, audit, health, settings.
 * None of them opens what a user wrote. */
#ifndef TS_SERVER_APP_ADMIN_H
#define TS_SERVER_APP_ADMIN_H

#include "server/http/http.h"

ts_http_handler ts_app_admin_users, ts_app_admin_add_user, ts_app_admin_change_user,
    ts_app_admin_delete_user, ts_app_admin_usage, ts_app_admin_audit, ts_app_admin_health,
    ts_app_admin_settings, ts_app_admin_change_settings;

#endif
