/* limits_file.h - the bounds of server/http/limits.h from a JSON file, which an operator
 * may change while the server runs. */
#ifndef TS_SERVER_LIMITS_FILE_H
#define TS_SERVER_LIMITS_FILE_H

#include "core/error.h"
#include "server/http/limits.h"

/* {"body_bytes": 1048576, "idle_s": 60, ...}: members of ts_http_limits but n_workers.
 * What is not in the file stays; a name that is none is an error, and so is a value
 * out of range.  On failure limits is as it was. */
tiefsee_status ts_limits_read(ts_http_limits *limits, const char *path,
                              tiefsee_error *err) TS_MUST_CHECK;

#endif
