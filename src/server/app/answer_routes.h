/* answer_routes.h - handlers that make a model answer in a conversation. */
#ifndef TS_SERVER_ANSWER_ROUTES_H
#define TS_SERVER_ANSWER_ROUTES_H

#include "server/http/http.h"

ts_http_handler ts_app_answer_start, ts_app_answer_join, ts_app_answer_control,
    ts_app_answer_temporary, ts_app_answer_control_temporary, ts_app_answer_title;

#endif
