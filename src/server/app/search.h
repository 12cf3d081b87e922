/* search.h - which conversations contain these words?
 *
 * All words of the query, in any order, at the beginning of words of one message or of a
 * title.  Each conversation has a filter (grams.h), sealed in the store and, for
 * users who search, open in memory.  The filter says where to look; what is found there
 * is opened and read, so that every hit is one.  docs/decisions/008-sealed-search.md.
 *
 * For whoever owns the store at the moment.
 */
#ifndef TS_SERVER_SEARCH_H
#define TS_SERVER_SEARCH_H

#include "server/app/chats.h"

typedef struct ts_search ts_search;

ts_search *ts_search_new(void) TS_MUST_CHECK; /* NULL: out of memory */
void ts_search_free(ts_search *x);            /* NULL allowed; wipes */

/* A conversation has some more text: a title, what was said. */
tiefsee_status ts_search_add(ts_search *x, ts_store *s, const ts_owner *o, const ts_dialog *c,
                             ts_str text, tiefsee_error *err) TS_MUST_CHECK;

/* chat_n 0: everything of this user.  After something was taken back, too. */
void ts_search_forget(ts_search *x, int64_t user_n, int64_t chat_n);

typedef struct ts_hit {
    const ts_dialog *chat;
    const char *message; /* id; "" where the title is what was found */
    ts_str snippet;      /* a part of the text, whole characters */
} ts_hit;

typedef struct ts_search_query {
    ts_str text;
    const ts_dialog *after; /* the last one of the page before; NULL: from the beginning */
    double budget_s;
} ts_search_query;

/* In the order of ts_chats_list; visit: false stops.  Stops also when the time is over:
 * then *stopped_at (a chat without its meta) is where to go on, else its n is 0. */
typedef bool ts_hit_visit(void *ctx, const ts_hit *hit);
tiefsee_status ts_search_run(ts_search *x, ts_store *s, const ts_owner *o,
                             const ts_search_query *query, ts_hit_visit *visit, void *ctx,
                             ts_dialog *stopped_at, tiefsee_error *err) TS_MUST_CHECK;

/* Text of a message of which parts can be searched: {"content", "files": [{"name"}]}. */
tiefsee_status ts_search_add_message(ts_search *x, ts_store *s, const ts_owner *o,
                                     const ts_dialog *c, ts_str json,
                                     tiefsee_error *err) TS_MUST_CHECK;

#endif
