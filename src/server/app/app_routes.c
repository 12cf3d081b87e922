/* app_routes.c - see app_routes.h. */
#include "server/app/app_routes.h"

#include "server/app/answer_routes.h"
#include "server/app/app.h"
#include "server/app/app_admin.h"
#include "server/app/app_keys.h"
#include "server/app/chat_routes.h"
#include "server/app/login.h"
#include "server/app/notice.h"
#include "server/app/personal.h"
#include "server/app/status.h"

#define ROUTE(method, path, handler, access)                                     \
    {                                                                            \
        method, "/app/api/" path, handler, 0, &ts_protocol_app, &ts_app_##access \
    }

const ts_route ts_app_routes[] = {
    ROUTE("GET", "session", ts_login_session, open_access),
    ROUTE("POST", "login", ts_login_login, open_access),
    ROUTE("POST", "setup", ts_login_setup, open_access),
    ROUTE("POST", "logout", ts_login_logout, own),
    ROUTE("GET", "notice", ts_notice_show, open_access),
    ROUTE("GET", "status", ts_status_show, reads),

    ROUTE("GET", "me", ts_me_show, reads),
    ROUTE("PATCH", "me", ts_me_change, own),
    ROUTE("GET", "me/settings", ts_me_settings, reads),
    ROUTE("PUT", "me/settings", ts_me_save_settings, stores),
    ROUTE("GET", "me/usage", ts_me_usage, reads),
    ROUTE("GET", "me/sessions", ts_me_sessions, reads),
    ROUTE("DELETE", "me/sessions/:id", ts_me_end_session, own),
    ROUTE("GET", "me/export", ts_me_export, reads),
    ROUTE("GET", "me/audit", ts_me_audit, reads),
    ROUTE("POST", "me/erase", ts_me_erase, own),
    ROUTE("GET", "presets", ts_me_presets, reads),
    ROUTE("PUT", "presets/:id", ts_me_save_preset, changes),
    ROUTE("DELETE", "presets/:id", ts_me_delete_preset, changes),
    ROUTE("POST", "import", ts_me_import, changes),

    ROUTE("GET", "conversations", ts_chat_list, reads),
    ROUTE("GET", "folders", ts_chat_folders, reads),
    ROUTE("POST", "conversations", ts_chat_create, changes),
    ROUTE("GET", "conversations/:id", ts_chat_show, reads),
    ROUTE("PATCH", "conversations/:id", ts_chat_change, changes),
    ROUTE("DELETE", "conversations/:id", ts_chat_delete, changes),
    ROUTE("GET", "conversations/:id/export", ts_chat_export, reads),
    ROUTE("POST", "conversations/:id/title", ts_app_answer_title, changes),
    ROUTE("POST", "conversations/:id/messages", ts_me_add_message, changes),
    ROUTE("GET", "conversations/:id/messages/:mid", ts_chat_show_message, reads),
    ROUTE("DELETE", "conversations/:id/messages/:mid", ts_chat_delete_message, changes),
    ROUTE("POST", "conversations/:id/answers", ts_app_answer_start, changes),
    ROUTE("GET", "conversations/:id/answers/:mid", ts_app_answer_join, reads),
    ROUTE("POST", "conversations/:id/answers/:mid", ts_app_answer_control, changes),
    ROUTE("POST", "answers", ts_app_answer_temporary, changes),
    ROUTE("POST", "answers/:mid", ts_app_answer_control_temporary, changes),

    ROUTE("GET", "admin/users", ts_app_admin_users, admins),
    ROUTE("POST", "admin/users", ts_app_admin_add_user, admins),
    ROUTE("PATCH", "admin/users/:id", ts_app_admin_change_user, admins),
    ROUTE("DELETE", "admin/users/:id", ts_app_admin_delete_user, admins),
    ROUTE("GET", "admin/users/:id/sessions", ts_app_admin_sessions, admins),
    ROUTE("DELETE", "admin/users/:id/sessions", ts_app_admin_end_sessions, admins),
    ROUTE("DELETE", "admin/users/:id/sessions/:sid", ts_app_admin_end_session, admins),
    ROUTE("GET", "admin/keys", ts_app_admin_keys, admins),
    ROUTE("POST", "admin/keys", ts_app_admin_add_key, admins),
    ROUTE("PATCH", "admin/keys/:key", ts_app_admin_change_key, admins),
    ROUTE("DELETE", "admin/keys/:key", ts_app_admin_delete_key, admins),
    ROUTE("GET", "admin/models", ts_app_admin_models, admins),
    ROUTE("GET", "admin/usage", ts_app_admin_usage, admins),
    ROUTE("GET", "admin/audit", ts_app_admin_audit, admins),
    ROUTE("GET", "admin/health", ts_app_admin_health, admins),
    ROUTE("GET", "admin/settings", ts_app_admin_settings, admins),
    ROUTE("PATCH", "admin/settings", ts_app_admin_change_settings, admins),
    {NULL, "/app/api/*", NULL, 0, &ts_protocol_app, NULL},
};
const size_t ts_n_app_routes = TS_COUNT(ts_app_routes);
