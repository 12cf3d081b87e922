/* chat_routes.h - handlers of conversations; docs/app-api.md. */
#ifndef TS_SERVER_CHAT_ROUTES_H
#define TS_SERVER_CHAT_ROUTES_H

#include "server/http/http.h"

ts_http_handler ts_chat_list, ts_chat_folders, ts_chat_create, ts_chat_change, ts_chat_delete,
    ts_chat_show, ts_chat_export, ts_chat_show_message, ts_chat_delete_message;

#endif
