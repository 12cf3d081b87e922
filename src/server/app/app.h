/* app.h - the assistant's half of the server: who is there, what they said, what is
 * being written.  docs/app-api.md is the contract of its routes.
 *
 * One connection to the store, one owner at a time (ts_app_enter ... ts_app_leave).
 * Answers are jobs that outlive the request that asked for them (live.h); what the disk
 * takes longer for is done on one worker thread.
 */
#ifndef TS_SERVER_APP_H
#define TS_SERVER_APP_H

#include <jansson.h>

#include "core/thread.h"
#include "core/worker.h"
#include "server/api/fields.h"
#include "server/api/jsonout.h"
#include "server/app/clock_watch.h"
#include "server/app/people.h"
#include "server/app/search.h"
#include "server/auth/auth.h"
#include "server/server.h"

typedef struct ts_live ts_live;

typedef struct ts_app_options {
    const char *store_path, *key_path;
    ts_str secret;                                 /* seals the key files; or empty */
    bool has_accounts;                             /* else one user, without login */
    bool is_secure;                                /* TLS: cookies say so */
    void (*on_code)(void *user, const char *code); /* the first admin's one-time code */
    void *user;
} ts_app_options;

typedef struct ts_app {
    ts_server *server;
    ts_app_options opt;
    char store_path[512], key_path[512];
    ts_lock *store_lock; /* of the block below */
    ts_store *store;
    ts_search *search;
    ts_people *people;   /* has its own lock, too */
    int64_t local_n;     /* the one user */
    bool is_compact_due; /* something was erased and the log not emptied */
    bool is_cache_due;   /* something new is noted in app_cache_due */
    ts_worker *worker;

    ts_lock *live_lock; /* of the answers; taken inside store_lock, never around it */
    ts_live *live;
    double last_save, last_tidy, last_prune; /* the worker's */
    ts_clock_watch watch;
    int64_t clock_seen; /* as it is in the store */

    ts_vault audit_key;  /* its master; of whoever owns the store */
    int64_t audit_first; /* entries from this one on are under it */

    ts_lock *login_lock;
    struct ts_guesses *guesses;
    char setup_code[24];
    uint64_t n_noted, n_unnoted; /* failed logins with and without an entry; of the store's owner */
    double noting_since;
    double setup_until;
} ts_app;

tiefsee_status ts_app_open(ts_app **out, ts_server *server, const ts_app_options *opt,
                           tiefsee_error *err) TS_MUST_CHECK;

/* When the engines are closed and the books are not.  NULL allowed. */
void ts_app_close(ts_app *app);

/* ---- admission (I/O thread) */

/* What a route asks of who asks; a route's data. */
typedef struct ts_app_access {
    bool is_open; /* nobody in particular may */
    bool needs_admin;
    bool changes; /* content: not for readers and frozen accounts */
    bool stores;  /* something of the account's own: not for frozen ones */
} ts_app_access;

extern const ts_app_access ts_app_open_access, ts_app_reads, ts_app_changes, ts_app_own,
    ts_app_stores, ts_app_admins;

/* The value of a cookie; empty: none. */
ts_str ts_app_cookie(const ts_http_request *req, const char *name);

/* req->identity points to this for requests of the assistant. */
typedef struct ts_app_caller {
    ts_identity who; /* first: the books look at it */
    int64_t user_n;  /* 0: nobody */
    ts_role role;
    char session[TS_ID_MAX + 1];
} ts_app_caller;

bool ts_app_owns(const char *path);
bool ts_app_admit(ts_app *app, ts_http_request *req, ts_http_error *refusal);
static inline const ts_app_caller *ts_app_caller_of(const ts_http_request *req)
{
    return req->identity;
}

/* ---- handlers */

extern const ts_protocol ts_protocol_app;

/* Everything that a handler works with; on its stack. */
typedef struct ts_work {
    ts_app *app;
    ts_http_request *req;
    ts_reply *reply;
    ts_store *store;
    ts_person person; /* wiped by leave */
    ts_owner owner;
    tiefsee_error err;
} ts_work;

/* False: the reply is answered (the user is gone meanwhile). */
bool ts_app_enter(ts_work *w, ts_http_request *req, ts_reply *reply) TS_MUST_CHECK;
void ts_app_leave(ts_work *w); /* idempotent */

/* Answer with an error and leave.  Return false, for `return ts_app_no(...)`. */
bool ts_app_no(ts_work *w, int status, const char *code, const char *field, const char *message);
bool ts_app_fail(ts_work *w, tiefsee_status st); /* w->err */

void ts_app_refuse(ts_reply *reply, int status, const char *code, const char *field,
                   const char *message);
void ts_app_refuse_wrong(ts_reply *reply, const ts_wrong *wrong);

/* The body; NULL: answered.  An empty one is an empty object. */
json_t *ts_app_body(ts_http_request *req, ts_reply *reply);

/* Takes over the reference; NULL: out of memory. */
void ts_app_send(ts_reply *reply, int status, json_t *value);
void ts_app_send_out(ts_reply *reply, ts_out *o); /* frees o */
void ts_app_send_nothing(ts_reply *reply);        /* 204 */

/* The text of value, appended; false: no memory. */
bool ts_app_dump(ts_buf *out, const json_t *value) TS_MUST_CHECK;

/* Text of a member: NULL if it is missing; *is_wrong (and the reply answered) if it is no
 * string or longer than max bytes. */
const char *ts_app_text(json_t *object, const char *name, size_t max, ts_wrong *wrong,
                        bool *is_wrong);

/* One line: control characters and marks that turn the writing become blanks; cut to
 * max bytes at a character. */
void ts_app_line(char *out, size_t max, const char *text);

int64_t ts_app_now(void); /* Unix milliseconds */

/* On the worker, soon. */
typedef struct ts_app_task {
    void (*run)(void *ctx); /* NULL: only look at the answers */
    void *ctx;
} ts_app_task;
void ts_app_later(ts_app *app, void (*run)(void *ctx), void *ctx);

#endif
