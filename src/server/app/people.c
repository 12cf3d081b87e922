/* people.c - see people.h; sessions are in sessions.c. */
#include "server/app/people.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/utf8.h"
#include "server/app/people_inside.h"

static const char *const role_names[] = {"reader", "member", "admin"};

const char *ts_role_name(ts_role role)
{
    return role_names[role];
}

bool ts_role_parse(const char *text, ts_role *out)
{
    for (size_t i = 0; i < TS_COUNT(role_names); i++)
        if (strcmp(text, role_names[i]) == 0) {
            *out = (ts_role)i;
            return true;
        }
    return false;
}

void ts_person_wipe(ts_person *p)
{
    sodium_memzero(p, sizeof *p);
}

/* ---- passwords */

tiefsee_status ts_password_hash(const char *password, char out[128], tiefsee_error *err)
{
    const size_t n = strlen(password);

    _Static_assert(crypto_pwhash_STRBYTES <= 128, "a hash fits");
    if (n < TS_PASSWORD_MIN || n > TS_PASSWORD_MAX)
        return ts_fail(err, TIEFSEE_E_INVALID, "the password has %zu bytes (%d to %d allowed)", n,
                       TS_PASSWORD_MIN, TS_PASSWORD_MAX);
    return crypto_pwhash_str(out, password, n, crypto_pwhash_OPSLIMIT_MODERATE,
                             crypto_pwhash_MEMLIMIT_MODERATE) == 0
               ? TIEFSEE_OK
               : ts_fail_nomem(err, crypto_pwhash_MEMLIMIT_MODERATE, "the hash of a password");
}

bool ts_password_is_right(const char *hash, const char *password)
{
    /* Of a random password that nobody knows. */
    static const char nobodys[] = "$argon2id$v=19$m=262144,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"
                                  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const bool is_right =
        crypto_pwhash_str_verify(*hash ? hash : nobodys, password, strlen(password)) == 0;

    return is_right && *hash;
}

tiefsee_status ts_people_read_password(ts_store *s, int64_t n, char out[128], tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "SELECT coalesce(password, '') FROM app_user WHERE n = ?");

    out[0] = '\0';
    ts_query_i64(&q, n);
    if (ts_query_step(&q)) {
        const ts_str text = ts_query_get_str(&q, 0);
        if (text.len < 128)
            memcpy(out, text.ptr, text.len + 1);
    }
    return ts_query_end(&q, err);
}

/* ---- loading */

static bool add_person(ts_people *p, const ts_person *person)
{
    if (p->n == p->cap) {
        const size_t cap = p->cap ? 2 * p->cap : 16;
        ts_person *more = ts_alloc(cap * sizeof *more);

        if (!more)
            return false;
        if (p->n) {
            memcpy(more, p->at, p->n * sizeof *more);
            sodium_memzero(p->at, p->n * sizeof *more); /* keys */
        }
        ts_free(p->at);
        p->at = more;
        p->cap = cap;
    }
    p->at[p->n++] = *person;
    return true;
}

static void copy_text(char *out, size_t size, ts_str s)
{
    (void)snprintf(out, size, "%.*s", (int)(s.len < size ? s.len : size - 1), s.ptr);
}

#define PERSON                                                                        \
    "SELECT n, id, name, role, is_disabled, is_frozen, password IS NOT NULL, key_id," \
    " created, retention_days, notice_seen, wrapped FROM app_user ORDER BY n"

static tiefsee_status read_person(const ts_vault *v, const ts_query *q, ts_person *out,
                                  tiefsee_error *err)
{
    const int64_t role = ts_query_get_i64(q, 3);

    *out = (ts_person){.n = ts_query_get_i64(q, 0),
                       .role = role >= 0 && role <= TS_ROLE_ADMIN ? (ts_role)role : TS_ROLE_READER,
                       .is_disabled = ts_query_get_i64(q, 4) != 0,
                       .is_frozen = ts_query_get_i64(q, 5) != 0,
                       .has_password = ts_query_get_i64(q, 6) != 0,
                       .key_id = ts_query_get_i64(q, 7),
                       .created = ts_query_get_i64(q, 8),
                       .retention_days = ts_query_get_i64(q, 9),
                       .notice_seen = ts_query_get_i64(q, 10)};
    copy_text(out->id, sizeof out->id, ts_query_get_str(q, 1));
    copy_text(out->name, sizeof out->name, ts_query_get_str(q, 2));
    return ts_vault_unwrap(v, ts_str_of(out->id), ts_query_get_blob(q, 11), out->key)
               ? TIEFSEE_OK
               : ts_fail(err, TIEFSEE_E_FORMAT,
                         "the key of user '%.64s' does not open with the key file %s", out->name,
                         v->path);
}

