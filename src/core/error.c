/* error.c - see error.h. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/utf8.h"

/* A message is one printable line: control characters and bytes that are not
 * UTF-8 (also those cut in half by the fixed size) become '?'. */
static void neutralise(char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i < n;) {
        uint32_t code;
        const size_t len = ts_utf8_decode(text + i, n - i, &code);

        if (len == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) ||
            (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)) {
            for (size_t k = 0; k < (len ? len : 1); k++)
                text[i + k] = '?';
        }
        i += len ? len : 1;
    }
}

static void fill(tiefsee_error *err, tiefsee_status status, const char *fmt, va_list args)
{
    *err = (tiefsee_error){.status = status};
    (void)vsnprintf(err->message, sizeof err->message, fmt, args);
    neutralise(err->message);
}

tiefsee_status ts_fail(tiefsee_error *err, tiefsee_status status, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return status;
    va_start(args, fmt);
    fill(err, status, fmt, args);
    va_end(args);
    return status;
}

tiefsee_status ts_fail_at(tiefsee_error *err, tiefsee_status status, uint64_t offset,
                          const char *fmt, ...)
{
    va_list args;

    if (!err)
        return status;
    va_start(args, fmt);
    fill(err, status, fmt, args);
    va_end(args);
    err->offset = offset;
    return status;
}

tiefsee_status ts_fail_errno(tiefsee_error *err, int os_errno, const char *fmt, ...)
{
    va_list args;

    if (!err)
        return TIEFSEE_E_IO;
    va_start(args, fmt);
    fill(err, TIEFSEE_E_IO, fmt, args);
    va_end(args);
    const size_t n = strlen(err->message);
    (void)snprintf(err->message + n, sizeof err->message - n, ": %s", strerror(os_errno));
    err->os_errno = os_errno;
    return TIEFSEE_E_IO;
}

tiefsee_status ts_fail_nomem(tiefsee_error *err, uint64_t bytes, const char *what)
{
    return ts_fail(err, TIEFSEE_E_NOMEM, "out of memory: %llu bytes for %s",
                   (unsigned long long)bytes, what);
}

tiefsee_status ts_while(tiefsee_error *err, tiefsee_status status, const char *fmt, ...)
{
    char whole[sizeof err->message * 2];
    va_list args;

    if (!err)
        return status;
    va_start(args, fmt);
    const int n = vsnprintf(whole, sizeof err->message, fmt, args);
    va_end(args);
    const size_t used = n < 0                             ? 0
                        : (size_t)n < sizeof err->message ? (size_t)n
                                                          : sizeof err->message - 1;
    (void)snprintf(whole + used, sizeof whole - used, ": %s", err->message);
    memcpy(err->message, whole, sizeof err->message);
    err->message[sizeof err->message - 1] = '\0';
    neutralise(err->message);
    return status;
}
