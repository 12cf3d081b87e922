/* error.h - how a failure and its message travel.
 *
 * The place that knows writes the text with ts_fail(); callers put context in
 * front with ts_while().  A tiefsee_error is a value of the caller; NULL is
 * allowed everywhere and nothing allocates.
 */
#ifndef TS_CORE_ERROR_H
#define TS_CORE_ERROR_H

#include "core/compiler.h"
#include "tiefsee/tiefsee.h"

/* Fill *err and return status: `return ts_fail(err, TIEFSEE_E_FORMAT, "...", ...)`.
 * Control characters and broken UTF-8 in the text become '?'. */
tiefsee_status ts_fail(tiefsee_error *err, tiefsee_status status, const char *fmt, ...)
    TS_PRINTF(3, 4);

/* As ts_fail, with the byte offset in the file that is to blame. */
tiefsee_status ts_fail_at(tiefsee_error *err, tiefsee_status status, uint64_t offset,
                          const char *fmt, ...) TS_PRINTF(4, 5);

/* TIEFSEE_E_IO with the text of os_errno behind the message. */
tiefsee_status ts_fail_errno(tiefsee_error *err, int os_errno, const char *fmt, ...)
    TS_PRINTF(3, 4);

/* Out of memory, naming the bytes that were asked for. */
tiefsee_status ts_fail_nomem(tiefsee_error *err, uint64_t bytes, const char *what);

/* Put "context: " in front of the message and return status unchanged. */
tiefsee_status ts_while(tiefsee_error *err, tiefsee_status status, const char *fmt, ...)
    TS_PRINTF(3, 4);

#endif