static tiefsee_status load(ts_people *p, ts_store *s, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, PERSON);
    ts_person person;
    tiefsee_status st = TIEFSEE_OK;
    tiefsee_error ignored = {0};

    while (st == TIEFSEE_OK && ts_query_step(&q)) {
        st = read_person(&p->vault, &q, &person, err);
        if (st == TIEFSEE_OK && !add_person(p, &person))
            st = ts_fail_nomem(err, sizeof person, "a user");
    }
    ts_person_wipe(&person);
    const tiefsee_status ended = ts_query_end(&q, st == TIEFSEE_OK ? err : &ignored);
    return st == TIEFSEE_OK ? ended : st;
}

/* ---- keys */

static tiefsee_status wrap_again(const ts_vault *v, ts_store *s, const ts_person *person,
                                 tiefsee_error *err)
{
    uint8_t wrapped[TS_VAULT_WRAPPED];

    ts_vault_wrap(v, ts_str_of(person->id), person->key, wrapped);
    ts_query q = ts_query_begin(s, "UPDATE app_user SET wrapped = ? WHERE n = ?");
    ts_query_blob(&q, wrapped, sizeof wrapped);
    ts_query_i64(&q, person->n);
    (void)ts_query_step(&q);
    return ts_query_end(&q, err);
}

static tiefsee_status read_due(ts_people *p, ts_store *s, tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "SELECT 1 FROM app_setting WHERE name = 'master_turn_due'");

    p->is_turn_due = ts_query_step(&q);
    return ts_query_end(&q, err);
}

static tiefsee_status write_due(ts_store *s, bool is_due, tiefsee_error *err)
{
    return ts_store_exec(s,
                         is_due
                             ? "INSERT OR REPLACE INTO app_setting VALUES ('master_turn_due', '1')"
                             : "DELETE FROM app_setting WHERE name = 'master_turn_due'",
                         err);
}

/* From when a new master is in the file beside the old one. */
static tiefsee_status finish_turn(ts_people *p, ts_store *s, tiefsee_error *err)
{
    tiefsee_status st = ts_store_begin(s, err);

    if (st != TIEFSEE_OK)
        return st;
    for (size_t i = 0; i < p->n && st == TIEFSEE_OK; i++)
        st = wrap_again(&p->vault, s, &p->at[i], err);
    if (st == TIEFSEE_OK)
        st = write_due(s, false, err);
    st = ts_store_end(s, st, err);
    if (st != TIEFSEE_OK)
        return st;
    p->is_turn_due = false;
    return ts_vault_end_turn(&p->vault, err);
}

tiefsee_status ts_people_catch_up(ts_people *p, ts_store *s, tiefsee_error *err)
{
    /* A turn that was cut off took a new master before it counted as begun. */
    const bool is_begun = p->vault.has_earlier;
    tiefsee_status st = TIEFSEE_OK;

    if (!is_begun && !p->is_turn_due)
        return st;
    if (!is_begun)
        st = ts_vault_begin_turn(&p->vault, err);
    return st == TIEFSEE_OK ? finish_turn(p, s, err) : st;
}

tiefsee_status ts_people_open(ts_people **out, ts_store *s, const char *key_path, ts_str secret,
                              tiefsee_error *err)
{
    ts_people *p = ts_alloc_zero(1, sizeof *p);

    *out = NULL;
    if (!p)
        return ts_fail_nomem(err, sizeof *p, "the users");
    tiefsee_status st = ts_vault_open(&p->vault, key_path, secret, err);
    p->lock = ts_lock_new();
    if (st == TIEFSEE_OK && !p->lock)
        st = ts_fail_nomem(err, 0, "the users");
    if (st == TIEFSEE_OK)
        st = load(p, s, err);
    if (st == TIEFSEE_OK)
        st = read_due(p, s, err);
    if (st == TIEFSEE_OK)
        st = ts_people_catch_up(p, s, err);
    if (st == TIEFSEE_OK)
        st = ts_sessions_load(p, s, err);
    if (st != TIEFSEE_OK) {
        ts_people_close(p);
        return st;
    }
    *out = p;
    return TIEFSEE_OK;
}

bool ts_people_key_is_sealed(const ts_people *p)
{
    return p->vault.is_sealed;
}

