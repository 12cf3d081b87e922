/* sessions.c - see people.h.
 *
 * A session is 256 random bits in a cookie; a hash of them is all that is kept.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "server/app/people.h"
#include "server/app/people_inside.h"

enum { TOKEN_BYTES = 32 };

static void hash_token(uint8_t hash[32], ts_str token)
{
    (void)crypto_generichash(hash, 32, (const uint8_t *)token.ptr, token.len, NULL, 0);
}

/* Under the lock, or before anybody else is there. */
static bool add_session(ts_people *p, const ts_session *session)
{
    if (p->n_sessions == p->cap_sessions) {
        const size_t cap = p->cap_sessions ? 2 * p->cap_sessions : 16;
        ts_session *more =
            ts_realloc(p->sessions, p->n_sessions * sizeof *more, cap * sizeof *more);

        if (!more)
            return false;
        p->sessions = more;
        p->cap_sessions = cap;
    }
    p->sessions[p->n_sessions++] = *session;
    return true;
}

tiefsee_status ts_sessions_load(ts_people *p, ts_store *s, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "SELECT hash, id, user_n, created, last_used FROM app_session");
    bool is_good = true;

    while (is_good && ts_query_step(&q)) {
        ts_session session = {.user_n = ts_query_get_i64(&q, 2),
                              .created = ts_query_get_i64(&q, 3),
                              .last_used = ts_query_get_i64(&q, 4)};
        const ts_str hash = ts_query_get_blob(&q, 0), id = ts_query_get_str(&q, 1);

        (void)snprintf(session.id, sizeof session.id, "%.*s", TS_STR_ARG(id));
        if (hash.len != sizeof session.hash)
            continue;
        memcpy(session.hash, hash.ptr, hash.len);
        is_good = add_session(p, &session);
    }
    const tiefsee_status st = ts_query_end(&q, err);
    return is_good ? st : ts_fail_nomem(err, sizeof(ts_session), "a session");
}

tiefsee_status ts_sessions_make(ts_people *p, ts_store *s, int64_t user_n, int64_t now,
                                char token[TS_SESSION_TOKEN + 1], tiefsee_error *err)
{
    uint8_t bytes[TOKEN_BYTES];
    ts_session session = {.user_n = user_n, .created = now, .last_used = now};

    randombytes_buf(bytes, sizeof bytes);
    (void)sodium_bin2base64(token, TS_SESSION_TOKEN + 1, bytes, sizeof bytes,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
    hash_token(session.hash, ts_str_of(token));
    ts_id_make(session.id);
    ts_query q = ts_query_begin(s, "INSERT INTO app_session (hash, id, user_n, created, last_used)"
                                   " VALUES (?, ?, ?, ?, ?)");
    ts_query_blob(&q, session.hash, sizeof session.hash);
    ts_query_str(&q, ts_str_of(session.id));
    ts_query_i64(&q, user_n);
    ts_query_i64(&q, now);
    ts_query_i64(&q, now);
    (void)ts_query_step(&q);
    const tiefsee_status st = ts_query_end(&q, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_lock_take(p->lock);
    const bool is_added = add_session(p, &session);
    ts_lock_give(p->lock);
    return is_added ? TIEFSEE_OK : ts_fail_nomem(err, sizeof session, "a session");
}

static bool has_ended(const ts_session *s, int64_t now)
{
    return now - s->last_used > TS_SESSION_IDLE_MS || now - s->created > TS_SESSION_LIFE_MS;
}

bool ts_sessions_find(ts_people *p, ts_str token, int64_t now, ts_person *out, ts_session *session)
{
    uint8_t hash[32];
    ts_session *found = NULL;

    if (token.len != TS_SESSION_TOKEN)
        return false;
    hash_token(hash, token);
    ts_lock_take(p->lock);
    /* Hashes of random tokens: how long a comparison takes says nothing about a token. */
    for (size_t i = 0; i < p->n_sessions && !found; i++)
        if (memcmp(p->sessions[i].hash, hash, sizeof hash) == 0)
            found = &p->sessions[i];
    const ts_person *person =
        found && !has_ended(found, now) ? ts_people_find(p, found->user_n) : NULL;
    const bool is_good = person && !person->is_disabled;
    if (is_good) {
        /* A clock that was set back does not make a session older. */
        found->is_touched = found->is_touched || now > found->last_used;
        found->last_used = now > found->last_used ? now : found->last_used;
        *out = *person;
        if (session)
            *session = *found;
    }
    ts_lock_give(p->lock);
    return is_good;
}

/* Those of the user whose id is (or, all_but, is not) this one. */
static tiefsee_status end_some(ts_people *p, ts_store *s, int64_t user_n, const char *id,
                               bool all_but, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "DELETE FROM app_session WHERE user_n = ? AND (id = ?) <> ?");
    size_t kept = 0;

    ts_query_i64(&q, user_n);
    ts_query_str(&q, ts_str_of(id));
    ts_query_i64(&q, all_but);
    (void)ts_query_step(&q);
    const tiefsee_status st = ts_query_end(&q, err);

    ts_lock_take(p->lock);
    for (size_t i = 0; i < p->n_sessions; i++) {
        const ts_session *at = &p->sessions[i];
        if (at->user_n != user_n || (strcmp(at->id, id) == 0) == all_but)
            p->sessions[kept++] = *at;
    }
    p->n_sessions = kept; /* also if the disk refused: whoever logs out is out */
    ts_lock_give(p->lock);
    return st;
}

tiefsee_status ts_sessions_end(ts_people *p, ts_store *s, int64_t user_n, const char *id,
                               tiefsee_error *err)
{
    return end_some(p, s, user_n, id ? id : "", id == NULL, err);
}

tiefsee_status ts_sessions_end_others(ts_people *p, ts_store *s, int64_t user_n, const char *id,
                                      tiefsee_error *err)
{
    return end_some(p, s, user_n, id, true, err);
}

bool ts_sessions_is_there(ts_people *p, int64_t user_n, const char *id)
{
    bool is_there = false;

    ts_lock_take(p->lock);
    for (size_t i = 0; i < p->n_sessions && !is_there; i++)
        is_there = p->sessions[i].user_n == user_n && strcmp(p->sessions[i].id, id) == 0;
    ts_lock_give(p->lock);
    return is_there;
}

void ts_sessions_list(ts_people *p, int64_t user_n, ts_session_visit *visit, void *ctx)
{
    ts_lock_take(p->lock);
    for (size_t i = 0; i < p->n_sessions; i++)
        if (p->sessions[i].user_n == user_n && !visit(ctx, &p->sessions[i]))
            break;
    ts_lock_give(p->lock);
}

static tiefsee_status write_use(ts_store *s, const ts_session *session, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "UPDATE app_session SET last_used = ? WHERE hash = ?");

    ts_query_i64(&q, session->last_used);
    ts_query_blob(&q, session->hash, sizeof session->hash);
    (void)ts_query_step(&q);
    return ts_query_end(&q, err);
}

