/* chats.c - see chats.h. */
#include "server/app/chats.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SEALED = 256 << 20, MAX_META = 1 << 20, MAX_SEQ = (1 << 20) - 1 };

/* ---- ids */

bool ts_id_is_valid(const char *id)
{
    const size_t n = strlen(id);

    return n >= TS_ID_MIN && n <= TS_ID_MAX &&
           strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == n;
}

void ts_id_make(char id[TS_ID_MAX + 1])
{
    uint8_t bytes[16];

    randombytes_buf(bytes, sizeof bytes);
    (void)sodium_bin2base64(id, TS_ID_MAX + 1, bytes, sizeof bytes,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* ---- places */

/* What a sealed text is bound to.  The conversation's number would do, but a row that
 * is copied into another database must not open there either. */
static ts_str place(char out[TS_VAULT_CONTEXT], const char *kind, const ts_owner *o,
                    const ts_dialog *c, int64_t seq, int64_t index)
{
    const int n = snprintf(out, TS_VAULT_CONTEXT, "tiefsee-1 %s %lld %s %lld %lld", kind,
                           (long long)o->id, c ? c->id : "", (long long)seq, (long long)index);

    return (ts_str){out, (size_t)n};
}

static tiefsee_status damaged(tiefsee_error *err)
{
    return ts_fail(err, TIEFSEE_E_FORMAT, "a sealed row of the store does not open");
}

static tiefsee_status no_memory(tiefsee_error *err)
{
    return ts_fail_nomem(err, 0, "a row of the store");
}

/* ---- conversations */

#define CHAT "SELECT n, id, is_pinned, created, updated, n_messages, sealed FROM app_chat "

void ts_chat_free(ts_dialog *c)
{
    ts_buf_free(&c->meta);
}

static tiefsee_status read_chat(const ts_owner *o, const ts_query *q, ts_dialog *out,
                                tiefsee_error *err)
{
    char where[TS_VAULT_CONTEXT];
    const ts_str id = ts_query_get_str(q, 1);

    out->n = ts_query_get_i64(q, 0);
    (void)snprintf(out->id, sizeof out->id, "%.*s", TS_STR_ARG(id));
    out->is_pinned = ts_query_get_i64(q, 2) != 0;
    out->created = ts_query_get_i64(q, 3);
    out->updated = ts_query_get_i64(q, 4);
    out->n_messages = ts_query_get_u64(q, 5);
    return ts_unseal(o->key, place(where, "chat", o, out, 0, 0), ts_query_get_blob(q, 6),
                     &out->meta)
               ? TIEFSEE_OK
               : damaged(err);
}

/* The first error wins. */
static tiefsee_status end(ts_query *q, tiefsee_status st, tiefsee_error *err)
{
    tiefsee_error other = {0};
    const tiefsee_status ended = ts_query_end(q, st == TIEFSEE_OK ? err : &other);

    return st == TIEFSEE_OK ? ended : st;
}

tiefsee_status ts_chats_find(ts_store *s, const ts_owner *o, const char *id, ts_dialog *out,
                             tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;

    *out = (ts_dialog){.meta = ts_buf_make(MAX_META)};
    ts_query q = ts_query_begin(s, CHAT "WHERE user_n = ? AND id = ?");
    ts_query_i64(&q, o->id);
    ts_query_str(&q, ts_str_of(id));
    if (ts_query_step(&q))
        st = read_chat(o, &q, out, err);
    return end(&q, st, err);
}

static tiefsee_status insert_chat(ts_store *s, const ts_owner *o, ts_dialog *c,
                                  const ts_buf *sealed, bool *is_new, tiefsee_error *err)
{
    ts_query q = ts_query_begin(
        s, "INSERT INTO app_chat (user_n, id, is_pinned, created, updated, n_messages, sealed)"
           " VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING");

    ts_query_i64(&q, o->id);
    ts_query_str(&q, ts_str_of(c->id));
    ts_query_i64(&q, c->is_pinned);
    ts_query_i64(&q, c->created);
    ts_query_i64(&q, c->updated);
    ts_query_blob(&q, sealed->ptr, sealed->len);
    (void)ts_query_step(&q);
    const tiefsee_status st = ts_query_end(&q, err);
    *is_new = st == TIEFSEE_OK && ts_store_n_changed(s) == 1;
    if (*is_new)
        c->n = ts_store_last_id(s);
    return st;
}

static tiefsee_status seal_meta(const ts_owner *o, const ts_dialog *c, ts_buf *out,
                                tiefsee_error *err)
{
    char where[TS_VAULT_CONTEXT];

    return ts_seal(o->key, place(where, "chat", o, c, 0, 0), (ts_str){c->meta.ptr, c->meta.len},
                   out)
               ? TIEFSEE_OK
               : no_memory(err);
}

tiefsee_status ts_chats_create(ts_store *s, const ts_owner *o, ts_dialog *c, bool *is_new,
                               tiefsee_error *err)
{
    ts_buf sealed = ts_buf_make(MAX_META);

    *is_new = false;
    tiefsee_status st = seal_meta(o, c, &sealed, err);
    if (st == TIEFSEE_OK)
        st = insert_chat(s, o, c, &sealed, is_new, err);
    ts_buf_free(&sealed);
    if (st == TIEFSEE_OK && !*is_new) {
        ts_dialog found;
        st = ts_chats_find(s, o, c->id, &found, err);
        ts_chat_free(c);
        *c = found;
    }
    return st;
}

tiefsee_status ts_chats_save(ts_store *s, const ts_owner *o, const ts_dialog *c, tiefsee_error *err)
{
    ts_buf sealed = ts_buf_make(MAX_META);
    tiefsee_status st = seal_meta(o, c, &sealed, err);

    if (st == TIEFSEE_OK) {
        ts_query q = ts_query_begin(s, "UPDATE app_chat SET is_pinned = ?, updated = ?, sealed = ?"
                                       " WHERE n = ? AND user_n = ?");
        ts_query_i64(&q, c->is_pinned);
        ts_query_i64(&q, c->updated);
        ts_query_blob(&q, sealed.ptr, sealed.len);
        ts_query_i64(&q, c->n);
        ts_query_i64(&q, o->id);
        (void)ts_query_step(&q);
        st = ts_query_end(&q, err);
    }
    ts_buf_free(&sealed);
    return st;
}

tiefsee_status ts_chats_delete(ts_store *s, const ts_owner *o, const ts_dialog *c,
                               tiefsee_error *err)
{
    /* Its contexts as well, see cache_erase.h. */
    ts_query note = ts_query_begin(s, "INSERT OR IGNORE INTO app_cache_due SELECT user_n, id"
                                      " FROM app_chat WHERE n = ? AND user_n = ?");
    ts_query_i64(&note, c->n);
    ts_query_i64(&note, o->id);
    (void)ts_query_step(&note);
    const tiefsee_status st = ts_query_end(&note, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_query q = ts_query_begin(s, "DELETE FROM app_chat WHERE n = ? AND user_n = ?");
    ts_query_i64(&q, c->n);
    ts_query_i64(&q, o->id);
    (void)ts_query_step(&q);
    return ts_query_end(&q, err);
}

tiefsee_status ts_chats_list(ts_store *s, const ts_owner *o, const ts_dialog *after,
                             ts_chat_visit *visit, void *ctx, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, CHAT "WHERE user_n = ? AND (is_pinned, updated, n) < (?, ?, ?)"
                                        " ORDER BY is_pinned DESC, updated DESC, n DESC");
    ts_dialog c = {.meta = ts_buf_make(MAX_META)};
    tiefsee_status st = TIEFSEE_OK;

    ts_query_i64(&q, o->id);
    ts_query_i64(&q, after ? after->is_pinned : 2);
    ts_query_i64(&q, after ? after->updated : 0);
    ts_query_i64(&q, after ? after->n : 0);
    while (st == TIEFSEE_OK && ts_query_step(&q)) {
        st = read_chat(o, &q, &c, err);
        if (st == TIEFSEE_OK && !visit(ctx, &c))
            break;
    }
    ts_chat_free(&c);
    return end(&q, st, err);
}

/* ---- messages */

static int64_t row_of(const ts_dialog *c, int64_t seq)
{
    return c->n * (MAX_SEQ + 1) + seq;
}

static int64_t seq_of(int64_t row)
{
    return row & MAX_SEQ;
}

static tiefsee_status next_seq(ts_store *s, const ts_dialog *c, int64_t *seq, tiefsee_error *err)
{
    ts_query q =
        ts_query_begin(s, "SELECT coalesce(max(n), 0) FROM app_message WHERE n BETWEEN ? AND ?");

    ts_query_i64(&q, row_of(c, 0));
    ts_query_i64(&q, row_of(c, MAX_SEQ));
    if (ts_query_step(&q))
        *seq = seq_of(ts_query_get_i64(&q, 0)) + 1;
    const tiefsee_status st = ts_query_end(&q, err);
    return st == TIEFSEE_OK && *seq > MAX_SEQ
               ? ts_fail(err, TIEFSEE_E_LIMIT, "a conversation has at most %d messages", MAX_SEQ)
               : st;
}

static tiefsee_status count_message(ts_store *s, ts_dialog *c, int delta, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "UPDATE app_chat SET n_messages = n_messages + ? WHERE n = ?");

    ts_query_i64(&q, delta);
    ts_query_i64(&q, c->n);
    (void)ts_query_step(&q);
    c->n_messages += (uint64_t)delta;
    return ts_query_end(&q, err);
}

static tiefsee_status write_message(ts_store *s, const ts_dialog *c, const ts_chat_message *m,
                                    const ts_buf *sealed, tiefsee_error *err)
{
    ts_query q = ts_query_begin(
        s, "INSERT INTO app_message (n, chat, id, is_live, sealed) VALUES (?, ?, ?, ?, ?)"
           " ON CONFLICT (n) DO UPDATE SET is_live = excluded.is_live,"
           " sealed = excluded.sealed");

    ts_query_i64(&q, row_of(c, m->seq));
    ts_query_i64(&q, c->n);
    ts_query_str(&q, ts_str_of(m->id));
    ts_query_i64(&q, m->is_live);
    ts_query_blob(&q, sealed->ptr, sealed->len);
    (void)ts_query_step(&q);
    return ts_query_end(&q, err);
}

tiefsee_status ts_chats_put(ts_store *s, const ts_owner *o, ts_dialog *c, ts_chat_message *m,
                            tiefsee_error *err)
{
    ts_buf sealed = ts_buf_make(MAX_SEALED);
    char where[TS_VAULT_CONTEXT];
    const bool is_new = m->seq == 0;
    tiefsee_status st = is_new ? next_seq(s, c, &m->seq, err) : TIEFSEE_OK;

    if (st == TIEFSEE_OK &&
        !ts_seal(o->key, place(where, "msg", o, c, m->seq, 0), m->json, &sealed))
        st = no_memory(err);
    if (st == TIEFSEE_OK)
        st = write_message(s, c, m, &sealed, err);
    ts_buf_free(&sealed);
    if (st == TIEFSEE_OK && is_new)
        st = count_message(s, c, 1, err);
    if (st != TIEFSEE_OK && is_new)
        m->seq = 0;
    return st;
}

static tiefsee_status read_message(const ts_owner *o, const ts_dialog *c, const ts_query *q,
                                   ts_chat_message *m, ts_buf *text, tiefsee_error *err)
{
    char where[TS_VAULT_CONTEXT];
    const ts_str id = ts_query_get_str(q, 1);

    *m = (ts_chat_message){.seq = seq_of(ts_query_get_i64(q, 0)),
                           .is_live = ts_query_get_i64(q, 2) != 0};
    (void)snprintf(m->id, sizeof m->id, "%.*s", TS_STR_ARG(id));
    if (!ts_unseal(o->key, place(where, "msg", o, c, m->seq, 0), ts_query_get_blob(q, 3), text))
        return damaged(err);
    m->json = (ts_str){text->ptr, text->len};
    return TIEFSEE_OK;
}

tiefsee_status ts_chats_read(ts_store *s, const ts_owner *o, const ts_dialog *c,
                             ts_chat_message_visit *visit, void *ctx, tiefsee_error *err)
{
    return ts_chats_read_behind(s, o, c, -1, visit, ctx, err);
}

tiefsee_status ts_chats_read_behind(ts_store *s, const ts_owner *o, const ts_dialog *c, int64_t seq,
                                    ts_chat_message_visit *visit, void *ctx, tiefsee_error *err)
{
    ts_query q = ts_query_begin(
        s, "SELECT n, id, is_live, sealed FROM app_message WHERE n BETWEEN ? AND ? ORDER BY n");
    ts_buf text = ts_buf_make(MAX_SEALED);
    ts_chat_message m;
    tiefsee_status st = TIEFSEE_OK;

    ts_query_i64(&q, row_of(c, seq + 1));
    ts_query_i64(&q, row_of(c, MAX_SEQ));
    while (st == TIEFSEE_OK && ts_query_step(&q)) {
        st = read_message(o, c, &q, &m, &text, err);
        if (st == TIEFSEE_OK && !visit(ctx, &m))
            break;
    }
    ts_buf_free(&text);
    return end(&q, st, err);
}

tiefsee_status ts_chats_find_message(ts_store *s, const ts_owner *o, const ts_dialog *c,
                                     const char *id, ts_chat_message *m, ts_buf *text,
                                     tiefsee_error *err)
{
    ts_query q = ts_query_begin(
        s, "SELECT n, id, is_live, sealed FROM app_message WHERE chat = ? AND id = ?");
    tiefsee_status st = TIEFSEE_OK;

    *m = (ts_chat_message){0};
    ts_query_i64(&q, c->n);
    ts_query_str(&q, ts_str_of(id));
    if (ts_query_step(&q))
        st = read_message(o, c, &q, m, text, err);
    return end(&q, st, err);
}

tiefsee_status ts_chats_remove_message(ts_store *s, const ts_owner *o, ts_dialog *c, int64_t seq,
                                       tiefsee_error *err)
{
    (void)o;
    ts_query q = ts_query_begin(s, "DELETE FROM app_message WHERE n = ?");
    ts_query_i64(&q, row_of(c, seq));
    (void)ts_query_step(&q);
    tiefsee_status st = ts_query_end(&q, err);
    const bool was_there = st == TIEFSEE_OK && ts_store_n_changed(s) == 1;
    if (st == TIEFSEE_OK) {
        ts_query f = ts_query_begin(s, "DELETE FROM app_file WHERE chat = ? AND seq = ?");
        ts_query_i64(&f, c->n);
        ts_query_i64(&f, seq);
        (void)ts_query_step(&f);
        st = ts_query_end(&f, err);
    }
    return st == TIEFSEE_OK && was_there ? count_message(s, c, -1, err) : st;
}

/* ---- files */

tiefsee_status ts_chats_put_file(ts_store *s, const ts_owner *o, const ts_dialog *c, int64_t seq,
                                 int64_t index, ts_str text, tiefsee_error *err)
{
    ts_buf sealed = ts_buf_make(MAX_SEALED);
    char where[TS_VAULT_CONTEXT];
    tiefsee_status st = TIEFSEE_OK;

    if (!ts_seal(o->key, place(where, "file", o, c, seq, index), text, &sealed))
        st = no_memory(err);
    if (st == TIEFSEE_OK) {
        ts_query q = ts_query_begin(
            s, "INSERT OR REPLACE INTO app_file (chat, seq, i, sealed) VALUES (?, ?, ?, ?)");
        ts_query_i64(&q, c->n);
        ts_query_i64(&q, seq);
        ts_query_i64(&q, index);
        ts_query_blob(&q, sealed.ptr, sealed.len);
        (void)ts_query_step(&q);
        st = ts_query_end(&q, err);
    }
    ts_buf_free(&sealed);
    return st;
}

tiefsee_status ts_chats_find_file(ts_store *s, const ts_owner *o, const ts_dialog *c, int64_t seq,
                                  int64_t index, ts_buf *text, bool *is_there, tiefsee_error *err)
{
    ts_query q =
        ts_query_begin(s, "SELECT sealed FROM app_file WHERE chat = ? AND seq = ? AND i = ?");
    char where[TS_VAULT_CONTEXT];
    tiefsee_status st = TIEFSEE_OK;

    *is_there = false;
    ts_query_i64(&q, c->n);
    ts_query_i64(&q, seq);
    ts_query_i64(&q, index);
    if (ts_query_step(&q)) {
        *is_there = ts_unseal(o->key, place(where, "file", o, c, seq, index),
                              ts_query_get_blob(&q, 0), text);
        st = *is_there ? TIEFSEE_OK : damaged(err);
    }
    return end(&q, st, err);
}

/* ---- search filters */

tiefsee_status ts_chats_read_grams(ts_store *s, const ts_owner *o, const ts_dialog *c, ts_grams *g,
                                   tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "SELECT sealed FROM app_grams WHERE chat = ?");
    ts_buf text = ts_buf_make(2 * TS_GRAMS_MAX);
    char where[TS_VAULT_CONTEXT];
    tiefsee_status st = TIEFSEE_OK;

    ts_buf_clear(&g->bytes);
    ts_query_i64(&q, c->n);
    if (ts_query_step(&q) && (!ts_unseal(o->key, place(where, "grams", o, NULL, c->n, 0),
                                         ts_query_get_blob(&q, 0), &text) ||
                              !ts_grams_load(g, (ts_str){text.ptr, text.len})))
        st = damaged(err);
    ts_buf_free(&text);
    return end(&q, st, err);
}

