/* log.h - one event, one line on stderr: for people or, as JSON, for machines.
 *
 * A line has a time, a level, the name of the event and fields.  Fields are
 * numbers and short names of ours; what users wrote never becomes one.  Any thread;
 * a line is one write, so lines never mix.
 */
#ifndef TS_CORE_LOG_H
#define TS_CORE_LOG_H

#include <stdbool.h>
#include <stddef.h>

typedef enum ts_log_level {
    TS_LOG_ERROR = 0,
    TS_LOG_WARN = 1,
    TS_LOG_INFO = 2,
    TS_LOG_DEBUG = 3
} ts_log_level;

typedef struct ts_log_field {
    const char *key;
    const char *text;
    double number;
    int decimals; /* -1: it is a text, NULL as "" */
} ts_log_field;

#define TS_LOG_TEXT(key, value)  ((ts_log_field){(key), (value), 0, -1})
#define TS_LOG_COUNT(key, value) ((ts_log_field){(key), NULL, (double)(value), 0})
#define TS_LOG_MS(key, seconds)  ((ts_log_field){(key), NULL, (seconds)*1e3, 1})

/* Before threads start.  Default: TS_LOG_WARN as text. */
void ts_log_setup(ts_log_level level, bool as_json);
bool ts_log_shows(ts_log_level level);

/* Cut at 2 KiB.  Control characters and broken UTF-8 become '?'. */
void ts_log(ts_log_level level, const char *event, const ts_log_field *fields, size_t n);

/* The line itself, for tests; returns its length without the terminator. */
size_t ts_log_format(char *out, size_t size, bool as_json, double unix_s, ts_log_level level,
                     const char *event, const ts_log_field *fields, size_t n);

#endif
