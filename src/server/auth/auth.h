/* auth.h - who asks, what they may, and what they used.
 *
 * The life of a request that runs a model:
 *
 *     ts_auth_check(...)          who is it, may they do this          401, 403
 *     ts_auth_begin(...)          a slot, and tokens set aside         429, 402, 400
 *     ... the job runs ...
 *     ts_usage_commit(...)        what it took is in the books         before the last byte
 *     ... the last byte is sent ...
 *     ts_auth_end(...)            slot and unused tokens come back     always, once
 *
 * What ts_usage_commit() acknowledged survives kill -9.  A request that fails
 * before it took anything goes from begin to end.  Other endpoints only check.
 *
 * Keys and limits are read into memory; a change by `tiefsee keys` is noticed
 * within a second, or at once by ts_auth_reload().
 *
 * Every function here may be called from any thread.  Those that wait for the
 * disk say so and are not for the engine thread; the others hold a lock for
 * less than a microsecond.
 */
#ifndef TS_SERVER_AUTH_H
#define TS_SERVER_AUTH_H

#include "core/error.h"
#include "core/str.h"
#include "server/auth/keys.h"
#include "server/auth/usage.h"

typedef struct ts_auth ts_auth;

typedef struct ts_auth_options {
    /* Who sends no key is "local" with the scopes chat and metrics, and so is who
     * sends a word that is no key of ours (clients that insist on one send "x" or
     * "ollama").  A text that begins with "sk-ts-" is always checked. */
    bool allows_nobody;
    int64_t (*unix_ms)(void); /* for tests; NULL: the system's clock */
} ts_auth_options;

/* path: the file of the store, made if it is missing.  opt may be NULL. */
tiefsee_status ts_auth_open(ts_auth **out, const char *path, const ts_auth_options *opt,
                            tiefsee_error *err) TS_MUST_CHECK;

/* Writes what is waiting; no request may be between begin and end.  NULL allowed. */
void ts_auth_close(ts_auth *a);

/* Why not.  The message in err is for the client: it names limits and numbers,
 * never another key. */
typedef enum ts_refusal {
    TS_REFUSAL_NONE = 0,
    TS_REFUSAL_NO_KEY = 1,      /* 401: a key is needed and none was sent */
    TS_REFUSAL_BAD_KEY = 2,     /* 401: no such key, disabled, or deleted */
    TS_REFUSAL_EXPIRED = 3,     /* 401 */
    TS_REFUSAL_SCOPE = 4,       /* 403: the key may not do this */
    TS_REFUSAL_CONCURRENCY = 5, /* 429 */
    TS_REFUSAL_RATE = 6,        /* 429 */
    TS_REFUSAL_QUOTA = 7,       /* 429; 402 where the protocol is DeepSeek's */
    TS_REFUSAL_CONTEXT = 8,     /* 400: longer than this key may ask */
    TS_REFUSAL_SERVER = 9       /* 503: too many requests open at once */
} ts_refusal;

int ts_refusal_http(ts_refusal refusal); /* the status above; 200 for none */

/* Who asks.  A plain value: copy it into the request. */
typedef struct ts_identity {
    int64_t key_id;                 /* 0: without a key */
    char name[TS_KEY_NAME_MAX + 1]; /* of the key; "local" without one */
    char user[24];                  /* fairness and cache namespace of the engine: "key-12" */
    unsigned scopes;
    ts_key_limits limits;
} ts_identity;

/* The one place that takes a credential from headers: "Authorization: Bearer X"
 * or "x-api-key: X"; either may be NULL.  An empty token when there is none.
 * TS_REFUSAL_BAD_KEY: another scheme, or two headers that disagree. */
ts_refusal ts_auth_credential(const char *authorization, const char *x_api_key, ts_str *token,
                              tiefsee_error *err);

/* token may be empty.  scope: one TS_SCOPE_*; 0: any key will do. */
ts_refusal ts_auth_check(ts_auth *a, ts_str token, unsigned scope, ts_identity *out,
                         tiefsee_error *err);

/* One job's right to run.  Lives in the request; do not copy it while it is open. */
typedef struct ts_grant {
    int64_t key_id;
    char model[TS_USAGE_MODEL_MAX + 1];
    uint64_t n_reserved;      /* tokens of the day's quota that are set aside */
    uint64_t n_completion;    /* the job may generate this many tokens: <= what was asked */
    unsigned retry_after_s;   /* after a refusal: when to try again; 0: unknown */
    bool is_open, is_settled; /* begun and not ended; committed */
} ts_grant;

/* Before a job: its prompt and the most it may generate.  A quota that has room
 * for the prompt and at least one token grants what is left of it, see
 * n_completion; so the quota of a day is never exceeded.  key_id 0 has no limits. */
ts_refusal ts_auth_begin(ts_auth *a, const ts_identity *who, const char *model, uint64_t n_prompt,
                         uint64_t max_completion, ts_grant *out, tiefsee_error *err);

/* Write down what the job took, also when it was cancelled or failed half-way.
 * Once per grant (a second call does nothing).  Waits for the disk (a write, no
 * sync: tens of microseconds; at most a few seconds while another program holds
 * the store).  After an error the numbers stay in memory and are tried again
 * with every later commit, but they are not safe: end the response as failed. */
tiefsee_status ts_usage_commit(ts_auth *a, ts_grant *grant, const ts_usage_tokens *tokens,
                               tiefsee_error *err) TS_MUST_CHECK;

/* The same without waiting: on_written comes on the store's thread, must not
 * block, and gets err NULL when the numbers are safe. */
typedef void ts_usage_written(void *user, const tiefsee_error *err);
void ts_usage_commit_then(ts_auth *a, ts_grant *grant, const ts_usage_tokens *tokens,
                          ts_usage_written *on_written, void *user);

/* Give back the slot and what was set aside and not used.  Does nothing when the
 * grant is not open.  Not before on_written of ts_usage_commit_then. */
void ts_auth_end(ts_auth *a, ts_grant *grant);

/* What is left today: /user/balance. */
typedef struct ts_balance {
    bool is_limited;                              /* else the rest but n_used is 0 */
    uint64_t n_limit, n_used, n_reserved, n_left; /* tokens */
    int64_t resets_at;                            /* Unix seconds: the next midnight in UTC */
} ts_balance;

void ts_auth_balance(ts_auth *a, const ts_identity *who, ts_balance *out);

/* The store for admin endpoints and the usage page: keys.h and usage.h work on
 * it.  One caller at a time: it waits for the others and for the disk. */
ts_store *ts_auth_take_store(ts_auth *a);
void ts_auth_give_store(ts_auth *a, bool has_changed); /* true: reload the keys */

/* Read keys and limits again (SIGHUP).  Waits for the disk.  After an error the
 * old ones stay. */
tiefsee_status ts_auth_reload(ts_auth *a, tiefsee_error *err) TS_MUST_CHECK;

typedef struct ts_auth_stats {
    uint64_t generation;   /* grows with each set of keys that was read */
    size_t n_keys, n_open; /* usable keys; grants between begin and end */
    uint64_t n_committed;  /* requests in the books since the start */
    uint64_t n_unwritten;  /* requests that the disk has refused so far */
    uint64_t n_refused[TS_REFUSAL_SERVER + 1];
} ts_auth_stats;

void ts_auth_read_stats(ts_auth *a, ts_auth_stats *out);

#endif
