/* toolcalls.c - see toolcalls.h.
 *
 * Every state ends with one fixed text; a beginning of it is held back until it is
 * clear whether it is one.
 */
#include "formats/toolcalls.h"

#include <string.h>

static const char *end_of(const ts_call_parser *p)
{
    const bool is_fenced = p->style == TS_CALLS_FENCED;

    switch (p->state) {
    case TS_CALL_TYPE: return TS_CALL_SEP;
    case TS_CALL_NAME: return is_fenced ? "\n```json\n" : TS_CALL_SEP;
    case TS_CALL_ARGUMENTS: return is_fenced ? "\n```" TS_CALL_END : TS_CALL_END;
    default: return TS_CALL_BEGIN;
    }
}

static bool is_dropped(const ts_call_parser *p)
{
    return p->n_name == 0 || p->n_name > TS_CALL_NAME_MAX;
}

static void put(ts_call_parser *p, const char *text, size_t n, const ts_call_events *events,
                void *user)
{
    if (p->state == TS_CALL_ARGUMENTS && n > 0 && !is_dropped(p))
        events->arguments(user, text, n);
    if (p->state != TS_CALL_NAME)
        return;
    if (p->n_name + n <= TS_CALL_NAME_MAX) {
        memcpy(p->name + p->n_name, text, n);
        p->n_name += n;
    } else
        p->n_name = TS_CALL_NAME_MAX + 1;
}

static void leave(ts_call_parser *p, const ts_call_events *events, void *user)
{
    switch (p->state) {
    case TS_CALL_OUTSIDE:
        p->state = p->style == TS_CALLS_FENCED ? TS_CALL_TYPE : TS_CALL_NAME;
        p->n_name = 0;
        break;
    case TS_CALL_TYPE: p->state = TS_CALL_NAME; break;
    case TS_CALL_NAME:
        p->state = TS_CALL_ARGUMENTS;
        if (!is_dropped(p)) {
            p->name[p->n_name] = '\0';
            events->begin(user, p->name);
        }
        break;
    case TS_CALL_ARGUMENTS:
        p->state = TS_CALL_OUTSIDE;
        if (!is_dropped(p))
            events->end(user);
        break;
    }
    p->n_held = 0;
    p->in_string = p->is_escaped = false;
}

/* Inside a string of the arguments. */
static void skip_char(ts_call_parser *p, char c)
{
    if (p->is_escaped)
        p->is_escaped = false;
    else if (c == '\\')
        p->is_escaped = true;
    else if (c == '"')
        p->in_string = false;
}

/* The longest beginning of `end` that the held bytes (a beginning of it too) end in,
 * the whole left out. */
static size_t shorter(const char *end, size_t n_held)
{
    for (size_t n = n_held - 1; n > 0; n--)
        if (memcmp(end, end + n_held - n, n) == 0)
            return n;
    return 0;
}

void ts_call_parser_feed(ts_call_parser *p, const char *text, size_t n,
                         const ts_call_events *events, void *user)
{
    size_t done = 0; /* bytes of text that were passed on or are held */

    for (size_t i = 0; i < n; i++) {
        const char *end = end_of(p);

        if (p->in_string) {
            skip_char(p, text[i]);
            continue;
        }
        while (p->n_held > 0 && end[p->n_held] != text[i]) {
            const size_t kept = shorter(end, p->n_held);
            put(p, end, p->n_held - kept, events, user);
            p->n_held = kept;
        }
        if (end[p->n_held] != text[i]) {
            p->in_string = p->state == TS_CALL_ARGUMENTS && text[i] == '"';
            continue;
        }
        /* What is held stands behind what is passed on: keep the order. */
        if (p->n_held == 0)
            put(p, text + done, i - done, events, user);
        done = i + 1;
        if (end[++p->n_held] == '\0')
            leave(p, events, user);
    }
    if (p->n_held == 0)
        put(p, text + done, n - done, events, user);
}

void ts_call_parser_end(ts_call_parser *p, const ts_call_events *events, void *user)
{
    put(p, end_of(p), p->n_held, events, user);
    p->n_held = 0;
}
