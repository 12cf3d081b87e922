/* people.h - who uses the assistant: accounts, their keys, passwords and sessions.
 *
 * Everything that a request looks at is in memory under one lock; changes go to the
 * store first.  Functions with a ts_store wait for the disk and are for whoever owns
 * that store at the moment; the others hold the lock for microseconds.
 */
#ifndef TS_SERVER_PEOPLE_H
#define TS_SERVER_PEOPLE_H

#include "server/app/chats.h"
#include "server/app/vault.h"

typedef struct ts_people ts_people;

/* Values are stored. */
typedef enum ts_role { TS_ROLE_READER = 0, TS_ROLE_MEMBER = 1, TS_ROLE_ADMIN = 2 } ts_role;

const char *ts_role_name(ts_role role);
bool ts_role_parse(const char *text, ts_role *out);

enum {
    TS_PERSON_NAME_MAX = 64,
    TS_PASSWORD_MIN = 8,
    TS_PASSWORD_MAX = 1024,
    TS_SESSION_TOKEN = 43, /* characters */
    TS_SESSION_IDLE_MS = 12 * 3600 * 1000
};
#define TS_SESSION_LIFE_MS ((int64_t)30 * 86400 * 1000)

typedef struct ts_person {
    int64_t n; /* 0: nobody */
    char id[TS_ID_MAX + 1];
    char name[TS_PERSON_NAME_MAX + 1];
    ts_role role;
    bool is_disabled, is_frozen, has_password;
    int64_t key_id; /* of the books; 0: nobody's */
    int64_t created, retention_days, notice_seen;
    uint8_t key[TS_VAULT_KEY]; /* wipe copies: ts_person_wipe */
} ts_person;

void ts_person_wipe(ts_person *p);
static inline ts_owner ts_person_owner(const ts_person *p)
{
    return (ts_owner){p->n, p->key};
}

/* key_path: of the vault.  A turn of the master that was cut off is finished. */
tiefsee_status ts_people_open(ts_people **out, ts_store *s, const char *key_path, ts_str secret,
                              tiefsee_error *err) TS_MUST_CHECK;
bool ts_people_key_is_sealed(const ts_people *p); /* under the secret */
void ts_people_close(ts_people *p);               /* NULL allowed */

/* Copies; false: there is none. */
bool ts_people_by_n(ts_people *p, int64_t n, ts_person *out);
bool ts_people_by_id(ts_people *p, const char *id, ts_person *out);
bool ts_people_by_name(ts_people *p, const char *name, ts_person *out); /* ASCII case ignored */
size_t ts_people_count(ts_people *p);
size_t ts_people_count_admins(ts_people *p); /* that are not disabled */
bool ts_people_at(ts_people *p, size_t i, ts_person *out);

/* name, role, key_id, created of *person; the rest is made.  password NULL: none.
 * Hashing it takes about a second and 256 MiB: not while others wait for a lock. */
tiefsee_status ts_people_check_name(const char *name, tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_password_hash(const char *password, char out[128],
                                tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_people_add(ts_people *p, ts_store *s, ts_person *person,
                             const char *password_hash, tiefsee_error *err) TS_MUST_CHECK;

/* role, flags, key_id, retention_days, notice_seen. */
tiefsee_status ts_people_change(ts_people *p, ts_store *s, const ts_person *person,
                                tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_people_set_password(ts_people *p, ts_store *s, int64_t n, const char *hash,
                                      tiefsee_error *err) TS_MUST_CHECK;

/* out: the stored hash, to be checked without the store; "" for nobody. */
tiefsee_status ts_people_read_password(ts_store *s, int64_t n, char out[128],
                                       tiefsee_error *err) TS_MUST_CHECK;
/* As long for an empty hash as for a real one. */
bool ts_password_is_right(const char *hash, const char *password);

/* The row, all that hangs on it, the key; then the master is turned.  After an error the
 * user may be gone and the turn be due (ts_people_by_n tells). */
tiefsee_status ts_people_erase(ts_people *p, ts_store *s, int64_t n,
                               tiefsee_error *err) TS_MUST_CHECK;

/* A turn that is due, now and then; nothing otherwise. */
tiefsee_status ts_people_catch_up(ts_people *p, ts_store *s, tiefsee_error *err) TS_MUST_CHECK;

/* ---- sessions */

typedef struct ts_session {
    uint8_t hash[32];
    char id[TS_ID_MAX + 1];
    int64_t user_n, created, last_used;
    bool is_touched; /* last_used is newer than in the store */
} ts_session;

tiefsee_status ts_sessions_make(ts_people *p, ts_store *s, int64_t user_n, int64_t now,
                                char token[TS_SESSION_TOKEN + 1], tiefsee_error *err) TS_MUST_CHECK;

/* Whose token is it?  Counts as use.  session may be NULL. */
bool ts_sessions_find(ts_people *p, ts_str token, int64_t now, ts_person *out, ts_session *session);

/* id NULL: all of the user. */
tiefsee_status ts_sessions_end(ts_people *p, ts_store *s, int64_t user_n, const char *id,
                               tiefsee_error *err) TS_MUST_CHECK;
/* All of the user but this one. */
tiefsee_status ts_sessions_end_others(ts_people *p, ts_store *s, int64_t user_n, const char *id,
                                      tiefsee_error *err) TS_MUST_CHECK;
bool ts_sessions_is_there(ts_people *p, int64_t user_n, const char *id);
typedef bool ts_session_visit(void *ctx, const ts_session *s);
void ts_sessions_list(ts_people *p, int64_t user_n, ts_session_visit *visit, void *ctx);

/* Now and then: write uses down, forget what has ended; with removes false only the former,
 * for the date is not to be trusted. */
tiefsee_status ts_sessions_tidy(ts_people *p, ts_store *s, int64_t now, bool removes,
                                tiefsee_error *err) TS_MUST_CHECK;

#endif
