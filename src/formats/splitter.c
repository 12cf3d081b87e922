/* splitter.c - reasoning and answer apart, while the text still arrives.
 *
 * Only the first reasoning block counts: it is open from the start (the prompt
 * ended in it) or opens with a leading "<think>", and ends at "</think>".  What
 * comes behind it is content, also when it talks about "</think>".  A leading
 * "</think>" without a block is dropped.  Calls are the last thing of an answer.
 *
 * Markers begin with '<' and have no second one, so a failed match can only be
 * taken up again by the byte that failed it.
 */
#include <assert.h>
#include <string.h>

#include "formats/encoding.h"

static const char OPEN[] = "<think>", CLOSE[] = "</think>", CALLS[] = TS_CALLS_BEGIN;

void ts_splitter_start(ts_splitter *s, bool in_reasoning)
{
    *s = (ts_splitter){.in_reasoning = in_reasoning};
}

static bool begins(const ts_splitter *s, const char *marker)
{
    return s->n_held <= strlen(marker) && memcmp(s->held, marker, s->n_held) == 0;
}

/* What the held bytes may still become, in this state. */
static bool may_open(const ts_splitter *s)
{
    return !s->has_begun && begins(s, OPEN);
}

static bool may_close(const ts_splitter *s)
{
    return (s->in_reasoning || !s->has_begun) && begins(s, CLOSE);
}

static bool may_call(const ts_splitter *s)
{
    return s->splits_calls && !s->in_reasoning && begins(s, CALLS);
}

static tiefsee_channel channel_of(const ts_splitter *s)
{
    if (s->in_calls)
        return TIEFSEE_CALLS;
    return s->in_reasoning ? TIEFSEE_REASONING : TIEFSEE_CONTENT;
}

static void put(ts_splitter *s, const char *text, size_t n, ts_on_split *on_text, void *user)
{
    while (s->trims && n > 0 && (*text == '\n' || *text == '\r')) {
        text++;
        n--;
    }
    if (n == 0)
        return;
    s->trims = false;
    for (size_t i = 0; i < n && !s->has_begun; i++)
        s->has_begun = !strchr(" \t\r\n", text[i]) || text[i] == '\0';
    on_text(user, channel_of(s), text, n);
}

static void put_held(ts_splitter *s, ts_on_split *on_text, void *user)
{
    char held[sizeof s->held];
    const size_t n = s->n_held;

    memcpy(held, s->held, n);
    s->n_held = 0;
    put(s, held, n, on_text, user);
}

/* A whole marker is held. */
static void enter(ts_splitter *s, bool in_reasoning, bool in_calls)
{
    s->n_held = 0;
    s->in_reasoning = in_reasoning;
    s->in_calls = in_calls;
    s->trims = !in_calls;
    s->has_begun = true;
}

/* Take one byte that may belong to a marker. */
static void take(ts_splitter *s, char c, ts_on_split *on_text, void *user)
{
    assert(s->n_held < sizeof s->held);
    s->held[s->n_held++] = c;
    const bool opens = may_open(s), closes = may_close(s), calls = may_call(s);
    if (opens && s->n_held == strlen(OPEN))
        enter(s, true, false);
    else if (closes && s->n_held == strlen(CLOSE))
        enter(s, false, false);
    else if (calls && s->n_held == strlen(CALLS))
        enter(s, false, true);
    else if (!opens && !closes && !calls) {
        s->n_held--;
        put_held(s, on_text, user);
        s->held[0] = c;
        s->n_held = 1;
        if (!may_open(s) && !may_close(s) && !may_call(s))
            put_held(s, on_text, user);
    }
}

void ts_splitter_feed(ts_splitter *s, const char *text, size_t n, ts_on_split *on_text, void *user)
{
    size_t i = 0;

    while (i < n) {
        if (s->in_calls) {
            put(s, text + i, n - i, on_text, user);
            return;
        }
        if (s->n_held == 0) {
            const char *next = memchr(text + i, '<', n - i);
            const size_t plain = next ? (size_t)(next - text) - i : n - i;

            put(s, text + i, plain, on_text, user);
            i += plain;
            if (i == n)
                return;
        }
        take(s, text[i++], on_text, user);
    }
}

void ts_splitter_end(ts_splitter *s, ts_on_split *on_text, void *user)
{
    put_held(s, on_text, user);
}