void ts_people_close(ts_people *p)
{
    if (!p)
        return;
    if (p->at)
        sodium_memzero(p->at, p->n * sizeof *p->at);
    ts_free(p->at);
    ts_free(p->sessions);
    ts_lock_free(p->lock);
    ts_vault_close(&p->vault);
    ts_free(p);
}

/* ---- finding */

ts_person *ts_people_find(ts_people *p, int64_t n)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->at[i].n == n)
            return &p->at[i];
    return NULL;
}

static bool copy_out(ts_people *p, const ts_person *found, ts_person *out)
{
    if (found)
        *out = *found;
    ts_lock_give(p->lock);
    return found != NULL;
}

bool ts_people_by_n(ts_people *p, int64_t n, ts_person *out)
{
    ts_lock_take(p->lock);
    return copy_out(p, ts_people_find(p, n), out);
}

bool ts_people_by_id(ts_people *p, const char *id, ts_person *out)
{
    const ts_person *found = NULL;

    ts_lock_take(p->lock);
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i].id, id) == 0)
            found = &p->at[i];
    return copy_out(p, found, out);
}

bool ts_people_by_name(ts_people *p, const char *name, ts_person *out)
{
    const ts_person *found = NULL;

    ts_lock_take(p->lock);
    for (size_t i = 0; i < p->n; i++)
        if (strcasecmp(p->at[i].name, name) == 0)
            found = &p->at[i];
    return copy_out(p, found, out);
}

size_t ts_people_count(ts_people *p)
{
    ts_lock_take(p->lock);
    const size_t n = p->n;
    ts_lock_give(p->lock);
    return n;
}

size_t ts_people_count_admins(ts_people *p)
{
    size_t n = 0;

    ts_lock_take(p->lock);
    for (size_t i = 0; i < p->n; i++)
        n += p->at[i].role == TS_ROLE_ADMIN && !p->at[i].is_disabled && p->at[i].has_password;
    ts_lock_give(p->lock);
    return n;
}

bool ts_people_at(ts_people *p, size_t i, ts_person *out)
{
    ts_lock_take(p->lock);
    return copy_out(p, i < p->n ? &p->at[i] : NULL, out);
}

/* ---- changing */

tiefsee_status ts_people_check_name(const char *name, tiefsee_error *err)
{
    const size_t n = strlen(name);

    if (n == 0 || n > TS_PERSON_NAME_MAX)
        return ts_fail(err, TIEFSEE_E_INVALID, "the name has %zu bytes (1 to %d allowed)", n,
                       TS_PERSON_NAME_MAX);
    for (size_t i = 0; i < n;) {
        uint32_t code = 0;
        const size_t len = ts_utf8_decode(name + i, n - i, &code);

        /* Also no marks that turn the direction of writing: names look like what they are. */
        if (len == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) ||
            (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
            (code >= 0x2066 && code <= 0x2069) || code == 0xfeff)
            return ts_fail(err, TIEFSEE_E_INVALID,
                           "the name has a control character or is not UTF-8");
        i += len;
    }
    return name[0] == ' ' || name[n - 1] == ' '
               ? ts_fail(err, TIEFSEE_E_INVALID, "the name begins or ends with a blank")
               : TIEFSEE_OK;
}

static tiefsee_status insert(ts_people *p, ts_store *s, ts_person *person, const char *hash,
                             tiefsee_error *err)
{
    uint8_t wrapped[TS_VAULT_WRAPPED];

    ts_vault_make_key(person->key);
    ts_id_make(person->id);
    ts_vault_wrap(&p->vault, ts_str_of(person->id), person->key, wrapped);
    ts_query q = ts_query_begin(
        s, "INSERT INTO app_user (id, name, role, password, wrapped, key_id, created)"
           " VALUES (?, ?, ?, ?, ?, ?, ?)");
    ts_query_str(&q, ts_str_of(person->id));
    ts_query_str(&q, ts_str_of(person->name));
    ts_query_i64(&q, person->role);
    if (hash)
        ts_query_str(&q, ts_str_of(hash));
    else
        ts_query_null(&q);
    ts_query_blob(&q, wrapped, sizeof wrapped);
    ts_query_i64(&q, person->key_id);
    ts_query_i64(&q, person->created);
    (void)ts_query_step(&q);
    const tiefsee_status st = ts_query_end(&q, err);
    if (st != TIEFSEE_OK && ts_store_is_duplicate(s))
        return ts_fail(err, TIEFSEE_E_INVALID, "there is a user of that name already");
    person->n = ts_store_last_id(s);
    person->has_password = hash != NULL;
    return st;
}

