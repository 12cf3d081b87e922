/* admin.h - keys, limits and usage of everybody, for programs with the scope admin.
 *
 * GET and POST /admin/keys; GET, PATCH and DELETE /admin/keys/:key; GET /admin/usage.
 * A key is named by its name or by the eight characters behind "sk-ts-".
 */
#ifndef TS_SERVER_ADMIN_H
#define TS_SERVER_ADMIN_H

#include "server/http/http.h"

#include "server/auth/keys.h"

/* The same for people who administrate in the assistant.  Keys that is_hidden says are not
 * there.  key: the public id of what was made or changed.  False: refused.  Behind it the
 * reply is answered. */
typedef enum ts_admin_what {
    TS_ADMIN_LIST,
    TS_ADMIN_ADD,
    TS_ADMIN_CHANGE,
    TS_ADMIN_DELETE
} ts_admin_what;

bool ts_admin_keys(ts_http_request *req, ts_reply *reply, ts_admin_what what,
                   bool (*is_hidden)(void *ctx, int64_t key_id), void *ctx,
                   char key[TS_KEY_ID_LEN + 1]);

extern const ts_route ts_admin_routes[];
extern const size_t ts_n_admin_routes;

#endif
