/* login.c - see login.h.
 *
 * A password is hashed for about a second in 256 MiB: one at a time for the whole
 * server, and less and less often for a name that was guessed at.
 */
#include "server/app/login.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/hash.h"
#include "server/app/accounts.h"
#include "server/app/audit.h"
#include "server/app/cache_erase.h"
#include "server/app/notice.h"

enum { MAX_NAMES = 512, FREE_TRIES = 5, LONGEST_WAIT_S = 900, SETUP_S = 900, TIDY_S = 60 };

typedef struct guess {
    uint64_t name; /* hash; 0: free */
    unsigned n_failed;
    double until; /* no more tries before */
} guess;

typedef struct ts_guesses {
    guess at[MAX_NAMES];
    bool is_hashing;
} ts_guesses;

/* ---- guessing */

static uint64_t hash_name(const char *name)
{
    char low[TS_PERSON_NAME_MAX + 1];
    size_t n = 0;

    for (; name[n] && n < TS_PERSON_NAME_MAX; n++)
        low[n] = (char)(name[n] >= 'A' && name[n] <= 'Z' ? name[n] + 32 : name[n]);
    return ts_hash(low, n) | 1;
}

static guess *find_guess(ts_guesses *g, uint64_t name)
{
    guess *oldest = &g->at[0];

    for (size_t i = 0; i < MAX_NAMES; i++) {
        if (g->at[i].name == name)
            return &g->at[i];
        if (g->at[i].until < oldest->until)
            oldest = &g->at[i];
    }
    *oldest = (guess){.name = name};
    return oldest;
}

/* Seconds to wait; 0: go on, and end_try must follow.  name: of hash_name. */
static int begin_try(ts_app *app, uint64_t name)
{
    const double now = ts_clock_seconds();
    int wait = 0;

    ts_lock_take(app->login_lock);
    const guess *g = find_guess(app->guesses, name);
    if (g->until > now && g->n_failed >= FREE_TRIES)
        wait = (int)(g->until - now) + 1;
    else if (app->guesses->is_hashing)
        wait = 1;
    else
        app->guesses->is_hashing = true;
    ts_lock_give(app->login_lock);
    return wait;
}

static void end_try(ts_app *app, uint64_t name, bool is_good)
{
    ts_lock_take(app->login_lock);
    guess *g = find_guess(app->guesses, name);
    g->n_failed = is_good ? 0 : g->n_failed + 1;
    const unsigned beyond = g->n_failed > FREE_TRIES ? g->n_failed - FREE_TRIES : 0;
    const double wait = beyond < 10 ? (double)(1 << beyond) : LONGEST_WAIT_S;
    g->until = ts_clock_seconds() + (wait < LONGEST_WAIT_S ? wait : LONGEST_WAIT_S);
    app->guesses->is_hashing = false;
    ts_lock_give(app->login_lock);
}

static void refuse_wait(ts_reply *reply, int wait)
{
    const ts_http_error error = {
        .status = 429, .message = "too many tries; wait a little", .retry_after_s = wait};

    ts_reply_fail_with(reply, &error);
}

/* ---- what is said of who is there */

const char *ts_login_cookie(const ts_app *app)
{
    return app->opt.is_secure ? "__Host-tiefsee_session" : "tiefsee_session";
}

json_t *ts_login_user(const ts_person *p)
{
    return json_pack("{s:s,s:s,s:s,s:b,s:I,s:I,s:I}", "id", p->id, "name", p->name, "role",
                     ts_role_name(p->role), "is_frozen", (int)p->is_frozen, "created",
                     (json_int_t)p->created, "retention_days", (json_int_t)p->retention_days,
                     "notice_seen", (json_int_t)p->notice_seen);
}

static bool needs_setup(ts_app *app)
{
    return app->opt.has_accounts && ts_people_count_admins(app->people) == 0;
}

static json_t *session_json(ts_app *app, const ts_person *p)
{
    return json_pack("{s:i,s:s,s:b,s:o,s:{s:s,s:b,s:I,s:o}}", "api", 1, "mode",
                     app->opt.has_accounts ? "accounts" : "single", "needs_setup",
                     (int)needs_setup(app), "user", p ? ts_login_user(p) : json_null(), "server",
                     "version", tiefsee_version(), "has_store", 1, "notice_version",
                     (json_int_t)TS_NOTICE_VERSION, "ai_notice", ts_notice_ai());
}