tiefsee_status ts_people_add(ts_people *p, ts_store *s, ts_person *person,
                             const char *password_hash, tiefsee_error *err)
{
    tiefsee_status st = ts_people_check_name(person->name, err);

    if (st == TIEFSEE_OK)
        st = insert(p, s, person, password_hash, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_lock_take(p->lock);
    const bool is_added = add_person(p, person);
    ts_lock_give(p->lock);
    return is_added ? TIEFSEE_OK : ts_fail_nomem(err, sizeof *person, "a user");
}

tiefsee_status ts_people_change(ts_people *p, ts_store *s, const ts_person *person,
                                tiefsee_error *err)
{
    ts_query q = ts_query_begin(
        s, "UPDATE app_user SET role = ?, is_disabled = ?, is_frozen = ?, key_id = ?,"
           " retention_days = ?, notice_seen = ? WHERE n = ?");

    ts_query_i64(&q, person->role);
    ts_query_i64(&q, person->is_disabled);
    ts_query_i64(&q, person->is_frozen);
    ts_query_i64(&q, person->key_id);
    ts_query_i64(&q, person->retention_days);
    ts_query_i64(&q, person->notice_seen);
    ts_query_i64(&q, person->n);
    (void)ts_query_step(&q);
    const tiefsee_status st = ts_query_end(&q, err);
    if (st != TIEFSEE_OK)
        return st;
    ts_lock_take(p->lock);
    ts_person *at = ts_people_find(p, person->n);
    if (at) {
        at->role = person->role;
        at->is_disabled = person->is_disabled;
        at->is_frozen = person->is_frozen;
        at->key_id = person->key_id;
        at->retention_days = person->retention_days;
        at->notice_seen = person->notice_seen;
    }
    ts_lock_give(p->lock);
    return TIEFSEE_OK;
}

tiefsee_status ts_people_set_password(ts_people *p, ts_store *s, int64_t n, const char *hash,
                                      tiefsee_error *err)
{
    ts_query q = ts_query_begin(s, "UPDATE app_user SET password = ? WHERE n = ?");

    ts_query_str(&q, ts_str_of(hash));
    ts_query_i64(&q, n);
    (void)ts_query_step(&q);
    const tiefsee_status st = ts_query_end(&q, err);
    ts_lock_take(p->lock);
    ts_person *at = ts_people_find(p, n);
    if (st == TIEFSEE_OK && at)
        at->has_password = true;
    ts_lock_give(p->lock);
    return st;
}

/* ---- erasing */

static void forget(ts_people *p, int64_t n)
{
    ts_lock_take(p->lock);
    ts_person *at = ts_people_find(p, n);
    if (at) {
        const size_t i = (size_t)(at - p->at);
        memmove(at, at + 1, (p->n - i - 1) * sizeof *at);
        p->n--;
        ts_person_wipe(&p->at[p->n]);
    }
    size_t kept = 0;
    for (size_t i = 0; i < p->n_sessions; i++)
        if (p->sessions[i].user_n != n)
            p->sessions[kept++] = p->sessions[i];
    p->n_sessions = kept;
    ts_lock_give(p->lock);
}

static tiefsee_status delete_row(ts_store *s, int64_t n, tiefsee_error *err)
{
    tiefsee_status st = ts_store_begin(s, err);

    if (st != TIEFSEE_OK)
        return st;
    ts_query q = ts_query_begin(s, "DELETE FROM app_user WHERE n = ?");
    ts_query_i64(&q, n);
    (void)ts_query_step(&q);
    st = ts_query_end(&q, err);
    if (st == TIEFSEE_OK) {
        ts_query note = ts_query_begin(s, "INSERT OR IGNORE INTO app_cache_due VALUES (?, '')");
        ts_query_i64(&note, n);
        (void)ts_query_step(&note);
        st = ts_query_end(&note, err);
    }
    if (st == TIEFSEE_OK)
        st = write_due(s, true, err);
    return ts_store_end(s, st, err);
}

tiefsee_status ts_people_erase(ts_people *p, ts_store *s, int64_t n, tiefsee_error *err)
{
    /* A turn that a full disk cut off comes to its end first. */
    tiefsee_status st = p->vault.has_earlier ? finish_turn(p, s, err) : TIEFSEE_OK;

    if (st == TIEFSEE_OK)
        st = delete_row(s, n, err);
    if (st != TIEFSEE_OK)
        return st;
    forget(p, n);
    p->is_turn_due = true;
    return ts_people_catch_up(p, s, err);
}