/* The next one that is to be written, taken; false: none. */
static bool take_touched(ts_people *p, ts_session *out)
{
    bool is_there = false;

    ts_lock_take(p->lock);
    for (size_t i = 0; i < p->n_sessions && !is_there; i++)
        if (p->sessions[i].is_touched) {
            p->sessions[i].is_touched = false;
            *out = p->sessions[i];
            is_there = true;
        }
    ts_lock_give(p->lock);
    return is_there;
}

/* A clock that was ahead has left dates that would keep a session for as long as it was. */
static tiefsee_status bring_back(ts_people *p, ts_store *s, int64_t now, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "UPDATE app_session SET created = min(created, ?),"
                                   " last_used = min(last_used, ?) WHERE max(created, last_used)"
                                   " > ?");

    ts_lock_take(p->lock);
    for (size_t i = 0; i < p->n_sessions; i++) {
        ts_session *at = &p->sessions[i];
        at->created = at->created < now ? at->created : now;
        at->last_used = at->last_used < now ? at->last_used : now;
    }
    ts_lock_give(p->lock);
    for (int i = 0; i < 3; i++)
        ts_query_i64(&q, now);
    (void)ts_query_step(&q);
    return ts_query_end(&q, err);
}

tiefsee_status ts_sessions_tidy(ts_people *p, ts_store *s, int64_t now, bool removes,
                                tiefsee_error *err)
{
    tiefsee_status st = TIEFSEE_OK;
    ts_session session;
    size_t kept = 0;

    while (st == TIEFSEE_OK && take_touched(p, &session))
        st = write_use(s, &session, err);
    if (st != TIEFSEE_OK || !removes)
        return st;
    st = bring_back(p, s, now, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_query q = ts_query_begin(s, "DELETE FROM app_session WHERE last_used < ? OR created < ?");
    ts_query_i64(&q, now - TS_SESSION_IDLE_MS);
    ts_query_i64(&q, now - TS_SESSION_LIFE_MS);
    (void)ts_query_step(&q);
    st = ts_query_end(&q, err);
    ts_lock_take(p->lock);
    for (size_t i = 0; i < p->n_sessions; i++)
        if (!has_ended(&p->sessions[i], now))
            p->sessions[kept++] = p->sessions[i];
    p->n_sessions = kept;
    ts_lock_give(p->lock);
    return st;
}