void ts_login_session(ts_http_request *req, ts_reply *reply)
{
    ts_app *app = ts_server_of(req)->app;
    ts_person p;
    const bool is_there = ts_people_by_n(app->people, ts_app_caller_of(req)->user_n, &p);

    ts_app_send(reply, 200, session_json(app, is_there ? &p : NULL));
    if (is_there)
        ts_person_wipe(&p);
}

/* ---- logging in */

static bool set_cookie(ts_app *app, ts_reply *reply, const char *token, int64_t seconds)
{
    char text[256];

    (void)snprintf(text, sizeof text, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
                   ts_login_cookie(app), token, (long long)seconds,
                   app->opt.is_secure ? "; Secure" : "");
    return ts_reply_header(reply, "Set-Cookie", text);
}

static void begin_session(ts_app *app, ts_reply *reply, const ts_person *p)
{
    char token[TS_SESSION_TOKEN + 1];
    tiefsee_error err = {0};

    ts_lock_take(app->store_lock);
    const tiefsee_status st =
        ts_sessions_make(app->people, app->store, p->n, ts_app_now(), token, &err);
    ts_audit(app, p->id, "login", "", st == TIEFSEE_OK ? "ok" : "failed");
    ts_lock_give(app->store_lock);
    if (st == TIEFSEE_OK && set_cookie(app, reply, token, TS_SESSION_LIFE_MS / 1000))
        ts_app_send(reply, 200, session_json(app, p));
    else
        ts_reply_fail_status(reply, &err);
    sodium_memzero(token, sizeof token);
}

/* p: nobody, if there is no such user. */
static bool is_right(ts_app *app, const char *name, const char *password, ts_person *p)
{
    char hash[128] = "";
    const bool is_there = ts_people_by_name(app->people, name, p) && !p->is_disabled;

    if (is_there) {
        ts_lock_take(app->store_lock);
        if (ts_people_read_password(app->store, p->n, hash, NULL) != TIEFSEE_OK)
            hash[0] = '\0';
        ts_lock_give(app->store_lock);
    }
    return ts_password_is_right(hash, password) && is_there;
}

static void refuse_login(ts_app *app, ts_reply *reply, const ts_person *p)
{
    ts_lock_take(app->store_lock);
    ts_audit(app, "", "login", p->id, "failed");
    ts_lock_give(app->store_lock);
    ts_app_refuse(reply, 401, "login_failed", NULL, "name or password is wrong");
}

void ts_login_login(ts_http_request *req, ts_reply *reply)
{
    ts_app *app = ts_server_of(req)->app;
    json_t *body = ts_app_body(req, reply);
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *password = json_string_value(json_object_get(body, "password"));
    ts_person p = {0};

    if (!body)
        return;
    if (!app->opt.has_accounts)
        ts_app_refuse(reply, 409, NULL, NULL, "this server has one user and no login");
    else if (!name || !password || strlen(password) > TS_PASSWORD_MAX)
        ts_app_refuse(reply, 400, NULL, "name", "name and password are needed");
    else {
        const uint64_t key = hash_name(name);
        const int wait = begin_try(app, key);
        if (wait > 0)
            refuse_wait(reply, wait);
        else {
            const bool is_good = is_right(app, name, password, &p);
            end_try(app, key, is_good);
            if (is_good)
                begin_session(app, reply, &p);
            else
                refuse_login(app, reply, &p);
            ts_person_wipe(&p);
        }
    }
    json_decref(body);
}

bool ts_login_confirm(ts_app *app, ts_reply *reply, const ts_app_caller *caller,
                      const char *password, const char *field)
{
    const uint64_t key = hash_name(caller->who.name);
    const bool can_be = password && strlen(password) <= TS_PASSWORD_MAX;
    char hash[128] = "";

    const int wait = can_be ? begin_try(app, key) : 0;
    if (wait > 0) {
        refuse_wait(reply, wait);
        return false;
    }
    if (can_be) {
        ts_lock_take(app->store_lock);
        if (ts_people_read_password(app->store, caller->user_n, hash, NULL) != TIEFSEE_OK)
            hash[0] = '\0';
        ts_lock_give(app->store_lock);
    }
    const bool is_right = can_be && ts_password_is_right(hash, password);
    sodium_memzero(hash, sizeof hash);
    if (can_be)
        end_try(app, key, is_right);
    if (!is_right)
        ts_app_refuse(reply, 403, "login_failed", field, "the password is wrong");
    return is_right;
}

/* ---- the first admin */

