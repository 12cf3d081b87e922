/* chats.h - conversations in the store, sealed.
 *
 * What people and models wrote, titles and folder names too, is JSON text here, sealed
 * under its owner's key and bound to its place (owner, conversation, message).  In the
 * clear are ids, times and counts.  The owner is part of every lookup: there is no way
 * to a row of another user.
 *
 * Functions work inside the caller's transaction if there is one (ts_store_begin);
 * those that change several rows need one.
 */
#ifndef TS_SERVER_CHATS_H
#define TS_SERVER_CHATS_H

#include "server/app/grams.h"
#include "server/app/vault.h"
#include "server/store/store.h"

enum { TS_ID_MIN = 8, TS_ID_MAX = 32 };

typedef struct ts_owner {
    int64_t id;
    const uint8_t *key;
} ts_owner;

bool ts_id_is_valid(const char *id);
void ts_id_make(char id[TS_ID_MAX + 1]); /* 128 random bits */

typedef struct ts_dialog {
    int64_t n; /* its number in the store; 0: there is none */
    char id[TS_ID_MAX + 1];
    bool is_pinned;
    int64_t created, updated; /* Unix milliseconds */
    uint64_t n_messages;
    ts_buf meta; /* a JSON object: title, folder, system, model, leaf */
} ts_dialog;

void ts_chat_free(ts_dialog *c);

/* out->n 0: this owner has none of that id. */
tiefsee_status ts_chats_find(ts_store *s, const ts_owner *o, const char *id, ts_dialog *out,
                             tiefsee_error *err) TS_MUST_CHECK;

/* id, times, is_pinned and meta of c; c->n is set.  *is_new false: it was there, and c
 * is as it is there. */
tiefsee_status ts_chats_create(ts_store *s, const ts_owner *o, ts_dialog *c, bool *is_new,
                               tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_chats_save(ts_store *s, const ts_owner *o, const ts_dialog *c,
                             tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_chats_delete(ts_store *s, const ts_owner *o, const ts_dialog *c,
                               tiefsee_error *err) TS_MUST_CHECK;

/* Pinned ones first, then the last changed.  after: the last one of the page before;
 * NULL: from the beginning.  visit: false stops. */
typedef bool ts_chat_visit(void *ctx, const ts_dialog *c);
tiefsee_status ts_chats_list(ts_store *s, const ts_owner *o, const ts_dialog *after,
                             ts_chat_visit *visit, void *ctx, tiefsee_error *err) TS_MUST_CHECK;

typedef struct ts_chat_message {
    char id[TS_ID_MAX + 1];
    int64_t seq; /* order of arrival in the conversation; 0: none yet */
    bool is_live;
    ts_str json; /* the whole message but the texts of its files */
} ts_chat_message;

/* A new one (seq 0: is given one) or another text for one that is there.  Counts it,
 * but does not touch c->updated: ts_chats_save. */
tiefsee_status ts_chats_put(ts_store *s, const ts_owner *o, ts_dialog *c, ts_chat_message *m,
                            tiefsee_error *err) TS_MUST_CHECK;

/* In order of arrival; json lives until visit returns. */
typedef bool ts_chat_message_visit(void *ctx, const ts_chat_message *m);
tiefsee_status ts_chats_read(ts_store *s, const ts_owner *o, const ts_dialog *c,
                             ts_chat_message_visit *visit, void *ctx,
                             tiefsee_error *err) TS_MUST_CHECK;

/* The same behind the message with this seq. */
tiefsee_status ts_chats_read_behind(ts_store *s, const ts_owner *o, const ts_dialog *c, int64_t seq,
                                    ts_chat_message_visit *visit, void *ctx,
                                    tiefsee_error *err) TS_MUST_CHECK;

/* One by its id, m->json in text; m->seq 0: there is none. */
tiefsee_status ts_chats_find_message(ts_store *s, const ts_owner *o, const ts_dialog *c,
                                     const char *id, ts_chat_message *m, ts_buf *text,
                                     tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_chats_remove_message(ts_store *s, const ts_owner *o, ts_dialog *c, int64_t seq,
                                       tiefsee_error *err) TS_MUST_CHECK;

/* Texts of the files of a message, by index; find: false in *is_there if there is none. */
tiefsee_status ts_chats_put_file(ts_store *s, const ts_owner *o, const ts_dialog *c, int64_t seq,
                                 int64_t index, ts_str text, tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_chats_find_file(ts_store *s, const ts_owner *o, const ts_dialog *c, int64_t seq,
                                  int64_t index, ts_buf *text, bool *is_there,
                                  tiefsee_error *err) TS_MUST_CHECK;

/* The search filter of a conversation; empty bytes if there is none. */
tiefsee_status ts_chats_read_grams(ts_store *s, const ts_owner *o, const ts_dialog *c, ts_grams *g,
                                   tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_chats_save_grams(ts_store *s, const ts_owner *o, const ts_dialog *c,
                                   const ts_grams *g, tiefsee_error *err) TS_MUST_CHECK;

/* All of an owner, newest first: number, bytes (until visit returns). */
typedef bool ts_grams_visit(void *ctx, int64_t n, ts_str bytes);
tiefsee_status ts_chats_all_grams(ts_store *s, const ts_owner *o, ts_grams_visit *visit, void *ctx,
                                  tiefsee_error *err) TS_MUST_CHECK;

#endif
