/* keys.h - API keys in the store: what the command line and the admin pages do.
 *
 * A key is "sk-ts-", 8 characters that name it, 52 characters of secret (256
 * random bits) and 6 of checksum, all letters and digits.  Only a hash is kept,
 * so the text is shown once, when the key is made.  Deleting a key forgets its
 * hash; what it used stays for the books, under its name.
 */
#ifndef TS_SERVER_KEYS_H
#define TS_SERVER_KEYS_H

#include <jansson.h>

#include "core/error.h"
#include "server/store/store.h"

/* What a key may do.  Values are stored: append, never renumber. */
enum {
    TS_SCOPE_CHAT = 1,    /* ask models, list them, read the own balance and usage */
    TS_SCOPE_ADMIN = 2,   /* keys, limits and usage of everybody */
    TS_SCOPE_METRICS = 4, /* /metrics */
    TS_SCOPE_ALL = 7
};

enum {
    TS_KEY_NAME_MAX = 64, /* bytes of UTF-8, without control characters */
    TS_KEY_ID_LEN = 8,
    TS_KEY_TEXT_LEN = 72,
    TS_KEY_HASH_LEN = 32,
    TS_SCOPES_TEXT = 32
};

#define TS_KEY_LIMIT_MAX ((uint64_t)1 << 53) /* also a number in JSON */

/* 0: no limit. */
typedef struct ts_key_limits {
    uint64_t n_concurrent;        /* jobs at the same time */
    uint64_t tokens_per_day;      /* prompt and completion, per UTC day */
    uint64_t requests_per_minute; /* jobs begun */
    uint64_t n_ctx;               /* tokens of prompt and completion of one job */
} ts_key_limits;

typedef struct ts_key {
    int64_t id; /* never used again; 0 is nobody's key */
    char public_id[TS_KEY_ID_LEN + 1];
    char name[TS_KEY_NAME_MAX + 1];
    unsigned scopes;
    bool is_enabled;
    int64_t created_at, expires_at; /* Unix seconds; expires_at 0: never */
    int64_t last_used_day;          /* days since 1970-01-01; -1: never used */
    ts_key_limits limits;
    uint8_t hash[TS_KEY_HASH_LEN]; /* all that is kept of its text */
} ts_key;

typedef struct ts_key_spec {
    const char *name; /* not used by another key */
    unsigned scopes;
    int64_t expires_at; /* 0: never */
    ts_key_limits limits;
} ts_key_spec;

/* "chat,admin" to bits and back; false: a word that is no scope, or none at all. */
bool ts_scopes_parse(const char *text, unsigned *scopes);
void ts_scopes_print(char out[TS_SCOPES_TEXT], unsigned scopes);

/* Make a key.  text gets the key itself, the only time; wipe it with
 * ts_key_wipe() when it has been shown. */
tiefsee_status ts_keys_add(ts_store *s, const ts_key_spec *spec, int64_t now, ts_key *out,
                           char text[TS_KEY_TEXT_LEN + 1], tiefsee_error *err) TS_MUST_CHECK;
void ts_key_wipe(char text[TS_KEY_TEXT_LEN + 1]);

/* Every key, oldest first; visit returns false to stop. */
typedef bool ts_key_visit(void *ctx, const ts_key *key);
tiefsee_status ts_keys_list(ts_store *s, ts_key_visit *visit, void *ctx,
                            tiefsee_error *err) TS_MUST_CHECK;

/* By name, or by the 8 characters behind "sk-ts-".  TIEFSEE_E_INVALID: no such key. */
tiefsee_status ts_keys_find(ts_store *s, const char *name_or_id, ts_key *out,
                            tiefsee_error *err) TS_MUST_CHECK;

tiefsee_status ts_keys_enable(ts_store *s, int64_t id, bool is_enabled,
                              tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_keys_set_limits(ts_store *s, int64_t id, const ts_key_limits *limits,
                                  tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_keys_set_expiry(ts_store *s, int64_t id, int64_t expires_at,
                                  tiefsee_error *err) TS_MUST_CHECK;
tiefsee_status ts_keys_delete(ts_store *s, int64_t id, int64_t now,
                              tiefsee_error *err) TS_MUST_CHECK;

/* "2027-01-31" (its last day in UTC), "90d" from now, or "never" (0). */
bool ts_expiry_parse(const char *text, int64_t now, int64_t *expires_at);

const char *ts_key_state(const ts_key *key, int64_t now); /* enabled, disabled or expired */

/* A key for people and programs, without its hash: what `tiefsee keys --json` and the
 * admin endpoints show.  NULL: out of memory. */
json_t *ts_key_json(const ts_key *key, int64_t now);

/* The parts of a key's text: false unless form and checksum are right.  hash is
 * what the store keeps. */
bool ts_key_parse(const char *text, size_t n, char public_id[TS_KEY_ID_LEN + 1],
                  uint8_t hash[TS_KEY_HASH_LEN]);

#endif