static bool code_is_right(ts_app *app, const char *code)
{
    char given[sizeof app->setup_code] = {0};

    (void)snprintf(given, sizeof given, "%s", code);
    return *app->setup_code && ts_clock_seconds() < app->setup_until &&
           sodium_memcmp(given, app->setup_code, sizeof given) == 0;
}

static void set_up(ts_app *app, ts_reply *reply, const char *name, const char *password)
{
    ts_person p = {.role = TS_ROLE_ADMIN, .created = ts_app_now()};
    tiefsee_error err = {0};

    (void)snprintf(p.name, sizeof p.name, "%s", name);
    tiefsee_status st = ts_people_check_name(name, &err);
    if (st == TIEFSEE_OK)
        st = ts_accounts_add(app, &p, password, NULL, &err);
    if (st != TIEFSEE_OK) {
        ts_reply_fail_status(reply, &err);
        return;
    }
    sodium_memzero(app->setup_code, sizeof app->setup_code);
    begin_session(app, reply, &p);
    ts_person_wipe(&p);
}

void ts_login_setup(ts_http_request *req, ts_reply *reply)
{
    ts_app *app = ts_server_of(req)->app;
    json_t *body = ts_app_body(req, reply);
    const char *code = json_string_value(json_object_get(body, "code"));
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *password = json_string_value(json_object_get(body, "password"));

    if (!body)
        return;
    if (!needs_setup(app))
        ts_app_refuse(reply, 409, NULL, NULL, "there is an admin already");
    else if (!code || !name || !password)
        ts_app_refuse(reply, 400, NULL, "code", "code, name and password are needed");
    else {
        const uint64_t key = hash_name("the first admin's code");
        const int wait = begin_try(app, key);
        if (wait > 0)
            refuse_wait(reply, wait);
        else {
            const bool is_good = code_is_right(app, code);
            if (is_good)
                set_up(app, reply, name, password);
            else
                ts_app_refuse(reply, 401, "login_failed", "code",
                              "the code is wrong or too old (a restart prints a new one)");
            end_try(app, key, is_good);
        }
    }
    json_decref(body);
}

void ts_login_logout(ts_http_request *req, ts_reply *reply)
{
    json_t *body = ts_app_body(req, reply);
    const ts_app_caller *caller = ts_app_caller_of(req);
    const bool everywhere = json_is_true(json_object_get(body, "everywhere"));
    ts_work w;

    if (!body)
        return;
    if (ts_app_enter(&w, req, reply)) {
        const tiefsee_status st = *caller->session || everywhere
                                      ? ts_sessions_end(w.app->people, w.store, w.person.n,
                                                        everywhere ? NULL : caller->session, &w.err)
                                      : TIEFSEE_OK;
        ts_audit(w.app, w.person.id, everywhere ? "logout_everywhere" : "logout", "", "ok");
        ts_app *app = w.app;
        if (st != TIEFSEE_OK)
            (void)ts_app_fail(&w, st);
        else {
            ts_app_leave(&w);
            (void)set_cookie(app, reply, "", 0);
            ts_app_send_nothing(reply);
        }
    }
    json_decref(body);
}

/* ---- open, close */

tiefsee_status ts_login_open(ts_app *app, tiefsee_error *err)
{
    static const char letters[] = "23456789abcdefghjkmnpqrstuvwxyz";

    app->guesses = ts_alloc_zero(1, sizeof *app->guesses);
    if (!app->guesses)
        return ts_fail_nomem(err, sizeof *app->guesses, "the logins");
    if (!needs_setup(app))
        return TIEFSEE_OK;
    for (size_t i = 0; i < 14; i++)
        app->setup_code[i] = i % 5 == 4 ? '-' : letters[randombytes_uniform(sizeof letters - 1)];
    app->setup_until = ts_clock_seconds() + SETUP_S;
    if (app->opt.on_code)
        app->opt.on_code(app->opt.user, app->setup_code);
    return TIEFSEE_OK;
}

void ts_login_close(ts_app *app)
{
    ts_free(app->guesses);
    sodium_memzero(app->setup_code, sizeof app->setup_code);
}

void ts_login_tidy(ts_app *app)
{
    const double now = ts_clock_seconds();

    if (now - app->last_tidy < TIDY_S)
        return;
    app->last_tidy = now;
    ts_lock_take(app->store_lock);
    (void)(ts_sessions_tidy(app->people, app->store, ts_app_now(), NULL) == TIEFSEE_OK);
    ts_accounts_tidy(app, ts_app_now());
    ts_lock_give(app->store_lock);
    ts_cache_catch_up(app);
}
