/* stop.c - see stop.h.
 *
 * held is always the longest suffix of the text so far that begins some stop
 * string and is not whole.  Each byte either extends it, or releases bytes from
 * its front until it is such a suffix again.
 */
#include "engine/stop.h"

#include <string.h>

#include "core/utf8.h"

tiefsee_status ts_stop_start(ts_stop *s, const char *const *text, size_t n, tiefsee_error *err)
{
    *s = (ts_stop){.text = text, .n = n};
    if (n > TS_MAX_STOPS)
        return ts_fail(err, TIEFSEE_E_INVALID, "%zu stop strings (%d allowed)", n, TS_MAX_STOPS);
    for (size_t i = 0; i < n; i++) {
        s->length[i] = strlen(text[i]);
        if (s->length[i] == 0 || s->length[i] > TS_MAX_STOP_BYTES)
            return ts_fail(err, TIEFSEE_E_INVALID,
                           "stop string %zu has %zu bytes (1 to %d allowed)", i, s->length[i],
                           TS_MAX_STOP_BYTES);
    }
    return TIEFSEE_OK;
}

/* Is held[from..] the beginning (or all) of some stop string? */
static bool begins_one(const ts_stop *s, size_t from)
{
    const size_t n = s->n_held - from;

    for (size_t i = 0; i < s->n; i++)
        if (n <= s->length[i] && memcmp(s->held + from, s->text[i], n) == 0)
            return true;
    return false;
}

static int whole_one(const ts_stop *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->length[i] <= s->n_held &&
            memcmp(s->held + s->n_held - s->length[i], s->text[i], s->length[i]) == 0)
            return (int)i;
    return -1;
}

/* Collects what is released, so that it is passed on in whole characters: a
 * held beginning starts with a character, and so does what comes before it end
 * with one, but single steps need not. */
typedef struct outbox {
    char text[2048];
    size_t n;
    ts_on_text *on_text;
    void *user;
} outbox;

static void flush(outbox *o, size_t n)
{
    if (n > 0)
        o->on_text(o->user, o->text, n);
    o->n -= n;
    memmove(o->text, o->text + n, o->n);
}

static void release(outbox *o, const char *text, size_t n)
{
    if (o->n + n > sizeof o->text)
        flush(o, ts_utf8_whole(o->text, o->n));
    memcpy(o->text + o->n, text, n);
    o->n += n;
}

int ts_stop_feed(ts_stop *s, const char *text, size_t n, ts_on_text *on_text, void *user)
{
    outbox out = {.n = 0, .on_text = on_text, .user = user};
    int met = -1;

    if (s->n == 0) {
        if (n > 0)
            on_text(user, text, n);
        return -1;
    }
    for (size_t i = 0; i < n && met < 0; i++) {
        s->held[s->n_held++] = text[i];
        met = whole_one(s);
        size_t from = 0;
        if (met >= 0)
            from = s->n_held - s->length[met];
        else
            while (from < s->n_held && !begins_one(s, from))
                from++;
        release(&out, s->held, from);
        s->n_held -= from;
        memmove(s->held, s->held + from, s->n_held);
    }
    if (met >= 0)
        s->n_held = 0;
    flush(&out, out.n);
    return met;
}

void ts_stop_end(ts_stop *s, ts_on_text *on_text, void *user)
{
    if (s->n_held > 0)
        on_text(user, s->held, s->n_held);
    s->n_held = 0;
}
