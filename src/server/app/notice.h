/* notice.h - what people must be told, from what the server really does. */
#ifndef TS_SERVER_NOTICE_H
#define TS_SERVER_NOTICE_H

#include "server/app/app.h"

enum { TS_NOTICE_VERSION = 1 };

json_t *ts_notice_ai(void); /* {"en", "de", "zh"}: you talk to a machine */
ts_http_handler ts_notice_show;

#endif
