/* admin.h - keys, limits and usage of everybody, for programs with the scope admin.
 *
 * GET and POST /admin/keys; GET, PATCH and DELETE /admin/keys/:key; GET /admin/usage.
 * A key is named by its name or by the eight characters behind "sk-ts-".
 */
#ifndef TS_SERVER_ADMIN_H
#define TS_SERVER_ADMIN_H

#include "server/http/http.h"

extern const ts_route ts_admin_routes[];
extern const size_t ts_n_admin_routes;

#endif
