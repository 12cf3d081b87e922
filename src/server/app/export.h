/* export.h - downloads of any size in little memory. */
#ifndef TS_SERVER_EXPORT_H
#define TS_SERVER_EXPORT_H

#include "server/app/app.h"

/* Answers with these conversations (ids, taken over) of the caller, and with everything
 * else about the user if asked for; not owning the store. */
void ts_export_start(ts_app *app, ts_reply *reply, json_t *ids, bool has_everything);

#endif