tiefsee_status ts_chats_save_grams(ts_store *s, const ts_owner *o, const ts_dialog *c,
                                   const ts_grams *g, tiefsee_error *err)
{
    ts_buf sealed = ts_buf_make(2 * TS_GRAMS_MAX);
    char where[TS_VAULT_CONTEXT];
    tiefsee_status st = TIEFSEE_OK;

    if (!ts_seal(o->key, place(where, "grams", o, NULL, c->n, 0),
                 (ts_str){g->bytes.ptr, g->bytes.len}, &sealed))
        st = no_memory(err);
    if (st == TIEFSEE_OK) {
        ts_query q = ts_query_begin(
            s, "INSERT OR REPLACE INTO app_grams (chat, user_n, sealed) VALUES (?, ?, ?)");
        ts_query_i64(&q, c->n);
        ts_query_i64(&q, o->id);
        ts_query_blob(&q, sealed.ptr, sealed.len);
        (void)ts_query_step(&q);
        st = ts_query_end(&q, err);
    }
    ts_buf_free(&sealed);
    return st;
}

tiefsee_status ts_chats_all_grams(ts_store *s, const ts_owner *o, ts_grams_visit *visit, void *ctx,
                                  tiefsee_error *err)
{
    ts_query q =
        ts_query_begin(s, "SELECT chat, sealed FROM app_grams WHERE user_n = ? ORDER BY chat DESC");
    ts_buf text = ts_buf_make(2 * TS_GRAMS_MAX);
    char where[TS_VAULT_CONTEXT];
    tiefsee_status st = TIEFSEE_OK;

    ts_query_i64(&q, o->id);
    while (st == TIEFSEE_OK && ts_query_step(&q)) {
        const int64_t n = ts_query_get_i64(&q, 0);

        if (!ts_unseal(o->key, place(where, "grams", o, NULL, n, 0), ts_query_get_blob(&q, 1),
                       &text))
            st = damaged(err);
        else if (!visit(ctx, n, (ts_str){text.ptr, text.len}))
            break;
    }
    ts_buf_free(&text);
    return end(&q, st, err);
}
