/* status.h - GET status: what is served, and what the server can be held to. */
#ifndef TS_SERVER_STATUS_H
#define TS_SERVER_STATUS_H

#include "server/http/http.h"

ts_http_handler ts_status_show;

#endif
