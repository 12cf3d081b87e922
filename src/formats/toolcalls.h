/* toolcalls.h - tool calls as the generations write them, taken apart while they arrive.
 *
 *     fenced  <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME\n```json\n
 *             ARGUMENTS\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>...<｜tool▁calls▁end｜>
 *     plain   <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>NAME<｜tool▁sep｜>ARGUMENTS
 *             <｜tool▁call▁end｜><｜tool▁call▁begin｜>...<｜tool▁calls▁end｜>
 *
 * fenced is V2.5's, V3's and R1's, plain V3.1's (without the line breaks that are not
 * written as \n).
 */
#ifndef TS_FORMATS_TOOLCALLS_H
#define TS_FORMATS_TOOLCALLS_H

#include "core/str.h"

#define TS_CALLS_BEGIN   "<｜tool▁calls▁begin｜>"
#define TS_CALLS_END     "<｜tool▁calls▁end｜>"
#define TS_CALL_BEGIN    "<｜tool▁call▁begin｜>"
#define TS_CALL_END      "<｜tool▁call▁end｜>"
#define TS_CALL_SEP      "<｜tool▁sep｜>"
#define TS_OUTPUTS_BEGIN "<｜tool▁outputs▁begin｜>"
#define TS_OUTPUTS_END   "<｜tool▁outputs▁end｜>"
#define TS_OUTPUT_BEGIN  "<｜tool▁output▁begin｜>"
#define TS_OUTPUT_END    "<｜tool▁output▁end｜>"

typedef enum ts_call_style { TS_CALLS_NONE, TS_CALLS_FENCED, TS_CALLS_PLAIN } ts_call_style;

enum { TS_CALL_NAME_MAX = 128 };

typedef enum ts_call_state {
    TS_CALL_OUTSIDE, /* before a call's marker; what stands there is dropped */
    TS_CALL_TYPE,    /* "function" */
    TS_CALL_NAME,
    TS_CALL_ARGUMENTS
} ts_call_state;

/* Where an answer stands behind TS_CALLS_BEGIN.  Zeroed but for the style at the start. */
typedef struct ts_call_parser {
    ts_call_style style;
    ts_call_state state;
    size_t n_held; /* bytes of what ends the state */
    char name[TS_CALL_NAME_MAX + 1];
    size_t n_name;              /* > TS_CALL_NAME_MAX: too long, the call is dropped */
    bool in_string, is_escaped; /* of the arguments: a marker there is text */
} ts_call_parser;

/* begin, arguments ... (never empty), end, for each call. */
typedef struct ts_call_events {
    void (*begin)(void *user, const char *name);
    void (*arguments)(void *user, const char *text, size_t n);
    void (*end)(void *user);
} ts_call_events;

void ts_call_parser_feed(ts_call_parser *p, const char *text, size_t n,
                         const ts_call_events *events, void *user);

/* The answer has ended: what was held of the arguments of a call that is not complete. */
void ts_call_parser_end(ts_call_parser *p, const ts_call_events *events, void *user);

#endif
